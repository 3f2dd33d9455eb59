// What is drawn from words and settings alone: answers, their keys, the prompt's pictures.
const CHOICES = {
  four: [
    ["left", "A", "player.is_better"], ["tie", "", "player.tie"],
    ["both_bad", "", "player.both_bad"], ["right", "B", "player.is_better"],
  ],
  five: [
    ["left-strong", "A", "player.much"], ["left-slight", "A", "player.slightly"], ["tie", "", "player.tie"],
    ["right-slight", "B", "player.slightly"], ["right-strong", "B", "player.much"],
  ],
};

function drawChoices(group, scale, words) {
  group.classList.add(scale);
  group.replaceChildren(
    ...CHOICES[scale].map(([answer, letter, word]) => {
      const button = document.createElement("button");
      button.dataset.answer = answer;
      if (letter) button.appendChild(document.createElement("b")).textContent = letter;
      else button.className = "minor";
      button.appendChild(document.createElement("span")).textContent = words[word];
      button.appendChild(document.createElement("kbd"));
      return button;
    }),
  );
}

function drawKeys(group, keys) {
  for (const button of group.children) {
    button.lastElementChild.textContent = keys.name(keys.of(`answer-${button.dataset.answer}`)[0]);
  }
}

// One of the prompt's pictures: `number` as the words call it, 0 for the one that clips began with.
function picture(url, number, words) {
  const name = number ? say(words["player.image"], { number }) : "";
  const figure = document.createElement("figure");
  const image = figure.appendChild(document.createElement("img"));
  Object.assign(image, { src: url, alt: name || words["player.first_picture"] });
  if (name) figure.appendChild(document.createElement("figcaption")).textContent = name;
  return figure;
}
