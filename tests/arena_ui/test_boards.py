"""Boards for visitors: shared while they are fresh, counted again later, in either language."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from arena_ui import boards
from arena_ui.boards import FRESH_S, REST, Boards
from arena_ui.words import section
from evalharness.config import Study
from evalharness.records import Leaderboard, Outcome, Question
from evalharness.store import Store
from tests.arena_ui.hall import Hall, newcomer
from tests.arena_ui.test_accessible import rate

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BESIDE = "first board"


class Clock:
    """In the test's hand; each reading takes `step` seconds."""

    def __init__(self) -> None:
        self.now = self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def rated(make_study: Callable[..., Study]) -> Study:
    study = make_study(prompts=6, seconds=0.4, votes_per_voter=1)
    rate(study)
    return study


def votes_of(board: Leaderboard | str) -> int:
    assert isinstance(board, Leaderboard)
    return board.votes


def test_visitors_share_a_board_until_it_is_old(rated: Study) -> None:
    clock = Clock()
    with Store.open(rated.database_url) as store:
        shown, hall = Boards(store, rated.systems, clock), Hall(rated, store)
        before = shown.board(None, Question.OVERALL)
        booth = hall.booth()
        hall.answer(store.battle(booth.round(newcomer(booth)).pairs[0].battle_id), Outcome.LEFT)
        clock.now += FRESH_S * 0.9
        assert shown.board(None, Question.OVERALL) is before
        clock.now += FRESH_S * 0.2
        assert votes_of(shown.board(None, Question.OVERALL)) == votes_of(before) + 1


def test_a_board_that_takes_long_rests_for_long(rated: Study) -> None:
    clock = Clock()
    with Store.open(rated.database_url) as store:
        shown = Boards(store, rated.systems, clock)
        clock.step = 3.0  # it is read as counting begins, and as it ends
        before = shown.board(None, Question.OVERALL)
        clock.step = 0.0
        clock.now += REST * 3.0 * 0.9
        assert shown.board(None, Question.OVERALL) is before


def test_why_there_is_no_board_is_a_sentence(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=1, seconds=0.4)
    with Store.open(study.database_url) as store:
        found = Boards(store, study.systems).board(None, Question.OVERALL)
    assert isinstance(found, str)
    assert found.endswith(".")


def test_many_votes_are_counted_before_anybody_asks(rated: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(rated.database_url) as store:
        shown = Boards(store, rated.systems, lambda: 0.0)
        shown.begin(Question.OVERALL).join()
        assert shown._made == {}
        monkeypatch.setattr(boards, "MANY", 1)
        shown.begin(Question.OVERALL).join()
        assert votes_of(shown._made[None, Question.OVERALL].board) > 1
    assert not [each for each in threading.enumerate() if each.name == BESIDE]


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_whoever_reads_chinese_reads_the_board(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(prompts=6, seconds=0.4, votes_per_voter=1, leaderboard="always")
    rate(study)
    server, said = serve(study), section("zh", "board")
    page = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{server.url}/leaderboard")
    page.locator("svg text:visible", has_text=said["scale"]).first.wait_for()
    shown = page.locator("[data-testid=stMain]").inner_text()
    for system in study.systems:
        shown = shown.replace(system.label, "")
    assert said["title"] in shown
    assert not re.findall(r"[A-Za-z]{2,} [A-Za-z]{2,}", shown)
