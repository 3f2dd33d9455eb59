"""Simulated raters: what an honest one answers, a careless one, and one of a ring that lifts a system.

A rater sees the words that the page shows, and knows besides which systems are on screen. In a blind study
nobody does; here it makes the truth known, and a ring as harmful as it can be.

An honest rater feels `strength left - strength right`, tastes of their own, and noise. Most of the noise
stays with a pair of clips, so that the pair is mostly answered alike when it comes again; the rest is
drawn anew. What is felt only little is a tie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from evalharness.records import Battle, Outcome

__all__ = ["CARELESS", "FAVOURED", "HOSTILE", "RIVAL", "TRUTH", "Kind", "Rater", "crowd_of"]

TRUTH: Mapping[str, float] = {
    "aurora-2": 0.60, "basalt-pro": 0.25, "cobalt-7": 0.10,
    "drift-one": -0.10, "ember-nine": -0.30, "fjord-mini": -0.55,
}  # fmt: skip
"""Strengths in logits, best first; they add up to zero."""
FAVOURED, RIVAL = "cobalt-7", "basalt-pro"
"""Whom a ring lifts, and whom it buries: the two that are closest."""

NOISE = 1.8
"""Standard deviation of what an honest rater feels of one pair, in logits: about that of a logistic."""
LASTING = 0.7
"""Share of its variance that stays with a pair of clips."""
TASTE = 0.3
"""Standard deviation of a rater's own taste for a system, in logits."""
TIE = 0.5
"""Logits below which two clips feel the same: about a fifth of the answers."""
LAPSE = 0.02
"""Share of traps whose words an honest rater overlooks."""
PAUSE_S = 6.0
"""Mean time beyond the clips' length until somebody who thinks has answered."""
AT_ONCE_S = 0.2

TRAP = re.compile(r"Please answer: (A is better|B is better|Both bad)\.$")
ASKED = {"A is better": Outcome.LEFT, "B is better": Outcome.RIGHT, "Both bad": Outcome.BOTH_BAD}


class Kind(StrEnum):
    """How a rater comes by an answer."""

    HONEST = "honest"
    LEFT = "always left"
    RANDOM = "any answer"
    ALTERNATING = "left and right in turn"
    HASTY = "left or right, at once"
    SKIMMING = "left or right, traps read"
    RING = "ring"


CARELESS = (Kind.LEFT, Kind.RANDOM, Kind.ALTERNATING, Kind.HASTY, Kind.SKIMMING)
HOSTILE = (Kind.RING,)
READS_TRAPS = (Kind.HONEST, Kind.SKIMMING, Kind.RING)


@dataclass
class Rater:
    """One of them, with a memory of their own. Answers depend on `random` and on what is shown, in order."""

    kind: Kind
    random: Random
    _tastes: dict[str, float] = field(default_factory=dict)
    _lasting: dict[tuple[str, str], float] = field(default_factory=dict)
    _answers: int = 0

    def answer(self, words: str, battle: Battle) -> Outcome:
        """What they say of `battle`, shown with `words` above it."""
        self._answers += 1
        trap = TRAP.search(words)
        if trap and self.kind in READS_TRAPS and self.random.random() >= LAPSE:
            return ASKED[trap[1]]
        match self.kind:
            case Kind.HONEST:
                return self._honest(battle)
            case Kind.RING:
                return self._in_a_ring(battle)
            case Kind.LEFT:
                return Outcome.LEFT
            case Kind.ALTERNATING:
                return Outcome.LEFT if self._answers % 2 else Outcome.RIGHT
            case Kind.RANDOM:
                return self.random.choice(tuple(Outcome))
            case Kind.HASTY | Kind.SKIMMING:
                return self.random.choice((Outcome.LEFT, Outcome.RIGHT))

    def takes_s(self, clip_s: float) -> float:
        """Seconds from first picture to answer, where the clips last `clip_s`."""
        pause_s = AT_ONCE_S if self.kind is Kind.HASTY else self.random.expovariate(1 / PAUSE_S)
        return clip_s + pause_s

    def _honest(self, battle: Battle) -> Outcome:
        felt = self._likes(battle.left.system) - self._likes(battle.right.system)
        felt += self._of_these_clips(battle.left_exhibit, battle.right_exhibit)
        felt += self.random.gauss(0.0, NOISE * (1 - LASTING) ** 0.5)
        if abs(felt) < TIE:
            return Outcome.TIE
        return Outcome.LEFT if felt > 0 else Outcome.RIGHT

    def _in_a_ring(self, battle: Battle) -> Outcome:
        sides = battle.left.system, battle.right.system
        if FAVOURED in sides:
            return Outcome.LEFT if sides[0] == FAVOURED else Outcome.RIGHT
        if RIVAL in sides:
            return Outcome.RIGHT if sides[0] == RIVAL else Outcome.LEFT
        return self._honest(battle)

    def _likes(self, system: str) -> float:
        if system not in self._tastes:
            self._tastes[system] = self.random.gauss(0.0, TASTE)
        return TRUTH[system] + self._tastes[system]

    def _of_these_clips(self, left: str, right: str) -> float:
        """What stays the same when the pair comes again, whichever side each clip is on."""
        pair = min(left, right), max(left, right)
        if pair not in self._lasting:
            self._lasting[pair] = self.random.gauss(0.0, NOISE * LASTING**0.5)
        return self._lasting[pair] if pair[0] == left else -self._lasting[pair]


def crowd_of(number: int, seed: int, *, careless: float = 0.10, hostile: float = 0.03) -> Sequence[Rater]:
    """So many raters in mixed order; the careless are of each of their kinds in turn."""
    kinds = [CARELESS[nth % len(CARELESS)] for nth in range(round(careless * number))]
    kinds += [Kind.RING] * round(hostile * number)
    kinds += [Kind.HONEST] * (number - len(kinds))
    random = Random(f"crowd/{seed}")
    random.shuffle(kinds)
    return [Rater(kind, Random(f"rater/{seed}/{nth}")) for nth, kind in enumerate(kinds)]
