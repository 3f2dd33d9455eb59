"""Which battle comes next, and which side each clip is shown on: pure and seeded.

    distribution(pool, shown, tally, policy) -> every pair that may come next, with its probability
    draw(pool, shown, tally, policy, rng)    -> one of them, sides drawn, or None when nothing is left
    questions_for(...)                       -> what is asked about it

A *pair* is two systems on one prompt; a voter never sees the same pair twice, whichever seeds or
sides. Under `uniform` every pair the voter has not seen is equally likely. Under `balanced` the
category with the fewest battles in the study goes first, in it the two systems that met least, of
their prompts the one they met least on; only what ties after that is left to chance. The
probability that is stored with a battle is that of the unordered pair, given all battles before.

Sides: the order in which two systems were shown less often is taken, so over a study the two orders
of two systems differ by one at most, in whatever sequence pairs and voters come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from random import Random
from typing import Literal

from evalharness.records import Battle, Category, Exhibit, Prompt, Question

__all__ = ["Draw", "Pair", "Policy", "Pool", "Tally", "distribution", "draw", "pair_of", "questions_for"]

Policy = Literal["balanced", "uniform"]


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two systems on one prompt, in no order: `first` < `second` by name."""

    prompt_id: str
    first: str
    second: str

    @property
    def systems(self) -> tuple[str, str]:
        """The two names, sorted."""
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class Draw:
    """What to show next."""

    pair: Pair
    category: Category
    left: Exhibit
    right: Exhibit
    probability: float
    """Of the unordered pair, in (0, 1]."""
    policy: Policy


class Pool:
    """Every pair a study can show: prompts and their exhibits, sorted so that order of input is no matter."""

    def __init__(self, prompts: Iterable[Prompt], exhibits: Iterable[Exhibit]) -> None:
        self.prompts: Mapping[str, Prompt] = {prompt.id: prompt for prompt in prompts}
        shelf: dict[tuple[str, str], list[Exhibit]] = {}
        for exhibit in sorted(exhibits, key=lambda each: (each.clip, each.id)):
            if exhibit.prompt_id in self.prompts:
                shelf.setdefault((exhibit.prompt_id, exhibit.clip.system), []).append(exhibit)
        self._shelf = shelf
        systems: dict[str, list[str]] = {}
        for prompt_id, system in sorted(shelf):
            systems.setdefault(prompt_id, []).append(system)
        self.pairs: tuple[Pair, ...] = tuple(
            Pair(prompt_id, first, second)
            for prompt_id, names in systems.items()
            for first, second in combinations(names, 2)
        )

    def category(self, pair: Pair) -> Category:
        """The board the pair counts for."""
        return self.prompts[pair.prompt_id].category

    def exhibits(self, pair: Pair) -> Sequence[tuple[Exhibit, Exhibit]]:
        """Exhibits of (first, second): those of equal seed where there are any, else every combination."""
        first, second = (self._shelf[pair.prompt_id, system] for system in pair.systems)
        both = tuple(product(first, second))
        matched = tuple((one, other) for one, other in both if one.clip.seed == other.clip.seed)
        return matched or both


def pair_of(battle: Battle) -> Pair:
    """The pair a battle showed."""
    first, second = sorted((battle.left.system, battle.right.system))
    return Pair(battle.prompt_id, first, second)


@dataclass
class Tally:
    """How often each category, pair and side was shown so far; add every battle that is opened."""

    categories: Counter[Category] = field(default_factory=Counter)
    meetings: Counter[tuple[Category, str, str]] = field(default_factory=Counter)
    pairs: Counter[Pair] = field(default_factory=Counter)
    orders: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(left system, right system) over the whole study."""
    lefts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, battles: Iterable[Battle]) -> Tally:
        """The tally of all `battles`."""
        tally = cls()
        for battle in battles:
            tally.add(battle.category, pair_of(battle), battle.left.system, battle.right.system)
        return tally

    def add(self, category: Category, pair: Pair, left: str, right: str) -> None:
        """Count one battle."""
        self.categories[category] += 1
        self.meetings[category, pair.first, pair.second] += 1
        self.pairs[pair] += 1
        self.orders[left, right] += 1
        self.lefts[left] += 1


def distribution(
    pool: Pool, shown: Collection[Pair], tally: Tally, policy: Policy
) -> tuple[tuple[Pair, float], ...]:
    """Every pair that may come next for a voter who has seen `shown`; probabilities sum to one.

    Empty when nothing is left. Pairs that cannot come next are left out.
    """
    seen = set(shown)
    left_over = [pair for pair in pool.pairs if pair not in seen]
    if policy == "balanced" and left_over:

        def so_far(pair: Pair) -> tuple[int, int, int]:
            category = pool.category(pair)
            return tally.categories[category], tally.meetings[category, *pair.systems], tally.pairs[pair]

        # Least-shown category first; equal ones share the chance equally, however many pairs each holds.
        fewest = min(tally.categories[pool.category(pair)] for pair in left_over)
        categories = sorted(
            {pool.category(p) for p in left_over if tally.categories[pool.category(p)] == fewest}
        )
        chances: list[tuple[Pair, float]] = []
        for category in categories:
            inside = [pair for pair in left_over if pool.category(pair) is category]
            least = min(so_far(pair) for pair in inside)
            tied = [pair for pair in inside if so_far(pair) == least]
            chances += [(pair, 1 / len(categories) / len(tied)) for pair in tied]
        return tuple(chances)
    return tuple((pair, 1 / len(left_over)) for pair in left_over)


def draw(pool: Pool, shown: Collection[Pair], tally: Tally, policy: Policy, rng: Random) -> Draw | None:
    """The next battle for a voter who has seen `shown`, or None when no pair is left for them."""
    chances = distribution(pool, shown, tally, policy)
    if not chances:
        return None
    pair, probability = rng.choices(chances, weights=[chance for _, chance in chances])[0]
    first, second = rng.choice(pool.exhibits(pair))
    left, right = (first, second) if _first_goes_left(pair, tally, rng) else (second, first)
    return Draw(pair, pool.category(pair), left, right, probability, policy)


def _first_goes_left(pair: Pair, tally: Tally, rng: Random) -> bool:
    """Balance the two orders of these systems; where equal, each system's share of left; else a coin."""
    first, second = pair.systems
    for one, other in (
        (tally.orders[first, second], tally.orders[second, first]),
        (tally.lefts[first], tally.lefts[second]),
    ):
        if one != other:
            return one < other
    return rng.random() < 0.5


def questions_for(
    prompt: Prompt,
    left: Exhibit,
    right: Exhibit,
    *,
    enabled: Sequence[Question],
    languages: Collection[str],
) -> tuple[Question, ...]:
    """Which of the study's questions apply to this battle and this voter, in the study's order.

    Sync is asked where both sides have sound; lips where, besides, words are spoken in a language the
    voter understands; all others always.
    """
    both_sound = not left.silent and not right.silent
    applies = {
        Question.AV_SYNC: both_sound,
        Question.LIP_ACCURACY: both_sound and prompt.spoken is not None and prompt.language in languages,
    }
    return tuple(question for question in enabled if applies.get(question, True))
