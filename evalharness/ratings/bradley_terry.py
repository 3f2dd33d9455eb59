"""Bradley-Terry with half-win ties: the model of most public boards, kept for comparison with them.

P(left wins) = 1 / (1 + exp(-d)), d = left strength - right strength (+ order effect). A tie or a
both-bad counts as half a win for either side, so a gap predicts *wins plus half the ties*, and ties
shrink the scale against `davidson`. Bradley & Terry 1952; order effect after Davidson & Beaver 1977.
"""

from __future__ import annotations

from collections.abc import Mapping

from evalharness.ratings.newton import Fit, Reals, newton_fit
from evalharness.ratings.outcomes import HalfWins
from evalharness.ratings.tally import Tally

__all__ = ["bradley_terry"]


def bradley_terry(
    votes: Tally, *, order_effect: bool = False, covariates: Mapping[str, Reals] | None = None
) -> Fit:
    """Fit Bradley-Terry strengths; optionally with one effect of being shown on the left.

    Covariates and errors as in `newton_fit`.
    """
    return newton_fit(votes, HalfWins(), order_effect=order_effect, covariates=covariates)
