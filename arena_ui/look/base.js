// Shared by components that speak to the routes themselves, and by those that show a code.
async function ask(path, body) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Arena": "1" },
    body: JSON.stringify(body),
  });
  return reply.status;
}

// Which of the words `copied` and `selected` says what became of it: a page without TLS has no clipboard.
async function copyFrom(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return "copied";
  } catch {
    getSelection().selectAllChildren(element);
    return "selected";
  }
}
