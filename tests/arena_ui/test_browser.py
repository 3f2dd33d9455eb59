"""A real browser votes by mouse and by keyboard, and whatever reached it before a vote names no system."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from arena_ui.routes import COOKIE
from arena_ui.words import section
from evalharness.config import Study
from evalharness.errors import RatingError
from evalharness.ratings import leaderboard
from evalharness.records import Battle, Leaderboard
from evalharness.store import Store
from tests.arena_ui.attack import disguises

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Response, WebSocket

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
BY_MOUSE, BY_KEY = 8, 6
AWAY_S = float(os.environ.get("EVALHARNESS_AWAY_S", "6"))
"""Seconds without a server; longer to see that it makes no difference."""
KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "tie": "ArrowDown", "both_bad": "ArrowUp"}
QUESTIONS = section("en", "question")
STRONGER = ["ember-nine", "quartz-turbo", "glacier-xl"]
WHOLE_DOM = """() => {
  const inside = (node) => [...node.querySelectorAll("*")].map(
    (each) => each.shadowRoot ? each.shadowRoot.innerHTML + inside(each.shadowRoot) : "").join("");
  return document.documentElement.outerHTML + inside(document) + JSON.stringify([
    document.title, location.href, {...localStorage}, {...sessionStorage}]);
}"""


class Spy:
    """Keeps everything a page receives, until it is asked what of it gives a system away."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.responses: list[Response] = []
        self.received: list[tuple[str, bytes]] = []
        self.errors: list[str] = []
        self.bodies = 0
        self.unread: list[str] = []
        page.on("response", lambda response: self.responses.append(response))
        page.on("websocket", self._listen)
        page.on("console", lambda message: self.received.append(("console", message.text.encode())))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.received.append(("websocket", _bytes(frame))))

    def leaks(self, words: set[str], hashes: set[str]) -> list[tuple[str, str]]:
        """(where, word) of whatever gives something away in what came since the last look, and in the DOM."""
        from playwright.sync_api import Error

        for response in self.responses:
            self.received.append(("url", response.url.encode()))
            self.received.append(("header", str(response.headers_array()).encode()))
            # Streamlit's own files are the same for every study.
            if response.status in (200, 206) and not urlsplit(response.url).path.startswith("/static/"):
                try:
                    body = response.body()
                except Error:  # the page went on before it was read
                    self.unread.append(urlsplit(response.url).path)
                    continue
                self.bodies += 1
                self.received.append(("body", body))
                self.received.append(("hash", sha256(body).hexdigest().encode()))
        self.responses.clear()
        looked_at = [*self.received, ("dom", self.page.evaluate(WHOLE_DOM).encode())]
        self.received.clear()
        return [
            (where, word)
            for where, content in looked_at
            for word in (hashes if where == "hash" else words)
            # The page is made of what came by the websocket, which is looked at in every disguise.
            if any(each in content for each in ((word.encode(),) if where == "dom" else disguises(word)))
        ]


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame


@pytest.fixture
def context(browser: Browser) -> BrowserContext:
    """A fresh browser profile."""
    return browser.new_context(viewport={"width": 1280, "height": 800})


def arrive(page: Page, url: str) -> None:
    """To the first screen."""
    page.goto(url)
    page.locator("#agree").wait_for()


def join(page: Page, url: str) -> None:
    """Through the first screen, as a voter who knows English, to the first pair."""
    if page.url == "about:blank":
        arrive(page, url)
    page.locator("#languages").get_by_text("English", exact=True).click()
    page.locator("#agree").check()
    page.locator("#start").click()
    page.locator(".judging").wait_for()


class Seat:
    """A voter at the page, and the database beside, which knows what is on the screen."""

    def __init__(self, page: Page, study: Study, store: Store) -> None:
        self.page, self.study, self.store = page, study, store
        self.rng = random.Random(11)

    @property
    def voter_id(self) -> str:
        [secret] = [cookie["value"] for cookie in self.page.context.cookies() if cookie["name"] == COOKIE]
        voter = self.store.voter_by_token(sha256(secret.encode()).hexdigest())
        assert voter is not None
        return voter.id

    def on_screen(self) -> Battle:
        """The voter's oldest battle without a vote."""
        return next(each for each in self.store.battles(self.voter_id) if not self.store.votes(each.id))

    def prefer(self, battle: Battle) -> str:
        """Mostly the stronger system, now and then something else."""
        if self.rng.random() < 0.2:
            return self.rng.choice(["left", "right", "tie", "both_bad"])
        better = min(battle.left.system, battle.right.system, key=STRONGER.index)
        return "left" if better == battle.left.system else "right"

    def vote(self, how: str) -> dict[str, str]:
        """Answer every question of the pair on screen; returns what was answered."""
        battle, given = self.on_screen(), {}
        for question in battle.questions:
            self.page.locator(".question", has_text=QUESTIONS[question]).wait_for()
            self.page.locator('.choices button[aria-disabled="false"]').first.wait_for()
            given[question.value] = outcome = self.prefer(battle)
            if how == "mouse":
                self.page.locator(f'[data-answer="{outcome}"]').click()
            else:
                self.page.keyboard.press(KEYS[outcome])
        self.page.locator('.saving[data-state="saved"], .thanks:not([hidden])').first.wait_for()
        self._await_votes(battle.id, len(battle.questions))
        stored = {vote.question.value: vote.outcome.value for vote in self.store.votes(battle.id)}
        assert stored == given
        [by] = {vote.evidence["input"] for vote in self.store.votes(battle.id)}
        assert by == {"mouse": "pointer", "key": "key"}[how]
        return given

    def _await_votes(self, battle_id: str, number: int) -> None:
        for _ in range(200):
            if len(self.store.votes(battle_id)) == number:
                return
            self.page.wait_for_timeout(25)
        raise AssertionError("the page says saved, the database has no vote")


def board(store: Store) -> Leaderboard:
    return leaderboard(store.ballots())


def test_votes_by_mouse_and_by_keyboard_count_and_nothing_names_a_system(
    make_study: Callable[..., Study],
    serve: Callable[..., Any],
    context: BrowserContext,
    secrets_of: Callable[[Study], set[str]],
) -> None:
    study = make_study(prompts=18, seconds=0.6, votes_per_voter=BY_MOUSE + BY_KEY)
    server, page = serve(study), context.new_page()
    words = secrets_of(study) | {str(ROOT / "arena_ui")}  # nor where the arena lies on its machine
    spy = Spy(page)
    with Store.open(study.database_url) as store:
        hashes = {exhibit.sha256 for exhibit in store.exhibits()} | {clip.sha256 for clip in store.clips()}
        with pytest.raises(RatingError):
            board(store)
        arrive(page, server.url)
        assert spy.leaks(words, hashes) == [], "on the first screen"
        join(page, server.url)
        seat = Seat(page, study, store)
        for nth in range(BY_MOUSE):
            assert spy.leaks(words, hashes) == [], f"before vote {nth + 1}"
            seat.vote("mouse")
        after_mouse = board(store)
        page.mouse.move(1, 1)
        for nth in range(BY_KEY):
            assert spy.leaks(words, hashes) == [], f"before vote {BY_MOUSE + nth + 1}"
            seat.vote("key")
        page.locator(".thanks").wait_for()
        after_keys = board(store)
        voted = {vote.battle_id for vote in store.votes()}
        battles = store.battles()
    assert len(voted) == len(battles) == BY_MOUSE + BY_KEY
    assert spy.bodies > 2 * (BY_MOUSE + BY_KEY)
    # What could not be read is Streamlit's own bundle, and the reply with which the page loads anew.
    assert [path for path in spy.unread if path != "/api/join" and not path.startswith("/static/")] == []
    assert spy.errors == []
    assert after_mouse.votes == BY_MOUSE
    assert after_keys.votes == BY_MOUSE + BY_KEY
    assert after_keys.ratings[0].system == STRONGER[0]
    assert [row.rating for row in after_keys.ratings] != [row.rating for row in after_mouse.ratings]
    page.get_by_role("link", name="Leaderboard").click()
    page.locator("svg text", has_text="mellow-otter").first.wait_for()  # published under its codename
    shown = page.evaluate(WHOLE_DOM)
    assert STRONGER[0] in shown
    assert "glacier-xl" not in shown


PLANTED = """
from evalharness.media import boxes
honest = boxes.served_bytes
boxes.served_bytes = lambda *asked: honest(*asked)[:-10] + b"glacier-xl"
from arena_ui import guard
guard.HEADERS["X-Served-By"] = "quartz-turbo"
"""


def test_the_spy_catches_what_is_planted_in_a_clip_a_header_and_the_page(
    make_study: Callable[..., Study],
    serve: Callable[..., Any],
    context: BrowserContext,
    secrets_of: Callable[[Study], set[str]],
) -> None:
    study = make_study(prompts=3, title="mellow-otter against the rest")
    server, page = serve(study, PLANTED), context.new_page()
    spy = Spy(page)
    join(page, server.url)
    page.locator('.choices button[aria-disabled="false"]').first.wait_for()
    assert set(spy.leaks(secrets_of(study), set())) == {
        ("header", "quartz-turbo"),
        ("body", "glacier-xl"),
        ("websocket", "mellow-otter"),
        ("dom", "mellow-otter"),
    }


def test_a_vote_cast_while_the_server_is_away_arrives_once(
    make_study: Callable[..., Study], serve: Callable[..., Any], context: BrowserContext
) -> None:
    study = make_study(prompts=3, seconds=0.6, votes_per_voter=5, questions=["overall"])
    server, page = serve(study), context.new_page()
    join(page, server.url)
    with Store.open(study.database_url) as store:
        page.locator('.choices button[aria-disabled="false"]').first.wait_for()
        server.kill()
        page.keyboard.press("b")
        page.locator('.saving[data-state="retrying"]').wait_for()
        assert store.votes() == ()
        page.locator(
            '.choices button[aria-disabled="false"]'
        ).first.wait_for()  # the pair loaded ahead plays on
        # By now Streamlit has missed the server too, and would lock the page.
        page.wait_for_timeout(AWAY_S * 1000)
        page.locator('[data-answer="left"]').click(trial=True)
        assert page.get_by_text("Connection error").count() == 0
        server.start()
        page.locator('.saving[data-state="saved"]').wait_for()
        [vote] = store.votes()
        assert vote.outcome == "right"
        page.reload()  # and the page comes back to the pair it showed
        page.locator('.choices button[aria-disabled="false"]').first.wait_for()
        assert "1 of 5" in page.locator(".count").inner_text()


def test_keys_can_be_switched_off_and_no_answer_is_taken_before_both_were_seen(
    make_study: Callable[..., Study], serve: Callable[..., Any], context: BrowserContext
) -> None:
    study = make_study(prompts=3, seconds=2.0, questions=["overall"])
    server, page = serve(study), context.new_page()
    join(page, server.url)
    page.keyboard.press("ArrowLeft")
    page.locator('[data-answer="left"]').click(force=True)
    assert page.locator(".choices .chosen").count() == 0
    page.locator('.choices button[aria-disabled="false"]').first.wait_for()
    page.locator(".keys summary").click()
    page.locator(".keys input").uncheck()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    with Store.open(study.database_url) as store:
        assert store.votes() == ()
        page.locator(".keys input").check()
        page.locator(".keys input").blur()
        page.keyboard.press("ArrowLeft")
        page.locator('.saving[data-state="saved"]').wait_for()
        assert len(store.votes()) == 1
