"""[recruiting] and [consent]: what each platform wants by default, and a sentence for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.settings import Platform, RecruitingSettings

CODES = 'codes = {completed = "C1", screened_out = "S1", failed_checks = "F1", no_consent = "N1"}\n'


def recruiting(folder: Path, lines: str, table: str = "recruiting") -> RecruitingSettings:
    systems = '[[systems]]\nname = "a"\nadapter = "folder"\n'
    (folder / "study.toml").write_text(f'name = "x"\n[{table}]\n{lines}\n{systems}', encoding="utf-8")
    return load_study(folder).settings.recruiting


def test_platforms_have_their_own_names_and_ways_out(tmp_path: Path) -> None:
    assert recruiting(tmp_path, "").platform is Platform.OPEN
    prolific = recruiting(tmp_path, f'platform = "prolific"\n{CODES}')
    names = prolific.person_parameter, prolific.study_parameter, prolific.session_parameter
    assert names == ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
    assert prolific.way_out("C1") == "https://app.prolific.com/submissions/complete?cc=C1"
    assert prolific.embedded_in == []
    mturk = recruiting(tmp_path, f'platform = "mturk"\n{CODES}')
    assert (mturk.person_parameter, mturk.session_parameter) == ("workerId", "assignmentId")
    assert (mturk.way_out("C1"), mturk.embedded_in[0]) == ("", "https://worker.mturk.com")
    renamed = recruiting(tmp_path, f'platform = "prolific"\nperson_parameter = "pid"\n{CODES}')
    assert renamed.person_parameter == "pid"
    generic = recruiting(tmp_path, f'platform = "generic"\nperson_parameter = "p"\n{CODES}')
    assert (generic.person_parameter, generic.way_out("C1")) == ("p", "")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('platform = "mturkk"', "platform: found 'mturkk'"),
        ('platform = "prolific"', "codes must be given"),
        (f'platform = "generic"\n{CODES}', "person_parameter must say"),
        (CODES, "for a platform; name it"),
        ('platform = "prolific"\ncodes = {completed = "C1"}', "four different codes"),
        (f'platform = "prolific"\n{CODES.replace("S1", "C1")}', "four different codes"),
        (f'platform = "prolific"\n{CODES.replace("S1", "C 1&x")}', "letters, digits"),
        ('platform = "prolific"\ncodes = {done = "C1"}', "allowed here: completed, failed_checks"),
        (f'platform = "prolific"\nexit_url = "https://x.test/"\n{CODES}', "holds '{code}' once"),
        (f'platform = "prolific"\nexit_url = "javascript:{{code}}"\n{CODES}', "starts with 'https://'"),
        (f'platform = "mturk"\nexit_url = "https://x.test/{{code}}"\n{CODES}', "no exit_url"),
        (f'platform = "prolific"\nstudy_parameter = "PROLIFIC_PID"\n{CODES}', "different names"),
        (f'platform = "generic"\nperson_parameter = "lang"\n{CODES}', "none of them 'lang'"),
        (f'platform = "generic"\nperson_parameter = "a b"\n{CODES}', "person_parameter: found 'a b'"),
        ('embedded_in = ["https://x.test; script-src *"]', "is no origin"),
        ('embedded_in = ["http://x.test"]', "is no origin"),
        (f'platform = "prolific"\n{CODES}\n[arena]\nown_board = "after_session"', "could pass on"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        recruiting(tmp_path, lines)


@pytest.mark.parametrize("line", ["minimum_age = -1", "ask_open_data = 1", "reward = 5", "age = 18"])
def test_consent_has_its_own_rules(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"consent\."):
        recruiting(tmp_path, line, "consent")
