// Keys: what each does, as the voter wants it (WCAG 2.1.4: they can be changed and switched off).
const KEYS_OFF = "arena.keys-off";
const OWN_KEYS = "arena.keys";
const USUAL_KEYS = {
  four: {
    "answer-left": ["ArrowLeft", "a"],
    "answer-right": ["ArrowRight", "b"],
    "answer-tie": ["ArrowDown", "t"],
    "answer-both_bad": ["ArrowUp", "x"],
  },
  five: {
    "answer-left-strong": ["1"],
    "answer-left-slight": ["2", "ArrowLeft"],
    "answer-tie": ["3", "ArrowDown"],
    "answer-right-slight": ["4", "ArrowRight"],
    "answer-right-strong": ["5"],
  },
};
const PLAYING_KEYS = {
  toggle: [" "], replay: ["r"], "sound-other": ["s"], "sound-none": ["m"], back: ["Backspace"],
};
const SHOWN_KEYS = { ArrowLeft: "←", ArrowRight: "→", ArrowDown: "↓", ArrowUp: "↑", Backspace: "⌫" };
const NEVER = new Set(["Tab", "Escape", "Enter", "Shift", "Control", "Alt", "Meta", "F5"]); // the browser's own
const plain = (key) => (key.length === 1 ? key.toLowerCase() : key);

class Keys {
  // onAct(action) for a key that does something now; onChange() after keys have changed
  constructor(panel, words, scale, { onAct, onChange }) {
    Object.assign(this, { panel, words, onAct, onChange, waiting: null });
    this.usual = { ...USUAL_KEYS[scale], ...PLAYING_KEYS };
    this.box = panel.querySelector("input");
    this.box.checked = localStorage.getItem(KEYS_OFF) === null;
    this.box.addEventListener("change", () => {
      this.box.checked ? localStorage.removeItem(KEYS_OFF) : localStorage.setItem(KEYS_OFF, "1");
      this.draw();
    });
    panel.querySelector(".reset").addEventListener("click", () => {
      localStorage.removeItem(OWN_KEYS);
      this.draw();
    });
    panel.addEventListener("toggle", () => { this.waiting = null; this.draw(); });
    this.draw();
  }

  get own() { return JSON.parse(localStorage.getItem(OWN_KEYS) ?? "{}"); }
  of(action) { return this.own[action] ? [this.own[action]] : this.usual[action]; }
  name(key) { return key === " " ? this.words["keys.space"] : (SHOWN_KEYS[key] ?? key.toUpperCase()); }
  action(key) { return Object.keys(this.usual).find((action) => this.of(action).includes(key)); }

  // Answers whether the key is taken care of.
  press(event) {
    const key = plain(event.key);
    if (this.waiting) return this.learn(key);
    const target = event.composedPath()[0];
    const writing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
    const pressing = key === " " && /^(BUTTON|A|SUMMARY)$/.test(target.tagName);
    const action = this.action(key);
    if (!action || !this.box.checked || writing || pressing || event.repeat) return false;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    return this.onAct(action);
  }

  learn(key) {
    const action = this.waiting;
    if (NEVER.has(key)) {
      this.waiting = null;
      this.draw();
      return key === "Escape";
    }
    const other = this.action(key);
    if (other && other !== action) {
      this.draw(say(this.words["keys.taken"], { key: this.name(key), action: this.words[`keys.${other}`] }));
      return true;
    }
    localStorage.setItem(OWN_KEYS, JSON.stringify({ ...this.own, [action]: key }));
    this.waiting = null;
    this.draw();
    return true;
  }

  draw(told = "") {
    const list = this.panel.querySelector("ul");
    const focused = this.panel.getRootNode().activeElement?.dataset?.action;
    list.replaceChildren(
      ...Object.keys(this.usual).map((action) => {
        const row = document.createElement("li");
        const button = Object.assign(document.createElement("button"), { className: "quiet", type: "button" });
        const keys = this.of(action).map((key) => this.name(key)).join(", ");
        button.textContent = this.waiting === action ? this.words["keys.press"] : keys;
        button.dataset.action = action;
        button.setAttribute("aria-label", `${this.words[`keys.${action}`]}: ${button.textContent}`);
        button.addEventListener("click", () => {
          this.waiting = this.waiting === action ? null : action;
          this.draw();
        });
        row.append(Object.assign(document.createElement("span"), { textContent: this.words[`keys.${action}`] }), button);
        return row;
      }),
    );
    if (focused) list.querySelector(`[data-action="${focused}"]`).focus();
    this.panel.querySelector(".told").textContent = told;
    this.onChange();
  }
}
