"""Make the pictures of the docs: the pages as a voter and a reader see them.

    python docs/images/make.py [study]

Takes the demo study (made first if need be), adds simulated voters so that its leaderboard has something
to show, opens it in a headless Chromium and takes the pictures. The simulated voters say so: each vote's
evidence carries `"simulated": true`, and the study lies apart from the one that `make arena` serves.
"""

from __future__ import annotations

import math
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from arena_ui.booth import Booth
from arena_ui.owner.accounts import set_password
from arena_ui.owner.roles import Role
from arena_ui.tokens import Sealer
from evalharness.config import Study, load_study
from evalharness.records import Battle, Outcome, Question, Vote
from evalharness.store import Store

HERE = Path(__file__).parent
STUDY = Path("data/runs/pictures")
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
VOTERS = 24
TASTE = {"aurora-1.2": 0.9, "basalt-2": 0.1, "cirrus-0.9": -0.3, "dune-3": -0.7}
"""How much a simulated voter likes each system of the demo, in logits."""


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else STUDY
    subprocess.run([sys.executable, "-m", "evalharness", "demo", str(folder), "--no-serve"], check=True)
    study = load_study(folder)
    _let_voters_in(study)
    subprocess.run([sys.executable, "-m", "evalharness", "report", str(folder)], check=True)
    report = study.reports / "report.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with _served("evalharness", "arena", str(folder)) as address:
            for name, window in (("wide", WIDE), ("phone", PHONE)):
                _arena(browser, address, name, window)
        with _served("arena_ui.owner", str(folder)) as address:
            _owner(browser, address, study)
        page = browser.new_page(viewport={"width": 1100, "height": 1250})
        page.goto(report.resolve().as_uri())
        page.screenshot(path=HERE / "report.png")
        phone = browser.new_context(viewport={"width": 390, "height": 1500}, color_scheme="dark").new_page()
        phone.goto(report.resolve().as_uri())
        phone.get_by_role("heading", name="Metrics and voters").first.scroll_into_view_if_needed()
        phone.screenshot(path=HERE / "report-phone.png")
        _releases(browser, folder.with_name(f"{folder.name}-releases"))
        browser.close()


def _releases(browser: Browser, folder: Path) -> None:
    """The trend page of the worked example."""
    subprocess.run([sys.executable, "-m", "evalharness", "demo", "--releases", str(folder)], check=True)
    page = browser.new_page(viewport=WIDE)
    page.goto((folder / "reports" / "releases.html").resolve().as_uri())
    page.locator("#history").screenshot(path=HERE / "releases.png")


@contextmanager
def _served(*words: str) -> Iterator[str]:
    """The address of pages that `python -m …` serves meanwhile."""
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", *words, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield next(word for line in server.stdout for word in line.split() if word.startswith("http"))
    finally:
        server.terminate()
        server.wait()


def _arena(browser: Browser, address: str, name: str, window: dict[str, int]) -> None:
    """The first screen, the voting page while it plays, and the leaderboard."""
    page = browser.new_page(viewport=window)  # type: ignore[arg-type]  # playwright's own mapping type
    page.goto(address)
    page.wait_for_selector("#agree")
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / f"consent-{name}.png")
    _consent(page)
    page.wait_for_selector('.choices button[aria-disabled="false"]')
    page.wait_for_timeout(1200)
    page.screenshot(path=HERE / f"vote-{name}.png")
    page.goto(f"{address}/leaderboard")
    page.wait_for_selector("svg, img", timeout=20_000)
    page.wait_for_timeout(3000)
    page.screenshot(path=HERE / f"leaderboard-{name}.png")
    page.close()


def _consent(page: Page) -> None:
    for language in page.locator(".chips label").all():
        language.click()
    page.check("#agree")
    page.click("#start")
    page.wait_for_selector(".judging:not([hidden])")


def _owner(browser: Browser, address: str, study: Study) -> None:
    """Progress and quality, as an owner sees them."""
    password = secrets.token_urlsafe()
    set_password(study.folder, "ada", Role.OWNER, password)
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(address)
    page.fill("[name=name]", "ada")
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")
    for name in ("Progress", "Quality"):
        page.get_by_role("link", name=name).click()
        page.get_by_role("heading", name=name, exact=True).wait_for()
        page.wait_for_timeout(4000)
        page.screenshot(path=HERE / f"owner-{name.lower()}.png")
    page.close()


def _let_voters_in(study: Study) -> None:
    """Simulated voters judge every pair they are shown, by taste and chance."""
    dice = random.Random(20260422)
    now = datetime.now(UTC)
    with Store.open(study.database_url) as store:
        if store.votes():
            return
        booth = Booth(study, store, Sealer(bytes(32)), clock=lambda: now)
        for number in range(VOTERS):
            voter, _ = booth.people.join(["en", "zh", "de", "ja"][: 1 + number % 4], "simulated")
            mood = {system: taste + dice.gauss(0, 0.4) for system, taste in TASTE.items()}
            while pairs := booth.round(voter).pairs:
                battle = store.battle(pairs[0].battle_id)
                now += timedelta(seconds=11)
                store.commit_votes(
                    [_vote(battle, question, mood, dice, now) for question in battle.questions]
                )


def _vote(
    battle: Battle, question: Question, mood: dict[str, float], dice: random.Random, now: datetime
) -> Vote:
    gap = mood[battle.left.system] - mood[battle.right.system]
    if dice.random() < 0.12:
        outcome = Outcome.BOTH_BAD if dice.random() < 0.3 else Outcome.TIE
    else:
        outcome = Outcome.LEFT if dice.random() < 1 / (1 + math.exp(-gap)) else Outcome.RIGHT
    return Vote(battle.id, battle.voter_id, question, outcome, now, {"simulated": True})


if __name__ == "__main__":
    main()
