"""Pairs that test the voter: every session has its own, and only a trap's words tell them from others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from evalharness.battles import Agenda, Checks
from evalharness.config import Study
from evalharness.records import Battle, Outcome, Purpose
from tests.arena_ui.hall import Hall, newcomer

WANTED = {"traps": 1, "repeats": 2, "swapped_repeats": 1}
APART = 3


@pytest.fixture
def hall(make_study: Callable[..., Study]) -> Iterator[Hall]:
    study = make_study(prompts=6, votes_per_voter=12)
    hall = Hall.with_lines(study, "checks", **WANTED, first_after=2, apart=APART)
    yield hall
    hall.store.close()


def session(hall: Hall) -> list[Battle]:
    """All that one voter is shown, in order, each answered before the next but one is drawn."""
    booth = hall.booth()
    voter = newcomer(booth)
    while pairs := booth.round(voter).pairs:
        hall.later(5)
        hall.answer(hall.store.battle(pairs[0].battle_id))
    return list(hall.store.battles(voter.id))


def test_every_session_has_all_its_checks_at_places_of_its_own(hall: Hall) -> None:
    sessions = [session(hall) for _ in range(6)]
    for battles in sessions:
        purposes = [battle.purpose for battle in battles]
        assert {kind: purposes.count(kind) for kind in Purpose if kind in purposes} == {
            Purpose.COMPARISON: 12,
            Purpose.TRAP: 1,
            Purpose.REPEAT: 2,
            Purpose.SWAPPED_REPEAT: 1,
        }
        assert purposes[:2] == [Purpose.COMPARISON] * 2
        assert all(Purpose.COMPARISON in two for two in pairwise(purposes))
    places = {tuple(b.purpose is Purpose.COMPARISON for b in battles) for battles in sessions}
    assert len(places) > 3


def test_repeats_show_an_answered_comparison_of_long_enough_ago_once(hall: Hall) -> None:
    battles = session(hall)
    by_id = {battle.id: place for place, battle in enumerate(battles)}
    repeats = [battle for battle in battles if battle.repeats is not None]
    assert len({battle.repeats for battle in repeats}) == len(repeats) == 3
    for again in repeats:
        assert again.repeats is not None
        before = battles[by_id[again.repeats]]
        assert before.purpose is Purpose.COMPARISON
        assert by_id[again.id] - by_id[before.id] > APART
        sides = (before.left, before.right, before.left_exhibit, before.right_exhibit)
        if again.purpose is Purpose.SWAPPED_REPEAT:
            sides = (before.right, before.left, before.right_exhibit, before.left_exhibit)
        assert (again.left, again.right, again.left_exhibit, again.right_exhibit) == sides
        assert (again.prompt_id, again.questions) == (before.prompt_id, before.questions)


def test_checks_count_for_no_system_and_no_quota(hall: Hall) -> None:
    session(hall)
    assert {ballot.battle_id for ballot in hall.store.ballots()} == {
        battle.id for battle in hall.store.battles() if battle.purpose is Purpose.COMPARISON
    }
    assert sum(hall.booth()._dealer._shown.tally().categories.values()) == 12


def test_the_browser_is_told_of_a_check_by_a_traps_words_alone(hall: Hall) -> None:
    booth = hall.booth()
    voter = newcomer(booth)
    told: dict[Purpose, list[dict[str, object]]] = {purpose: [] for purpose in Purpose}
    while pairs := booth.round(voter).pairs:
        hall.later(5)
        battle = hall.store.battle(pairs[0].battle_id)
        told[battle.purpose].append(json.loads(json.dumps(booth.round(voter).as_json()))["pairs"][0])
        if battle.purpose is Purpose.TRAP:
            assert battle.expected in (Outcome.LEFT, Outcome.RIGHT, Outcome.BOTH_BAD)
            said = {"left": "A is better", "right": "B is better", "both_bad": "Both bad"}[battle.expected]
            assert str(told[battle.purpose][-1]["prompt_text"]).endswith(f"Please answer: {said}.")
        hall.answer(battle)
    pairs_told = [pair for each in told.values() for pair in each]
    may_be_none = {"spoken", "first_frame"}
    shapes = {
        tuple((name, type(value)) for name, value in pair.items() if name not in may_be_none)
        for pair in pairs_told
    }
    assert len(shapes) == 1
    assert {len(str(pair["battle_id"])) for pair in pairs_told} == {32}
    for word in (*Purpose, "expected", "repeats"):
        assert f'"{word}"' not in json.dumps(pairs_told)


def test_a_session_too_short_for_its_checks_has_fewer() -> None:
    agenda = Agenda(Checks(traps=3, first_after=3), "voter", comparisons=2)
    assert agenda.due([]) == ()
