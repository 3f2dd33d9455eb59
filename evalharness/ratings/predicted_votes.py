"""Decisive votes beside what all *other* voters predict, and how well other stories explain them.

`evalharness.ratings.suspicion` says what those stories are and puts the evidence for them together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, log_expit, logsumexp

from evalharness.errors import RatingError
from evalharness.ratings.davidson import davidson
from evalharness.ratings.leave_out import leave_out_moves
from evalharness.ratings.newton import Reals, order_identifiable
from evalharness.ratings.tally import LEFT, RIGHT, Codes, Tally

__all__ = ["ATTENTIVE_SPREAD", "PredictedVotes", "predicted_votes", "require_crowd", "sides_tell"]

ATTENTIVE_SPREAD = 0.3
"""Standard deviation of discrimination among attentive voters: how much of a gap each sees."""

_FAVOURS = np.array([1.5, 2.5, 4.0, 6.0])
"""Logits by which a voter may favour a system, equally weighed."""
_BY_CHANCE = 0.1
"""Weight of answers by chance beside honest ones, where favouring is judged."""
_ONE_SIDED = np.array([0.90, 0.97])
"""Shares of decisive votes for one side, equally weighed, as are the sides."""
_SIDE_PRECISION = 40.0
"""Of the beta distribution of honest voters' own share of left: its standard deviation is 0.08."""

_STEP = 0.02
"""Logits between entries of the table of log-likelihoods."""
_WIDEST_GAP = 10.0
"""Logits; a wider predicted gap counts as this one."""
_WIDEST_TASTE = 4.0
"""Logits; a wider spread of tastes counts as this one."""
_TASTE_POINTS = np.linspace(-3.5, 3.5, 29)
"""Standard deviations at which the null's tastes are summed up."""
_SLOPE_POINTS = np.linspace(-3.0, 3.0, 15)
"""The same for how much of the predicted gaps a voter sees."""


def sides_tell(votes: Tally) -> bool:
    """Whether left and right were places on a screen, and alternated enough to see an order effect."""
    return votes.sides_known and order_identifiable(votes)


def require_crowd(votes: Tally, question: str) -> None:
    """Raise RatingError unless two voters or more are on record; `question` is what was to be said."""
    if not votes.voters_known:
        raise RatingError(
            f"The votes do not say who cast them, so it cannot be said {question}. "
            "Read votes with a column that names the voter."
        )
    if len(votes.voters) < 2:
        raise RatingError(
            f"All votes come from one voter, so it cannot be said {question}: that takes others to compare "
            "with. Collect votes of more people."
        )


def predicted_votes(votes: Tally, trusted: NDArray[np.bool_]) -> PredictedVotes:
    """Predict each decisive vote from those of the `trusted` voters, shape (voters,), less its own voter's.

    Raises RatingError or DisconnectedError as `davidson` does.
    """
    others = votes.where(trusted[votes.voter])
    fit = davidson(others, order_effect=sides_tell(others))
    moves = leave_out_moves(fit, others, others.voter, len(votes.voters))
    size = len(votes.systems)
    strengths = fit.strengths + moves[:, :size]
    order = np.zeros(len(votes.voters))
    if fit.order_effect is not None:
        order = fit.order_effect + moves[:, fit.design.place("order")]
    rows = np.flatnonzero((votes.outcome == LEFT) | (votes.outcome == RIGHT))
    voter, left, right = votes.voter[rows], votes.left[rows], votes.right[rows]
    codes, pair = np.unique(np.concatenate([voter * size + left, voter * size + right]), return_inverse=True)
    pair_voter, pair_system = np.divmod(codes, size)
    return PredictedVotes(
        voters=len(votes.voters),
        voter=voter,
        won_left=(votes.outcome[rows] == LEFT).astype(float),
        gap=strengths[voter, left] - strengths[voter, right],
        order=order[voter],
        pair_voter=pair_voter,
        pair_system=pair_system,
        place_left=pair[: len(rows)],
        place_right=pair[len(rows) :],
    )


@dataclass(frozen=True, slots=True, eq=False)
class PredictedVotes:
    """Decisive votes, shape (votes,), and the pairs of a voter and a system that met, shape (pairs,)."""

    voters: int
    voter: Codes
    won_left: Reals
    """1 where the left side won, 0 where the right did."""
    gap: Reals
    """Left minus right strength in logits, as the others see it."""
    order: Reals
    """The others' order effect, in logits."""
    pair_voter: Codes
    """Ascending."""
    pair_system: Codes
    place_left: Codes
    """Shape (votes,): the pair of the voter and the left system."""
    place_right: Codes

    @property
    def chance(self) -> Reals:
        """That the left side wins."""
        chance: Reals = expit(self.gap + self.order)
        return chance

    def redrawn(self, random: np.random.Generator, spread: float) -> PredictedVotes:
        """The same battles answered by honest voters whose tastes have this standard deviation."""
        taste = random.normal(0.0, spread, len(self.pair_voter))
        felt = self.gap + self.order + taste[self.place_left] - taste[self.place_right]
        return replace(self, won_left=(random.random(len(felt)) < expit(felt)).astype(float))

    def _by_pair(self, left: Reals, right: Reals) -> Reals:
        pairs = len(self.pair_voter)
        of_left = np.bincount(self.place_left, left, pairs)
        of_right = np.bincount(self.place_right, right, pairs)
        return np.add(of_left, of_right, dtype=float)

    def taste_spread(self, kept: NDArray[np.bool_] | None = None) -> float:
        """sigma by moments over the voters `kept`: squared residual sums beyond what chance explains.

        For a voter's votes on j with residuals r and curves w: E (sum r)^2 = sum w + sigma^2 ((sum w)^2 +
        sum w^2), the first square from the voter's taste for j, the second from those for the opponents.
        Without `kept` the median over voters of such an estimate each, weighed by how much each tells: it
        stands up to a few voters of another kind.
        """
        residual, curve = self.won_left - self.chance, self.chance * (1.0 - self.chance)
        chance = self._by_pair(curve, curve)
        score = self._by_pair(residual, -residual)
        leverage = chance**2 + self._by_pair(curve**2, curve**2)
        excess = np.bincount(self.pair_voter, score**2 - chance, self.voters)
        told = np.bincount(self.pair_voter, leverage, self.voters)
        if not told.any():
            return 0.0
        if kept is None:
            each = excess / np.maximum(told, 1e-12)
            order = np.argsort(each)
            variance = float(each[order][np.searchsorted(np.cumsum(told[order]), 0.5 * told.sum())])
        else:
            variance = float(excess[kept].sum() / max(told[kept].sum(), 1e-12))
        return float(min(max(variance, 0.0) ** 0.5, _WIDEST_TASTE))

    def favour_pairs(self, spread: float) -> Reals:
        """Shape (pairs,): log e-value that the voter favours the system, for each voter and system that met.

        The likelihood of the voter's votes on the system at u = 1.5, 2.5, 4 and 6, averaged, over its average
        under u ~ N(0, sigma^2) plus a tenth of that of answers by chance, so that a voter who answers
        anything is not said to favour the weakest. Opponents' tastes are averaged out of each vote.
        """
        table, centre = _win_table(spread)
        toward = np.clip(self.gap + self.order, -_WIDEST_GAP, _WIDEST_GAP)
        win, width = self.won_left > 0, len(table)
        both = np.concatenate([table, table[::-1]])  # the log chance of a win, then of a loss
        offset = np.rint(toward / _STEP).astype(np.int64) + centre
        from_left = np.where(win, 0, width) + offset
        from_right = np.where(win, width, 0) + 2 * centre - offset

        def log_likelihood(taste: float) -> Reals:
            shift = round(taste / _STEP)
            return self._by_pair(both[from_left + shift], both[from_right + shift])

        tastes = _TASTE_POINTS * spread if spread > 0 else np.zeros(1)
        weight = -0.5 * _TASTE_POINTS**2 if spread > 0 else np.zeros(1)
        weight = weight - logsumexp(weight)
        by_chance = log_expit(np.where(win, self.order, -self.order))
        honest = np.log(_BY_CHANCE) + self._by_pair(by_chance, by_chance)
        for one, log_weight in zip(tastes, weight, strict=True):
            np.logaddexp(honest, log_weight + log_likelihood(one), out=honest)
        favouring = np.full(len(self.pair_voter), -np.inf)
        for one in _FAVOURS:
            np.logaddexp(favouring, log_likelihood(one) - np.log(len(_FAVOURS)), out=favouring)
        ratio: Reals = favouring - honest
        return ratio

    def at_random(self, spread: float) -> Reals:
        """Shape (voters,): log e-value that gaps between systems make no difference to the voter.

        The likelihood with every gap times 0 over its average with gaps times a, where honest voters have
        a ~ N(1, 0.3^2 + t^2): attentive ones differ by 0.3 (as in `evalharness.ratings.voters`), and tastes
        move how well a voter seems to agree with the board by t = sigma sqrt(sum_j lean_j^2) / sum w gap^2,
        lean_j being the sum of +- w gap over the voter's votes on j.
        """
        curve = self.chance * (1.0 - self.chance)
        lean = self._by_pair(self.gap * curve, -self.gap * curve)
        told = np.bincount(self.voter, self.gap**2 * curve, self.voters)
        by_taste = spread * np.sqrt(np.bincount(self.pair_voter, lean**2, self.voters))
        slope_spread = np.hypot(ATTENTIVE_SPREAD, by_taste / np.maximum(told, 1e-9))
        sign = 2.0 * self.won_left - 1.0

        def log_likelihood(slope: Reals) -> Reals:
            chosen = log_expit(sign * (slope[self.voter] * self.gap + self.order))
            return np.bincount(self.voter, chosen, self.voters).astype(float)

        weight = -0.5 * _SLOPE_POINTS**2
        weight -= logsumexp(weight)
        honest = np.full(self.voters, -np.inf)
        for point, log_weight in zip(_SLOPE_POINTS, weight, strict=True):
            np.logaddexp(honest, log_weight + log_likelihood(1.0 + point * slope_spread), out=honest)
        ratio: Reals = log_likelihood(np.zeros(self.voters)) - honest
        return ratio

    def one_side(self) -> Reals:
        """Shape (voters,): log e-value that the voter answers one side nearly always.

        Sides are drawn by chance, so whatever a voter's taste, the left answers are binomial around the
        others' share; honest voters' own shares may differ by a beta distribution of precision 40.
        """
        cast = np.bincount(self.voter, minlength=self.voters).astype(float)
        left = np.bincount(self.voter, self.won_left, self.voters)
        share = (left.sum() - left + 1.0) / (cast.sum() - cast + 2.0)
        first, second = _SIDE_PRECISION * share, _SIDE_PRECISION * (1.0 - share)
        honest = betaln(first + left, second + cast - left) - betaln(first, second)
        much, little = np.log(_ONE_SIDED)[:, None], np.log1p(-_ONE_SIDED)[:, None]
        always_left = left * much + (cast - left) * little
        always_right = left * little + (cast - left) * much
        both = np.concatenate([always_left, always_right])
        found: Reals = logsumexp(both, axis=0) - np.log(len(both)) - honest
        return found


def _win_table(spread: float) -> tuple[Reals, int]:
    """Log chance of a win at predicted gaps `_STEP` apart, opponents' tastes averaged; and the place of 0."""
    centre = round((_WIDEST_GAP + _WIDEST_TASTE * _TASTE_POINTS[-1]) / _STEP) + 1
    gap = _STEP * np.arange(-centre, centre + 1)
    reach = 3.0**0.5 * spread
    parts = [log_expit(gap - reach), log_expit(gap), log_expit(gap + reach)]
    table: Reals = logsumexp(parts, axis=0, b=np.array([[1 / 6], [2 / 3], [1 / 6]]))
    return table, centre
