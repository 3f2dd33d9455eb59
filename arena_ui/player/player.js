// The voting screen: which pair is shown, and what is asked. Clips are deck.js, votes outbox.js, keys
// keys.js, breaks breaks.js.
const screens = new WeakMap();
const NARROW_PX = 700; // below it clips are shown in turn, where the study leaves it to the window
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
    this.words = settings.words;
    speak(root, this.words, settings.language);
    drawChoices(this.find(".choices"), settings.scale, this.words);
    Object.assign(this, { done: 0, total: 0, choseSound: false, muted: false, finished: false, allJudged: false });
    const onChange = () => this.draw();
    this.decks = [0, 1].map(() => {
      const deck = new Deck(this.find(".stage"), this.words, { onChange, onPass: () => this.passed(deck) });
      return deck;
    });
    this.outbox = new Outbox({
      onState: (state) => this.showSaving(state),
      onSaved: (reply) => this.take(reply),
      onRefused: (reply) => {
        this.refused(reply);
        this.sync();
      },
    });
    this.breaks = new Breaks(this.find(".resting"), this.words, {
      onBegin: () => {
        this.current?.pause();
        this.find(".judging").hidden = this.find(".waiting").hidden = true;
      },
      onEnd: () => this.resume(),
      onReturn: () => this.sync(),
    });
    this.listen();
    this.sync();
    this.outbox.send();
  }

  find(selector) { return this.root.querySelector(selector); }

  refused({ kind }) { this.notice(this.words[`refused.${kind}`] ?? this.words["refused.other"]); }

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
        if (status !== 200) return this.refused(body);
        return this.take(body);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        await pause(wait);
      }
    }
  }

  // The server's word on what is open; what waits in the outbox counts as answered.
  take({ pairs, done, total, finished, rest, back_in_s: backInS }) {
    this.allJudged = finished;
    if (rest === "over") return this.breaks.sendAway(backInS);
    const open = pairs.filter((pair) => !this.outbox.has(pair.battle_id));
    const unsent = this.outbox.votes.filter(({ answers, ticket }) =>
      answers && pairs.some((pair) => pair.battle_id === ticket)).length;
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
    if (rest === "offer") this.breaks.offer(this.done);
    return this.draw();
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
      if (!(error instanceof Gone)) this.notice(`${error.message} ${this.words["player.asked_again"]}`);
      await pause(error instanceof Gone ? 500 : 2000);
      return this.sync();
    }
    if (this.current !== deck || deck.pair !== pair) return undefined;
    this.decks.forEach((each) => each.element.classList.toggle("current", each === deck));
    this.find(".waiting").hidden = true;
    this.find(".judging").hidden = this.breaks.resting;
    this.find(".words").textContent = pair.prompt_text;
    this.find(".words").lang = pair.prompt_language;
    this.find(".spoken").hidden = !pair.spoken;
    this.find(".spoken").textContent = pair.spoken ? say(this.words["player.spoken"], { words: pair.spoken }) : "";
    this.find(".spoken").lang = pair.prompt_language;
    this.find(".pictures").replaceChildren(
      ...deck.pictures.map((url, index) => picture(url, pair.first_frame ? 0 : index + 1, this.words)),
    );
    const first = this.firstSide(pair);
    deck.arrange(this.showsInTurn(), first);
    this.find(".sound").hidden = pair.silent && !deck.inTurn;
    this.find(".sound").setAttribute("aria-label", this.words[deck.inTurn ? "player.show" : "player.sound_of"]);
    this.find(".silent").hidden = !pair.silent || deck.inTurn;
    for (const details of this.root.querySelectorAll(".aside details")) details.open = false;
    this.ask();
    if (!this.breaks.resting) this.find(".prompt").focus({ preventScroll: true });
    deck.setSound(this.muted ? "none" : first);
    deck.shownAt = performance.now();
    if (!calm() && !this.breaks.resting) this.start();
    return undefined;
  }

  // After a break the pair is shown from its beginning, and its time counts from here.
  resume() {
    this.find(this.current ? ".judging" : ".waiting").hidden = false;
    if (!this.current) return;
    this.current.shownAt = performance.now();
    this.find(".prompt").focus({ preventScroll: true });
    if (!calm()) this.current.replay();
  }

  // Which side is heard, or seen, first is left to the chance of the ticket, and is kept as evidence.
  firstSide(pair) { return parseInt(pair.battle_id.at(-1), 16) % 2 ? "left" : "right"; }

  showsInTurn() {
    const { presentation } = this.settings;
    return presentation === "in_turn" || (presentation === "auto" && this.root.host.clientWidth < NARROW_PX);
  }

  async start() {
    const deck = this.current;
    const wanted = deck.sound;
    if (await deck.play()) return;
    this.find(".hint").textContent = this.words["player.sound_after_gesture"];
    this.soundAfterGesture = () => { if (this.current === deck && !this.choseSound) deck.setSound(wanted); };
  }

  // In turn the other clip follows the first. Side by side the first play is followed by one with the other clip's
  // sound, unless the voter chose one.
  passed(deck) {
    if (deck !== this.current) return;
    if (deck.inTurn) {
      if (deck.plays === 1 && deck.shown === deck.first) this.inTurn(deck, other(deck.first));
      return;
    }
    if (deck.pair.silent || this.choseSound || this.muted || deck.plays !== 1) return;
    if (deck.sound === "none" || Object.keys(this.answers).length) return;
    deck.setSound(other(deck.sound));
    setTimeout(() => { if (this.current === deck && !deck.playing && deck.plays === 1) deck.replay(); }, 350);
  }

  finish() {
    if (this.finished) return;
    this.finished = true;
    for (const name of [".judging", ".waiting", ".top"]) this.find(name).hidden = true;
    this.find(".thanks").hidden = false;
    const ending = this.done ? "saved" : this.allJudged ? "enough" : "nothing";
    this.find(".thanks .lead").textContent = say(this.words[`thanks.${ending}`], { done: this.done });
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
    this.find(".question").textContent = this.words[`question.${this.question}`];
    this.find(".back").hidden = number === 0;
    this.find(".hint").textContent = number > 0
      ? say(this.words["player.question_number"], { number: number + 1, total: questions.length })
      : this.words[this.current.inTurn ? "player.watch_in_turn" : "player.watch"];
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
    const { current: deck } = this;
    const evidence = deck.evidence(this.inputs.size > 1 ? "mixed" : [...this.inputs][0]);
    this.done += 1;
    this.notice("");
    this.leave({ answers, evidence, receipts: { ...deck.receipts } });
  }

  report(kind) {
    this.notice(this.words["fault.thanks"]);
    this.leave({ kind });
  }

  // On to the next pair; what was said of this one goes out meanwhile.
  leave(said) {
    const deck = this.current;
    const sent = { ticket: deck.ticket, nonce: crypto.getRandomValues(new Uint32Array(2)).join("-"), ...said };
    const following = this.decks.find((each) => each !== deck && each.ticket);
    deck.clear();
    this.current = null;
    if (following) {
      this.show(following);
    } else {
      this.find(".judging").hidden = true;
      this.find(".waiting").hidden = false;
    }
    this.outbox.add(sent);
    this.draw();
  }

  // --- what the voter does -------------------------------------------------------------------------

  act(what, input) {
    const deck = this.current;
    const [verb, object] = what.split(/-(.*)/);
    if (verb === "rested") return this.breaks.end();
    if (!deck || this.find(".judging").hidden) return undefined;
    if (verb === "answer") this.answer(object, input);
    if (verb === "back") this.back();
    if (verb === "fault") this.report(object);
    if (verb === "toggle") deck.playing ? deck.pause() : this.start();
    if (verb === "replay") deck.replay();
    if (verb === "sound") this.chooseSound(object);
    return undefined;
  }

  chooseSound(choice) {
    const deck = this.current;
    if (deck.inTurn && choice !== "none") return this.inTurn(deck, choice === "other" ? other(deck.shown) : choice, 0);
    if (deck.pair.silent) return undefined;
    const side = choice === "other" ? other(deck.sound) : choice;
    this.muted = deck.inTurn ? !this.muted : side === "none";
    this.choseSound = true;
    return deck.setSound(deck.inTurn && !this.muted ? deck.shown : side);
  }

  // The other clip, at once or after a grey moment, with its sound.
  inTurn(deck, side, grey = true) {
    const sound = () => deck.setSound(this.muted ? "none" : side);
    if (grey) return deck.follow(side, sound);
    deck.present(side);
    return sound();
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const target = event.composedPath().find((each) => each.dataset?.do || each.dataset?.answer);
      if (target) this.act(target.dataset.do ?? `answer-${target.dataset.answer}`, "pointer");
      else if (event.composedPath()[0].tagName === "VIDEO") this.act("toggle", "pointer");
    });
    this.keys = new Keys(this.find(".keys"), this.words, this.settings.scale, {
      onAct: (action) => {
        if (!this.current || this.find(".judging").hidden) return false;
        this.act(action, "key");
        return true;
      },
      onChange: () => this.tellKeys(),
    });
    this.tellKeys();

    // What listens on the whole document goes when this screen is gone.
    const life = new AbortController();
    const on = (kind, act, capture = false) => {
      const whileHere = (event) => (this.root.isConnected ? act(event) : life.abort());
      document.addEventListener(kind, whileHere, { capture, signal: life.signal });
    };

    const onKey = (event) => {
      if (!this.keys.press(event)) return;
      event.preventDefault();
      event.stopPropagation(); // Streamlit has keys of its own
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

  tellKeys() {
    if (!this.keys) return;
    this.find(".arena").classList.toggle("keyless", !this.keys.box.checked);
    drawKeys(this.find(".choices"), this.keys);
  }

  // --- drawing -------------------------------------------------------------------------------------

  notice(sentence) {
    this.find(".notice").textContent = sentence;
    this.find(".notice").hidden = !sentence;
  }

  showSaving(state) {
    this.find(".saving").dataset.state = state;
    this.find(".saving").textContent = state === "idle" ? "" : this.words[`player.${state}`];
  }

  draw() {
    const bar = this.find(".bar");
    bar.setAttribute("aria-valuemax", this.total);
    bar.setAttribute("aria-valuenow", this.done);
    bar.firstElementChild.style.width = this.total ? `${(100 * this.done) / this.total}%` : "0";
    this.find(".count").textContent = this.total
      ? say(this.words["player.count"], { done: this.done, total: this.total })
      : "";
    const deck = this.current;
    if (!deck?.pair) return;
    this.find(".transport").classList.toggle("playing", deck.playing);
    this.find('[data-do="toggle"]').setAttribute("aria-label", this.words[deck.playing ? "player.pause" : "player.play"]);
    this.find(".line i").style.width = `${Math.min(100, (100 * deck.now()) / deck.pair.duration_s)}%`;
    for (const side of [...SIDES, "none"]) {
      const pressed = deck.inTurn && side !== "none" ? deck.shown === side : deck.sound === side;
      this.find(`[data-do="sound-${side}"]`).setAttribute("aria-pressed", pressed);
    }
    const enough = deck.share >= this.settings.watch_share;
    if (enough && !this.canAnswer && Object.keys(this.answers).length === 0) {
      this.find(".hint").textContent = this.words["player.can_answer"];
    }
    this.canAnswer = enough;
    for (const button of this.find(".choices").children) button.setAttribute("aria-disabled", !enough);
  }
}
