"""Links of every platform, sound, incomplete and forged; who leaves by which exit, and with what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from arena_ui.exits import Exit, WayOut, exit_of, is_screened_out, way_out
from arena_ui.recruiting import Referral, Turned, parameters_of, referral
from arena_ui.tokens import Sealer
from evalharness.labels import ScreeningKind
from evalharness.people import Screening
from evalharness.settings import RecruitingSettings

CODES = {"completed": "C1", "screened_out": "S1", "failed_checks": "F1", "no_consent": "N1"}
PERSON = "5f6a9c01d2e3b4a5c6d7e8f9"
PROLIFIC = f"?PROLIFIC_PID={PERSON}&STUDY_ID=st1&SESSION_ID=se1"
MTURK = "?workerId=A1B2C3&hitId=H1&assignmentId=AS1&turkSubmitTo=https%3A%2F%2Fwww.mturk.com"
GENERIC = "?pid=ann%40lab.test"


def settings(platform: str, **more: Any) -> RecruitingSettings:
    given = {} if platform == "open" else {"codes": CODES}
    named = {"person_parameter": "pid"} if platform == "generic" else {}
    return RecruitingSettings.model_validate({"platform": platform, **given, **named, **more})


@pytest.mark.parametrize(
    ("platform", "query", "said"),
    [
        ("prolific", PROLIFIC, (PERSON, {"study": "st1", "session": "se1"})),
        ("prolific", f"?lang=zh&PROLIFIC_PID={PERSON}", (PERSON, {})),
        ("prolific", f"?PROLIFIC_PID={PERSON}&STUDY_ID=a%20b%00", (PERSON, {})),
        ("prolific", f"?PROLIFIC_PID=other&PROLIFIC_PID={PERSON}", (PERSON, {})),
        ("prolific", "", Turned.INCOMPLETE),
        ("prolific", "?PROLIFIC_PID=", Turned.INCOMPLETE),
        ("prolific", "?PROLIFIC_PID={{%PROLIFIC_PID%}}", Turned.INCOMPLETE),
        ("prolific", "?prolific_pid=" + PERSON, Turned.INCOMPLETE),
        ("prolific", "?PROLIFIC_PID=" + "a" * 129, Turned.INCOMPLETE),
        ("prolific", "?PROLIFIC_PID=a%0Ab", Turned.INCOMPLETE),
        ("prolific", "?PROLIFIC_PID=<script>", Turned.INCOMPLETE),
        ("prolific", "?" + "a=1&" * 60 + f"PROLIFIC_PID={PERSON}", Turned.INCOMPLETE),
        ("mturk", MTURK, ("A1B2C3", {"study": "H1", "session": "AS1", "submit_to": "https://www.mturk.com"})),
        ("mturk", "?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=H1", Turned.PREVIEW),
        ("mturk", MTURK.replace("AS1", "ASSIGNMENT_ID_NOT_AVAILABLE"), Turned.PREVIEW),
        ("mturk", MTURK.replace("workerId", "worker"), Turned.INCOMPLETE),
        ("mturk", MTURK.replace("assignmentId", "assignment"), Turned.INCOMPLETE),
        ("mturk", MTURK.replace("www.mturk.com", "www.mturk.com.evil.test"), Turned.INCOMPLETE),
        ("mturk", MTURK.replace("www.mturk.com", "evilmturk.com"), Turned.INCOMPLETE),
        ("mturk", MTURK.replace("www.mturk.com", "me%40www.mturk.com"), Turned.INCOMPLETE),
        ("mturk", MTURK.replace("https", "http"), Turned.INCOMPLETE),
        ("mturk", MTURK.replace("www.", "%5B"), Turned.INCOMPLETE),
        ("generic", GENERIC, ("ann@lab.test", {})),
        ("generic", PROLIFIC, Turned.INCOMPLETE),
    ],
)
def test_a_link_says_who_comes_or_it_lets_nobody_in(platform: str, query: str, said: Any) -> None:
    told = referral(parameters_of(query), settings(platform))
    if isinstance(said, Turned):
        assert told is said
    else:
        assert isinstance(told, Referral)
        assert (told.platform, told.person, told.details) == (platform, *said)


@pytest.mark.parametrize("query", [None, 5, ["?a=1"], "?" + "a" * 5000])
def test_what_is_no_address_has_no_parameters(query: object) -> None:
    assert parameters_of(query) == {}


def test_an_open_study_asks_for_no_link() -> None:
    assert referral(parameters_of(PROLIFIC), settings("open")) is None


def trial(kind: ScreeningKind, passed: bool) -> Screening:
    return Screening("v", kind, passed, datetime(2026, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("trials", "out"),
    [
        ([], False),
        ([(ScreeningKind.DEVICE, False)], True),
        ([(ScreeningKind.DEVICE, False), (ScreeningKind.DEVICE, True)], False),
        ([(ScreeningKind.HEADPHONES, False)], False),
        ([(ScreeningKind.HEADPHONES, False)] * 2, True),
        ([(ScreeningKind.HEADPHONES, False), (ScreeningKind.HEADPHONES, True)], False),
        ([(ScreeningKind.LANGUAGE, False)] * 3 + [(ScreeningKind.TRAINING, False)], False),
    ],
)
def test_device_and_ears_screen_out_languages_and_training_do_not(
    trials: list[tuple[ScreeningKind, bool]], out: bool
) -> None:
    assert is_screened_out([trial(*each) for each in trials]) is out


@pytest.mark.parametrize(
    ("done", "screened_out", "failed", "exit_"),
    [
        (False, False, 0, None),
        (False, False, 5, None),
        (True, False, 1, Exit.COMPLETED),
        (True, False, 2, Exit.FAILED_CHECKS),
        (False, True, 0, Exit.SCREENED_OUT),
        (True, True, 2, Exit.SCREENED_OUT),
    ],
)
def test_one_of_the_exits_is_right(done: bool, screened_out: bool, failed: int, exit_: Exit | None) -> None:
    found = exit_of(done=done, screened_out=screened_out, traps_failed=failed, traps_forgiven=1)
    assert found is exit_


def test_every_exit_has_its_code_and_its_way() -> None:
    prolific = settings("prolific")
    told = {exit_: way_out(exit_, prolific, {}) for exit_ in Exit}
    assert {exit_: way.code for exit_, way in told.items() if way} == CODES
    assert told[Exit.FAILED_CHECKS] == WayOut("F1", "https://app.prolific.com/submissions/complete?cc=F1")
    assert way_out(Exit.COMPLETED, settings("open"), {}) is None
    assert way_out(Exit.COMPLETED, settings("generic"), {}) == WayOut("C1")
    came = {"session": "AS1", "submit_to": "https://workersandbox.mturk.com"}
    assert way_out(Exit.COMPLETED, settings("mturk"), came) == WayOut(
        "C1",
        "https://workersandbox.mturk.com/mturk/externalSubmit",
        {"assignmentId": "AS1", "code": "C1"},
    )
    assert way_out(Exit.COMPLETED, settings("mturk"), {}) == WayOut("C1"), "the person was forgotten"


def test_return_codes_are_read_as_people_write_them_and_cannot_be_made() -> None:
    sealer, other = Sealer(b"k" * 32), Sealer(b"j" * 32)
    code = sealer.return_code("00ff8001deadbeef")
    assert [len(group) for group in code.split("-")] == [4] * 6
    written = code.lower().replace("-", " ").replace("o", "0").replace("i", "1").replace("b", "8")
    assert sealer.voter_of(code) == sealer.voter_of(written) == "00ff8001deadbeef"
    assert other.voter_of(code) is None
    letters = code.replace("-", "")
    for place in range(len(letters)):
        wrong = letters[:place] + ("A" if letters[place] != "A" else "C") + letters[place + 1 :]
        assert sealer.voter_of(wrong) is None
    assert [sealer.voter_of(odd) for odd in ("", "A", "!" * 24, code[:-5], code + "AAAA")] == [None] * 5
    assert sealer.person_key("prolific", "a") not in {
        other.person_key("prolific", "a"),
        sealer.person_key("mturk", "a"),
    }
