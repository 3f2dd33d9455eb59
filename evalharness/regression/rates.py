"""Two shares and their difference: Newcombe's interval from two Wilson intervals; and Holm's correction.

R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
Medicine 17 (1998) 873-890, method 10. S. Holm, "A simple sequentially rejective multiple test procedure",
Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["holm", "share_difference"]


def share_difference(
    events: tuple[int, int], totals: tuple[int, int], alpha: float
) -> tuple[float, float, float]:
    """First share less second, with lower and upper bound, each missed with chance alpha at most (about).

    The totals are positive. Trials count as independent.
    """
    from scipy.stats import binomtest

    ends = [
        binomtest(count, total).proportion_ci(1.0 - 2.0 * alpha, method="wilson")
        for count, total in zip(events, totals, strict=True)
    ]
    first, second = (count / total for count, total in zip(events, totals, strict=True))
    down = (first - ends[0].low) ** 2 + (ends[1].high - second) ** 2
    up = (ends[0].high - first) ** 2 + (second - ends[1].low) ** 2
    gap = first - second
    return gap, gap - float(down) ** 0.5, gap + float(up) ** 0.5


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: one at most alpha rejects, with any error at all at most
    alpha."""
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
