"""Bradley-Terry with half-win ties: the model of most public boards, kept for comparison with them.

P(left wins) = 1 / (1 + exp(-d)), d = left strength - right strength (+ order effect). A tie or a
both-bad counts as half a win for either side, so a gap predicts *wins plus half the ties*, and ties
shrink the scale against `davidson`. Bradley & Terry 1952; order effect after Davidson & Beaver 1977.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from evalharness.ratings.newton import Fit, PairTerms, Reals, newton_fit
from evalharness.ratings.tally import Tally

__all__ = ["BradleyTerry", "bradley_terry"]


class BradleyTerry:
    """The pair model: a logistic in the gap, ties half."""

    name = "bradley_terry"
    fits_ties = False

    def terms(self, gap: Reals, log_tie: float) -> PairTerms:  # noqa: ARG002 - ties have no parameter here
        """Log-likelihood and derivatives at each gap."""
        left, right = expit(gap), expit(-gap)
        log_left, log_right = log_expit(gap), log_expit(-gap)
        nothing = np.zeros_like(gap)
        return PairTerms(
            log_likelihood=np.stack([log_left, log_right, 0.5 * (log_left + log_right)]),
            score_gap=np.stack([right, -left, 0.5 - left]),
            score_tie=np.stack([nothing, nothing, nothing]),
            information_gap=left * right,
            information_cross=nothing,
            information_tie=nothing,
        )

    def expected_score(self, gap: Reals, log_tie: float) -> Reals:  # noqa: ARG002 - as above
        """Probability that the left side wins, half the ties included."""
        score: Reals = expit(gap)
        return score


def bradley_terry(votes: Tally, *, order_effect: bool = False) -> Fit:
    """Fit Bradley-Terry strengths; optionally with one effect of being shown on the left.

    Raises RatingError or DisconnectedError as `newton_fit` does.
    """
    return newton_fit(votes, BradleyTerry(), order_effect=order_effect)
