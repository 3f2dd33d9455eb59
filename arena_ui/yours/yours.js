// A voter's own data: come back elsewhere, take a copy, withdraw, be erased. What cannot be undone is asked twice.
const known = new WeakSet();

export default function ({ data, parentElement: root }) {
  if (known.has(root)) return;
  known.add(root);
  const { words, state } = data;
  const find = (selector) => root.querySelector(selector);
  speak(root, words, data.language);
  find("#lead").textContent = words[state];
  find("#elsewhere").hidden = find("#withdraw").hidden = state !== "voter";
  find("#return").hidden = state !== "nobody";
  find("#mine").hidden = find("#erase").hidden = state === "nobody";
  find("#code").textContent = data.code;
  find("#copy").addEventListener("click", async () => {
    find("#copied").textContent = words[await copyFrom(find("#code"))];
  });

  const send = async (path, body) => {
    let status = 0;
    try {
      status = await ask(path, body);
    } catch { /* no connection: as if the server were away */ }
    if (status === 200) return true;
    find("#problem").textContent = words[status === 404 ? "unknown" : "unreachable"];
    find("#problem").scrollIntoView({ block: "nearest" });
    return false;
  };

  find("#return").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send("/api/return", { code: find("#typed").value })) location.assign("/");
  });
  twice(find("#withdraw"), async () => {
    if (await send("/api/withdraw", {})) location.reload();
  });
  twice(find("#erase"), async () => {
    if (!await send("/api/erase", {})) return;
    for (const card of root.querySelectorAll(".card")) card.hidden = true;
    find("#problem").textContent = "";
    find("#lead").textContent = words.erased;
    find("#title").tabIndex = -1;
    find("#title").focus();
  });
}

// The first button opens the question, whose answer acts or closes it.
function twice(card, act) {
  const [first, sure, yes, no] = [".first", ".sure", ".yes", ".no"].map((name) => card.querySelector(name));
  const open = (isOpen) => {
    sure.hidden = !isOpen;
    first.setAttribute("aria-expanded", isOpen);
    (isOpen ? no : first).focus();
  };
  sure.setAttribute("aria-label", first.textContent);
  first.addEventListener("click", () => open(sure.hidden));
  no.addEventListener("click", () => open(false));
  yes.addEventListener("click", act);
}
