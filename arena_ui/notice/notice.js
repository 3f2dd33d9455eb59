// One screen in place of the next step: what is, and what the voter takes back to the platform.
const shown = new WeakSet();

export default function ({ data, parentElement: root }) {
  if (shown.has(root)) return;
  shown.add(root);
  const { words, exit } = data;
  const find = (id) => root.querySelector(`#${id}`);
  speak(root, words, data.language);
  find("title").textContent = words[`${data.kind}_title`];
  find("text").textContent = words[data.kind];
  if (!exit) return root.querySelector(".exit").remove();
  const posts = Object.entries(exit.form);
  find("code").textContent = exit.code;
  find("copy").addEventListener("click", async () => {
    find("copied").textContent = words[await copyFrom(find("code"))];
  });
  if (posts.length) {
    find("go").remove();
    find("hand-in").action = exit.url;
    for (const [name, value] of posts) {
      find("hand-in").append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
  } else {
    find("hand-in").remove();
    if (exit.url) find("go").href = exit.url;
    else find("go").remove();
  }
  return undefined;
}
