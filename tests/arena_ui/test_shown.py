"""Quotas and expiry over a real store: what several booths of one study show between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from arena_ui.booth import OPEN_PAIRS, Booth
from evalharness.config import Study
from evalharness.errors import StoreError
from evalharness.records import Battle
from evalharness.votes import Refusal, RefusalKind
from tests.arena_ui.hall import Hall, newcomer

LIFE_S = 600
EVERY_PAIR = 3 * 4
"""Pairs of systems times categories."""
EVIDENCE = {
    "seen_left": 1.0, "seen_right": 1.0, "heard_left_s": 0.0, "heard_right_s": 0.0, "first_heard": "none",
    "plays": 1, "answer_s": 0.1, "hidden_s": 0.0, "drift_ms": 0.0, "input": "key",
    "first_seen": "both", "last_seen": "both",
}  # fmt: skip


@pytest.fixture
def hall_with(make_study: Callable[..., Study]) -> Iterator[Callable[..., Hall]]:
    """A hall whose study has these settings of [pairing]."""
    halls: list[Hall] = []

    def made(prompts: int = 6, votes_per_voter: int = 20, **pairing: int) -> Hall:
        study = make_study(prompts=prompts, votes_per_voter=votes_per_voter)
        halls.append(Hall.with_lines(study, "pairing", **{"ticket_life_s": LIFE_S, **pairing}))
        return halls[-1]

    yield made
    for hall in halls:
        hall.store.close()


def kinds(battles: list[Battle]) -> Counter[tuple[str, frozenset[str]]]:
    return Counter((b.category, frozenset((b.left.system, b.right.system))) for b in battles)


def test_a_pair_that_waited_too_long_is_somebody_elses(hall_with: Callable[..., Hall]) -> None:
    hall = hall_with(battles_per_pair=2, battles_per_category=2)
    booth = hall.booth()
    idle = newcomer(booth)
    kept = booth.round(idle).pairs
    assert len(kept) == 2
    hall.later(LIFE_S - 1)
    assert {pair.battle_id for pair in booth.round(idle).pairs} == {pair.battle_id for pair in kept}
    hall.later(2)
    ending = booth.vote(idle, kept[0].battle_id, {"overall": "left"}, EVIDENCE, {})
    assert isinstance(ending, Refusal)
    assert (ending.kind, "given to somebody else" in ending.sentence) == (RefusalKind.EXPIRED, True)
    assert hall.store.votes() == ()
    fresh = booth.round(idle)
    assert fresh.done == 0
    assert not {pair.battle_id for pair in fresh.pairs} & {pair.battle_id for pair in kept}


def test_tickets_that_nobody_answers_leave_room_for_others(hall_with: Callable[..., Hall]) -> None:
    hall = hall_with(battles_per_category=2)
    booth = hall.booth()
    categories = {battle.category for battle in _drain(hall, booth, answer=False)}
    assert booth.round(newcomer(booth)).finished
    hall.later(LIFE_S + 31)
    reborn = hall.booth()
    for each in (booth, reborn):
        assert not each.round(newcomer(each)).finished
    hall.later(LIFE_S + 31)
    answered = _drain(hall, booth, answer=True)
    assert Counter(battle.category for battle in answered) == dict.fromkeys(categories, 2)
    hall.later(LIFE_S + 31)  # what was answered stays
    for each in (booth, reborn, hall.booth()):
        shown = each.round(newcomer(each))
        assert (shown.pairs, shown.finished) == ((), True)


def test_a_voter_is_done_where_the_study_wants_no_more_of_them(hall_with: Callable[..., Hall]) -> None:
    hall = hall_with(battles_per_category=1)
    booth = hall.booth()
    voter = newcomer(booth)
    assert not booth.is_done(voter)
    while pairs := booth.round(voter).pairs:
        assert not booth.is_done(voter)
        hall.later(2)
        hall.answer(hall.store.battle(pairs[0].battle_id))
    assert booth.round(voter).done < booth.pairs_asked_for
    assert booth.is_done(voter)


def test_tabs_that_ask_at_once_share_the_pairs_they_are_shown(hall_with: Callable[..., Hall]) -> None:
    hall = hall_with()
    booth = hall.booth()
    voters = [newcomer(booth) for _ in range(4)]
    with ThreadPoolExecutor(8) as tabs:
        shown = list(tabs.map(lambda voter: (voter.id, booth.round(voter).pairs), voters * 6))
    for voter in voters:
        assert (
            len({pair.battle_id for who, pairs in shown if who == voter.id for pair in pairs}) == OPEN_PAIRS
        )
    assert len(hall.store.battles()) == OPEN_PAIRS * len(voters)


def test_a_battle_that_cannot_be_stored_takes_nobodys_place(
    hall_with: Callable[..., Hall], monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = hall_with(battles_per_category=1)
    booth = hall.booth()

    def full_disk(battle: Battle) -> None:
        raise StoreError("Could not store the battle: the disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(hall.store, "open_battle", full_disk)
        for _ in range(3):
            with pytest.raises(StoreError):
                booth.round(newcomer(booth))
    answered = _drain(hall, booth, answer=True)
    assert set(Counter(battle.category for battle in answered).values()) == {1}
    assert {battle.category for battle in answered} == {prompt.category for prompt in hall.store.prompts()}


def _drain(hall: Hall, booth: Booth, *, answer: bool) -> list[Battle]:
    """Voters come until nobody is shown anything; returns what they were shown."""
    drained: list[Battle] = []
    for _ in range(50):
        voter = newcomer(booth)
        while pairs := booth.round(voter).pairs:
            battles = [hall.store.battle(pair.battle_id) for pair in pairs]
            drained += battles
            for battle in battles if answer else ():
                hall.answer(battle)
            if not answer:
                break
        if not hall.store.battles(voter.id):
            return drained
    raise AssertionError("voters are shown pairs without end")


@pytest.mark.parametrize("seed", range(2))
def test_two_booths_and_a_killed_one_fill_the_quotas_with_both_orders_even(
    hall_with: Callable[..., Hall], seed: int
) -> None:
    wanted = 4
    hall, rng = hall_with(votes_per_voter=6, battles_per_pair=wanted), Random(seed)
    booths = [hall.booth(), hall.booth()]
    for _ in range(400):
        hall.later(rng.choice([1.5, 5, 30]))
        if rng.random() < 0.05:
            booths[rng.randrange(2)] = hall.booth()  # the old one was killed
        booth = rng.choice(booths)
        voter = newcomer(booth)
        while pairs := booth.round(voter).pairs:
            if rng.random() < 0.2:
                break  # and never comes back
            hall.answer(hall.store.battle(pairs[0].battle_id))
            hall.later(rng.uniform(1.1, 20))
        answered = hall.answered()
        if len(answered) >= wanted * len(kinds(answered)) == wanted * EVERY_PAIR:
            break
    assert set(kinds(answered).values()) == {wanted}
    orders = Counter((battle.left.system, battle.right.system) for battle in answered)
    assert all(abs(number - orders[right, left]) <= 1 for (left, right), number in orders.items())
    hall.later(LIFE_S + 31)
    assert all(each.round(newcomer(each)).finished for each in (*booths, hall.booth()))
