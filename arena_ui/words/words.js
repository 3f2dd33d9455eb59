// Words into a component's elements: text by data-word, names for screen readers by data-label.
function speak(root, words, language) {
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.dataset.label]);
  }
  root.firstElementChild.lang = language;
}

// A word with its {fields} filled.
const say = (word, fields) => word.replace(/\{(\w+)\}/g, (_, name) => fields[name]);
