"""Habits of single voters that a person should look at: repeats, runs, one side, ties, haste.

    repeated    the same pair on the same prompt answered more than once, and how often differently
    run         the same button pressed many times in a row (straight-lining)
    one_side    more answers for one side of the screen than chance gives
    ties        more ties than other voters give; likewise `both_bad`
    haste       answers sooner than one clip lasts, or much sooner than other voters

Each is a record with its figures, never an exclusion. Probabilities are multiplied by the number of voters
(Bonferroni), so that in each kind some honest voter is named on at most `level` of boards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import gammaln

from evalharness.errors import RatingError
from evalharness.ratings.newton import Reals
from evalharness.ratings.predicted_votes import require_crowd, sides_tell
from evalharness.ratings.tally import BOTH_BAD, LEFT, OUTCOMES, RIGHT, TIE, Codes, Tally

__all__ = ["HASTY_SHARE", "HASTY_Z", "Anomaly", "anomalies"]

HASTY_SHARE = 0.2
"""Of a voter's timed answers: this many sooner than one clip lasts make a record."""
HASTY_Z = -3.5
"""Robust z of a voter's median log seconds that makes a record (Iglewicz & Hoaglin 1993)."""

_ROBUST = 1.4826
"""Standard deviations to one median absolute deviation, where values are normal."""
_MEDIAN_ERROR = (np.pi / 2.0) ** 0.5
"""Standard error of a median, in standard deviations over the root of n."""
_LEAST_TIMED = 5
"""Timed answers without which nothing is said of a voter's haste."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One voter's habit, for a person to judge."""

    voter: str
    kind: str
    """`repeated`, `run`, `one_side`, `ties`, `both_bad` or `haste`."""
    figures: Mapping[str, float]
    """The evidence by name."""
    p: float | None
    """Chance that any voter of the board would show as much, at most; None where nothing is tested."""
    sentence: str


def anomalies(
    votes: Tally, *, seconds: Reals | None = None, clip_seconds: Reals | None = None, level: float = 0.01
) -> tuple[Anomaly, ...]:
    """All records, by kind in the order above, the least likely first.

    `seconds` is how long each vote took and `clip_seconds` how long the longer clip of its pair lasts, both
    of shape (votes,); NaN where it was not measured. Rows of `votes` are taken to stand in the order in
    which they were cast. Raises RatingError for times that do not fit the votes, for a single voter, or
    where it was not recorded who voted.
    """
    if not 0.0 < level < 1.0:
        raise RatingError(f"The level must lie between 0 and 1; found {level!r}. Usual is 0.01.")
    if clip_seconds is not None and seconds is None:
        raise RatingError(
            "Clip lengths say nothing about haste without the seconds each vote took: give both."
        )
    require_crowd(votes, "what is unusual for a voter")
    found = [_repeated(votes), _runs(votes, level)]
    if sides_tell(votes):
        found.append(_one_sided(votes, level))
    found += [_overused(votes, outcome, level) for outcome in (TIE, BOTH_BAD)]
    if seconds is not None:
        clips = np.full(votes.votes, np.nan) if clip_seconds is None else clip_seconds
        found.append(_hasty(votes, _times(seconds, votes, "seconds"), _times(clips, votes, "clip_seconds")))
    return tuple(record for records in found for record in records)


def _repeated(votes: Tally) -> Iterator[Anomaly]:
    size = len(votes.systems)
    low, high = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    battle = ((votes.voter * len(votes.prompts) + votes.prompt) * size + low) * size + high
    verdict = np.select(
        [votes.outcome == LEFT, votes.outcome == RIGHT], [votes.left, votes.right], size + votes.outcome
    )
    order = np.argsort(battle, kind="stable")
    same = battle[order][1:] == battle[order][:-1]
    again = order[1:][same]
    changed = verdict[again] != verdict[order[:-1][same]]
    voters = len(votes.voters)
    repeats = np.bincount(votes.voter[again], minlength=voters)
    changes = np.bincount(votes.voter[again], changed, voters).astype(np.int64)
    for code in np.lexsort((-repeats, -changes)):
        if repeats[code]:
            times = "once" if repeats[code] == 1 else f"{repeats[code]} times"
            yield Anomaly(
                votes.voters[code],
                "repeated",
                {"repeats": float(repeats[code]), "changed": float(changes[code])},
                None,
                f"{votes.voters[code]} answered the same pair on the same prompt again ({times}); "
                f"verdicts that changed: {changes[code]}.",
            )


def _runs(votes: Tally, level: float) -> Iterator[Anomaly]:
    """The longest run of one button, and a bound on the chance of one as long.

    Had the voter given the same answers in any other order, windows of L votes with the same button would
    number (n - L + 1) n_b (n_b - 1) ... (n_b - L + 1) / (n (n - 1) ... (n - L + 1)) on average; summed over
    buttons, that bounds the chance of even one. Habits and tastes make no difference to it.
    """
    order = np.argsort(votes.voter, kind="stable")
    voter, outcome = votes.voter[order], votes.outcome[order]
    fresh = np.ones(votes.votes, dtype=bool)
    fresh[1:] = (voter[1:] != voter[:-1]) | (outcome[1:] != outcome[:-1])
    starts = np.flatnonzero(fresh)
    length = np.diff(np.append(starts, votes.votes))
    cast = np.bincount(voter, minlength=len(votes.voters))
    longest = np.zeros_like(cast)
    np.maximum.at(longest, voter[starts], length)
    bound = np.zeros(len(votes.voters))
    for code in range(len(OUTCOMES)):
        given = np.bincount(voter[outcome == code], minlength=len(bound))
        some = (given >= longest) & (cast > 0)
        n, b, run = cast[some], given[some], longest[some]
        log_window = gammaln(b + 1.0) - gammaln(b - run + 1.0) - gammaln(n + 1.0) + gammaln(n - run + 1.0)
        bound[some] += (n - run + 1.0) * np.exp(log_window)
    p = np.minimum(bound * len(bound), 1.0)
    for code in np.argsort(p, kind="stable"):
        if p[code] > level:
            return
        first = starts[(voter[starts] == code) & (length == longest[code])][0]
        button = OUTCOMES[outcome[first]].value.replace("_", " ")
        yield Anomaly(
            votes.voters[code],
            "run",
            {"longest": float(longest[code]), "votes": float(cast[code])},
            float(p[code]),
            f"{votes.voters[code]} pressed '{button}' {longest[code]} times in a row; with these answers "
            f"in random order some voter does so with a chance of at most {p[code]:.1g}.",
        )


def _one_sided(votes: Tally, level: float) -> Iterator[Anomaly]:
    """Exact two-sided binomial test of each voter's left answers against the others' share."""
    voters = len(votes.voters)
    left = np.bincount(votes.voter[votes.outcome == LEFT], minlength=voters)
    cast = left + np.bincount(votes.voter[votes.outcome == RIGHT], minlength=voters)
    share = (left.sum() - left + 1.0) / (cast.sum() - cast + 2.0)
    tail = np.minimum(stats.binom.cdf(left, cast, share), stats.binom.sf(left - 1, cast, share))
    p = np.minimum(2.0 * tail * voters, 1.0)
    for code in np.argsort(p, kind="stable"):
        if p[code] > level:
            return
        yield Anomaly(
            votes.voters[code],
            "one_side",
            {"left": float(left[code]), "decisive": float(cast[code]), "others": float(share[code])},
            float(p[code]),
            f"{votes.voters[code]} chose the left side in {left[code]} of {cast[code]} decisive votes, "
            f"where others do in {share[code]:.0%}.",
        )


def _overused(votes: Tally, outcome: int, level: float) -> Iterator[Anomaly]:
    """Upper tail of a beta-binomial: voters differ in how readily they give this answer, and how much they
    differ is estimated by moments from all voters.
    """
    voters = len(votes.voters)
    cast = np.bincount(votes.voter, minlength=voters)
    given = np.bincount(votes.voter[votes.outcome == outcome], minlength=voters)
    if voters == 1 or not given.any():
        return
    share = given.sum() / cast.sum()
    chance = cast * share * (1.0 - share)
    excess = ((given - cast * share) ** 2 - chance).sum()
    alike = np.clip(excess / max((chance * (cast - 1.0)).sum(), 1e-12), 1e-6, 0.99)
    precision = 1.0 / alike - 1.0
    tail = stats.betabinom.sf(given - 1, cast, share * precision, (1.0 - share) * precision)
    p = np.minimum(tail * voters, 1.0)
    kind, words = ("ties", "a tie") if outcome == TIE else ("both_bad", "both bad")
    for code in np.argsort(p, kind="stable"):
        if p[code] > level:
            return
        yield Anomaly(
            votes.voters[code],
            kind,
            {"given": float(given[code]), "votes": float(cast[code]), "share_of_all": float(share)},
            float(p[code]),
            f"{votes.voters[code]} answered {words} in {given[code]} of {cast[code]} votes, "
            f"where all voters do in {share:.0%}.",
        )


def _times(values: Reals, votes: Tally, name: str) -> Reals:
    times = np.asarray(values, dtype=float)
    if times.shape != (votes.votes,) or np.isinf(times).any() or (times <= 0).any():
        raise RatingError(
            f"{name} must hold one positive number a vote, {votes.votes} in all, NaN where unknown; "
            f"found shape {times.shape} with {int((times <= 0).sum())} numbers of 0 or less. Those mean a "
            "broken clock: hand them in as NaN."
        )
    return times


def _hasty(votes: Tally, seconds: Reals, clips: Reals) -> Iterator[Anomaly]:
    """Share of answers sooner than the clip lasts; robust z of a voter's median log time.

    Its scale is the spread of medians between voters together with the sampling error of the voter's own.
    """
    voters = len(votes.voters)
    timed = np.flatnonzero(~np.isnan(seconds))
    sooner = seconds[timed] < clips[timed]
    comparable = np.bincount(votes.voter[timed], ~np.isnan(clips[timed]), voters)
    under = np.bincount(votes.voter[timed], sooner, voters) / np.maximum(comparable, 1.0)
    log_seconds = np.log(seconds[timed])
    median, count = _medians(votes.voter[timed], log_seconds, voters)
    known = count >= _LEAST_TIMED
    if not known.any():
        return
    centre = np.median(median[known])
    between = _ROBUST * np.median(np.abs(median[known] - centre))
    within = _ROBUST * np.median(np.abs(log_seconds - median[votes.voter[timed]]))
    scale = np.hypot(between, _MEDIAN_ERROR * within / np.sqrt(np.maximum(count, 1)))
    z = (median - centre) / np.where(scale > 0, scale, np.inf)
    for code in np.lexsort((z, -under)):
        often = comparable[code] >= _LEAST_TIMED and under[code] >= HASTY_SHARE
        if known[code] and (often or z[code] <= HASTY_Z):
            yield Anomaly(
                votes.voters[code],
                "haste",
                {
                    "median_s": float(np.exp(median[code])),
                    "under_clip": float(under[code]),
                    "z": float(z[code]),
                },
                None,
                f"{votes.voters[code]} answers after {np.exp(median[code]):.1f} s at the median, where "
                f"voters do after {np.exp(centre):.1f} s; {under[code]:.0%} of the answers came sooner than "
                "one clip lasts.",
            )


def _medians(group: Codes, values: Reals, groups: int) -> tuple[Reals, Codes]:
    """Shape (groups,): median of each group's values (0 where it has none), and how many it has."""
    order = np.lexsort((values, group))
    count = np.bincount(group, minlength=groups)
    first = np.cumsum(count) - count
    some = count > 0
    ranked = values[order]
    median = np.zeros(groups)
    low, high = first[some] + (count[some] - 1) // 2, first[some] + count[some] // 2
    median[some] = 0.5 * (ranked[low] + ranked[high])
    return median, count
