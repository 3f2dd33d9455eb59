"""The four-way model: ties and both-bads each an outcome, at rates that depend on who is compared.

    P(left) : P(right) : P(tie) : P(both bad) = exp(d/2) : exp(-d/2) : exp(t) : exp(b)
    d = left strength - right strength + order effect
    t = tie + tie_slope x m,  b = both_bad + both_bad_slope x m,  m = mean strength of the two

A gap predicts wins among decisive votes, as with Davidson 1970, of which this is the case b = -infinity and
tie_slope = 0. Voters answer "both bad" to weak pairs and "tie" to strong ones, so a draw says something
absolute that a half win throws away. `rates` lets each system have propensities of its own instead of the
slopes (factored ties: Ameli, Zhuang, Stoica & Mahoney 2024).
"""

from __future__ import annotations

from collections.abc import Mapping

from evalharness.ratings.design import Rates
from evalharness.ratings.newton import Fit, Reals, newton_fit
from evalharness.ratings.outcomes import FourWay
from evalharness.ratings.tally import Tally

__all__ = ["four_way"]


def four_way(
    votes: Tally,
    *,
    order_effect: bool = True,
    rates: Rates = Rates.PAIR_QUALITY,
    covariates: Mapping[str, Reals] | None = None,
) -> Fit:
    """Fit strengths, rates of tie and both bad and, by default, the effect of being shown on the left.

    An outcome that nobody chose has no parameter. Covariates and errors as in `newton_fit`.
    """
    return newton_fit(votes, FourWay(), order_effect=order_effect, rates=rates, covariates=covariates)
