"""How many more votes until a system's interval is as narrow as wanted, and whether votes alone can do it.

The variance of a rating is taken apart as in `design_effect`. Growing a study by a factor k shrinks

    more votes by the same voters on the same prompts     the independent part
    more voters, as busy as these, on the same prompts    that, and the parts of voters and of cells
    more prompts, for the same voters                     that, and the parts of prompts and of cells
    more of both                                          all of them

each shrinking part to 1/k of itself, so k = shrinking / (wanted - staying); where what stays is as much as
wanted, no k is large enough. The independent part is the system's own; the others are the board's mean, since
one system's are too few votes to tell how much tastes differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalharness.errors import RatingError
from evalharness.ratings.design_effect import DesignEffect
from evalharness.ratings.estimate import Estimate
from evalharness.ratings.tally import Tally

__all__ = ["Growth", "more_votes"]

_MORE = {
    "votes": ("independent",),
    "voters": ("independent", "voters", "cells"),
    "prompts": ("independent", "prompts", "cells"),
    "voters and prompts": ("independent", "voters", "prompts", "cells"),
}


@dataclass(frozen=True, slots=True)
class Growth:
    """What one way of growing the study costs until an interval is as narrow as wanted."""

    more: str
    """"votes" by the same voters on the same prompts, "voters", "prompts" or "voters and prompts"."""
    votes: int | None
    """Further votes with this system; 0 where its interval is narrow enough, None where no number does it."""
    factor: float | None
    """By how much to multiply what is named in `more`, and the votes; None as above."""


def more_votes(
    found: Estimate, effect: DesignEffect, votes: Tally, system: str, half_width: float
) -> tuple[Growth, ...]:
    """Ways to bring the rating of `system` to +- `half_width` Elo, at the estimate's confidence.

    `found` and `effect` belong to `votes`; the estimate's interval is what shrinks, the effect says which
    parts of it do. New votes are taken to be spread as the old ones. Raises RatingError for a half-width
    that is not positive, UnknownNameError for a system that is not on the board.
    """
    if not (np.isfinite(half_width) and half_width > 0.0):
        raise RatingError(f"The wanted half-width must be a positive number of Elo; found {half_width!r}.")
    rating = found.rating(system)
    place = votes.systems.index(system)
    own = votes.pairs[place].sum() + votes.pairs[:, place].sum()
    wanted = (half_width / (rating.high - rating.value)) ** 2
    parts = {
        "independent": effect.independent,
        "voters": effect.of_voters,
        "prompts": effect.of_prompts,
        "cells": effect.of_cells,
    }
    share = {name: max(float(np.diag(part).mean()), 0.0) for name, part in parts.items()}
    share["independent"] = float(effect.independent[place, place])
    whole = sum(share.values())
    ways = []
    for more, shrinking in _MORE.items():
        moving = sum(share[name] for name in shrinking) / whole
        staying = 1.0 - moving
        if wanted >= 1.0:
            ways.append(Growth(more, 0, 1.0))
        elif wanted - staying <= 1e-9:
            ways.append(Growth(more, None, None))
        else:
            factor = moving / (wanted - staying)
            ways.append(Growth(more, int(np.ceil(own * (factor - 1.0))), factor))
    return tuple(ways)
