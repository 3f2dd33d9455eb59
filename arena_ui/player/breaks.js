// A voter's breaks: offered after a while, and kept where a sitting is over.
class Breaks {
  // onBegin() hides what is judged, onEnd() shows it again, onReturn() asks the server for more.
  constructor(element, words, { onBegin, onEnd, onReturn }) {
    Object.assign(this, { element, words, onBegin, onEnd, onReturn, resting: false, offeredAt: null });
  }

  // Once at each count of votes: who went on is not asked again before the next vote.
  offer(done) {
    if (this.offeredAt === done) return;
    this.offeredAt = done;
    this.begin(this.words["rest.offer"], true);
  }

  // Nothing is shown until the voter has been away; then the page goes on by itself.
  sendAway(seconds) {
    this.begin(say(this.words["rest.over"], { minutes: Math.ceil(seconds / 60) }), false);
    setTimeout(() => {
      this.end();
      this.onReturn();
    }, (seconds + 1) * 1000);
  }

  begin(sentence, canEnd) {
    this.resting = true;
    this.onBegin();
    this.element.hidden = false;
    this.element.querySelector("button").hidden = !canEnd;
    const heading = this.element.querySelector("h1");
    heading.textContent = sentence;
    heading.focus({ preventScroll: true });
  }

  end() {
    this.resting = false;
    this.element.hidden = true;
    this.onEnd();
  }
}
