"""The player's settings in a real browser: five steps, own keys, faults, clips in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from evalharness.config import Study
from evalharness.labels import FaultKind, Outcome, Strength
from evalharness.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def seated(browser: Browser, url: str, width: int, height: int) -> Page:
    """A new voter before their first pair."""
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(url)
    page.locator("#agree").check()
    page.locator("#start").click()
    page.locator(".judging").wait_for()
    return page


def await_answers(page: Page) -> None:
    page.locator('.choices button[aria-disabled="false"]').first.wait_for()


def await_saved(page: Page, count: int) -> None:
    page.locator(".count", has_text=f"{count} of").wait_for()
    page.locator('.saving[data-state="saved"]').wait_for()


def test_five_steps_own_keys_and_a_fault(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(prompts=3, seconds=1.0, questions=["overall"], scale="five")
    page = seated(browser, serve(study).url, 1280, 800)
    await_answers(page)
    labels = page.locator(".choices button").evaluate_all("all => all.map((each) => each.dataset.answer)")
    assert labels == ["left-strong", "left-slight", "tie", "right-slight", "right-strong"]
    page.locator('[data-answer="left-slight"]').click()
    await_saved(page, 1)
    await_answers(page)
    page.keyboard.press("5")
    await_saved(page, 2)

    page.locator(".keys summary").click()
    page.locator('[data-action="answer-right-strong"]').click()
    page.keyboard.press("r")  # starts again: taken
    assert "From the start" in page.locator(".keys .told").inner_text()
    page.keyboard.press("j")
    assert page.locator('[data-action="answer-right-strong"]').inner_text() == "J"
    assert page.locator('[data-answer="right-strong"] kbd').inner_text() == "J"
    await_answers(page)
    page.keyboard.press("5")  # does nothing by now
    page.keyboard.press("j")
    await_saved(page, 3)
    page.reload()
    page.locator(".judging").wait_for()
    assert page.locator('[data-answer="right-strong"] kbd').inner_text() == "J"
    page.locator(".keys summary").click()
    page.locator(".keys .reset").click()
    assert page.locator('[data-answer="right-strong"] kbd').inner_text() == "5"

    page.locator(".fault summary").click()
    page.locator('[data-do="fault-sound"]').click()
    page.locator(".notice", has_text="put aside").wait_for()
    await_answers(page)
    page.keyboard.press("3")
    await_saved(page, 4)
    with Store.open(study.database_url) as store:
        said = [(vote.outcome, vote.strength) for vote in store.votes()]
        battles, faults = store.battles(), store.faults()
    assert said == [
        (Outcome.LEFT, Strength.SLIGHT),
        (Outcome.RIGHT, Strength.STRONG),
        (Outcome.RIGHT, Strength.STRONG),
        (Outcome.TIE, None),
    ]
    assert [(fault.battle_id, fault.kind) for fault in faults] == [(battles[3].id, FaultKind.SOUND)]


def test_on_a_phone_one_clip_follows_the_other_and_the_answer_waits_for_both(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(prompts=3, seconds=1.5, questions=["overall"])
    page = seated(browser, serve(study).url, 390, 844)
    shown = page.locator(".deck.current .side.shown figcaption")
    first = shown.inner_text()[0]
    assert page.locator(".deck.current .side:visible").count() == 1
    page.locator(".deck.current.grey").wait_for()
    assert page.locator('.choices button[aria-disabled="false"]').count() == 0
    second = {"A": "B", "B": "A"}[first]
    page.locator(".deck.current .side.shown figcaption", has_text=second).wait_for()
    await_answers(page)
    page.locator(f'[data-do="sound-{"left" if first == "A" else "right"}"]').click()  # once more
    page.locator(".deck.current .side.shown figcaption", has_text=first).wait_for()
    answers = page.locator(".answers").bounding_box()
    assert answers is not None
    assert answers["y"] + answers["height"] <= 845  # in reach without scrolling
    page.locator('[data-answer="left"]').click()
    await_saved(page, 1)
    with Store.open(study.database_url) as store:
        (vote,) = store.votes()
    side = {"A": "left", "B": "right"}[first]
    assert (vote.evidence["first_seen"], vote.evidence["last_seen"]) == (side, side)
    assert vote.evidence["seen_left"] >= 0.9
    assert vote.evidence["seen_right"] >= 0.9
    assert vote.evidence["plays"] == 3


def test_a_break_is_offered_and_a_sitting_ends(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(
        prompts=6, seconds=0.5, questions=["overall"], break_after_minutes=0.05, longest_session_minutes=0.2
    )
    page = seated(browser, serve(study).url, 1280, 800)
    offered = page.locator('[data-do="rested"]')
    answered = 0
    while not page.locator(".resting").is_visible():
        if page.locator('.choices:not(:has(.chosen)) button[aria-disabled="false"]').count():
            page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(100)
    assert offered.is_visible()
    answered = int(page.locator(".count").inner_text().split()[0])
    page.keyboard.press("ArrowLeft")  # no pair is on the screen
    offered.click()
    await_answers(page)
    over = page.locator(".resting", has_text="15 minutes")
    while not over.is_visible():
        if offered.is_visible():
            offered.click()
        elif page.locator('.choices:not(:has(.chosen)) button[aria-disabled="false"]').count():
            page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(100)
    with Store.open(study.database_url) as store:
        voted = {vote.battle_id for vote in store.votes()}
    assert len(voted) > answered
