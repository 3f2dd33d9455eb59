// The voting screen: which pair is shown, what is asked, keys and buttons. Clips are deck.js, votes outbox.js.
const screens = new WeakMap();
const KEYS = {
  ArrowLeft: "answer-left", a: "answer-left",
  ArrowRight: "answer-right", b: "answer-right",
  ArrowDown: "answer-tie", t: "answer-tie",
  ArrowUp: "answer-both_bad", x: "answer-both_bad",
  " ": "toggle", r: "replay", s: "sound-other", m: "sound-none", Backspace: "back",
};
const KEYS_OFF = "arena.keys-off";
const SAVING = { idle: "", saving: "Saving…", saved: "Saved", retrying: "No connection, retrying…" };
const FIRST_PICTURE = "The picture both clips had to start from";
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export default function ({ data, parentElement: root, setTriggerValue }) {
  const screen = screens.get(root);
  if (screen) {
    screen.settings = data;
  } else {
    screens.set(root, new Screen(root, data, () => setTriggerValue("finished", true)));
  }
}

class Screen {
  constructor(root, settings, onFinished) {
    Object.assign(this, { root, settings, onFinished, current: null, answers: {}, inputs: new Set() });
    Object.assign(this, { done: 0, total: 0, choseSound: false, muted: false, finished: false, allJudged: false });
    const onChange = () => this.draw();
    this.decks = [0, 1].map(() => {
      const deck = new Deck(this.find(".stage"), { onChange, onPass: () => this.passed(deck) });
      return deck;
    });
    this.outbox = new Outbox({
      onState: (state) => this.showSaving(state),
      onSaved: (reply) => this.take(reply),
      onRefused: (sentence) => {
        this.notice(sentence);
        this.sync();
      },
    });
    this.listen();
    this.sync();
    this.outbox.send();
  }

  find(selector) { return this.root.querySelector(selector); }

  // --- pairs ---------------------------------------------------------------------------------------

  async sync() {
    for (let wait = 300; ; wait = Math.min(4000, wait * 2)) {
      try {
        const { status, body } = await post("/api/next", {});
        if (status === 401) return window.location.reload();
        if (LATER.has(status)) {
          await pause(body.retry_after_s * 1000);
          continue;
        }
        if (status !== 200) return this.notice(body.error);
        return this.take(body);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        await pause(wait);
      }
    }
  }

  // The server's word on what is open; what waits in the outbox counts as answered.
  take({ pairs, done, total, finished }) {
    this.allJudged = finished;
    const open = pairs.filter((pair) => !this.outbox.has(pair.battle_id));
    const unsent = pairs.length - open.length;
    Object.assign(this, { done: done + unsent, total });
    for (const pair of open) {
      if (this.decks.some((deck) => deck.ticket === pair.battle_id)) continue;
      const free = this.decks.find((deck) => deck !== this.current && !open.some((each) => each.battle_id === deck.ticket));
      free?.load(pair);
    }
    if (!this.current) {
      const deck = this.decks.find((each) => each.ticket && each.ticket === open[0]?.battle_id);
      if (deck) this.show(deck);
      else if (!open.length && !this.outbox.votes.length) this.finish();
    }
    this.draw();
  }

  async show(deck) {
    this.current = deck;
    Object.assign(this, { answers: {}, choseSound: false, canAnswer: false });
    this.inputs.clear();
    const { pair } = deck;
    try {
      await deck.ready;
    } catch (error) {
      this.current = null;
      deck.clear();
      if (!(error instanceof Gone)) this.notice(`${error.message} It is asked for again.`);
      await pause(error instanceof Gone ? 500 : 2000);
      return this.sync();
    }
    if (this.current !== deck || deck.pair !== pair) return undefined;
    this.decks.forEach((each) => each.element.classList.toggle("current", each === deck));
    this.find(".waiting").hidden = true;
    this.find(".judging").hidden = false;
    this.find(".words").textContent = pair.prompt_text;
    this.find(".words").lang = pair.prompt_language;
    this.find(".spoken").hidden = !pair.spoken;
    this.find(".spoken").textContent = pair.spoken ? `To be said: “${pair.spoken}”` : "";
    this.find(".spoken").lang = pair.prompt_language;
    this.find(".pictures").replaceChildren(
      ...deck.pictures.map((url, index) => picture(url, pair.first_frame ? "" : `Image ${index + 1}`)),
    );
    this.find(".sound").hidden = pair.silent;
    this.find(".silent").hidden = !pair.silent;
    this.ask();
    this.find(".prompt").focus({ preventScroll: true });
    deck.setSound(this.muted ? "none" : this.firstSound(pair));
    deck.shownAt = performance.now();
    if (!calm()) this.start();
    return undefined;
  }

  // Which sound comes first alternates by chance of the ticket, and is kept as evidence.
  firstSound(pair) { return parseInt(pair.battle_id.at(-1), 16) % 2 ? "left" : "right"; }

  async start() {
    const deck = this.current;
    const wanted = deck.sound;
    if (await deck.play()) return;
    this.find(".hint").textContent = "Sound starts with your first click or key.";
    this.soundAfterGesture = () => { if (this.current === deck && !this.choseSound) deck.setSound(wanted); };
  }

  // After the first play, once more with the other clip's sound, unless the voter chose one.
  passed(deck) {
    if (deck !== this.current || deck.pair.silent || this.choseSound || this.muted || deck.plays !== 1) return;
    if (deck.sound === "none" || Object.keys(this.answers).length) return;
    deck.setSound(deck.sound === "left" ? "right" : "left");
    setTimeout(() => { if (this.current === deck && !deck.playing && deck.plays === 1) deck.replay(); }, 350);
  }

  finish() {
    if (this.finished) return;
    this.finished = true;
    for (const name of [".judging", ".waiting", ".top"]) this.find(name).hidden = true;
    this.find(".thanks").hidden = false;
    this.find(".lead").textContent = this.done
      ? `All ${this.done} of your comparisons are saved. You may close this page.`
      : this.allJudged
        ? "This study has all the answers it needs. Thank you for coming."
        : "There is nothing left for you to compare here.";
    this.find(".after").hidden = !this.settings.leaderboard;
    this.find(".thanks h1").focus({ preventScroll: true });
    this.onFinished();
  }

  // --- questions and answers -----------------------------------------------------------------------

  get question() {
    return this.current?.pair?.questions.find((each) => !(each in this.answers));
  }

  ask() {
    const { questions } = this.current.pair;
    const number = questions.indexOf(this.question);
    this.find(".question").textContent = this.settings.questions[this.question];
    this.find(".back").hidden = number === 0;
    this.find(".hint").textContent =
      number > 0 ? `Question ${number + 1} of ${questions.length}` : "Watch both to the end, then answer.";
    this.find(".choices").querySelectorAll("button").forEach((button) => button.classList.remove("chosen"));
    this.draw();
  }

  answer(outcome, input) {
    if (!this.question || !this.canAnswer || this.find(".judging").hidden) return;
    this.inputs.add(input);
    this.answers[this.question] = outcome;
    this.find(`[data-answer="${outcome}"]`).classList.add("chosen");
    const deck = this.current;
    const asked = { ...this.answers };
    setTimeout(() => {
      if (this.current !== deck) return;
      if (this.question) this.ask();
      else this.submit(asked);
    }, 110); // long enough to see which button it was
  }

  back() {
    const given = Object.keys(this.answers);
    if (!given.length || !this.question) return;
    delete this.answers[given.at(-1)];
    this.ask();
  }

  submit(answers) {
    const deck = this.current;
    const vote = {
      ticket: deck.ticket,
      answers,
      evidence: deck.evidence(this.inputs.size > 1 ? "mixed" : [...this.inputs][0]),
      receipts: { ...deck.receipts },
      nonce: crypto.getRandomValues(new Uint32Array(2)).join("-"),
    };
    this.notice("");
    const following = this.decks.find((each) => each !== deck && each.ticket);
    deck.clear();
    this.current = null;
    this.done += 1;
    if (following) {
      this.show(following);
    } else {
      this.find(".judging").hidden = true;
      this.find(".waiting").hidden = false;
    }
    this.outbox.add(vote);
    this.draw();
  }

  // --- what the voter does -------------------------------------------------------------------------

  act(what, input) {
    const deck = this.current;
    const [verb, object] = what.split(/-(.*)/);
    if (!deck || this.find(".judging").hidden) return;
    if (verb === "answer") this.answer(object, input);
    if (verb === "back") this.back();
    if (verb === "toggle") deck.playing ? deck.pause() : this.start();
    if (verb === "replay") deck.replay();
    if (verb === "sound") this.chooseSound(object);
  }

  chooseSound(choice) {
    const deck = this.current;
    if (deck.pair.silent) return;
    const side = choice === "other" ? (deck.sound === "left" ? "right" : "left") : choice;
    this.muted = side === "none";
    this.choseSound = true;
    deck.setSound(side);
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const target = event.composedPath().find((each) => each.dataset?.do || each.dataset?.answer);
      if (target) this.act(target.dataset.do ?? `answer-${target.dataset.answer}`, "pointer");
      else if (event.composedPath()[0].tagName === "VIDEO") this.act("toggle", "pointer");
    });
    const box = this.find(".keys input");
    box.checked = localStorage.getItem(KEYS_OFF) === null;
    const tellKeys = () => this.find(".arena").classList.toggle("keyless", !box.checked);
    box.addEventListener("change", () => {
      box.checked ? localStorage.removeItem(KEYS_OFF) : localStorage.setItem(KEYS_OFF, "1");
      tellKeys();
    });
    tellKeys();

    // What listens on the whole document goes when this screen is gone.
    const life = new AbortController();
    const on = (kind, act, capture = false) => {
      const whileHere = (event) => (this.root.isConnected ? act(event) : life.abort());
      document.addEventListener(kind, whileHere, { capture, signal: life.signal });
    };

    const onKey = (event) => {
      const [target] = event.composedPath();
      const what = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      const writing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      const pressing = event.key === " " && /^(BUTTON|A)$/.test(target.tagName);
      if (!what || !box.checked || writing || pressing || event.repeat) return;
      if (event.ctrlKey || event.metaKey || event.altKey || this.find(".judging").hidden) return;
      event.preventDefault();
      event.stopPropagation(); // Streamlit has keys of its own
      this.act(what, "key");
    };
    const onGesture = () => {
      this.soundAfterGesture?.();
      this.soundAfterGesture = null;
    };
    on("pointerdown", onGesture, true);
    on("keydown", onGesture, true);
    on("keydown", onKey, true);

    // Streamlit tells voters of a lost connection to restart a server, and locks the page meanwhile. Voting
    // goes on without that connection, and the outbox says itself what becomes of a vote.
    const watch = new MutationObserver(() => {
      if (!this.root.isConnected) watch.disconnect();
      else document.querySelector('[data-testid="stDialog"] button')?.click();
    });
    watch.observe(document.body, { childList: true });

    let hiddenAt = null;
    on("visibilitychange", () => {
      if (document.hidden) {
        hiddenAt = performance.now();
        this.current?.pause();
      } else if (hiddenAt !== null && this.current) {
        this.current.hidden += performance.now() - hiddenAt;
      }
    });
  }

  // --- drawing -------------------------------------------------------------------------------------

  notice(sentence) {
    this.find(".notice").textContent = sentence;
    this.find(".notice").hidden = !sentence;
  }

  showSaving(state) {
    this.find(".saving").dataset.state = state;
    this.find(".saving").textContent = SAVING[state];
  }

  draw() {
    const bar = this.find(".bar");
    bar.setAttribute("aria-valuemax", this.total);
    bar.setAttribute("aria-valuenow", this.done);
    bar.firstElementChild.style.width = this.total ? `${(100 * this.done) / this.total}%` : "0";
    this.find(".count").textContent = this.total ? `${this.done} of ${this.total}` : "";
    const deck = this.current;
    if (!deck?.pair) return;
    this.find(".transport").classList.toggle("playing", deck.playing);
    this.find('[data-do="toggle"]').setAttribute("aria-label", deck.playing ? "Pause" : "Play");
    this.find(".line i").style.width = `${Math.min(100, (100 * deck.now()) / deck.pair.duration_s)}%`;
    for (const side of [...SIDES, "none"]) {
      this.find(`[data-do="sound-${side}"]`).setAttribute("aria-pressed", deck.sound === side);
    }
    const enough = deck.share >= this.settings.watch_share;
    if (enough && !this.canAnswer && Object.keys(this.answers).length === 0) {
      this.find(".hint").textContent = "You can answer now.";
    }
    this.canAnswer = enough;
    for (const button of this.find(".choices").children) button.setAttribute("aria-disabled", !enough);
  }
}

// One of the prompt's pictures: named as the words call it, or the one that clips began with.
function picture(url, name) {
  const figure = document.createElement("figure");
  const image = figure.appendChild(document.createElement("img"));
  Object.assign(image, { src: url, alt: name || FIRST_PICTURE });
  if (name) figure.appendChild(document.createElement("figcaption")).textContent = name;
  return figure;
}
