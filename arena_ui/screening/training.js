// Pairs to practise on: both clips, an answer, and what was to be seen or heard.
const ENOUGH_SEEN = 0.9;
const LETTERS = { left: "A", right: "B" };

class TrainingPane {
  // feedback(pair, answer) asks the server; onDone(answers)
  constructor(pane, words, { feedback, onDone }) {
    Object.assign(this, { pane, words, feedback, onDone });
    this.deck = new Deck(pane.querySelector(".stage"), words, {
      onChange: () => this.draw(),
      onPass: () => this.passed(),
    });
    this.deck.element.classList.add("current");
    for (const choice of this.choices) choice.onclick = () => this.answer(choice);
    for (const side of SIDES) this.deck.video[side].onclick = () => this.toggle(side);
    this.button("start").onclick = () => this.start();
    this.button("again").onclick = () => this.replay();
    this.button("next").onclick = () => this.next();
  }

  button(name) { return this.pane.querySelector(`[data-do="${name}"]`); }
  get choices() { return [...this.pane.querySelectorAll("[data-answer]")]; }

  show({ pairs, duration_s, silent }) {
    Object.assign(this, { pairs, duration_s, silent, answers: [] });
    return this.begin();
  }

  async begin() {
    const number = this.answers.length;
    Object.assign(this, { flawed: null, passes: 0 });
    this.pane.querySelector(".number").textContent =
      say(this.words["screening.training_number"], { number: number + 1, total: this.pairs.length });
    this.pane.querySelector(".after").hidden = true;
    this.pane.querySelector(".choices").hidden = false;
    this.button("start").hidden = true;
    this.tell(this.words["screening.watch"]);
    const { left, right } = this.pairs[number];
    const pair = { left: `practice/${left}`, right: `practice/${right}`, first_frame: null, references: [] };
    try {
      await this.deck.load({ ...pair, duration_s: this.duration_s, silent: this.silent });
    } catch (error) {
      this.tell(error.message);
      return;
    }
    this.draw();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!calm && navigator.userActivation?.hasBeenActive) {
      this.start();
    } else { // nothing moves unasked, and browsers allow no sound before a gesture
      this.button("start").hidden = false;
      this.button("start").focus();
    }
  }

  start() {
    this.button("start").hidden = true;
    this.deck.setSound("left");
    this.deck.play();
  }

  get canAnswer() {
    return !this.flawed && this.deck.share >= ENOUGH_SEEN && this.passes >= (this.silent ? 1 : 2);
  }

  // With sound each clip is heard once before the answer, as in the pairs that count.
  passed() {
    this.passes += 1;
    if (this.passes === 1 && !this.silent) {
      this.deck.setSound("right");
      this.deck.replay();
    }
    this.draw();
  }

  toggle(side) {
    if (this.deck.playing) this.deck.pause();
    else {
      if (this.passes > 0) this.deck.setSound(side);
      this.deck.play();
    }
  }

  draw() {
    for (const choice of this.choices) choice.setAttribute("aria-disabled", String(!this.canAnswer));
    for (const side of SIDES) this.deck.figure[side].classList.toggle("flawed", side === this.flawed);
  }

  async answer(choice) {
    if (!this.canAnswer) return;
    const { answer } = choice.dataset;
    this.flawed = "none"; // until the server has said which
    this.draw();
    const { right, better, flaw } = await this.feedback(this.answers.length, answer);
    this.answers.push(answer);
    this.flawed = other(better);
    const judged = say(this.words[right ? "screening.right" : "screening.wrong"], { letter: LETTERS[better] });
    this.tell(`${judged} ${say(this.words[`flaw.${flaw}`], { letter: LETTERS[this.flawed] })}`);
    this.pane.querySelector(".choices").hidden = true;
    this.pane.querySelector(".after").hidden = false;
    this.draw();
    this.button("next").focus();
  }

  // Once more, with what is wrong named beside it and its sound on.
  replay() {
    this.deck.setSound(this.flawed);
    this.deck.replay();
  }

  next() {
    this.deck.pause();
    if (this.answers.length < this.pairs.length) this.begin();
    else this.onDone({ answers: this.answers });
  }

  tell(text) { this.pane.querySelector(".feedback").textContent = text; }
}
