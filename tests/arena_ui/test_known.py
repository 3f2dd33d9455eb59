"""Battles that are read once each: what is told of them is what the database tells, whoever changed it."""

from __future__ import annotations

from collections.abc import Callable

from arena_ui.known import KnownBattles
from evalharness.config import Study
from evalharness.store import Store
from tests.arena_ui.hall import Hall, newcomer


def test_what_is_known_is_what_the_store_says(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=6)
    with Store.open(study.database_url) as store:
        hall = Hall(study, store)
        booth = hall.booth()
        voters = [newcomer(booth) for _ in range(4)]
        small, fresh = KnownBattles(store, most=3), KnownBattles(store)
        for number in range(24):
            voter = voters[number % len(voters)]
            hall.answer(store.battle(booth.round(voter).pairs[0].battle_id))
            for known in (small, fresh, KnownBattles(store)):
                assert known.shown_to(voter.id) == store.shown_to(voter.id)
        assert len(small._battles) <= 3
        assert len(fresh._battles) == len(store.battles())


def test_a_battle_is_read_once(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=3)
    with Store.open(study.database_url) as store:
        booth = Hall(study, store).booth()
        voter = newcomer(booth)
        pair = booth.round(voter).pairs[0]
        known = KnownBattles(store)
        assert known.battle(pair.battle_id) is known.battle(pair.battle_id)
        known.shown_to(voter.id)
        assert known.shown_to(voter.id)[0].battle is known.battle(pair.battle_id)
