"""Does a voter answer as others with tastes of their own might, or favour a system, a side, or nothing?

Every voter's decisive votes are predicted from the votes of all *other* voters. An e-value says how much
better an alternative explains them than the null does; under the null its expectation is at most 1, so a
voter who votes like the others reaches e >= 100 in at most one case of a hundred (Markov's inequality;
Vovk & Wang 2021). The null allows tastes: an honest voter v feels system j as its strength + u_vj, with
u ~ N(0, sigma^2) and sigma estimated from the votes. Three alternatives, averaged with weights 1/2, 1/4, 1/4:

    favours j      u_vj = 1.5, 2.5, 4 or 6 logits: the voter chooses j (nearly) wherever it is shown
    at random      the gap between two systems makes no difference to the voter
    one side       left (or right) in 90 or 97 of 100 decisive votes

Ties and both-bad say nothing here, so that a habit of tying, or of never tying, raises no suspicion.

What is approximate: sigma is one number, estimated; an opponent's taste counts as new in each vote; tastes
pull a voter's agreement with the board by a normal amount; `one side` needs sides that were drawn by chance.
The tests and `benchmarks/shills.py` measure what that leaves of the 1 %. A suspicion is a reason to look,
never an exclusion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from evalharness.errors import RatingError
from evalharness.ratings.connectivity import comparable_groups
from evalharness.ratings.newton import Reals
from evalharness.ratings.predicted_votes import PredictedVotes, predicted_votes, require_crowd, sides_tell
from evalharness.ratings.rings import Ring, favour_evidence, find_rings, ring_table
from evalharness.ratings.tally import TIE, Codes, Tally

__all__ = ["Suspect", "Suspicion", "suspicion"]

_LOG_WEIGHTS = np.log([[0.5], [0.25], [0.25]])
"""Of the three alternatives."""
_STANDS_OUT = float(np.log(100.0))
"""Evidence with which a voter, or a ring, no longer serves to predict others."""
_ROUNDS = 5
"""Most rounds of predicting anew without the voters who stood out in the round before."""
_HONEST_DRAWN = 2_000
"""Honest voters simulated, at least, to see how high their evidence goes..."""
_MOST_CROWDS = 20
"""... but no more crowds than this."""
_NO_SIDES = "Sides are not known or never alternated, so nothing is said of one-sided voters."
_LEFT_IN = (
    "Without the voters who stand out the systems would not all have met in decisive votes, so theirs served "
    "to predict those of others."
)


@dataclass(frozen=True, slots=True)
class Suspect:
    """One voter who stands out, and by which alternative most."""

    voter: str
    kind: str
    """`favours`, `at_random` or `one_side`."""
    system: str | None
    """The system favoured; None for the other kinds."""
    evidence: float
    """Natural log of the voter's e-value over all alternatives."""
    votes: int
    """Decisive votes it rests on."""

    @property
    def sentence(self) -> str:
        """What was found, for a person to judge."""
        what = {
            "favours": f"chooses {self.system} more often than the votes of others and tastes explain",
            "at_random": "answers as if by chance, whatever the systems",
            "one_side": "answers one side of the screen nearly always",
        }[self.kind]
        size = self.evidence / np.log(10.0)
        return f"{self.voter} {what} (e-value 10^{size:.1f} on {self.votes} decisive votes)."


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """E-values of all voters, as natural logs; arrays have shape (voters,)."""

    voters: tuple[str, ...]
    systems: tuple[str, ...]
    votes: Codes
    """Decisive votes of each voter."""
    favours: Reals
    at_random: Reals
    one_side: Reals
    favoured: Codes
    """The system with the most evidence, as a place in `systems`."""
    rings: tuple[Ring, ...]
    """Those with evidence of at least log 100."""
    taste_spread: float
    """sigma: standard deviation of a voter's own taste for a system, in logits."""
    honest: Reals
    """Ascending: evidence of simulated honest voters with these tastes, who met the same battles."""
    notes: tuple[str, ...]

    @property
    def evidence(self) -> Reals:
        """Each voter's e-value over all alternatives."""
        return _together(self.favours, self.at_random, self.one_side)

    def threshold(self, false_alarm: float = 0.01, *, calibrated: bool = False) -> float:
        """The log e-value from which a voter is named, so that this share of honest voters is, at most.

        By Markov's inequality log(1 / `false_alarm`), whatever the votes. `calibrated`: what this share of
        the simulated honest voters passes, which is lower and finds more; it trusts in the estimated spread
        of tastes. Raises RatingError outside (0, 1).
        """
        if not 0.0 < false_alarm < 1.0:
            raise RatingError(
                f"The rate of false alarms must lie between 0 and 1; found {false_alarm!r}. Usual is 0.01."
            )
        always = -float(np.log(false_alarm))
        if not calibrated:
            return always
        return min(always, float(np.quantile(self.honest, 1.0 - false_alarm, method="higher")))

    def suspects(self, false_alarm: float = 0.01, *, calibrated: bool = False) -> tuple[Suspect, ...]:
        """Voters whose evidence passes `threshold`, the surest first."""
        evidence = self.evidence
        kind = (np.stack([self.favours, self.at_random, self.one_side]) + _LOG_WEIGHTS).argmax(axis=0)
        order = np.argsort(-evidence, kind="stable")
        passing = order[evidence[order] >= self.threshold(false_alarm, calibrated=calibrated)]
        return tuple(
            Suspect(
                voter=self.voters[code],
                kind=("favours", "at_random", "one_side")[kind[code]],
                system=self.systems[self.favoured[code]] if kind[code] == 0 else None,
                evidence=float(evidence[code]),
                votes=int(self.votes[code]),
            )
            for code in passing
        )


def suspicion(votes: Tally, *, seed: int = 1) -> Suspicion:
    """E-values of every voter against leave-one-voter-out predictions; `seed` draws the honest voters.

    Voters and rings that stand out are left out of the predictions of others, and of the spread of tastes,
    and all is computed again until the same ones stand out.

    Raises RatingError or DisconnectedError as `davidson` does, and RatingError for a single voter or where
    it was not recorded who voted.
    """
    require_crowd(votes, "whether a voter answers as others do")
    voters, systems = len(votes.voters), len(votes.systems)
    sides_drawn = sides_tell(votes)
    notes = [] if sides_drawn else [_NO_SIDES]
    trusted = np.ones(voters, dtype=bool)
    for turn in range(_ROUNDS):
        predicted = predicted_votes(votes, trusted)
        spread = predicted.taste_spread(trusted if turn else None)
        at_random = predicted.at_random(spread)
        one_side = predicted.one_side() if sides_drawn else np.zeros(voters)
        pair = _but_for(predicted.favour_pairs(spread), np.maximum(at_random, one_side)[predicted.pair_voter])
        pairs = (predicted.pair_voter, predicted.pair_system)
        table = ring_table(pair, predicted.pair_system, systems)
        rings = find_rings(pair, *pairs, table, (votes.voters, votes.systems), _STANDS_OUT)
        favours = favour_evidence(pair, *pairs, table, voters)
        ringed = np.isin(np.array(votes.voters), [name for ring in rings for name in ring.members])
        quiet = ~ringed & (np.max([favours, at_random, one_side], axis=0) < _STANDS_OUT)
        if (quiet == trusted).all():
            break
        if not _can_predict(votes.where(quiet[votes.voter])):
            notes.append(_LEFT_IN)
            break
        trusted = quiet
    favoured = np.zeros(voters, dtype=np.int64)
    surest_last = np.argsort(pair, kind="stable")
    favoured[predicted.pair_voter[surest_last]] = predicted.pair_system[surest_last]
    return Suspicion(
        voters=votes.voters,
        systems=votes.systems,
        votes=np.bincount(predicted.voter, minlength=voters),
        favours=favours,
        at_random=at_random,
        one_side=one_side,
        favoured=favoured,
        rings=rings,
        taste_spread=spread,
        honest=_honest_evidence(predicted, spread, table, sides_drawn, seed),
        notes=tuple(notes),
    )


def _can_predict(others: Tally) -> bool:
    """Whether these votes alone put all systems on one scale."""
    return bool((others.outcome < TIE).any()) and len(comparable_groups(others)) == 1


def _honest_evidence(
    predicted: PredictedVotes, spread: float, table: Reals, sides_drawn: bool, seed: int
) -> Reals:
    """Evidence, ascending, of honest voters drawn with these tastes, who met the same battles and rings."""
    random = np.random.default_rng(seed)
    voters, pairs = predicted.voters, (predicted.pair_voter, predicted.pair_system)
    drawn = []
    for _ in range(min(_MOST_CROWDS, -(-_HONEST_DRAWN // voters))):
        crowd = predicted.redrawn(random, spread)
        favours = favour_evidence(crowd.favour_pairs(spread), *pairs, table, voters, counted=False)
        one_side = crowd.one_side() if sides_drawn else np.zeros(voters)
        drawn.append(_together(favours, crowd.at_random(spread), one_side))
    return np.sort(np.concatenate(drawn))


def _but_for(pair: Reals, other: Reals) -> Reals:
    """Evidence for favouring, but none where another alternative stands out and explains more.

    A voter at random chooses weak systems far too often, and is no part of a ring around one.
    """
    explained = (other >= _STANDS_OUT) & (other > pair)
    return np.where(explained, np.minimum(pair, 0.0), pair)


def _together(favours: Reals, at_random: Reals, one_side: Reals) -> Reals:
    """Log of the weighted mean of the three e-values."""
    weighed = np.stack([favours, at_random, one_side]) + _LOG_WEIGHTS
    together: Reals = logsumexp(weighed, axis=0)
    return together
