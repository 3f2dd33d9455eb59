"""The policy gap_aware in the arena: when votes are rated, what is preferred, and what a battle then says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from arena_ui.booth import Booth
from arena_ui.preferring import REST, SECONDS, VOTES, Preferring, preference_from
from arena_ui.tokens import Sealer
from evalharness.config import PairingSettings, Study, load_study
from evalharness.errors import StoreError
from evalharness.records import Category, Outcome, Question, Vote
from evalharness.store import Store
from evalharness.store.counting import VoteColumns

SYSTEMS = ("a", "b", "c", "d")
GAP_AWARE = PairingSettings(policy="gap_aware", newcomer_votes=0)


def columns(number: int) -> VoteColumns:
    """Votes on all pairs alike: a and b are as good as each other, c is far below, d farther."""
    random = np.random.default_rng(1)
    strength = np.array([0.0, 0.0, -2.0, -4.0])
    index = np.arange(number)
    pair = np.array(list(combinations(range(4), 2)), dtype=np.int64)[index % 6]
    left, right = np.where(index[:, None] % 4 < 2, pair, pair[:, ::-1]).T
    won = random.random(number) < 1 / (1 + np.exp(strength[right] - strength[left]))
    names = (SYSTEMS, tuple(f"v{i}" for i in range(30)), tuple(f"p{i}" for i in range(25)))
    return VoteColumns(*names, left, right, np.where(won, 0, 1), index % 30, index % 25)


NOTHING = VoteColumns((), (), (), *np.zeros((5, 0), dtype=np.int64))


class FakeStore:
    """Has votes in one category."""

    def __init__(self) -> None:
        self.cast = NOTHING

    def vote_columns(self, *, category: Category, question: Question) -> VoteColumns:
        assert question is Question.OVERALL
        return self.cast if category is Category.TEXT_TO_VIDEO else NOTHING


class Bench:
    """A `Preferring` whose clock and threads are in the test's hands."""

    def __init__(self, settings: PairingSettings = GAP_AWARE) -> None:
        self.store, self.now = FakeStore(), 0.0
        self.waiting: list[Callable[[], None]] = []
        store: Any = self.store
        self.preferring = Preferring(
            store, settings, SYSTEMS, clock=lambda: self.now, start=self.waiting.append
        )

    def work(self) -> None:
        self.waiting.pop()()


def test_categories_that_cannot_be_rated_are_left_out_and_the_open_pair_is_preferred() -> None:
    votes = {Category.TEXT_TO_VIDEO: columns(600), Category.AUDIO_SYNC: columns(1)}
    wanted = preference_from(votes, SYSTEMS, GAP_AWARE)
    assert set(wanted) == {Category.TEXT_TO_VIDEO}
    chances = dict(zip(combinations(SYSTEMS, 2), wanted[Category.TEXT_TO_VIDEO], strict=True))
    assert max(chances, key=chances.__getitem__) == ("a", "b")
    assert chances["a", "b"] > 0.5
    assert min(chances.values()) >= 0.1 / 6
    assert sum(chances.values()) == pytest.approx(1.0)


def test_votes_are_rated_at_first_sight_then_after_enough_votes_or_time_and_never_twice_at_once() -> None:
    bench = Bench()
    assert bench.preferring.current() is None
    assert len(bench.waiting) == 1
    bench.preferring.current()
    assert len(bench.waiting) == 1  # at work already
    bench.store.cast = columns(600)
    bench.work()
    assert set(bench.preferring.current() or {}) == {Category.TEXT_TO_VIDEO}
    assert not bench.waiting
    for _ in range(VOTES - 1):
        bench.preferring.note_vote()
    bench.preferring.current()
    assert not bench.waiting
    bench.preferring.note_vote()
    bench.preferring.current()
    bench.work()
    bench.now += SECONDS - 1
    bench.preferring.current()
    assert not bench.waiting
    bench.now += 1
    bench.preferring.current()
    assert len(bench.waiting) == 1


def test_slow_rating_rests_in_proportion_and_a_closed_store_leaves_what_was_known() -> None:
    bench = Bench()
    bench.store.cast = columns(600)
    bench.preferring.current()
    bench.work()
    known = bench.preferring.current()
    bench.now += SECONDS
    bench.preferring.current()
    job = bench.waiting.pop()

    def slowly(**asked: Any) -> VoteColumns:
        bench.now += 20.0
        raise StoreError("The database is closed.")

    bench.store.vote_columns = slowly  # type: ignore[method-assign]  # the fake's one verb, made slow
    job()
    assert bench.preferring.current() is known
    for _ in range(VOTES):
        bench.preferring.note_vote()
    bench.now += REST * 20.0 - 1
    bench.preferring.current()
    assert not bench.waiting
    bench.now += 1
    bench.preferring.current()
    assert len(bench.waiting) == 1


@pytest.mark.parametrize("policy", ["balanced", "uniform"])
def test_other_policies_read_no_votes(policy: str) -> None:
    bench = Bench(PairingSettings(policy=policy))
    bench.preferring.current()
    assert not bench.waiting


def test_battles_are_balanced_until_votes_can_be_rated_and_gap_aware_from_then_on(
    make_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arena_ui.dealer.Preferring", partial(Preferring, start=lambda work: work()))
    folder = make_study(prompts=6, votes_per_voter=9).folder
    file = folder / "study.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[pairing]\n", '[pairing]\npolicy = "gap_aware"\n'), encoding="utf-8")
    study = load_study(folder)
    now = datetime(2026, 6, 1, tzinfo=UTC)
    with Store.open(study.database_url) as store:
        booth = Booth(study, store, Sealer(b"k" * 32), clock=lambda: now)
        for _ in range(4):
            voter, _ = booth.people.join(["en"], "v1")
            while pairs := booth.round(voter).pairs:
                battle = store.battle(pairs[0].battle_id)
                outcome = Outcome.TIE if battle.left.system == "ember-nine" else Outcome.LEFT
                store.commit_votes(
                    [Vote(battle.id, voter.id, asked, outcome, now) for asked in battle.questions]
                )
        first = store.battles()
        assert {battle.policy for battle in first} == {"balanced"}
        later = Booth(study, store, Sealer(b"k" * 32), clock=lambda: now)
        voter, _ = later.people.join(["en"], "v1")
        later.round(voter)
        drawn = store.battles(voter.id)
        assert {battle.policy for battle in drawn} == {"gap_aware"}
        assert all(0 < battle.probability < 1 for battle in drawn)


def test_by_default_votes_are_rated_in_a_thread_of_their_own() -> None:
    store: Any = FakeStore()
    store.cast = columns(600)
    preferring = Preferring(store, GAP_AWARE, SYSTEMS)
    preferring.current()
    for thread in threading.enumerate():
        if thread.name == "pair preference":
            thread.join(timeout=30)
    assert set(preferring.current() or {}) == {Category.TEXT_TO_VIDEO}
