// The volume, then six times three tones.
class HeadphonePane {
  // onDone(answers)
  constructor(pane, words, onDone) {
    Object.assign(this, { pane, words, onDone, sound: new Audio() });
    this.sound.onended = () => this.allow(true);
    this.sound.onerror = () => this.canPlay(true);
    this.button("noise").onclick = () => this.play(this.trial.volume);
    this.button("tones").onclick = () => this.begin();
    this.button("play").onclick = () => this.playTones();
    for (const choice of this.choices) choice.onclick = () => this.answer(choice);
  }

  button(name) { return this.pane.querySelector(`[data-do="${name}"]`); }
  get choices() { return [...this.pane.querySelectorAll("[data-tone]")]; }

  show(trial) {
    Object.assign(this, { trial, answers: [] });
    const told = this.pane.querySelector(".told");
    told.hidden = trial.attempt === 0;
    told.textContent = trial.attempt === 0 ? "" : this.words["screening.once_more"];
    this.pane.querySelector(".volume").hidden = false;
    this.pane.querySelector(".tones").hidden = true;
  }

  begin() {
    this.sound.pause();
    this.pane.querySelector(".told").hidden = true;
    this.pane.querySelector(".volume").hidden = true;
    this.pane.querySelector(".tones").hidden = false;
    this.allow(false);
    this.next();
  }

  next() {
    const fields = { number: this.answers.length + 1, total: this.trial.sounds.length };
    this.pane.querySelector(".number").textContent = say(this.words["screening.tones_number"], fields);
    this.canPlay(true);
    this.button("play").focus();
  }

  playTones() {
    if (this.button("play").getAttribute("aria-disabled") === "true") return;
    this.canPlay(false); // each is heard once
    this.play(this.trial.sounds[this.answers.length]);
  }

  play(name) {
    this.sound.src = `/clip/sound/${name}`;
    this.sound.play().catch(() => {}); // an error is told by its event
  }

  canPlay(can) { this.button("play").setAttribute("aria-disabled", String(!can)); }
  allow(can) {
    for (const choice of this.choices) choice.setAttribute("aria-disabled", String(!can));
    if (can && !this.pane.querySelector(".tones").hidden) this.choices[0].focus();
  }

  answer(choice) {
    if (choice.getAttribute("aria-disabled") === "true") return;
    this.allow(false);
    this.answers.push(Number(choice.dataset.tone));
    if (this.answers.length < this.trial.sounds.length) this.next();
    else this.onDone({ attempt: this.trial.attempt, answers: this.answers });
  }
}
