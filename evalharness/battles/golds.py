"""Gold pairs: a comparison of which one side was spoiled on purpose, so that the other is the better one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from evalharness.battles.pool import Pair, Pool, pair_of
from evalharness.records import Battle, Exhibit, Outcome

__all__ = ["Gold", "draw_gold", "gold_pairs"]


@dataclass(frozen=True, slots=True)
class Gold:
    """A spoiled exhibit, and one of another system on the same prompt as it is."""

    pair: Pair
    spoiled: Exhibit
    whole: Exhibit

    def sides(self, rng: Random) -> tuple[Exhibit, Exhibit, Outcome]:
        """Left, right, and the side that is better; drawn."""
        if rng.random() < 0.5:
            return self.spoiled, self.whole, Outcome.RIGHT
        return self.whole, self.spoiled, Outcome.LEFT


def gold_pairs(pool: Pool, spoiled: Iterable[Exhibit]) -> tuple[Gold, ...]:
    """Every gold pair of a study, by prompt and systems.

    The two sides were made together, hence are of one size and length; a spoiled copy of an earlier making
    would be known by that, and makes no pair.
    """
    golds = []
    for copy in sorted(spoiled, key=lambda each: (each.prompt_id, each.clip, each.id)):
        for rival in pool.systems:
            if rival == copy.clip.system:
                continue
            pair = Pair(copy.prompt_id, *sorted((rival, copy.clip.system)))
            for both in pool.exhibits(pair) if pair in pool else ():
                clips = {each.clip: each for each in both}
                if clips.pop(copy.clip, None) is not None:
                    golds += [
                        Gold(pair, copy, whole) for whole in clips.values() if _made_together(copy, whole)
                    ]
    return tuple(golds)


def draw_gold(golds: Sequence[Gold], before: Sequence[Battle], rng: Random) -> tuple[Gold, float] | None:
    """A gold pair for a voter who was shown `before`, and with what probability; None where none is left.

    A voter never sees a pair twice. As long as there are others, none comes whose spoiled side they have seen
    before, least of all as it was spoiled: they would know it again.
    """
    pairs = {pair_of(battle) for battle in before}
    clips = {clip for battle in before for clip in (battle.left, battle.right)}
    exhibits = {exhibit for battle in before for exhibit in (battle.left_exhibit, battle.right_exhibit)}
    known: dict[int, list[Gold]] = defaultdict(list)
    for gold in golds:
        if gold.pair not in pairs:
            known[(gold.spoiled.clip in clips) + (gold.spoiled.id in exhibits)].append(gold)
    if not known:
        return None
    candidates = known[min(known)]
    gold = rng.choice(candidates)
    return gold, sum(each.pair == gold.pair for each in candidates) / len(candidates)


def _made_together(one: Exhibit, other: Exhibit) -> bool:
    return (one.bytes, one.streams.duration_s) == (other.bytes, other.streams.duration_s)
