"""How regression reports write amounts: with their sign and unit, small times as milliseconds."""

from __future__ import annotations

import math

__all__ = ["amount", "change", "interval", "percent_change"]


def amount(value: float | None, unit: str) -> str:
    """`0.118` s as `118 ms`; a number without unit as it is; an infinite one as `∞`."""
    if value is None:
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if unit == "s" and abs(value) < 1.0:
        return _signed(f"{1000 * value:.0f}") + " ms"
    return " ".join(filter(None, (_signed(f"{value:.3g}"), unit)))


def change(value: float, unit: str) -> str:
    """The same with its sign always."""
    said = amount(value, unit)
    return said if said[0] in "−0" and not said.startswith("0.") else f"+{said}"


def interval(low: float | None, high: float | None, unit: str) -> str:
    """`106 ms to 124 ms`; `no interval yet` where nothing bounds either end."""
    if low is None or high is None or (math.isinf(low) and math.isinf(high)):
        return "no interval yet"
    return f"{change(low, unit)} to {change(high, unit)}"


def percent_change(ratio: float) -> str:
    """A ratio less one as percent: `+12 %`."""
    return _signed(f"{100 * ratio:+.0f}") + " %"


def _signed(text: str) -> str:
    plain = "0" if text in ("-0", "+-0") else text
    return plain.replace("-", "−")
