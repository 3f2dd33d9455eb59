"""What a voter preferred: counted right, mirrored with the sides, shown to nobody before the session ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from arena_ui.own_board import Judged, Standing, judged, standings
from evalharness.config import Study
from evalharness.records import Outcome, Purpose
from evalharness.store import Store
from tests.arena_ui.hall import Hall, newcomer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MIRRORED = {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}
PAIRS = (
    Judged("p", "amber", "birch", Outcome.LEFT),
    Judged("q", "birch", "amber", Outcome.TIE),
    Judged("r", "cedar", "amber", Outcome.RIGHT),
    Judged("s", "cedar", "birch", Outcome.BOTH_BAD),
)


def test_every_answer_is_counted_once_for_each_side() -> None:
    assert standings(PAIRS) == (
        Standing("amber", 3, won=2, lost=0, tied=1, both_bad=0),
        Standing("birch", 3, won=0, lost=1, tied=1, both_bad=1),
        Standing("cedar", 2, won=0, lost=1, tied=0, both_bad=1),
    )


def test_sides_make_no_difference() -> None:
    mirrored = [
        replace(each, left=each.right, right=each.left, outcome=MIRRORED.get(each.outcome, each.outcome))
        for each in PAIRS
    ]
    assert standings(mirrored) == standings(PAIRS)


def test_checks_are_left_out_and_masked_systems_stay_masked(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=3)
    with Store.open(study.database_url) as store:
        booth = Hall(study, store).booth()
        battle = store.battle(booth.round(newcomer(booth)).pairs[0].battle_id)
    labels = {battle.left.system: "mellow-otter"}
    answered = [(battle, Outcome.LEFT), (replace(battle, purpose=Purpose.GOLD), Outcome.RIGHT)]
    (only,) = judged(answered, {battle.prompt_id: "A lantern."}, labels)
    assert only == Judged("A lantern.", "mellow-otter", battle.right.system, Outcome.LEFT)


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_the_page_opens_after_the_session_where_the_study_allows_it(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(
        prompts=3, seconds=0.4, votes_per_voter=2, questions=["overall"], own_board="after_session"
    )
    server = serve(study)
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(server.url)
    page.locator("#agree").check()
    page.locator("#start").click()
    page.locator(".judging").wait_for()
    assert page.get_by_role("link", name="Your answers").count() == 0
    while not page.locator(".thanks").is_visible():
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(100)
    page.get_by_role("link", name="Your answers").click()
    page.get_by_text(re.compile("You compared 2 pairs")).wait_for()
