"""axe-core objects to nothing on any page a voter sees, light and dark, from a phone to a wide screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from evalharness.config import Study
from evalharness.records import Outcome
from evalharness.store import Store
from tests.arena_ui.hall import Hall, newcomer
from tests.arena_ui.looks import looks

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


def objections(page: Page) -> list[str]:
    """What axe finds, a line each."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['failureSummary']} {node['target']} {node['html'][:160]}"
        for rule in found
        for node in rule["nodes"]
    ]


def rate(study: Study) -> None:
    """Enough votes for a board."""
    with Store.open(study.database_url) as store:
        hall = Hall(study, store)
        booth = hall.booth()
        for number in range(40):
            for pair in booth.round(newcomer(booth)).pairs:
                hall.answer(store.battle(pair.battle_id), list(Outcome)[number % 4])


@pytest.mark.parametrize(
    ("width", "scheme"), looks([(390, "light"), (1280, "dark")], [(1920, "light"), (390, "dark")])
)
def test_every_page_of_a_voter(
    make_study: Callable[..., Study],
    serve: Callable[..., Any],
    browser: Browser,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    study = make_study(prompts=6, seconds=0.4, votes_per_voter=1)
    rate(study)
    server = serve(study)
    page = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme).new_page()
    found: dict[str, list[str]] = {}
    page.goto(server.url)
    page.locator("#agree").wait_for()
    found["consent"] = objections(page)
    page.goto(f"{server.url}/about")
    page.get_by_role("heading", name="About this study").wait_for()
    found["about"] = objections(page)
    page.goto(server.url)
    page.locator("#agree").check()
    page.locator("#start").click()
    page.locator(".judging").wait_for()
    found["vote"] = objections(page)
    while not page.locator(".thanks").is_visible():
        page.keyboard.press("ArrowLeft")  # taken once both clips were seen
        page.wait_for_timeout(100)
    found["thanks"] = objections(page)
    page.goto(f"{server.url}/leaderboard")
    page.locator("svg text:visible", has_text="mellow-otter").first.wait_for()
    found["leaderboard"] = objections(page)
    assert {name: said for name, said in found.items() if said} == {}
