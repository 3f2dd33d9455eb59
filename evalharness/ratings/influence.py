"""How few votes, voters or prompts decide an order: removals that flip it, and additions that would.

A board may owe its first place to a handful of votes (Huang et al. 2025, arXiv:2508.11847). For system i
above j each vote has an influence on their gap, to first order

    I = a's,    a = H^-1 (e_i - e_j)        s: score of the vote, H: information of the fit

(the approximate maximum influence perturbation: Broderick, Giordano & Meager 2020, arXiv:2011.14999). Votes
are removed in descending order of influence, voters and prompts in the order of how far the fit moves by one
Newton step without each. How many it takes is found by *refitting*: the smallest k on that path after which
the refitted order is reversed. Then influences are taken anew at the flip, where they matter, and that path
is walked as well, as long as it is shorter.

So every number is checked by a refit, and is an upper bound: "at most k". Smaller removals are not ruled out,
since that would take all subsets. A removal that leaves systems incomparable, or no side preferred, is not
counted as a flip, since nobody would publish such a board. Whatever the estimator fits beside strengths
(order effect, rates of draws) is refitted with them. All votes of one outcome on one ordered pair have the
same influence, so the search runs over these cells and takes the earliest votes of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.fitting import DEFAULT_ESTIMATOR, estimate
from evalharness.ratings.intervals import IntervalMethod
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.recount import Recount, Solution
from evalharness.ratings.removal import ClusterStock, Path, Stock, Unit, VoteStock, shortest
from evalharness.ratings.tally import Codes, Tally

__all__ = ["Addition", "Influence", "Pair", "Removal", "Unit", "influence", "votes_to_lift"]

_REVERSED = -1e-9
"""Gap in logits from which an order counts as reversed; an exact tie does not."""

_WALKS = 4
"""Paths tried for one flip: the first, and anew from where the last one ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Removal:
    """A removal after which, refitted, `below` stands above `above`."""

    above: str
    below: str
    unit: Unit
    removed: Codes
    """Rows of the tally, or codes of its voters or prompts, in ascending order."""
    share: float
    """Of all votes, voters or prompts."""
    votes: int
    """How many votes go with them."""
    gap: float
    """In Elo, `above` minus `below` after the removal; negative."""

    @property
    def count(self) -> int:
        """How many votes, voters or prompts."""
        return len(self.removed)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two neighbours on the board and the fewest removals found that reverse them."""

    above: str
    below: str
    rank: int
    """Place of the upper one, from 1."""
    gap: float
    """In Elo."""
    flips: Mapping[Unit, Removal | None]
    """None where no removal of up to `most` was found."""


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """How few removals change the board's first place, and each order of neighbours."""

    pairs: tuple[Pair, ...]
    """All neighbours, from the top."""
    first_place: Mapping[Unit, Removal | None]
    """The fewest found that put any other system above the first."""
    totals: Mapping[Unit, int]
    most: float
    """Largest share of votes, voters or prompts that was tried."""

    def sentences(self) -> tuple[str, ...]:
        """One for first place and one for each pair of neighbours."""
        leader = self.pairs[0].above
        head = f"First place of {leader}: " + "; ".join(
            self._clause(unit, found, f"puts {found.below} above it" if found else "costs it")
            for unit, found in self.first_place.items()
        )
        rest = (
            f"{pair.above} above {pair.below} ({pair.gap:.1f} Elo): "
            + "; ".join(self._clause(unit, found, "flips it") for unit, found in pair.flips.items())
            + "."
            for pair in self.pairs
        )
        return (head + ".", *rest)

    def _clause(self, unit: Unit, found: Removal | None, verb: str) -> str:
        if found is None:
            return f"no removal of up to {self.most:.0%} of the {unit} was found that {verb}"
        number = "1" if found.count == 1 else f"at most {found.count:,}"
        return f"removing {number} of {self.totals[unit]:,} {unit} ({found.share:.2%}) {verb}"


@dataclass(frozen=True, slots=True)
class Addition:
    """Always-win votes for one system that lift it past others: the price of an attack."""

    system: str
    ranks: int
    overtaken: str
    """The system passed last."""
    votes: int
    """Added wins, spread over the opponents and sides that the system met, as often as it met them."""
    gap: float
    """In Elo, `system` minus `overtaken` afterwards; positive."""


def influence(
    votes: Tally,
    *,
    estimator: str = DEFAULT_ESTIMATOR,
    units: Sequence[Unit] | None = None,
    most: float = 0.5,
) -> Influence:
    """Fewest removals found that reverse each pair of neighbours, and that cost the first place.

    `estimator` says whose order; whether there is an order effect stays as on the full board. `units` are by
    default all that the votes name: voters and prompts only where they were recorded. Removals of more than
    the share `most` of them are not tried. Raises RatingError where the votes allow no rating or do not name
    a unit that was asked for, or where `most` does not lie between 0 and 1; UnknownNameError for an estimator
    that there is not.
    """
    named = {Unit.VOTES: True, Unit.VOTERS: votes.voters_known, Unit.PROMPTS: votes.prompts_known}
    units = [unit for unit in Unit if named[unit]] if units is None else list(units)
    if unknown := [str(unit) for unit in units if not named[unit]]:
        raise RatingError(
            f"These votes do not name {' or '.join(unknown)}, so none can be removed. Ask for votes only, or "
            "read them from a source that says who voted on what."
        )
    if not 0.0 < most < 1.0:
        raise RatingError(
            f"The largest share to remove must lie between 0 and 1; found {most!r}. Usual is 0.5."
        )
    search = _Search(votes, estimator, most)
    best_first = [int(i) for i in np.argsort(-search.strengths, kind="stable")]
    stocks = {unit: search.stock(unit) for unit in units}
    pairs = tuple(
        Pair(
            above=votes.systems[i],
            below=votes.systems[j],
            rank=rank,
            gap=float(search.strengths[i] - search.strengths[j]) * ELO_PER_LOGIT,
            flips={unit: search.fewest(stock, i, j) for unit, stock in stocks.items()},
        )
        for rank, (i, j) in enumerate(pairwise(best_first), start=1)
    )
    first = dict(pairs[0].flips)
    for unit, stock in stocks.items():
        for challenger in best_first[2:]:
            first[unit] = search.fewest(stock, best_first[0], challenger, than=first[unit]) or first[unit]
    return Influence(pairs, first, {unit: stock.total for unit, stock in stocks.items()}, most)


def votes_to_lift(
    votes: Tally, system: str, *, ranks: int = 1, estimator: str = DEFAULT_ESTIMATOR
) -> Addition | None:
    """Fewest added wins that lift `system` by `ranks` places: what an attack would cost.

    The wins are spread over opponents and sides as the system met them so far (an attacker votes wherever the
    system turns up: Min et al. 2025, arXiv:2501.17858). None where not even as many wins as the board has
    votes do. Raises UnknownNameError for the system, RatingError where it has no such place to climb to.
    """
    if system not in votes.systems:
        raise UnknownNameError(f"No system {system!r} is here; there are {', '.join(votes.systems)}.")
    search = _Search(votes, estimator, 0.5)
    place = votes.systems.index(system)
    ahead = int((search.strengths > search.strengths[place]).sum())
    if not 1 <= ranks <= ahead:
        raise RatingError(
            f"{system} stands at rank {ahead + 1} and can climb 1 to {ahead} places; {ranks} were asked for."
            if ahead
            else f"{system} stands first already: there is no place to climb to."
        )
    count = search.recount
    shown = np.concatenate([count.cells.left == place, count.cells.right == place])
    often = np.where(shown, np.tile(count.cells.votes, 2), 0.0)
    others = np.delete(np.arange(len(votes.systems)), place)

    def behind(solution: Solution) -> tuple[float, int]:
        rivals = others[np.argsort(-solution.theta[others], kind="stable")]
        last = int(rivals[ahead - ranks])
        return float(solution.theta[last] - solution.theta[place]), last

    def with_wins(wins: int) -> tuple[float, Solution]:
        added = np.zeros(count.counts.size)
        added[: often.size] = _apportioned(wins, often)
        solution = count.solve(count.counts + added.reshape(count.counts.shape), count.base.theta)
        return behind(solution)[0], solution

    found = shortest(with_wins, behind(count.base)[0], reversed_below=_REVERSED, guess=1, longest=votes.votes)
    if found is None:
        return None
    wins, solution = found
    gap, last = behind(solution)
    return Addition(system, ranks, votes.systems[last], wins, -gap * ELO_PER_LOGIT)


class _Search:
    """A board whose orders are to be reversed."""

    def __init__(self, votes: Tally, estimator: str, most: float) -> None:
        self.votes, self.most = votes, most
        self.fit: Fit = estimate(votes, estimator=estimator, interval=IntervalMethod.ROW_SANDWICH)[
            0
        ].fit  # the interval is not used; this one costs nothing
        self.strengths = self.fit.strengths
        self.recount = Recount(self.fit, votes)

    def stock(self, unit: Unit) -> Stock:
        """What there is to remove of one unit."""
        if unit is Unit.VOTES:
            return VoteStock(self.votes, self.recount)
        return ClusterStock(unit, self.fit, self.votes, self.recount)

    def fewest(self, stock: Stock, i: int, j: int, than: Removal | None = None) -> Removal | None:
        """The smallest removal found that puts j above i; None unless there is one smaller than `than`."""
        longest = int(self.most * stock.total) if than is None else than.count - 1
        best: tuple[Path, int, Solution] | None = None
        path = stock.first_path(self.recount.base.pull(i, j), i, j)
        for _ in range(_WALKS):
            gap = float(self.strengths[i] - self.strengths[j])
            found = shortest(
                self._without(path, i, j),
                gap,
                reversed_below=_REVERSED,
                guess=path.guess(gap),
                longest=min(longest, path.longest),
            )
            if found is None:
                break
            best = (path, *found)
            longest = found[0] - 1
            path = stock.path(found[1].pull(i, j))
        if best is None:
            return None
        path, count, solution = best
        return Removal(
            above=self.votes.systems[i],
            below=self.votes.systems[j],
            unit=stock.unit,
            removed=path.members(count),
            share=count / stock.total,
            votes=int(path.counts(count).sum()),
            gap=float(solution.theta[i] - solution.theta[j]) * ELO_PER_LOGIT,
        )

    def _without(self, path: Path, i: int, j: int) -> Callable[[int], tuple[float, Solution]]:
        """The refitted gap of i over j without the path's first k; also the refit, to go on from."""
        near = self.recount.base.theta

        def gap(k: int) -> tuple[float, Solution]:
            nonlocal near
            left = self.recount.counts - path.counts(k)
            solution = self.recount.solve(left, near)
            near = solution.theta
            found = float(near[i] - near[j])
            return found if found >= _REVERSED or self.recount.rated(left) else -found, solution

        return gap


def _apportioned(total: int, weight: Reals) -> Reals:
    """Whole numbers that sum to `total`, in proportion to `weight` by largest remainders."""
    exact = total * weight / weight.sum()
    whole: Reals = np.floor(exact)
    rest = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:rest]] += 1.0
    return whole
