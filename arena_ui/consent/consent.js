// The first screen: ask, join by the route (only it can set an HttpOnly cookie), load the page anew.
const ready = new WeakSet();
const MINUTES_A_PAIR = 0.4;

export default function ({ data, parentElement: root }) {
  if (ready.has(root)) return;
  ready.add(root);
  const find = (id) => root.querySelector(`#${id}`);

  find("title").textContent = data.title;
  find("pairs").textContent = data.pairs;
  find("minutes").textContent = Math.max(1, Math.round(data.pairs * MINUTES_A_PAIR));
  find("speech").hidden = data.languages.length === 0;
  for (const { code, name } of data.languages) {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: code });
    const words = Object.assign(document.createElement("span"), { textContent: name, lang: code });
    label.append(box, words);
    find("languages").append(label);
  }

  root.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = find("problem");
    if (!find("agree").checked) {
      problem.textContent = "Please tick the box above: without your consent no vote can be taken.";
      find("agree").focus();
      return;
    }
    problem.textContent = "";
    find("start").setAttribute("aria-disabled", "true");
    const languages = [...root.querySelectorAll("#languages input:checked")].map((box) => box.value);
    try {
      const reply = await fetch("/api/join", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Arena": "1" },
        body: JSON.stringify({ consent: true, languages }),
      });
      if (!reply.ok) throw new Error((await reply.json()).error);
      window.location.reload();
    } catch (error) {
      find("start").removeAttribute("aria-disabled");
      problem.textContent =
        error instanceof TypeError ? "The server cannot be reached just now. Try again in a moment." : error.message;
    }
  });
}
