"""How numbers are written in reports. Nothing known is rounded to nothing: small values keep two figures."""

from __future__ import annotations

__all__ = ["NONE", "dollars", "figure", "many", "percent", "points", "ranks", "seconds", "span"]

NONE = "–"
"""Stands where there is no number."""


def points(rating: float) -> str:
    """A rating in whole Elo points."""
    return f"{rating:.0f}".replace("-", "−")


def span(low: float, high: float) -> str:
    """An interval of ratings."""
    return f"{points(low)} to {points(high)}"


def ranks(best: int, worst: int) -> str:
    """A rank interval; a single rank stands alone."""
    return str(best) if best == worst else f"{best}–{worst}"


def percent(share: float) -> str:
    """A share of one as whole percent."""
    return f"{100 * share:.0f} %"


def figure(value: float | None) -> str:
    """A measured value with three significant figures, without an exponent in the usual range."""
    if value is None:
        return NONE
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}".replace("-", "−")
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    if value and abs(value) < 0.1:
        decimals = 4 if abs(value) >= 0.01 else 6
    return f"{value:.{decimals}f}".replace("-", "−")


def seconds(value: float | None) -> str:
    """A duration in seconds, or in minutes above two of them."""
    if value is None:
        return NONE
    return f"{value / 60:.1f} min" if value >= 120 else f"{value:.1f} s" if value >= 1 else f"{value:.2f} s"


def dollars(value: float | None) -> str:
    """US dollars; below ten cents with four decimals."""
    if value is None:
        return NONE
    return f"${value:.2f}" if value == 0 or abs(value) >= 0.1 else f"${value:.4f}"


def many(number: int, noun: str) -> str:
    """A count with its noun: `1 vote`, `1,200 votes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
