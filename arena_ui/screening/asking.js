// Asking the routes, again and again while the server is away.
const LATER_STATUS = 429;
const LONGEST_WAIT_MS = 8000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Refused extends Error {}

// The reply to a request that is understood; throws Refused where the server does not take it; onAway(true or false) while there is none.
async function ask(path, body, onAway) {
  for (let wait = 500; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      const reply = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Arena": "1" },
        body: JSON.stringify(body),
        cache: "no-store",
      });
      if (reply.status >= 500) throw new TypeError(`the server answered ${reply.status}`);
      const told = await reply.json();
      onAway(false);
      if (reply.status === 401) window.location.reload();
      if (reply.ok) return told;
      if (reply.status !== LATER_STATUS) throw new Refused(told.kind);
      await pause(told.retry_after_s * 1000);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      onAway(true);
      await pause(wait);
    }
  }
}
