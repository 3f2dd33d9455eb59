"""study.toml: defaults, and a sentence for everything that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.records import Question, System
from evalharness.scaffold import write_study

ONE_SYSTEM = '[[systems]]\nname = "a"\nadapter = "folder"\n'


def study_of(folder: Path, text: str) -> Path:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_minimal_study_has_the_documented_defaults(tmp_path: Path) -> None:
    study = load_study(study_of(tmp_path, 'name = "x"\n' + ONE_SYSTEM))
    assert study.systems == (System(name="a", adapter="folder"),)
    assert study.settings.blinding.loudness_lufs == -23.0
    assert study.settings.blinding.true_peak_db == -1.0
    assert study.settings.arena.questions[0] is Question.OVERALL
    assert study.database_url == f"sqlite:///{tmp_path.resolve() / 'study.db'}"


def test_the_written_study_reads_back_as_it_was_asked_for(tmp_path: Path) -> None:
    systems = (
        System(name="a", adapter="synthetic", codename="otter", parameters={"blur": 1.5, "mute": True}),
        System(name="b 2", adapter="command", concurrency=3, parameters={"argv": ["x", "{seed}"]}),
    )
    write_study(tmp_path / "s", systems, prompt_ids=("p1", "p2"), duration_s=4.0, leaderboard="always")
    study = load_study(tmp_path / "s")
    assert study.systems == systems
    assert study.settings.prompts.ids == ["p1", "p2"]
    assert study.settings.generation.duration_s == 4.0
    assert study.settings.arena.leaderboard == "always"


def test_init_never_overwrites_a_study(tmp_path: Path) -> None:
    write_study(tmp_path, (System(name="a", adapter="folder"),))
    before = (tmp_path / "study.toml").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="is a study already"):
        write_study(tmp_path, (System(name="b", adapter="folder"),))
    assert (tmp_path / "study.toml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "name: found nothing; it must be given"),
        ('name = "x"', "systems: found nothing; it must be given"),
        (
            'name = "x"\nsytems = 3\n' + ONE_SYSTEM,
            "sytems: found this key is not known; allowed here: .*systems",
        ),
        (f'name = "x"\n[arena]\nport = "8501"\n{ONE_SYSTEM}', "arena.port: found '8501'; .*integer"),
        (f'name = "x"\n[arena]\nprt = 1\n{ONE_SYSTEM}', "arena.prt: .*allowed here: .*port"),
        (
            f'name = "x"\n[arena]\nquestions = ["sync"]\n{ONE_SYSTEM}',
            "arena.questions: .*allowed: overall, .*av_sync",
        ),
        (f'name = "x"\n[arena]\nquestions = ["motion"]\n{ONE_SYSTEM}', "start with 'overall'"),
        (
            f'name = "x"\n[pairing]\npolicy = "best"\n{ONE_SYSTEM}',
            "pairing.policy: found 'best'; .*'balanced'",
        ),
        (
            f'name = "x"\n[blinding]\nheight = 481\n{ONE_SYSTEM}',
            "blinding.height: found 481; .*multiple of 2",
        ),
        (f'name = "x"\n{ONE_SYSTEM}{ONE_SYSTEM}', "share the name or codename a"),
        (f'name = "x"\n{ONE_SYSTEM}speed = 3\n', "systems.0.speed: .*allowed here: adapter, codename"),
        (
            'name = "x"\ndatabase = "mysql:///x"\n' + ONE_SYSTEM,
            "database: found 'mysql:///x'; start with 'sqlite:///'",
        ),
        ("name = ", "is not valid TOML"),
    ],
)
def test_bad_settings_get_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_study(study_of(tmp_path, text))


def test_a_password_in_the_settings_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = 'name = "x"\ndatabase = "postgresql+psycopg://me:hunter2@host/db"\n' + ONE_SYSTEM
    with pytest.raises(ConfigError, match="PGPASSWORD") as caught:
        load_study(study_of(tmp_path, text))
    assert "hunter2" not in str(caught.value)


def test_a_folder_without_a_study_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a study.*evalharness init"):
        load_study(tmp_path)
