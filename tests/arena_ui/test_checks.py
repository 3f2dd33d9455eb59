"""Pairs that test the voter: every session has its own, and only a trap's words tell them from others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from evalharness.battles import Agenda, Checks, Pool, draw_gold, gold_pairs
from evalharness.config import Study
from evalharness.labels import FaultKind
from evalharness.people import Fault
from evalharness.records import Battle, Exhibit, Outcome, Purpose
from tests.arena_ui.hall import Hall, newcomer

WANTED = {"traps": 1, "repeats": 2, "swapped_repeats": 1}
APART = 3


@pytest.fixture
def hall(make_study: Callable[..., Study]) -> Iterator[Hall]:
    study = make_study(prompts=6, votes_per_voter=12)
    hall = Hall.with_lines(study, "checks", **WANTED, first_after=2, apart=APART)
    yield hall
    hall.store.close()


def spoil(hall: Hall, number: int) -> list[Exhibit]:
    """Spoiled copies on so many prompts, of a system drawn for each; their files are the originals'."""
    rng = Random(2)
    by_prompt: dict[str, list[Exhibit]] = {}
    for exhibit in hall.store.exhibits():
        by_prompt.setdefault(exhibit.prompt_id, []).append(exhibit)
    copies = []
    for prompt_id in sorted(by_prompt)[:number]:
        original = rng.choice(by_prompt[prompt_id])
        copies.append(replace(original, id=f"{rng.getrandbits(64):016x}", flaw="blur"))
        hall.store.put_exhibit(copies[-1])
    return copies


@pytest.fixture
def gilded(make_study: Callable[..., Study]) -> Iterator[Hall]:
    """A hall whose sessions hold two gold pairs, of two that can be had on every prompt."""
    hall = Hall.with_lines(
        make_study(prompts=6, votes_per_voter=10), "checks", golds=2, traps=1, first_after=2
    )
    spoil(hall, 6)
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


def test_nobody_can_foretell_the_pairs_who_knows_prompts_and_systems(hall: Hall) -> None:
    """Two arenas that begin alike deal differently: the order of pairs would name the systems."""
    first, second = hall.booth_of(None), hall.booth_of(None)
    deals = []
    for booth in (first, second):
        voter = newcomer(booth)
        pairs = []
        while len(pairs) < 12 and (found := booth.round(voter).pairs):
            battle = hall.store.battle(found[0].battle_id)
            pairs.append((battle.prompt_id, battle.left.system, battle.right.system))
            hall.later(5)
            hall.answer(battle)
        deals.append(pairs)
    assert deals[0] != deals[1]


def test_nobody_can_foretell_their_checks_who_knows_their_id(hall: Hall) -> None:
    """A return code is a voter's id; what is drawn from the id alone stands elsewhere."""
    booth, foretold = hall.booth(), 0
    for _ in range(8):
        voter = newcomer(booth)
        while found := booth.round(voter).pairs:
            hall.later(5)
            hall.answer(hall.store.battle(found[0].battle_id))
        purposes = [battle.purpose for battle in hall.store.battles(voter.id)]
        agenda = Agenda(Checks(**WANTED, first_after=2, apart=APART), voter.id, 12)
        foretold += all(purposes[place] is kind for place, kind in agenda._plan if place < len(purposes))
    assert foretold <= 2


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


@pytest.mark.parametrize("which", ["hall", "gilded"])
def test_the_browser_is_told_of_a_check_by_a_traps_words_alone(
    which: str, request: pytest.FixtureRequest
) -> None:
    hall: Hall = request.getfixturevalue(which)
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
    assert sum(map(bool, told.values())) == {"hall": 4, "gilded": 3}[which], "not every kind was shown"
    asked: dict[str, set[tuple[str, ...]]] = {}
    for battle in hall.store.battles(voter.id):
        asked.setdefault(battle.prompt_id, set()).add(battle.questions)
    assert {len(each) for each in asked.values()} == {1}, "what is asked follows from the prompt"
    assert len({(len(str(pair["left"])), len(str(pair["right"]))) for pair in pairs_told}) == 1
    assert {len(str(pair["battle_id"])) for pair in pairs_told} == {32}
    for word in (*Purpose, "expected", "repeats"):
        assert f'"{word}"' not in json.dumps(pairs_told)


def test_a_check_that_is_put_aside_comes_again(hall: Hall) -> None:
    """Reporting it passes no check, but for one at the very end: of that the rules make something."""
    again = 0
    for _ in range(4):
        booth = hall.booth()
        voter = newcomer(booth)
        aside: dict[Purpose, str] = {}
        while pairs := booth.round(voter).pairs:
            hall.later(5)
            battle = hall.store.battle(pairs[0].battle_id)
            if battle.purpose is not Purpose.COMPARISON and battle.purpose not in aside:
                aside[battle.purpose] = battle.id
                hall.store.report_fault(Fault(battle.id, FaultKind.SOUND, hall.now))
            else:
                hall.answer(battle)
        shown = hall.store.battles(voter.id)
        for place, battle in enumerate(shown):
            if battle.id in aside.values() and place < len(shown) - APART:
                assert battle.purpose in {later.purpose for later in shown[place + 1 :]}
                again += 1
        repeated = [battle.repeats for battle in shown if battle.repeats is not None]
        assert len(set(repeated)) == len(repeated), "another pair each time"
    assert again > 4


def test_a_session_too_short_for_its_checks_has_fewer() -> None:
    agenda = Agenda(Checks(traps=3, first_after=3), "voter", comparisons=2)
    assert agenda.due([]) == ()


def test_gold_pairs_have_one_spoiled_side_and_the_other_is_the_right_answer(gilded: Hall) -> None:
    spoiled = {each.id: each for each in gilded.store.flawed_exhibits()}
    whole = {each.id: each for each in gilded.store.exhibits()}
    for _ in range(6):
        battles = session(gilded)
        assert [each.purpose for each in battles].count(Purpose.COMPARISON) == 10
        golds = [each for each in battles if each.purpose is Purpose.GOLD]
        assert len({each.prompt_id for each in golds}) == len(golds) == 2
        for gold in golds:
            sides = [gold.left_exhibit, gold.right_exhibit]
            bad = 0 if gold.expected is Outcome.RIGHT else 1
            assert gold.expected in (Outcome.LEFT, Outcome.RIGHT)
            assert sides[bad] in spoiled
            assert sides[1 - bad] in whole
            assert gold.left.system != gold.right.system
        pairs = [frozenset((each.left, each.right)) for each in battles]
        assert len(set(pairs)) == len(pairs), "a pair is shown once, spoiled or not"
        for each in battles:
            if each.purpose is not Purpose.GOLD:
                assert {each.left_exhibit, each.right_exhibit} <= set(whole)


def test_gold_pairs_count_for_no_system_and_no_quota(gilded: Hall) -> None:
    session(gilded)
    battles = {battle.id: battle for battle in gilded.store.battles()}
    assert {battles[each.battle_id].purpose for each in gilded.store.ballots()} == {Purpose.COMPARISON}
    assert sum(gilded.booth()._dealer._shown.tally().categories.values()) == 10
    assert all(each.flaw is None for each in gilded.store.exhibits())


def test_the_browser_is_told_the_same_of_a_gold_pair_as_of_any_other(gilded: Hall) -> None:
    booth = gilded.booth()
    voter = newcomer(booth)
    told: dict[bool, list[dict[str, object]]] = {True: [], False: []}
    while pairs := booth.round(voter).pairs:
        gilded.later(5)
        battle = gilded.store.battle(pairs[0].battle_id)
        [said, *_] = json.loads(json.dumps(booth.round(voter).as_json()))["pairs"]
        if battle.purpose is not Purpose.TRAP:
            told[battle.purpose is Purpose.GOLD].append(said)
            clips = [booth.clip(str(said[side]), voter) for side in ("left", "right")]
            assert all(clip is not None for clip in clips)
            assert len({clip.length for clip in clips if clip is not None}) == 1
        gilded.answer(battle)
    assert len(told[True]) == 2
    texts = {
        gilded.store.battle(str(each["battle_id"])).prompt_id: each["prompt_text"] for each in told[False]
    }
    shapes = [
        {(name, len(str(each[name]))) for name in ("battle_id", "left", "right")} for each in told[False]
    ]
    for gold in told[True]:
        assert set(gold) == set(told[False][0])
        assert {(name, len(str(gold[name]))) for name in ("battle_id", "left", "right")} in shapes
        assert gold["duration_s"] in {each["duration_s"] for each in told[False]}
        prompt_id = gilded.store.battle(str(gold["battle_id"])).prompt_id
        assert texts.get(prompt_id, gold["prompt_text"]) == gold["prompt_text"]
        for word in ("gold", "flaw", "blur", "spoil", "expected"):
            assert word not in json.dumps(gold)


def test_without_spoiled_copies_a_session_holds_no_gold_pairs(make_study: Callable[..., Study]) -> None:
    hall = Hall.with_lines(make_study(prompts=6, votes_per_voter=5), "checks", golds=2, first_after=1)
    assert {battle.purpose for battle in session(hall)} == {Purpose.COMPARISON}
    assert hall.booth().pairs_asked_for == 5
    hall.store.close()


def test_a_spoiled_copy_of_another_size_or_of_a_clip_without_rival_makes_no_gold_pair(hall: Hall) -> None:
    [copy] = spoil(hall, 1)
    pool = Pool(hall.store.prompts(), hall.store.exhibits())
    golds = gold_pairs(pool, [copy])
    assert len(golds) == 2
    assert {golds[0].sides(Random(seed))[2] for seed in range(9)} == {Outcome.LEFT, Outcome.RIGHT}
    assert gold_pairs(pool, [replace(copy, bytes=copy.bytes + 1)]) == ()
    alone = Pool(
        hall.store.prompts(), [e for e in hall.store.exhibits() if e.clip.system == copy.clip.system]
    )
    assert gold_pairs(alone, [copy]) == ()


def test_a_clip_that_the_voter_saw_as_it_is_comes_spoiled_only_where_no_other_can(hall: Hall) -> None:
    first, second = spoil(hall, 2)
    golds = gold_pairs(Pool(hall.store.prompts(), hall.store.exhibits()), [first, second])
    by_first = [gold for gold in golds if gold.spoiled == first]
    [shown] = hall.booth().round(newcomer(hall.booth())).pairs[:1]
    battle = hall.store.battle(shown.battle_id)
    seen = replace(battle, prompt_id=first.prompt_id, left=first.clip, right=by_first[0].whole.clip)
    drawn = [draw_gold(golds, [seen], Random(seed)) for seed in range(20)]
    assert {each[0].spoiled.id for each in drawn if each} == {second.id}
    assert {each[1] for each in drawn if each} == {0.5}
    assert draw_gold(by_first, [seen], Random(1)) == (by_first[1], 1.0)
    assert draw_gold(by_first[:1], [seen], Random(1)) is None
