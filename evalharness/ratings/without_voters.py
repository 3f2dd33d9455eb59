"""The board with and without some voters: how much of it rests on those flagged, or on the busiest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.davidson import davidson
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.newton import Reals
from evalharness.ratings.predicted_votes import sides_tell
from evalharness.ratings.tally import Codes, Tally

__all__ = ["WithoutVoters", "board_without", "busiest_voters", "without_voters"]


@dataclass(frozen=True, slots=True, eq=False)
class WithoutVoters:
    """Davidson ratings of all votes beside those without some voters; arrays have shape (systems,)."""

    systems: tuple[str, ...]
    left_out: tuple[str, ...]
    """The voters left out."""
    votes_left_out: int
    votes: int
    """All votes, theirs included."""
    before: Reals
    """Elo-scale ratings of all votes, in points around the board's mean."""
    after: Reals
    rank_before: Codes
    """From 1, best first."""
    rank_after: Codes

    @property
    def moves(self) -> Reals:
        """After minus before, in Elo: negative where these voters lifted the system."""
        moved: Reals = self.after - self.before
        return moved

    @property
    def sentence(self) -> str:
        """What leaving them out changes."""
        most = int(np.abs(self.moves).argmax())
        changed = int((self.rank_before != self.rank_after).sum())
        first, then = (self.systems[int(rank.argmin())] for rank in (self.rank_before, self.rank_after))
        top = f"{first} stays first" if first == then else f"{then} comes first instead of {first}"
        voters = "1 voter" if len(self.left_out) == 1 else f"{len(self.left_out)} voters"
        return (
            f"Without {voters} ({self.votes_left_out} of {self.votes} votes) "
            f"{self.systems[most]} moves most, by {self.moves[most]:+.1f} Elo; {changed} of "
            f"{len(self.systems)} systems change rank, and {top}."
        )


def board_without(votes: Tally, voters: Collection[str]) -> WithoutVoters:
    """Fit Davidson's model to all votes and to those of the other voters.

    Raises UnknownNameError for a voter who cast none, RatingError where nobody is left, and as `davidson`
    does, for instance where the others' votes do not put all systems on one scale.
    """
    fewer = without_voters(votes, voters)
    lost = sorted(set(votes.systems) - set(fewer.systems))
    if lost:
        raise RatingError(
            f"Without these voters nobody has voted on {', '.join(lost)}, so there would be no rating. "
            "Leave out fewer voters, or collect votes of others."
        )
    before, after = (_elo(one) for one in (votes, fewer))
    return WithoutVoters(
        systems=votes.systems,
        left_out=tuple(sorted(voters)),
        votes_left_out=votes.votes - fewer.votes,
        votes=votes.votes,
        before=before,
        after=after,
        rank_before=_ranks(before),
        rank_after=_ranks(after),
    )


def without_voters(votes: Tally, voters: Collection[str]) -> Tally:
    """The votes of everyone else, with the systems, voters and prompts that occur in them."""
    unknown = sorted(set(voters) - set(votes.voters))
    if unknown:
        raise UnknownNameError(f"No voter {unknown[0]!r} cast any of these {votes.votes} votes.")
    away = np.isin(np.array(votes.voters), list(voters))
    if away.all():
        raise RatingError("All voters would be left out, and nothing would remain to rate. Leave out fewer.")
    return votes.where(~away[votes.voter], compact=True)


def busiest_voters(votes: Tally, share: float = 0.01) -> tuple[str, ...]:
    """The most active voters, `share` of all of them and at least one, the busiest first."""
    if not 0.0 < share < 1.0:
        raise RatingError(f"The share of voters must lie between 0 and 1; found {share!r}. Usual is 0.01.")
    cast = np.bincount(votes.voter, minlength=len(votes.voters))
    number = max(1, int(share * len(votes.voters)))
    return tuple(votes.voters[code] for code in np.argsort(-cast, kind="stable")[:number])


def _elo(votes: Tally) -> Reals:
    elo: Reals = davidson(votes, order_effect=sides_tell(votes)).strengths * ELO_PER_LOGIT
    return elo


def _ranks(ratings: Reals) -> Codes:
    ranks: Codes = 1 + (ratings[None, :] > ratings[:, None] + 1e-9).sum(axis=1)
    return ranks
