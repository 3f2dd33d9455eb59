"""The policies: from what was shown so far to the next battle, with its probability.

No draw lists all pairs: it works on couples (two systems on whatever prompt), and looks at prompts only
once the couple is drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalharness.battles.pool import Counts, Pair, Pool
from evalharness.battles.tally import NEVER, Sheet, Tally, least_shown
from evalharness.records import Category, Exhibit

__all__ = ["Draw", "Policy", "Preference", "distribution", "draw"]

Policy = Literal["balanced", "gap_aware", "uniform"]

Reals = NDArray[np.float64]

Preference = Mapping[Category, Reals]
"""By category how likely each couple shall be, shape (couples,) as `Pool` numbers them.

Positive; only proportions matter. Categories may be missing.
"""


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
    """By which it was drawn: `balanced` where a preference was missing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One category's part of a distribution: arrays over the couples that may come next."""

    category: Category
    couples: NDArray[np.intp]
    each: Reals
    """Probability of the couple on any one of the prompts on which it may come next."""
    prompts: Counts
    """How many prompts these are."""
    policy: Policy
    seen: Mapping[int, Sequence[str]]
    """By couple, the prompts on which the voter has seen it."""


def distribution(
    pool: Pool,
    shown: Collection[Pair],
    tally: Tally,
    policy: Policy,
    preference: Preference | None = None,
) -> tuple[tuple[Pair, float], ...]:
    """Every pair that may come next for a voter who has seen `shown`; probabilities sum to one.

    Empty when nothing is left. Pairs that cannot come next are left out. Raises ValueError as `draw` does.
    """
    return tuple(
        (pair, chance)
        for part in _parts(pool, shown, tally, policy, preference)
        for couple, chance in zip(part.couples.tolist(), part.each.tolist(), strict=True)
        for pair in _candidates(pool, tally, part, couple)
    )


def draw(
    pool: Pool,
    shown: Collection[Pair],
    tally: Tally,
    policy: Policy,
    rng: Random,
    preference: Preference | None = None,
) -> Draw | None:
    """The next battle for a voter who has seen `shown`, or None when no pair is left for them.

    Pairs, prompts and categories that have the tally's quota are not drawn.

    Raises ValueError where a preference is for another number of couples than the pool has, or gives one that
    the voter may see no chance.
    """
    parts = _parts(pool, shown, tally, policy, preference)
    if not parts:
        return None
    reached = [np.cumsum(part.each * part.prompts) for part in parts]
    number = rng.choices(range(len(parts)), weights=[float(upto[-1]) for upto in reached])[0]
    part, upto = parts[number], reached[number]
    # `rng.random()` is below 1, but its product may round up to the last sum.
    cell = min(int(np.searchsorted(upto, rng.random() * upto[-1], side="right")), len(upto) - 1)
    pair = rng.choice(_candidates(pool, tally, part, int(part.couples[cell])))
    first, second = rng.choice(pool.exhibits(pair))
    left, right = (first, second) if _first_goes_left(pair, tally, rng) else (second, first)
    return Draw(pair, part.category, left, right, float(part.each[cell]), part.policy)


def _parts(
    pool: Pool, shown: Collection[Pair], tally: Tally, policy: Policy, preference: Preference | None
) -> list[_Part]:
    """The distribution by category; none when nothing is left."""
    seen: dict[Category, dict[int, list[str]]] = {category: {} for category in pool.boards}
    for pair in set(shown):
        couple = pool.couple(*pair.systems)
        if couple is not None and pair in pool:
            seen[pool.category(pair)].setdefault(couple, []).append(pair.prompt_id)
    left = {category: tally.left_over(category, seen[category]) for category in pool.boards}
    left_over = [category for category, prompts in left.items() if prompts.any()]
    if policy == "uniform":
        chance = 1 / max(1, sum(int(prompts.sum()) for prompts in left.values()))
        return [_uniform(each, left[each], seen[each], chance) for each in left_over]
    # Least-shown category first; equal ones share the chance equally, however many pairs each holds.
    rarest = min((tally.categories[category] for category in left_over), default=0)
    next_up = [category for category in left_over if tally.categories[category] == rarest]
    wanted = preference if preference is not None and policy == "gap_aware" else {}
    return [
        _by_meetings(tally.sheets[each], each, left[each], seen[each], 1 / len(next_up), wanted.get(each))
        for each in next_up
    ]


def _uniform(category: Category, left: Counts, seen: Mapping[int, Sequence[str]], chance: float) -> _Part:
    couples = np.flatnonzero(left)
    return _Part(category, couples, np.full(len(couples), chance), left[couples], "uniform", seen)


def _by_meetings(
    sheet: Sheet,
    category: Category,
    left: Counts,
    seen: Mapping[int, Sequence[str]],
    share: float,
    preferred: Reals | None,
) -> _Part:
    """One category, `share` its chance: `gap_aware`, or `balanced` where nothing is preferred."""
    fewest, prompts = sheet.fewest, sheet.prompts
    if seen:
        fewest, prompts = fewest.copy(), prompts.copy()
        for couple, prompt_ids in seen.items():
            fewest[couple], prompts[couple] = least_shown(sheet.unseen(couple, prompt_ids))
    couples = np.flatnonzero(left)
    if preferred is None:
        for shown in (sheet.meetings, fewest):
            times = shown[couples]
            couples = couples[times == times.min()]
        prompts = prompts[couples]
        each = np.full(len(couples), share / int(prompts.sum()))
        return _Part(category, couples, each, prompts, "balanced", seen)
    if preferred.shape != prompts.shape:
        raise ValueError(
            f"The preference for {category} has the shape {preferred.shape}, and the pool has "
            f"{len(prompts)} couples. Make it for the couples of Pool.systems, in that order."
        )
    weight, prompts = preferred[couples], prompts[couples]
    if not weight.min() > 0:
        raise ValueError(
            f"The preference for {category} gives no chance to some couple that this voter may see. Let "
            "every two systems have one above 0: without it their votes could not be reweighted."
        )
    return _Part(category, couples, weight * (share / weight.sum()) / prompts, prompts, "gap_aware", seen)


def _candidates(pool: Pool, tally: Tally, part: _Part, couple: int) -> Sequence[Pair]:
    """The couple's prompts that may come next, all equally likely."""
    times = tally.sheets[part.category].unseen(couple, part.seen.get(couple, ()))
    may = times < NEVER if part.policy == "uniform" else times == times.min()
    prompts = pool.boards[part.category].prompts
    first, second = pool.systems[pool.first[couple]], pool.systems[pool.second[couple]]
    return [Pair(prompts[row], first, second) for row in np.flatnonzero(may)]


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
