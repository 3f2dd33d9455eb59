"""What a ladder of known damage tells about a metric: order, sensitivity, separation.

Readings are arrays of shape (clips, levels), column 0 the clip as it is and the rest ever worse damage;
NaN where the metric gave no value. Only pairs with two values count.
"""

from __future__ import annotations

from math import comb, inf

import numpy as np
from numpy.typing import NDArray

__all__ = ["ordered_share", "separation", "sign_test", "spearman"]

Array = NDArray[np.float64]


def ordered_share(readings: Array, most: float = inf) -> float:
    """Share, 0..1, of neighbouring levels between which a clip's reading rises; ties count half.

    Two damaged levels that both read `most`, the highest there is, are in order: nothing is left to rise. The
    clip as it is never gains by that. NaN where no clip has readings at two neighbouring levels.
    """
    steps = np.diff(readings, axis=1)
    in_order = 0.5 + 0.5 * np.sign(steps)
    full = np.isclose(readings, most, rtol=0, atol=1e-9) & np.isfinite(most)
    in_order[:, 1:][full[:, 1:-1] & full[:, 2:]] = 1.0
    known = in_order[np.isfinite(steps)]
    return float(np.mean(known)) if known.size else float("nan")


def spearman(readings: Array) -> float:
    """Spearman's rank correlation of reading and level, -1..1, the mean over clips.

    A clip whose readings are all the same counts 0; one with fewer than three readings is left out, and
    NaN is the answer where none is left.
    """
    from scipy.stats import rankdata

    found = []
    for row in readings:
        known = np.isfinite(row)
        if known.sum() < 3:
            continue
        ranks = rankdata(row[known]) - (known.sum() + 1) / 2
        places = rankdata(np.flatnonzero(known)) - (known.sum() + 1) / 2
        scale = float(np.sqrt((ranks @ ranks) * (places @ places)))
        found.append(float(ranks @ places) / scale if scale > 0 else 0.0)
    return float(np.mean(found)) if found else float("nan")


def sign_test(differences: Array) -> float:
    """One-sided p of the sign test: how likely so many of the differences are positive by chance.

    Differences of zero tell nothing and are left out; with none left, p is 1.
    """
    known = differences[np.isfinite(differences) & (differences != 0)]
    above = int((known > 0).sum())
    ways = sum(comb(known.size, count) for count in range(above, known.size + 1))
    return float(ways / 2**known.size)


def separation(undamaged: Array, damaged: Array) -> float:
    """Chance, 0..1, that a damaged clip reads higher than another undamaged one: the area under the ROC.

    Ties count half. 0.5 means that a reading alone, without the original, tells nothing. NaN where
    either has no value.
    """
    low, high = undamaged[np.isfinite(undamaged)], damaged[np.isfinite(damaged)]
    if not low.size or not high.size:
        return float("nan")
    return float(np.mean(0.5 + 0.5 * np.sign(high[:, None] - low[None, :])))
