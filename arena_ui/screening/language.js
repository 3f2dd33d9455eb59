// Three sentences of one language to complete.
class LanguagePane {
  // names: of languages, each by its own; onDone(answers)
  constructor(pane, words, names, onDone) {
    Object.assign(this, { pane, words, names, onDone });
    pane.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  show({ language, sentences }) {
    this.language = language;
    const title = this.pane.querySelector(".title");
    title.textContent = say(this.words["screening.language_title"], { language: this.names[language] ?? language });
    this.tell("");
    this.pane.querySelector(".sentences").replaceChildren(
      ...sentences.map((sentence, number) => this.sentence(sentence, number)),
    );
  }

  sentence({ text, options }, number) {
    const group = document.createElement("fieldset");
    group.lang = this.language;
    group.append(Object.assign(document.createElement("legend"), { textContent: text.replace("___", "______") }));
    const row = Object.assign(document.createElement("div"), { className: "options" });
    options.forEach((option, value) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: `sentence-${number}`, value });
      label.append(input, Object.assign(document.createElement("span"), { textContent: option }));
      row.append(label);
    });
    group.append(row);
    return group;
  }

  submit() {
    const groups = [...this.pane.querySelectorAll("fieldset")];
    const chosen = groups.map((group) => group.querySelector(":checked"));
    const open = chosen.indexOf(null);
    if (open >= 0) {
      this.tell(this.words["screening.complete_all"]);
      groups[open].querySelector("input").focus();
      return;
    }
    this.onDone({ language: this.language, answers: chosen.map((input) => Number(input.value)) });
  }

  tell(text) {
    const told = this.pane.querySelector(".told");
    told.hidden = !text;
    told.textContent = text;
  }
}
