// Two clips played as one, beside each other by one clock or one after the other, with one sound; and a record of
// what was really seen and heard.
const SIDES = ["left", "right"];
const BINS = 48; // distinct moments of a clip; its seen share counts these, not time
const HARD_SEEK_S = 0.25;
const DEAD_BAND_S = 0.008;
const MOST_NUDGE = 0.08;
const FETCH_TRIES = 6;
const GREY_MS = 500; // between two clips in turn
const other = (side) => (side === "left" ? "right" : "left");

class Gone extends Error {}

class Deck {
  // onChange() after anything worth redrawing; onPass() after each play to the end
  constructor(stage, words, { onChange, onPass }) {
    Object.assign(this, { words, onChange, onPass, pair: null, ready: null, urls: [], inTurn: false });
    this.element = document.createElement("div");
    this.element.className = "deck";
    this.video = {};
    this.figure = {};
    for (const [side, letter] of [["left", "A"], ["right", "B"]]) {
      const figure = document.createElement("figure");
      figure.className = "side";
      const video = document.createElement("video");
      Object.assign(video, { playsInline: true, muted: true, preload: "auto", disableRemotePlayback: true });
      video.setAttribute("aria-label", say(words["player.clip"], { letter }));
      const caption = document.createElement("figcaption");
      caption.textContent = letter;
      caption.dataset.sound = words["player.audible"];
      figure.append(video, caption);
      this.element.append(figure);
      Object.assign(this.video, { [side]: video });
      Object.assign(this.figure, { [side]: figure });
    }
    stage.append(this.element);
    this.reset();
  }

  get ticket() { return this.pair?.battle_id; }
  get playing() { return this.wanted; }
  get share() { return Math.min(...SIDES.map((side) => this.seen(side))); }

  reset() {
    this.wanted = false;
    this.bins = { left: new Set(), right: new Set() };
    this.heard = { left: 0, right: 0 };
    this.last = { left: 0, right: 0 };
    Object.assign(this, { receipts: {}, plays: 0, drift: 0, firstHeard: "none", sound: "none", passStart: 0 });
    Object.assign(this, { shownAt: null, hidden: 0, frameAt: null, firstSeen: null, lastSeen: null });
  }

  // Beside each other, or one after the other beginning with `first`.
  arrange(inTurn, first) {
    Object.assign(this, { inTurn, first, shown: first });
    this.element.classList.toggle("in-turn", inTurn);
    this.tellShown();
  }

  tellShown() {
    for (const side of SIDES) this.figure[side].classList.toggle("shown", side === this.shown);
  }

  get sides() { return this.inTurn ? [this.shown] : SIDES; }

  // In turn: this clip from its start.
  present(side) {
    this.pause();
    this.shown = side;
    this.tellShown();
    this.seek(0);
    return this.play();
  }

  clear() {
    this.pause();
    for (const side of SIDES) {
      this.video[side].removeAttribute("src");
      this.video[side].load();
    }
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    Object.assign(this, { pair: null, ready: null, urls: [], pictures: [] });
    this.reset();
  }

  // Fetches all there is to see before any of it is shown: no load time can tell them apart.
  load(pair) {
    this.clear();
    this.pair = pair;
    this.ready = Promise.all([...SIDES.map((side) => this.loadClip(side)), this.loadPictures()]);
    this.ready.catch(() => {}); // whoever shows the deck handles it
    return this.ready;
  }

  async loadClip(side) {
    const { reply, url } = await this.fetch(`/clip/${this.pair[side]}`);
    this.receipts[side] = reply.headers.get("X-Receipt");
    await this.decode(this.video[side], url);
  }

  async loadPictures() {
    const tokens = [this.pair.first_frame, ...this.pair.references].filter(Boolean);
    const fetched = await Promise.all(tokens.map((token) => this.fetch(`/picture/${token}`)));
    this.pictures = fetched.map(({ url }) => url);
  }

  // A whole file as an address of this page's own; asked for again while the server is away.
  async fetch(path) {
    const { pair } = this;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await fetch(path, { cache: "no-store" });
        if (reply.status === 404) throw new Gone();
        if (!reply.ok) throw new TypeError(`the server answered ${reply.status}`);
        const url = URL.createObjectURL(await reply.blob());
        if (this.pair !== pair) {
          URL.revokeObjectURL(url);
          throw new Gone();
        }
        this.urls.push(url);
        return { reply, url };
      } catch (error) {
        if (!(error instanceof TypeError) || attempt === FETCH_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** attempt));
      }
    }
  }

  decode(video, url) {
    return new Promise((resolve, reject) => {
      video.onloadeddata = () => {
        this.element.style.setProperty("--shape", `${video.videoWidth} / ${video.videoHeight}`);
        resolve();
      };
      video.onerror = () => reject(new Error(this.words["player.unplayable"]));
      video.src = url;
      video.load();
    });
  }

  seen(side) { return this.bins[side].size / BINS; }

  setSound(side) {
    this.sound = this.pair?.silent ? "none" : side;
    for (const each of SIDES) {
      this.video[each].muted = each !== this.sound;
      this.figure[each].classList.toggle("audible", each === this.sound);
    }
    this.onChange();
  }

  // Plays on, or from the start after the end. Answers false where the browser allows no sound yet.
  async play() {
    if (this.now() >= this.pair.duration_s - 0.05) this.seek(0);
    if (this.now() < 0.05) this.plays += 1;
    this.firstSeen ??= this.shown;
    this.lastSeen = this.shown;
    Object.assign(this, { wanted: true, passStart: performance.now(), frameAt: null });
    this.shownAt ??= performance.now();
    let allowed = true;
    try {
      await Promise.all(this.sides.map((side) => this.video[side].play()));
    } catch (error) {
      if (error.name === "NotAllowedError" && this.sound !== "none") {
        allowed = false;
        this.setSound("none");
        await Promise.all(this.sides.map((side) => this.video[side].play())).catch(() => { this.wanted = false; });
      } else if (error.name !== "AbortError") {
        this.wanted = false;
      }
    }
    this.onChange();
    requestAnimationFrame((at) => this.tick(at));
    return allowed;
  }

  pause() {
    this.wanted = false;
    clearTimeout(this.grey);
    this.element.classList.remove("grey");
    for (const side of SIDES) this.video[side].pause();
    this.onChange();
  }

  replay() {
    this.seek(0);
    return this.play();
  }

  seek(time) {
    for (const side of SIDES) {
      this.video[side].currentTime = time;
      this.last[side] = time;
    }
  }

  now() {
    const times = this.sides.map((side) => this.video[side].currentTime);
    return times.reduce((sum, time) => sum + time) / times.length;
  }

  tick(at) {
    if (!this.wanted || !this.pair) return;
    if (!this.element.isConnected) {
      this.pause(); // the visitor went to another page; a video plays on without one
      return;
    }
    const clock = this.now();
    for (const side of this.sides) {
      const video = this.video[side];
      this.mark(side, video.currentTime);
      const ahead = video.currentTime - clock;
      if (Math.abs(ahead) > HARD_SEEK_S) video.currentTime = clock;
      const nudge = Math.abs(ahead) < DEAD_BAND_S ? 0 : -ahead * 2;
      video.playbackRate = 1 + Math.max(-MOST_NUDGE, Math.min(MOST_NUDGE, nudge));
    }
    const apart = Math.abs(this.video.left.currentTime - this.video.right.currentTime);
    if (!this.inTurn && at - this.passStart > 400) this.drift = Math.max(this.drift, apart * 1000);
    if (this.frameAt !== null && this.sound !== "none") {
      if (this.firstHeard === "none") this.firstHeard = this.sound;
      this.heard[this.sound] += Math.min(0.5, (at - this.frameAt) / 1000);
    }
    this.frameAt = at;
    this.onChange();
    if (clock >= this.pair.duration_s - 0.02 || this.sides.some((side) => this.video[side].ended)) {
      for (const side of this.sides) this.mark(side, this.pair.duration_s);
      this.pause();
      this.onPass();
      return;
    }
    requestAnimationFrame((next) => this.tick(next));
  }

  // In turn, after a grey moment: the clip that has not been seen.
  follow(side, onShown) {
    this.element.classList.add("grey");
    this.grey = setTimeout(() => {
      this.present(side);
      onShown();
    }, GREY_MS);
  }

  // Marks what lies between two looks at the clock; a jump is no watching.
  mark(side, time) {
    const bin = (moment) => Math.min(BINS - 1, Math.floor((moment / this.pair.duration_s) * BINS));
    const from = this.last[side];
    this.last[side] = time;
    if (document.hidden || time < from || time - from > 0.6) return;
    for (let each = bin(from); each <= bin(time); each += 1) this.bins[side].add(each);
  }

  evidence(input) {
    const seconds = (value) => Math.round(value * 1000) / 1000;
    return {
      seen_left: this.seen("left"),
      seen_right: this.seen("right"),
      heard_left_s: seconds(this.heard.left),
      heard_right_s: seconds(this.heard.right),
      first_heard: this.firstHeard,
      plays: this.plays,
      answer_s: seconds((performance.now() - (this.shownAt ?? performance.now())) / 1000),
      hidden_s: seconds(this.hidden / 1000),
      drift_ms: seconds(this.drift),
      input,
      first_seen: this.inTurn ? this.firstSeen : "both",
      last_seen: this.inTurn ? this.lastSeen : "both",
    };
  }
}
