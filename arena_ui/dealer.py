"""Which pair a voter gets next, by the study's settings and what was shown so far."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from arena_ui.preferring import Preferring
from arena_ui.shown import ShownByNow
from evalharness.battles import (
    Agenda,
    Checks,
    Policy,
    Pool,
    Quotas,
    draw,
    draw_gold,
    gold_pairs,
    in_order_for,
    pair_of,
    questions_for,
    trap_answer,
)
from evalharness.config import StudySettings
from evalharness.records import Battle, Exhibit, Purpose, Voter
from evalharness.store import Store
from evalharness.store.showings import Shown

__all__ = ["Dealer"]


class Dealer:
    """Draws battles of one study. Not thread-safe: the booth draws one at a time."""

    def __init__(
        self,
        settings: StudySettings,
        store: Store,
        pool: Pool,
        copies: Sequence[Exhibit],
        clock: Callable[[], datetime],
        secret_of: Callable[[str], str],
        rng: Random | None = None,
    ) -> None:
        """`copies` are the spoiled exhibits that can be shown; `secret_of` a voter's id: what the arena knows
        alone. Pairs and sides are drawn by `rng`, left out by the system's own randomness: whoever could
        foretell them would know the systems by the order of pairs.
        """
        pairing = settings.pairing
        self._pool, self._clock = pool, clock
        self._policy, self._questions = pairing.policy, tuple(settings.arena.questions)
        self._scale = settings.arena.scale
        quotas = Quotas(pairing.battles_per_pair, pairing.battles_per_prompt, pairing.battles_per_category)
        life = timedelta(seconds=pairing.ticket_life_s)
        self._shown = ShownByNow(store, pool, quotas, life, clock)
        wanted = Checks(**settings.checks.model_dump())
        self._golds = gold_pairs(pool, copies) if wanted.golds else ()
        self._checks = replace(wanted, golds=min(wanted.golds, len(self._golds)))
        self._comparisons = pool.session(settings.arena.votes_per_voter)
        self.preferring = Preferring(store, pairing, pool.systems)
        self._secret_of = secret_of
        self._rng = rng or secrets.SystemRandom()

    @property
    def is_finished(self) -> bool:
        """Whether the study has all the battles that it wants."""
        return self._shown.tally().is_full

    @property
    def session(self) -> int:
        """Battles in a voter's session: comparisons, as many as are wanted or there are, and checks."""
        return self._comparisons + (self._checks.number if self._comparisons else 0)

    def deal(self, voter: Voter, before: Sequence[Shown]) -> Battle | None:
        """A battle for a voter who was shown `before`, not stored yet; None where there is none for them."""
        battles = [each.battle for each in before]
        agenda = Agenda(self._checks, self._secret_of(voter.id), self._comparisons)
        for kind in agenda.due(battles, [each.faulty for each in before]):
            if kind is Purpose.TRAP:
                check = self._trap(voter, battles)
            elif kind is Purpose.GOLD:
                check = self._gold(voter, battles)
            else:
                again = agenda.to_repeat(battles, [each.answered_at is not None for each in before])
                check = None if again is None else self._repeat(kind, again)
            if check is not None:
                return check
        return self._comparison(voter, battles)

    def _comparison(self, voter: Voter, before: Sequence[Battle]) -> Battle | None:
        seen = {pair_of(battle) for battle in before}
        drawn = draw(
            self._pool, seen, self._shown.tally(), self._policy, self._rng, self.preferring.current()
        )
        if drawn is None:
            return None
        return self._battle(voter, drawn.left, drawn.right, drawn.probability, drawn.policy)

    def _battle(
        self, voter: Voter, left: Exhibit, right: Exhibit, probability: float, policy: Policy
    ) -> Battle:
        """These two, with the questions that apply to them and to the voter."""
        prompt = self._pool.prompts[left.prompt_id]
        questions = questions_for(
            prompt,
            left,
            right,
            enabled=in_order_for(voter.id, self._questions),
            languages=voter.languages,
        )
        return Battle(
            id=secrets.token_hex(16),
            voter_id=voter.id,
            prompt_id=prompt.id,
            category=prompt.category,
            left=left.clip,
            right=right.clip,
            left_exhibit=left.id,
            right_exhibit=right.id,
            questions=questions,
            probability=probability,
            policy=policy,
            created_at=self._clock(),
        )

    def _trap(self, voter: Voter, before: Sequence[Battle]) -> Battle | None:
        """A pair like any other, but for its words."""
        pair = self._comparison(voter, before)
        return pair and replace(pair, purpose=Purpose.TRAP, expected=trap_answer(pair.id, self._scale))

    def _gold(self, voter: Voter, before: Sequence[Battle]) -> Battle | None:
        """A pair like any other, but for what one side looks or sounds like."""
        drawn = draw_gold(self._golds, before, self._rng)
        if drawn is None:
            return None
        gold, probability = drawn
        left, right, better = gold.sides(self._rng)
        battle = self._battle(voter, left, right, probability, "uniform")
        return replace(battle, purpose=Purpose.GOLD, expected=better)

    def _repeat(self, kind: Purpose, battle: Battle) -> Battle:
        again = replace(
            battle,
            id=secrets.token_hex(16),
            probability=1.0,
            created_at=self._clock(),
            purpose=kind,
            repeats=battle.id,
        )
        if kind is Purpose.REPEAT:
            return again
        return replace(
            again,
            left=battle.right,
            right=battle.left,
            left_exhibit=battle.right_exhibit,
            right_exhibit=battle.left_exhibit,
        )

    def note(self, battle: Battle) -> None:
        """A battle that was dealt is to be shown."""
        self._shown.note(battle)

    def take_back(self, battle: Battle) -> None:
        """A battle that was noted is not shown after all."""
        self._shown.take_back(battle)
