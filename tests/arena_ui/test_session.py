"""A whole session as people have them: by keyboard, on a phone, with reloads, the back button, two tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from evalharness.config import Study
from evalharness.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def await_answers(page: Page) -> None:
    page.locator('.choices button[aria-disabled="false"]').first.wait_for()


def await_count(page: Page, count: int) -> None:
    page.locator(".count", has_text=f"{count} of").wait_for()


def prompt(page: Page) -> str:
    page.locator(".judging").wait_for()
    return page.locator(".words").inner_text()


def tab_to(page: Page, selector: str) -> None:
    """As somebody without a mouse gets there."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(selector).evaluate("(each) => each.getRootNode().activeElement === each"):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_a_session_by_keyboard_alone_with_reloads_the_back_button_and_two_tabs(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(prompts=6, seconds=0.6, votes_per_voter=4, questions=["overall"])
    server = serve(study)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(server.url)
    page.locator("#agree").wait_for()
    tab_to(page, "#agree")
    page.keyboard.press("Space")
    tab_to(page, "#start")
    page.keyboard.press("Enter")
    await_answers(page)
    page.keyboard.press("ArrowLeft")
    await_count(page, 1)

    shown = prompt(page)
    page.reload()
    assert prompt(page) == shown
    await_count(page, 1)
    page.goto(f"{server.url}/about")
    page.get_by_role("heading", name="About this study").wait_for()
    page.go_back()
    assert prompt(page) == shown

    other = context.new_page()
    other.goto(server.url)
    assert prompt(other) == shown
    await_answers(page)
    await_answers(other)
    page.bring_to_front()
    page.keyboard.press("ArrowRight")
    await_count(page, 2)
    other.bring_to_front()
    other.keyboard.press("ArrowLeft")
    other.locator(".notice", has_text="your first answer stands").wait_for()
    await_answers(other)
    other.keyboard.press("ArrowDown")
    await_count(other, 3)
    other.close()

    page.bring_to_front()
    page.reload()
    await_count(page, 3)
    await_answers(page)
    page.keyboard.press("ArrowUp")
    page.locator(".thanks").wait_for()
    with Store.open(study.database_url) as store:
        votes = store.votes()
    assert [vote.outcome.value for vote in votes] == ["left", "right", "tie", "both_bad"]
    assert len({vote.voter_id for vote in votes}) == 1


def test_a_session_on_a_phone_by_touch(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(prompts=3, seconds=0.5, votes_per_voter=3)
    server = serve(study)
    page = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(server.url)
    page.locator("#agree").tap()
    page.locator("#start").tap()
    page.locator(".judging").wait_for()
    while not page.locator(".thanks").is_visible():
        button = page.locator('.choices:not(:has(.chosen)) button[aria-disabled="false"]').first
        if button.is_visible():
            button.tap()
        page.wait_for_timeout(60)
    assert page.get_by_role("link", name="Your answers").count() == 0  # where a study does not ask for it
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390  # nothing to scroll sideways
    with Store.open(study.database_url) as store:
        votes, battles = store.votes(), store.battles()
    assert len({vote.battle_id for vote in votes}) == 3
    assert len(votes) == sum(len(battle.questions) for battle in battles)
    assert {vote.evidence["input"] for vote in votes} == {"pointer"}
