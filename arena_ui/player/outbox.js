// Votes, and reports of faults, on their way: kept in this tab's storage until the server has said that they are saved.
const SHELF = "arena.outbox";
const LONGEST_PAUSE_MS = 8000;
const LATER = new Set([425, 429]); // faster than watching takes, or more than people do: the same vote, later

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function post(path, body) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Arena": "1" },
    body: JSON.stringify(body),
    cache: "no-store",
  });
  if (reply.status >= 500) throw new TypeError(`the server answered ${reply.status}`);
  return { status: reply.status, body: await reply.json() };
}

class Outbox {
  // onState("saving" | "saved" | "retrying"), onSaved(reply), onRefused({kind, error})
  constructor({ onState, onSaved, onRefused }) {
    Object.assign(this, { onState, onSaved, onRefused, sending: false });
    this.votes = Outbox.shelf();
  }

  static shelf() {
    return JSON.parse(sessionStorage.getItem(SHELF) ?? "[]");
  }

  has(ticket) {
    return this.votes.some((vote) => vote.ticket === ticket);
  }

  add(vote) {
    this.votes.push(vote);
    sessionStorage.setItem(SHELF, JSON.stringify([...Outbox.shelf(), vote]));
    this.send();
  }

  // Takes off the shelf what is settled, and nothing that another screen of this tab put there since.
  settle({ ticket }) {
    this.votes = this.votes.filter((vote) => vote.ticket !== ticket);
    sessionStorage.setItem(SHELF, JSON.stringify(Outbox.shelf().filter((vote) => vote.ticket !== ticket)));
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    let wait = 400;
    while (this.votes.length) {
      let reply;
      try {
        this.onState(wait === 400 ? "saving" : "retrying");
        reply = await post(this.votes[0].answers ? "/api/vote" : "/api/fault", this.votes[0]);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        this.onState("retrying"); // no connection, or a server that is just coming back
        await pause(wait);
        wait = Math.min(LONGEST_PAUSE_MS, wait * 2);
        continue;
      }
      wait = 400;
      if (LATER.has(reply.status)) {
        await pause(reply.body.retry_after_s * 1000 + 30);
        continue;
      }
      this.settle(this.votes[0]);
      if (reply.status === 200) {
        this.onState("saved");
        this.onSaved(reply.body);
      } else {
        this.onState("idle");
        this.onRefused(reply.body);
      }
    }
    this.sending = false;
  }
}
