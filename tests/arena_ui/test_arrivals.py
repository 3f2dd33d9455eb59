"""A browser comes by a platform's link, votes in Chinese, goes on elsewhere, withdraws and is erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest

from arena_ui.routes import COOKIE
from arena_ui.words import words
from evalharness.config import Study, load_study
from evalharness.store import Store
from tests.arena_ui.looks import looks
from tests.arena_ui.test_accessible import objections
from tests.arena_ui.test_browser import Spy
from tests.arena_ui.test_door import RECRUITING
from tests.arena_ui.test_recruiting import MTURK, PERSON, PROLIFIC

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CONSENT = """
[consent]
operator = "Media Lab"
contact = "study@example.org"
reward = "1.50"
"""
LOOKS: list[tuple[int, Literal["light", "dark"]]] = looks(
    [(390, "light"), (1280, "dark")], [(390, "dark"), (1280, "light")]
)
IS_DRAWN = """(scheme) => {
  const [red] = getComputedStyle(document.querySelector(".stApp")).backgroundColor.match(/\\d+/g);
  return (scheme === "dark") === (red < 128);
}"""


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    """A study that Prolific sends people to."""
    study = make_study(prompts=3, seconds=0.4, votes_per_voter=2, leaderboard="never")
    with (study.folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(RECRUITING + CONSENT)
    return load_study(study.folder)


def answer(page: Page) -> None:
    """Answer until what is shown is another pair, or the end."""
    before = page.locator(".count").inner_text()
    while page.locator(".count").is_visible() and page.locator(".count").inner_text() == before:
        page.keyboard.press("ArrowLeft")  # taken once both clips were seen
        page.wait_for_timeout(100)


def test_from_the_link_to_the_erasure(study: Study, serve: Callable[..., Any], browser: Browser) -> None:
    server, said = serve(study), words("zh")
    first = browser.new_context(locale="zh-CN").new_page()
    first.goto(server.url + PROLIFIC)
    first.get_by_text(said["consent.kept_person"]).wait_for()
    first.locator("#agree").check()
    first.locator("#start").click()
    first.locator(".judging").wait_for()
    assert first.url == f"{server.url}/", "who came does not stay in the address"
    spies = [Spy(first)]
    answer(first)
    prompt = first.locator(".words").inner_text()

    second = browser.new_context(locale="en-GB").new_page()
    second.goto(server.url + PROLIFIC)
    second.get_by_role("heading", name="Welcome back").wait_for()
    second.locator("#start").click()
    second.locator(".judging").wait_for()
    spies.append(Spy(second))
    assert second.locator(".words").inner_text() == prompt, "it goes on at the open pair"
    # The last answer earns the code, and may bring it before anything more is looked at.
    assert [spy.leaks({PERSON, "DONE4711"}, set()) for spy in spies] == [[], []]
    answer(second)
    assert [spy.leaks({PERSON}, set()) for spy in spies] == [[], []]
    second.goto(server.url + PROLIFIC.replace("se1", "se2"))
    second.locator("#code", has_text="DONE4711").wait_for()
    assert second.locator("#go").get_attribute("href").endswith("/submissions/complete?cc=DONE4711")
    second.wait_for_url(f"{server.url}/")
    first.reload()
    first.get_by_role("heading", name=said["notice.incomplete_title"]).wait_for()

    second.goto(f"{server.url}/you")
    with second.expect_download() as downloading:
        second.locator('a[href="/api/mine"]').click()
    assert '"session":"se2"' in downloading.value.path().read_text(encoding="utf-8")
    for step in ("withdraw", "erase"):
        second.locator(f"#{step} .first").click()
        second.locator(f"#{step} .yes").click()
        done = said["yours.withdrawn" if step == "withdraw" else "yours.erased"]
        second.get_by_text(done).wait_for()
    with Store.open(study.database_url) as store:
        [voter] = store.voters()
        assert (voter.erased_at is None, store.arrivals(), store.ballots()) == (False, (), ())
    assert COOKIE not in {cookie["name"] for cookie in second.context.cookies(server.url)}
    assert PERSON not in server.log.read_text()


def test_mechanical_turk_is_handed_the_assignment(
    make_study: Callable[..., Study], serve: Callable[..., Any], browser: Browser
) -> None:
    study = make_study(prompts=2, seconds=0.4)
    with (study.folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(RECRUITING.replace("prolific", "mturk"))
    server = serve(load_study(study.folder))
    page = browser.new_page()
    page.goto(f"{server.url}/?hitId=H1&assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE")
    page.get_by_role("heading", name="This is a preview.").wait_for()
    assert page.locator("form").count() == 0
    page.route("https://www.mturk.com/**", lambda route: route.fulfill(body="taken"))
    page.goto(server.url + MTURK)
    page.locator("#refuse").click()
    with page.expect_request("https://www.mturk.com/mturk/externalSubmit") as handed_in:
        page.locator("#hand-in button").click()
    assert handed_in.value.post_data == "assignmentId=AS1&code=N1"


def test_axe_objects_to_none_of_it(study: Study, serve: Callable[..., Any], browser: Browser) -> None:
    server = serve(study)
    # Without motion no colour is looked at half way to another.
    context = browser.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = context.new_page()
    found: dict[str, list[str]] = {}

    def look(name: str, path: str, wanted: str, *clicks: str) -> None:
        page.goto(server.url + path)
        for click in clicks:
            page.locator(click).click()
        page.locator(wanted).first.wait_for()
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(IS_DRAWN, arg=scheme)
            found[f"{name}, {width} px, {scheme}"] = objections(page)

    look("incomplete", "/", ".notice h1")
    look("nobody's data", "/you", "#return")
    look("consent", f"/{PROLIFIC}&lang=zh", "#agree")
    look("refused", f"/{PROLIFIC}", "#code", "#refuse")
    look("voting", f"/{PROLIFIC}", ".judging", "#agree", "#start")
    look("a voter's data", "/you", "#withdraw .yes", "#withdraw .first")
    look("withdrawn", "/you", '#lead:has-text("You have withdrawn")', "#withdraw .first", "#withdraw .yes")
    page.context.clear_cookies()
    look("welcome back", f"/{PROLIFIC}", "#start")
    assert {name: told for name, told in found.items() if told} == {}
