"""Davidson's model: left, right and tie each with a probability of its own.

P(left) : P(right) : P(tie) = exp(d/2) : exp(-d/2) : nu, with d = left strength - right strength +
order effect. A gap predicts *wins among decisive votes*: P(left) / P(right) = exp(d). nu = 2
means that equal systems tie half the time. Davidson 1970; order effect after Davidson & Beaver 1977.
A both-bad counts as a tie here. Without any tie nu is 0 and the model is Bradley-Terry.
"""

from __future__ import annotations

from collections.abc import Mapping

from evalharness.ratings.newton import Fit, Reals, newton_fit
from evalharness.ratings.outcomes import TiesApart
from evalharness.ratings.tally import Tally

__all__ = ["davidson"]


def davidson(
    votes: Tally, *, order_effect: bool = True, covariates: Mapping[str, Reals] | None = None
) -> Fit:
    """Fit Davidson strengths, tie parameter and, by default, the effect of being shown on the left.

    Covariates and errors as in `newton_fit`.
    """
    return newton_fit(votes, TiesApart(), order_effect=order_effect, covariates=covariates)
