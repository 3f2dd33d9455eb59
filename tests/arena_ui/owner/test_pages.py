"""The pages in a real browser: log in, look, decide, download, log out; axe objects to nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from arena_ui.owner.accounts import set_password
from arena_ui.owner.roles import Role
from arena_ui.owner.views import PAGES
from evalharness.config import Study, load_study
from evalharness.people import Arrival
from evalharness.records import Decision, Outcome
from evalharness.store import Store
from tests.arena_ui.hall import Hall, newcomer
from tests.arena_ui.owner.conftest import PASSWORD
from tests.arena_ui.owner.test_apart import owners_server
from tests.arena_ui.test_accessible import objections

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PLATFORM_NAME = "5f00aa5f00aa5f00aa5f00aa"


@pytest.fixture(scope="module")
def voted(shelf: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with ten voters' answers, and somebody of each role, called by it."""
    folder = tmp_path_factory.mktemp("owners") / "study"
    shutil.copytree(shelf(prompts=6, seconds=0.4, same_length=True), folder)
    study = load_study(folder)
    for role in Role:
        set_password(study.folder, role.value, role, PASSWORD)
    with Store.open(study.database_url) as store:
        hall = Hall(study, store)
        booth = hall.booth()
        for number in range(10):
            voter = newcomer(booth)
            name = f"{PLATFORM_NAME}{number}"
            store.put_arrival(Arrival(voter.id, "prolific", f"key {number}", name, {}, NOW))
            for turn in range(5):
                pair = booth.round(voter).pairs[0]
                hall.answer(store.battle(pair.battle_id), list(Outcome)[(number + turn) % 4])
    return study


@pytest.fixture(scope="module")
def url(voted: Study) -> Iterator[str]:
    """Where its owner's pages are; all tests here share them."""
    with owners_server(voted) as url:
        yield url.replace("127.0.0.1", "localhost")


def enter(
    browser: Browser, url: str, name: str, width: int = 1280, scheme: Literal["light", "dark"] = "light"
) -> Page:
    """A page behind the log-in."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto(url)
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    heading(page, "Progress")
    return page


def heading(page: Page, title: str) -> None:
    page.get_by_role("heading", name=title, level=1).wait_for()


def be_whole(page: Page) -> None:
    """Wait until the script has run and nothing fades in any more."""
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.wait_for_function("document.getAnimations().length === 0")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_every_page_is_accessible(
    browser: Browser, url: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto(url)
    page.locator("#in").wait_for()
    found = {"log-in": objections(page)}
    page = enter(browser, url, "owner", width, scheme)
    for each in PAGES:
        page.goto(f"{url}/{each.path}")
        heading(page, each.title)
        be_whole(page)
        found[each.title] = objections(page)
        assert page.get_by_test_id("stException").count() == 0
        assert page.get_by_test_id("stAlertContentError").count() == 0
    assert {name: said for name, said in found.items() if said} == {}


def test_a_role_finds_its_own_pages_alone(browser: Browser, url: str) -> None:
    found = {}
    for role in Role:
        links = enter(browser, url, role.value).get_by_test_id("stSidebarNavLink").all_inner_texts()
        found[role] = [text.rsplit("\n", 1)[-1] for text in links]
    assert found == {
        Role.VIEWER: ["Progress", "Results"],
        Role.ANALYST: ["Progress", "Results", "Raters", "Quality", "Clips", "Exports"],
        Role.OWNER: [each.title for each in PAGES],
    }


def test_an_analyst_gets_no_name_from_a_platform(browser: Browser, url: str) -> None:
    page = enter(browser, url, "analyst")
    received: list[bytes] = []
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda data: received.append(to_bytes(data)))
    )
    for title in ("Raters", "Quality", "Clips"):
        page.goto(f"{url}/{title.lower()}")
        heading(page, title)
        page.wait_for_timeout(1500)
    assert received
    told = b"".join(received)
    assert b"mellow-otter" in told
    for secret in (PLATFORM_NAME, "glacier-xl"):
        assert secret.encode() not in told
    assert page.get_by_role("button", name="Put it on record").count() == 0


def to_bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


def test_an_owner_decides_downloads_and_leaves(browser: Browser, url: str, voted: Study) -> None:
    page = enter(browser, url, "owner")
    page.goto(f"{url}/raters")
    heading(page, "Raters")
    page.get_by_role("button", name="Pay list (CSV)").wait_for()  # the page is whole
    with Store.open(voted.database_url) as store:
        first = next(each.voter_id for each in store.arrivals() if each.person == f"{PLATFORM_NAME}0")
    voter = page.get_by_role("combobox", name="Voter")
    voter.click()
    voter.press_sequentially(first)
    page.get_by_role("option", name=first).wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Put it on record").click()
    page.get_by_text("A decision on a voter is kept").wait_for()
    page.get_by_label("Reason (name nobody in it)", exact=True).fill("a fire alarm")
    page.get_by_role("button", name="Put it on record").click()
    page.get_by_text("by owner: a fire alarm").wait_for()
    be_whole(page)  # a list is asked of the newest page
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Pay list (CSV)").click()
    listed = downloading.value.path().read_text(encoding="utf-8")
    assert downloading.value.suggested_filename == "harbour-pay.csv"
    assert f"{PLATFORM_NAME}0" in listed
    page.get_by_role("link", name="Account and log-out").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").wait_for()
    page.goto(f"{url}/raters")
    page.get_by_role("button", name="Log in").wait_for()
    with Store.open(voted.database_url) as store:
        (ruling,) = store.rulings()
        done = [each.action for each in store.audit() if not each.action.startswith("log")]
    assert (ruling.decision, ruling.reason, ruling.author) == (Decision.ACCEPTED, "a fire alarm", "owner")
    assert [each for each in done if "person" not in each] == ["decided", "downloaded"]


def test_a_page_that_stays_open_after_the_log_out_shows_nothing_more(browser: Browser, url: str) -> None:
    page = enter(browser, url, "viewer")
    other = page.context.new_page()
    other.goto(f"{url}/owner/login")
    other.get_by_role("button", name="Log out").click()
    other.get_by_role("button", name="Log in").wait_for()
    page.get_by_role("link", name="Results").click()
    page.get_by_role("heading", name="Log in").wait_for()
    assert page.get_by_text("mellow-otter").count() == 0


def test_a_person_is_found_and_erased(browser: Browser, url: str, voted: Study) -> None:
    page = enter(browser, url, "owner")
    page.goto(f"{url}/privacy")
    heading(page, "Privacy")
    page.get_by_label("Voter id, or what their platform calls them").fill(f"{PLATFORM_NAME}3")
    page.get_by_role("button", name="Find").click()
    erase = page.get_by_role("button", name="Erase this person")
    erase.wait_for()
    assert erase.is_disabled()
    be_whole(page)
    assert objections(page) == []
    page.get_by_text("This cannot be undone").click()
    page.wait_for_function("!document.querySelector('[class*=st-key-erase] button').disabled")
    erase.click()
    page.get_by_text("Nothing leads to the person").wait_for()
    with Store.open(voted.database_url) as store:
        assert len(store.arrivals()) == 9
        assert sum(each.erased_at is not None for each in store.voters()) == 1
