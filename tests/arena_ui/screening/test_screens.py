"""From consent to the first pair in a browser, by keyboard; axe objects to nothing on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest

from arena_ui.screening import headphones, languages
from arena_ui.tokens import Sealer, load_key
from arena_ui.words import words
from evalharness.config import Study
from evalharness.records import Voter
from evalharness.store import Store
from tests.arena_ui.looks import looks
from tests.arena_ui.test_accessible import objections

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SETTINGS = """
[screening]
least_width = 300
headphones = true
languages = true
training = 1
"""
SOONER = """
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  if (this instanceof HTMLAudioElement) this.playbackRate = 16;
  return play.call(this);
};
"""
"""Tones go by in a fraction of their time."""


class Newcomer:
    """Somebody on their way to the first pair, who knows the right answers."""

    def __init__(self, study: Study, page: Page) -> None:
        self.study, self.page = study, page
        self.sealer = Sealer(load_key(study.folder))
        self.found: dict[str, list[str]] = {}

    @property
    def voter(self) -> Voter:
        with Store.open(self.study.database_url) as store:
            [voter] = store.voters()
        return voter

    def see(self, name: str) -> None:
        self.found[name] = objections(self.page)

    def press(self, selector: str) -> None:
        """By the keys of somebody without a mouse, from where the page has put them."""
        for _ in range(40):
            if self.page.locator(selector).evaluate("(each) => each.getRootNode().activeElement === each"):
                self.page.keyboard.press("Enter")
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def hear(self, *, attempt: int, right: bool) -> None:
        secret = self.sealer.secret("headphones", self.voter.id, str(attempt))
        self.press('[data-do="tones"]')
        for number, trial in enumerate(headphones.trials_of(secret)):
            self.press('[data-do="play"]')
            self.page.locator('.tones [data-tone="0"][aria-disabled="false"]').wait_for(timeout=10_000)
            if (attempt, number) == (0, 0):
                self.see("tones")
            self.press(f'[data-tone="{trial.quieter if right else trial.antiphase}"]')

    def complete(self, language: str) -> None:
        secret = self.sealer.secret("language", self.voter.id, language)
        groups = self.page.locator('[data-pane="language"] fieldset')
        for number, sentence in enumerate(languages.sentences_of(language, secret)):
            group = groups.nth(number)
            assert group.locator("span").nth(sentence.right).inner_text() == sentence.options[sentence.right]
            group.locator("input").nth(sentence.right).focus()
            self.page.keyboard.press("Space")
        self.press('[data-pane="language"] button')


@pytest.mark.parametrize(
    ("interface", "width", "scheme"), looks([("zh", 390, "light")], [("en", 1280, "dark")])
)
def test_from_consent_to_the_first_pair(
    make_study: Callable[..., Study],
    serve: Callable[..., Any],
    browser: Browser,
    interface: str,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    study = make_study(prompts=6, seconds=0.4, votes_per_voter=1)
    with (study.folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    said = words(interface)
    server = serve(study)
    page = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme).new_page()
    page.add_init_script(SOONER)
    newcomer = Newcomer(study, page)
    page.goto(f"{server.url}/?lang={interface}")
    page.locator("#agree").check()
    page.locator("#languages input[value=en]").check(force=True)
    page.locator("#start").click()

    page.locator('[data-pane="headphones"] h1', has_text=said["screening.headphones_title"]).wait_for()
    newcomer.see("volume")
    newcomer.press('[data-do="noise"]')
    newcomer.hear(attempt=0, right=False)
    page.locator('[data-pane="headphones"] .told', has_text=said["screening.once_more"]).wait_for()
    newcomer.hear(attempt=1, right=True)

    page.locator('[data-pane="language"] .title').wait_for()
    newcomer.see("language")
    newcomer.press('[data-pane="language"] button')
    page.get_by_text(said["screening.complete_all"]).wait_for()
    newcomer.complete("en")

    page.locator('[data-answer="left"][aria-disabled="false"]').wait_for(timeout=30_000)
    newcomer.see("training")
    newcomer.press('[data-answer="left"]')
    page.locator('.after [data-do="next"]').wait_for()
    newcomer.see("feedback")
    newcomer.press('[data-do="next"]')
    page.locator(".judging").wait_for()
    assert {name: told for name, told in newcomer.found.items() if told} == {}
    with Store.open(study.database_url) as store:
        assert [each.passed for each in store.screenings()] == [True, False, True, True, True]


def test_who_is_turned_away_is_told_why(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(prompts=3, seconds=0.4)
    with (study.folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write("\n[screening]\nleast_width = 9000\nleast_mbit_s = 0.1\n")
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(serve(study).url)
    page.locator("#agree").check()
    page.locator("#start").click()
    page.get_by_text(words("en")["unfit.screen"]).wait_for()
    assert objections(page) == []
    page.locator('[data-do="leave"]').click()
    page.locator('[data-do="leave"]').wait_for(state="detached")
    with Store.open(study.database_url) as store:
        [screening] = store.screenings()
    assert screening.details["plays"] is True
    assert screening.details["mbit_s"] > 1
    assert 20 < screening.details["refresh_hz"] < 500
