"""From the votes on one pair to scores that may be bet on: one a voter, one a prompt, or one a vote.

Votes of one voter resemble each other, so a bet on each vote is won or lost twenty times by one taste. The
unit of evidence is therefore the voter: a score is the mean of a voter's votes on the pair, 1 for the first
system, 0 for the second, 1/2 for a tie. Voters interleave, and a mean that may still move must not be bet
on: looking at it while it moves is peeking again. So a score counts once it is **closed**, and never
changes afterwards. A voter closes

    with the k-th vote on the pair (`votes_per_score`), at once; or
    when `silence` further votes, on any pair, have been cast without one of theirs.

What a closed voter votes later is counted as late and not used. A silence of six times the number of people
who vote at once closes few too early; 50 suits eight. A prompt closes with its k-th vote on the pair only,
since prompts are shown again all through a study. A single vote closes as it is cast.

The scores in the order of closing are fair bets under the null if voters (prompts) come independently from
one population and if *when* and *how often* they vote does not depend on *how* they vote. With one vote a
score (`votes_per_score=1`) the second condition is empty: the first vote of each voter is all that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalharness.errors import RatingError
from evalharness.ratings.newton import Reals
from evalharness.ratings.tally import LEFT, RIGHT, Codes, Tally

__all__ = ["VOTES_PER_SCORE", "PairScores", "Ties", "Unit", "closed_scores"]


class Unit(StrEnum):
    """What is drawn afresh each time, and so gives one score."""

    VOTER = "voter"
    PROMPT = "prompt"
    VOTE = "vote"


class Ties(StrEnum):
    """What a tie or both-bad does to a score."""

    HALF = "half"
    """It is half a win for either side: scores are wins plus half the ties."""
    DROP = "drop"
    """It is left out: scores are shares of decisive votes."""


VOTES_PER_SCORE = {Unit.VOTER: 20, Unit.PROMPT: 1, Unit.VOTE: 1}
"""Default k. Past twenty votes a voter's mean hardly gains; one voter sees most prompts once a pair."""


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Closed scores of the first system against the second, in the order in which they closed."""

    values: Reals
    """Shape (scores,), from 0 to 1."""
    rows: Codes
    """Shape (scores,): place in the tally of the vote with which each closed."""
    votes: int
    """Votes inside the closed scores."""
    open: int
    """Voters or prompts with votes on the pair that have not closed yet."""
    open_votes: int
    """Their votes so far."""
    late: int
    """Votes that came after their voter or prompt had closed."""
    met: int
    """All votes on the pair, ties included."""
    first_left: int
    """How many of these showed the first system on the left."""


def closed_scores(
    votes: Tally,
    first: int,
    second: int,
    *,
    unit: Unit = Unit.VOTER,
    ties: Ties = Ties.HALF,
    votes_per_score: int | None = None,
    silence: int = 50,
    ended: bool = False,
) -> PairScores:
    """Score the pair (two places in `votes.systems`) by the rule above; rows must stand in order of time.

    `ended` says that collection is over and closes everybody with the votes they have. It must have been
    planned, or come about without a look at the open votes: ending *because* they look good is peeking.

    Raises RatingError where k or the silence is below 1.
    """
    k = VOTES_PER_SCORE[unit] if votes_per_score is None else votes_per_score
    if k < 1 or silence < 1:
        raise RatingError(
            f"A score needs at least 1 vote and a silence of at least 1; found {k} and {silence}. "
            "Usual are 20 votes and a silence of 50."
        )
    forward = (votes.left == first) & (votes.right == second)
    backward = (votes.left == second) & (votes.right == first)
    met = forward | backward
    decisive = (votes.outcome == LEFT) | (votes.outcome == RIGHT)
    used = np.flatnonzero(met if ties is Ties.HALF else met & decisive)
    won = np.where(forward[used], votes.outcome[used] == LEFT, votes.outcome[used] == RIGHT)
    score = np.where(decisive[used], won.astype(float), 0.5)

    if unit is Unit.VOTE:
        return PairScores(score, used, len(used), 0, 0, 0, int(met.sum()), int(forward.sum()))
    group = (votes.voter if unit is Unit.VOTER else votes.prompt)[used]
    size = len(votes.voters if unit is Unit.VOTER else votes.prompts)
    never = votes.votes
    hushed = np.full(size, never)
    if unit is Unit.VOTER:
        hushed = _fell_silent(votes.voter, used, size, silence)
    place = _place_in_group(group)
    counted = (place < k) & (used <= hushed[group])
    number = np.bincount(group[counted], minlength=size)
    total = np.bincount(group[counted], weights=score[counted], minlength=size)

    closing = np.minimum(hushed + silence, never)
    full = counted & (place == k - 1)
    closing[group[full]] = used[full]
    began = np.full(size, never)
    np.minimum.at(began, group, used)
    present = number > 0
    is_open = present & (closing >= never)
    if ended:
        closing[is_open] = never - 1
        is_open[:] = False
    closed = np.flatnonzero(present & ~is_open)
    closed = closed[np.lexsort((began[closed], closing[closed]))]
    return PairScores(
        values=total[closed] / number[closed],
        rows=closing[closed],
        votes=int(number[closed].sum()),
        open=int(is_open.sum()),
        open_votes=int(number[is_open].sum()),
        late=int((~counted).sum()),
        met=int(met.sum()),
        first_left=int(forward.sum()),
    )


def _fell_silent(voter: Codes, used: Codes, size: int, silence: int) -> Codes:
    """Shape (voters,): row of the last vote before each voter's first silence after meeting the pair.

    The number of rows where a voter has not fallen silent yet.
    """
    rows = len(voter)
    order = np.argsort(voter, kind="stable")
    following = np.full(rows, rows)
    same = voter[order[1:]] == voter[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    began = np.full(size, rows)
    np.minimum.at(began, voter[used], used)
    quiet = np.flatnonzero(following - np.arange(rows) - 1 >= silence)
    quiet = quiet[quiet >= began[voter[quiet]]]
    last = np.full(size, rows)
    np.minimum.at(last, voter[quiet], quiet)
    return last


def _place_in_group(group: Codes) -> Codes:
    """Shape (rows,): how many earlier rows belong to the same group."""
    order = np.argsort(group, kind="stable")
    place = np.empty(len(group), dtype=np.int64)
    ordered = group[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(group) else ordered
    place[order] = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    return place
