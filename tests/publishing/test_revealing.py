"""A mystery model gets its name: on every later board, on the record, and all else in the file stays."""

from __future__ import annotations

import shutil
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evalharness.cli.leaderboard import summary_of
from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.reports import Profile, render_html, render_markdown
from evalharness.reports.wording import mask_lines
from evalharness.store import Store
from evalharness.systems import write_reveal


@pytest.fixture
def folder(study_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(study_folder, tmp_path / "study"))


def reveal(*words: str) -> str:
    told = CliRunner().invoke(app, ["reveal", *words])
    if told.exception is not None:
        raise told.exception
    return told.stdout


def test_boards_name_it_from_then_on_and_say_what_it_was(folder: Path) -> None:
    before = summary_of(load_study(folder))
    assert "otter" in [row.system for row in before.boards[0].ratings]
    assert mask_lines(before) == ("otter is a codename: who stands behind it is not told yet.",)
    assert "glacier" not in render_html(before) + render_markdown(before)
    today = datetime.now(UTC).date()

    assert "otter is glacier" in reveal(str(folder), "otter", "--yes", "--by", "Ada", "--because", "won")

    after = summary_of(load_study(folder))
    assert [row.system.replace("glacier", "otter") for row in after.boards[0].ratings] == [
        row.system for row in before.boards[0].ratings
    ]
    assert mask_lines(after) == (f"glacier was shown as otter until {today}.",)
    assert f"glacier was shown as otter until {today}." in render_html(after)
    with Store.open(load_study(folder).database_url) as store:
        entry = next(each for each in store.audit() if each.action == "revealed")
    assert entry.author == "Ada"
    assert entry.details == {"codename": "otter", "system": "glacier", "because": "won"}


def test_all_else_in_the_file_stays(folder: Path) -> None:
    file = folder / "study.toml"
    file.write_text(file.read_text() + "\n# the last line\n")
    before = file.read_text()
    write_reveal(file, "otter", date(2026, 4, 10))
    after = file.read_text()
    assert after.replace("revealed = 2026-04-10\n", "", 1) == before
    assert tomllib.loads(after)["systems"][0]["revealed"] == date(2026, 4, 10)


def test_who_is_not_masked_cannot_be_revealed_and_nobody_twice(folder: Path) -> None:
    with pytest.raises(ConfigError, match="masked are otter"):
        reveal(str(folder), "ember", "--yes")
    reveal(str(folder), "otter", "--yes")
    with pytest.raises(ConfigError, match="was revealed on .*: it is glacier"):
        reveal(str(folder), "otter", "--yes")


def test_it_asks_first(folder: Path) -> None:
    told = CliRunner().invoke(app, ["reveal", str(folder), "otter"], input="n\n")
    assert told.exit_code == 1
    assert load_study(folder).systems[0].label == "otter"


def test_a_profile_of_a_masked_system_tells_nothing(folder: Path) -> None:
    file = folder / "study.toml"
    text = file.read_text().replace(
        'codename = "otter"\n', 'codename = "otter"\nreleased = 2026-04-01\nopen_weights = true\n'
    )
    file.write_text(text)
    assert summary_of(load_study(folder)).profiles[0] == Profile("otter", masked=True)
    reveal(str(folder), "otter", "--yes")
    told = summary_of(load_study(folder)).profiles[0]
    assert (told.system, told.released, told.open_weights) == ("glacier", date(2026, 4, 1), True)


def test_a_reveal_without_a_codename_is_refused(folder: Path) -> None:
    file = folder / "study.toml"
    file.write_text(file.read_text().replace('codename = "otter"\n', "revealed = 2026-04-01\n"))
    with pytest.raises(ConfigError, match="revealed says when a codename ended"):
        load_study(folder)
