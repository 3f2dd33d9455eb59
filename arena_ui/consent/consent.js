// The first screen: ask, join by the route (only it can set an HttpOnly cookie), load the page anew.
const ready = new WeakSet();
const MINUTES_A_PAIR = 0.4;

export default function ({ data, parentElement: root, setTriggerValue }) {
  if (ready.has(root)) return;
  ready.add(root);
  const { words } = data;
  const find = (id) => root.querySelector(`#${id}`);

  speak(root, words, data.language);
  find("title").textContent = data.known ? words.again_title : data.title;
  find("title").lang = data.known ? data.language : "";
  find("lead").textContent = data.known ? words.again : words.lead;
  find("start").textContent = data.known ? words.go_on : words.start;
  find("asked").hidden = find("refuse").hidden = data.known;
  find("speech").hidden = data.languages.length === 0;
  find("open-box").hidden = !data.asks_open_data;
  find("agree-words").textContent = data.age ? say(words.agree, { age: data.age }) : words.agree_any_age;
  find("facts").append(...facts(data).map((text) => make("li", { textContent: text })));
  find("languages").append(...data.languages.map(chip));
  root.querySelector(".interfaces").append(...data.interfaces.map((each) => link(each, data.language)));

  find("refuse").addEventListener("click", () => setTriggerValue("refused", true));
  root.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = find("problem");
    if (!data.known && !find("agree").checked) {
      problem.textContent = words.unticked;
      find("agree").focus();
      return;
    }
    problem.textContent = "";
    find("start").setAttribute("aria-disabled", "true");
    const body = {
      consent: !data.known,
      languages: [...root.querySelectorAll("#languages input:checked")].map((box) => box.value),
      open_data: find("open").checked,
      interface: data.language,
      query: location.search,
    };
    const wrong = await joined(body);
    if (wrong) {
      find("start").removeAttribute("aria-disabled");
      problem.textContent = words[wrong];
      return;
    }
    history.replaceState(null, "", location.pathname); // who came shall not stay in the address
    location.reload();
  });
}

// What went wrong, as a word; none where the voter has their cookie.
async function joined(body) {
  try {
    const status = await ask("/api/join", body);
    if (status < 300) return "";
    return status === 429 || status >= 500 ? "unreachable" : "failed";
  } catch {
    return "unreachable";
  }
}

function facts({ words, pairs, operator, contact, reward, recruited }) {
  const minutes = Math.max(1, Math.round(pairs * MINUTES_A_PAIR));
  return [
    say(words.length, { pairs, minutes }),
    words.sound,
    reward && say(words.reward, { reward }),
    words.kept,
    recruited ? words.kept_person : words.kept_nobody,
    words.rights,
    operator && say(words.operator, { operator }),
    contact && say(words.contact, { contact }),
  ].filter(Boolean);
}

function chip({ code, name }) {
  const label = make("label", {});
  label.append(make("input", { type: "checkbox", value: code }), make("span", { textContent: name, lang: code }));
  return label;
}

function link({ code, name }, current) {
  const parameters = new URLSearchParams(location.search);
  parameters.set("lang", code);
  const made = make("a", { textContent: name, lang: code, href: `${location.pathname}?${parameters}` });
  if (code === current) made.setAttribute("aria-current", "true");
  return made;
}

const make = (name, properties) => Object.assign(document.createElement(name), properties);
