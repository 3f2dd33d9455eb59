"""Votes of simulated voters: to plan a study, and to see whether a method finds a truth that is known.

Voter v on prompt q feels the strength of system i as s_i + a_vi + b_qi; a and b are normal effects of mean
zero, with standard deviations `voter_spread` and `prompt_spread` in logits. Shown the pair (i, j), the voter
answers with

    P(left) : P(right) : P(tie) : P(both bad)
      = exp(d/2) : exp(-d/2) : tie exp(tie_slope m) : both_bad exp(-bad_slope m)

d being felt left - felt right + order effect, and m the mean of the two felt strengths: good pairs tie
more often, poor pairs are both bad more often. With both slopes 0 and no both-bad this is Davidson's model
(1970). Nothing drawn here can be taken for a real vote: every voter, prompt and system is *named* simulated.

The effects are part of what a crowd of voters says, not noise around it: averaged over many voters and
prompts, gaps come out smaller than the strengths put in. `long_run` computes what a fit then converges to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evalharness.errors import RatingError
from evalharness.ratings.newton import Reals
from evalharness.ratings.tally import LEFT, OUTCOMES, RIGHT, Codes, Tally

__all__ = ["CLICKER", "SHILL", "Habits", "checked_strengths", "pair_chances", "require_number", "simulate"]

CLICKER = " (clicker)"
"""Ends the name of a simulated voter who presses left or right by the toss of a coin."""
SHILL = " (shill)"
"""Ends the name of a simulated voter who chooses the shilled system wherever it is shown."""

_BLOCK = 1 << 17
"""Votes drawn at a time, so that a board of millions needs little more memory than its own codes."""
_WIDEST = 20.0
"""Logits between the strongest and the weakest; more is Elo points handed in by mistake."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a simulated voter turns two felt strengths into an answer."""

    tie: float = 0.7
    """Davidson's nu where the pair's mean felt strength is 0 (2: equal systems tie half the time)."""
    both_bad: float = 0.0
    """The same for "both bad"; 0 where the voter is not offered that answer."""
    tie_slope: float = 0.0
    """By how much the log of the tie parameter rises with each logit of mean felt strength (0: Davidson)."""
    bad_slope: float = 0.3
    """By how much the log of the both-bad parameter falls with each logit of mean felt strength."""
    order_effect: float = 0.0
    """In logits, positive where the left side is favoured."""

    def __post_init__(self) -> None:
        for name in ("tie", "both_bad"):
            require_number(getattr(self, name), name, least=0.0)
        for name in ("tie_slope", "bad_slope", "order_effect"):
            require_number(getattr(self, name), name, least=-np.inf)

    def shares(self, felt_left: Reals, felt_right: Reals) -> Reals:
        """Probability of each outcome: shape (4, ...), the other axes those of the felt strengths."""
        gap = felt_left - felt_right + self.order_effect
        mean = 0.5 * (felt_left + felt_right)
        with np.errstate(divide="ignore"):  # the log of an answer that is never given is minus infinity
            log_tie, log_bad = np.log(self.tie), np.log(self.both_bad)
        weight = np.stack(
            [0.5 * gap, -0.5 * gap, log_tie + self.tie_slope * mean, log_bad - self.bad_slope * mean]
        )
        weight -= weight.max(axis=0)
        np.exp(weight, out=weight)
        weight /= weight.sum(axis=0)
        return weight


def simulate(
    strengths: Sequence[float] | Reals,
    *,
    votes: int,
    seed: int,
    voters: int = 150,
    prompts: int = 80,
    voter_spread: float = 0.0,
    prompt_spread: float = 0.0,
    tie: float = 0.7,
    both_bad: float = 0.0,
    tie_slope: float = 0.0,
    bad_slope: float = 0.3,
    order_effect: float = 0.0,
    activity: float = 0.8,
    exposure: Sequence[float] | Reals | None = None,
    pairs: tuple[Codes, Codes] | None = None,
    clickers: int = 0,
    shills: int = 0,
    shilled: int = 0,
) -> Tally:
    """Draw votes on systems of these strengths, in logits; the same seed draws the same votes.

    Who votes: the r-th busiest voter with a chance proportional to r ** -activity (0: all alike; who is
    busiest is drawn, too). On what: any prompt alike; an ordered pair (i, j) with a chance proportional to
    exposure[i] * exposure[j], equal by default, or the pairs given as arrays of left and of right systems,
    shape (votes,). The last `shills` voters choose the system `shilled` wherever it is shown and are like
    others elsewhere; the `clickers` before them press left or right by the toss of a coin.

    All systems are in the tally, met or not; voters and prompts that came to no vote are not. Raises
    RatingError, in a sentence, for numbers that allow no such draw.
    """
    habits = Habits(tie, both_bad, tie_slope, bad_slope, order_effect)
    truth = checked_strengths(strengths)
    size = len(truth)
    for name, number in {"votes": votes, "voters": voters, "prompts": prompts}.items():
        require_number(number, name, least=1)
    require_number(seed, "seed", least=0)
    for name, spread in {"voter_spread": voter_spread, "prompt_spread": prompt_spread}.items():
        require_number(spread, name, least=0.0)
    require_number(activity, "activity", least=0.0)
    _require_cheats(voters, clickers, shills, shilled, size)

    random = np.random.default_rng(seed)
    left, right = (
        _drawn_pairs(random, size, votes, exposure) if pairs is None else _given_pairs(pairs, size, votes)
    )
    busiest_first = np.arange(1, voters + 1, dtype=float) ** -activity
    voter = _choices(random, random.permutation(busiest_first), votes)
    prompt = random.integers(prompts, size=votes)
    of_voter = random.normal(0.0, voter_spread, (voters, size)) if voter_spread else None
    of_prompt = random.normal(0.0, prompt_spread, (prompts, size)) if prompt_spread else None

    def felt(system: Codes, rows: slice) -> Reals:
        strength = truth[system]
        if of_voter is not None:
            strength += of_voter[voter[rows], system]
        if of_prompt is not None:
            strength += of_prompt[prompt[rows], system]
        return strength

    outcome = np.empty(votes, dtype=np.int64)
    for rows in _blocks(votes):
        upto = np.cumsum(habits.shares(felt(left[rows], rows), felt(right[rows], rows))[:-1], axis=0)
        outcome[rows] = (random.random(upto.shape[1]) > upto).sum(axis=0)
    cheats = _Cheats(voters - shills - clickers, voters - shills, shilled)
    cheats.overwrite(random, outcome, left, right, voter)
    cell = (outcome * size + left) * size + right
    counts = np.bincount(cell, minlength=len(OUTCOMES) * size * size).reshape(len(OUTCOMES), size, size)
    voter_names, voter = _seen(_numbered("voter", voters, cheats.mark), voter)
    prompt_names, prompt = _seen(_numbered("prompt", prompts), prompt)
    systems = tuple(_numbered("system", size))
    return Tally(systems, voter_names, prompt_names, left, right, outcome, voter, prompt, counts)


def checked_strengths(strengths: Sequence[float] | Reals) -> Reals:
    """The strengths as an array; RatingError unless there are two or more, in logits."""
    truth = np.asarray(strengths, dtype=float)
    if truth.ndim != 1 or len(truth) < 2 or not np.isfinite(truth).all():
        raise RatingError(f"Give two or more strengths, each a finite number of logits; found {strengths!r}.")
    if np.ptp(truth) > _WIDEST:
        raise RatingError(
            f"These strengths lie {np.ptp(truth):.0f} logits apart, where {_WIDEST:.0f} is the most that "
            "makes sense. They look like Elo points: divide by 173.7 to get logits."
        )
    return truth


def pair_chances(size: int, exposure: Sequence[float] | Reals | None) -> Reals:
    """Shape (size, size): chance of each ordered pair, from one exposure a system (None: all alike)."""
    often = np.ones(size) if exposure is None else np.asarray(exposure, dtype=float)
    if often.shape != (size,) or not np.isfinite(often).all() or (often < 0).any() or (often > 0).sum() < 2:
        raise RatingError(
            f"The exposure must hold {size} numbers, one a system, none negative and two or more positive; "
            f"found {exposure!r}."
        )
    chance = np.outer(often, often)
    np.fill_diagonal(chance, 0.0)
    normalised: Reals = chance / chance.sum()
    return normalised


def require_number(value: float, name: str, *, least: float) -> None:
    """RatingError unless `value` is finite and at least `least`."""
    if not (np.isfinite(value) and value >= least):
        wanted = "be finite" if np.isinf(least) else f"be at least {least:g}"
        raise RatingError(f"To simulate votes, {name} must {wanted}; found {value!r}.")


def _require_cheats(voters: int, clickers: int, shills: int, shilled: int, size: int) -> None:
    if min(clickers, shills) < 0 or clickers + shills > voters:
        raise RatingError(
            f"{clickers} clickers and {shills} shills cannot be among {voters} voters; give numbers from 0 "
            "up that leave room for each other."
        )
    if not 0 <= shilled < size:
        raise RatingError(f"The shilled system must be a place from 0 to {size - 1}; found {shilled!r}.")


def _drawn_pairs(
    random: np.random.Generator, size: int, votes: int, exposure: Sequence[float] | Reals | None
) -> tuple[Codes, Codes]:
    left, right = np.divmod(_choices(random, pair_chances(size, exposure).ravel(), votes), size)
    return left, right


def _given_pairs(pairs: tuple[Codes, Codes], size: int, votes: int) -> tuple[Codes, Codes]:
    left, right = (np.asarray(side, dtype=np.int64) for side in pairs)
    fitting = left.shape == right.shape == (votes,)
    if not fitting or min(left.min(), right.min()) < 0 or max(left.max(), right.max()) >= size:
        raise RatingError(
            f"Explicit pairs must be two arrays of {votes} places from 0 to {size - 1}; found shapes "
            f"{left.shape} and {right.shape}."
        )
    if (left == right).any():
        raise RatingError(f"Pair {int(np.argmax(left == right))} sets a system against itself.")
    return left, right


def _choices(random: np.random.Generator, weight: Reals, votes: int) -> Codes:
    """Independent draws of places in `weight`, each with a chance proportional to its weight."""
    upto = np.cumsum(weight)
    drawn: Codes = np.searchsorted(upto[:-1], random.random(votes) * upto[-1], side="right")
    return drawn


def _blocks(votes: int) -> Iterator[slice]:
    for start in range(0, votes, _BLOCK):
        yield slice(start, min(start + _BLOCK, votes))


@dataclass(frozen=True, slots=True)
class _Cheats:
    """Which voters, numbered from 0, do not say what they feel: clickers, then shills, up to the last."""

    first_clicker: int
    first_shill: int
    shilled: int

    def mark(self, voter: int) -> str:
        """What the end of a voter's name gives away."""
        if voter < self.first_clicker:
            return ""
        return CLICKER if voter < self.first_shill else SHILL

    def overwrite(
        self, random: np.random.Generator, outcome: Codes, left: Codes, right: Codes, voter: Codes
    ) -> None:
        """Put into `outcome` what clickers and shills answer instead."""
        tossed = np.flatnonzero((voter >= self.first_clicker) & (voter < self.first_shill))
        outcome[tossed] = random.integers(2, size=tossed.size)
        bought = voter >= self.first_shill
        outcome[bought & (left == self.shilled)] = LEFT
        outcome[bought & (right == self.shilled)] = RIGHT


def _numbered(what: str, count: int, mark: Callable[[int], str] | None = None) -> list[str]:
    """Names that say "simulated" and whose alphabetical order is that of their numbers."""
    width = max(len(str(count)), 2)
    names = [f"simulated {what} {number:0{width}d}" for number in range(1, count + 1)]
    return names if mark is None else [name + mark(number) for number, name in enumerate(names)]


def _seen(names: Sequence[str], codes: Codes) -> tuple[tuple[str, ...], Codes]:
    """Only the names that occur, with the codes renumbered."""
    present = np.bincount(codes, minlength=len(names)) > 0
    places = np.cumsum(present) - 1
    return tuple(name for name, here in zip(names, present, strict=True) if here), places[codes]
