// Which screen is shown: the server says what comes next, the page what was measured or answered.
const mounted = new WeakSet();

export default function ({ data, parentElement: root }) {
  if (mounted.has(root)) return;
  mounted.add(root);
  new Screening(root, data).sync();
}

class Screening {
  constructor(root, { words, language, languages }) {
    Object.assign(this, { root, words });
    speak(root, words, language);
    const done = (kind) => (told) => this.send({ kind, ...told });
    this.headphones = new HeadphonePane(this.pane("headphones"), words, done("headphones"));
    this.language = new LanguagePane(this.pane("language"), words, languages, done("language"));
    this.training = new TrainingPane(this.pane("training"), words, {
      feedback: (pair, answer) => this.ask("/api/practice", { pair, answer }),
      onDone: done("training"),
    });
    root.querySelector('[data-do="leave"]').onclick = () => window.location.reload();
  }

  pane(name) { return this.root.querySelector(`[data-pane="${name}"]`); }
  ask(path, body) {
    return ask(path, body, (away) => this.tell(away ? this.words["screening.unreachable"] : ""));
  }

  sync() { return this.follow(this.ask("/api/step", {})); }
  send(told) { return this.follow(this.ask("/api/screening", told)); }

  async follow(reply) {
    try {
      await this.take(await reply);
    } catch (error) {
      if (error instanceof Refused) return this.tell(this.words["screening.refused"]);
      if (!(error instanceof TypeError)) return this.tell(error.message);
      this.tell(this.words["screening.unreachable"]); // a connection lost halfway through a measurement
      await pause(LONGEST_WAIT_MS);
      return this.sync();
    }
    return undefined;
  }

  async take(told) {
    if (told.step === "screened_out" && told.unfit) {
      this.pane("out").querySelector(".reason").textContent = this.words[`unfit.${told.unfit}`];
      this.reveal("out");
    } else if (told.step === "voting" || told.step === "screened_out") {
      window.location.reload();
    } else if (told.step === "device") {
      this.reveal("device");
      await this.send({ kind: "device", ...(await measureDevice(told)) });
    } else {
      this.reveal(told.step);
      await this[told.step].show(told);
    }
  }

  reveal(name) {
    for (const pane of this.root.querySelectorAll("[data-pane]")) pane.hidden = pane.dataset.pane !== name;
    this.pane(name).querySelector("h1").focus({ preventScroll: true });
  }

  tell(text) {
    const problem = this.root.querySelector(".problem");
    problem.hidden = !text;
    problem.textContent = text;
  }
}
