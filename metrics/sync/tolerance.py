"""Whether people mind a lag between sound and picture, after ITU-R BT.1359.

They notice sound that is 45 ms early or 125 ms late, and put up with 90 ms early and 185 ms late. A lag is
known to within an interval: where that reaches across one of these bounds, the verdict is open.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

__all__ = ["ACCEPTED_S", "NOTICED_S", "OPEN", "details", "verdict", "verdict_of", "verdicts"]

NOTICED_S = (-0.045, 0.125)
"""Lags between these go unnoticed."""
ACCEPTED_S = (-0.090, 0.185)
"""Lags between these are put up with."""
VERDICTS = ("unnoticed", "noticed", "unacceptable")
OPEN = "open"
"""The verdict on an interval within which more than one holds."""


def verdict(lag_s: float) -> str:
    """What BT.1359 says of a lag known exactly (positive: sound late), one of `VERDICTS`."""
    if NOTICED_S[0] <= lag_s <= NOTICED_S[1]:
        return "unnoticed"
    return "noticed" if ACCEPTED_S[0] <= lag_s <= ACCEPTED_S[1] else "unacceptable"


def verdicts(interval_s: tuple[float, float]) -> tuple[str, ...]:
    """All that BT.1359 may say of a lag somewhere in the interval, the mildest first."""
    low, high = interval_s
    crossed = sorted(bound for bound in (*NOTICED_S, *ACCEPTED_S) if low < bound < high)
    # Between two bounds all lags have one verdict: that of the middle.
    found = {verdict((start + end) / 2) for start, end in pairwise([low, *crossed, high])}
    return tuple(each for each in VERDICTS if each in found)


def verdict_of(interval_s: tuple[float, float]) -> str:
    """The verdict that holds all over the interval, or `open`."""
    found = verdicts(interval_s)
    return found[0] if len(found) == 1 else OPEN


def details(interval_s: tuple[float, float]) -> dict[str, Any]:
    """What a reading's details say of its interval: `verdict`, and `verdicts` where that is open."""
    said = verdict_of(interval_s)
    return {"verdict": said, "verdicts": list(verdicts(interval_s))} if said == OPEN else {"verdict": said}
