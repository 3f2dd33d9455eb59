"""Davidson's model: left, right and tie each with a probability of its own.

P(left) : P(right) : P(tie) = exp(d/2) : exp(-d/2) : nu, with d = left strength - right strength +
order effect. A gap predicts *wins among decisive votes*: P(left) / P(right) = exp(d). nu = 2
means that equal systems tie half the time. Davidson 1970; order effect after Davidson & Beaver 1977.
A both-bad counts as a tie here. Without any tie nu is 0 and the model is Bradley-Terry.
"""

from __future__ import annotations

import numpy as np

from evalharness.ratings.newton import Fit, PairTerms, Reals, newton_fit
from evalharness.ratings.tally import Tally

__all__ = ["Davidson", "davidson"]


class Davidson:
    """The pair model: a trinomial in gap and log tie parameter."""

    name = "davidson"
    fits_ties = True

    def terms(self, gap: Reals, log_tie: float) -> PairTerms:
        """Log-likelihood and derivatives at each gap; `log_tie` of minus infinity means no ties."""
        tie_level = np.full_like(gap, log_tie)
        log_total = np.logaddexp(np.logaddexp(gap / 2.0, -gap / 2.0), tie_level)
        left, right = np.exp(gap / 2.0 - log_total), np.exp(-gap / 2.0 - log_total)
        tie = np.exp(tie_level - log_total)
        lead = left - right
        return PairTerms(
            log_likelihood=np.stack([gap / 2.0 - log_total, -gap / 2.0 - log_total, tie_level - log_total]),
            score_gap=0.5 * np.stack([1.0 - lead, -1.0 - lead, -lead]),
            score_tie=np.stack([-tie, -tie, 1.0 - tie]),
            information_gap=0.25 * (left + right - lead**2),
            information_cross=-0.5 * lead * tie,
            information_tie=tie * (1.0 - tie),
        )

    def expected_score(self, gap: Reals, log_tie: float) -> Reals:
        """Probability that the left side wins plus half that of a tie."""
        terms = self.terms(gap, log_tie)
        left, _, tie = np.exp(terms.log_likelihood)
        score: Reals = left + 0.5 * tie
        return score


def davidson(votes: Tally, *, order_effect: bool = True) -> Fit:
    """Fit Davidson strengths, tie parameter and, by default, the effect of being shown on the left.

    Raises RatingError or DisconnectedError as `newton_fit` does.
    """
    return newton_fit(votes, Davidson(), order_effect=order_effect)
