"""Quality against what it costs, in money or in waiting: a plot, and who is not beaten in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalharness.records import Leaderboard
from evalharness.reports import numbers
from evalharness.reports.beside import Figures

__all__ = ["Frontier", "frontier_svg", "frontiers"]

_ACCENT, _QUIET = "var(--accent, #2f62d9)", "var(--soft, #5c646e)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_WIDE, _NARROW, _HEIGHT = 420, 270, 220
LEAST = 2
"""Systems whose cost is known, and not the same, for a plot."""


@dataclass(frozen=True, slots=True)
class Point:
    """One system."""

    system: str
    cost: float
    rating: float
    low: float
    high: float
    beaten: bool
    """Whether another has a higher rating at no more cost, or as high a rating at less."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """Ratings against one kind of cost."""

    kind: str
    """`price` or `latency`."""
    axis: str
    points: tuple[Point, ...]
    unknown: tuple[str, ...]
    """Systems whose cost is not on record."""

    @property
    def sentence(self) -> str:
        """The plot in words."""
        best = [point for point in self.points if not point.beaten]
        how = {"price": numbers.dollars, "latency": numbers.seconds}[self.kind]
        named = ", ".join(
            f"{point.system} ({how(point.cost)}, {numbers.points(point.rating)})"
            for point in sorted(best, key=lambda point: point.cost)
        )
        told = f"No other is both better and {_CHEAPER[self.kind]}: {named}."
        return told + (f" Not on record for {', '.join(self.unknown)}." if self.unknown else "")


_CHEAPER = {"price": "cheaper", "latency": "faster"}


def frontiers(board: Leaderboard, figures: Sequence[Figures]) -> tuple[Frontier, ...]:
    """Price and latency, where two systems at least are known to differ in it."""
    kinds = (
        ("price", "US dollars a clip", [row.clip_usd for row in figures]),
        ("latency", "median seconds to a clip", [row.median_latency_s for row in figures]),
    )
    found = []
    for kind, axis, costs in kinds:
        known = [(row, cost) for row, cost in zip(board.ratings, costs, strict=True) if cost is not None]
        if len({cost for _, cost in known}) < LEAST:
            continue
        points = tuple(
            Point(
                row.system,
                cost,
                row.rating,
                row.low,
                row.high,
                any(
                    other.rating >= row.rating
                    and price <= cost
                    and (other.rating > row.rating or price < cost)
                    for other, price in known
                ),
            )
            for row, cost in known
        )
        unknown = tuple(row.system for row, cost in zip(board.ratings, costs, strict=True) if cost is None)
        found.append(Frontier(kind, axis, points, unknown))
    return tuple(found)


def frontier_svg(found: Frontier, *, compact: bool = False) -> str:
    """The plot: cost to the right, rating with its interval upwards, a line along those not beaten."""
    import vl_convert  # large; only who draws loads it

    rows = [
        {
            "system": point.system,
            "cost": point.cost,
            "rating": point.rating,
            "low": point.low,
            "high": point.high,
            "colour": _QUIET if point.beaten else _ACCENT,
        }
        for point in found.points
    ]
    costs = [point.cost for point in found.points]
    wide_apart = min(costs) > 0 and max(costs) / min(costs) > 5
    x: dict[str, Any] = {
        "field": "cost",
        "type": "quantitative",
        "scale": {"type": "log", "padding": 30} if wide_apart else {"zero": False, "padding": 30},
        "axis": {"title": found.axis, "grid": False, "tickCount": 4, "format": "~g"},
    }
    y = {
        "type": "quantitative",
        "scale": {"zero": False},
        "axis": {"title": "rating", "tickCount": 5, "format": "d"},
    }
    colour = {"field": "colour", "type": "nominal", "scale": None}
    best = [
        {"cost": point.cost, "rating": point.rating}
        for point in sorted(found.points, key=lambda point: point.cost)
        if not point.beaten
    ]
    line = {"type": "line", "color": _ACCENT, "opacity": 0.5, "interpolate": "step-after", "strokeWidth": 2}
    words = {"type": "text", "dy": -11, "font": _FONT, "fontSize": 12, "color": "currentColor", "limit": 150}
    return str(
        vl_convert.vegalite_to_svg(
            {
                "width": _NARROW if compact else _WIDE,
                "height": _HEIGHT,
                "background": None,
                "padding": {"left": 6, "right": 16, "top": 14, "bottom": 4},
                "data": {"values": rows},
                "layer": [
                    {
                        "data": {"values": best},
                        "mark": line,
                        "encoding": {"x": x, "y": {**y, "field": "rating"}},
                    },
                    {
                        "mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.35, "strokeCap": "round"},
                        "encoding": {
                            "x": x,
                            "y": {**y, "field": "low"},
                            "y2": {"field": "high"},
                            "color": colour,
                        },
                    },
                    {
                        "mark": {"type": "circle", "size": 85, "opacity": 1},
                        "encoding": {"x": x, "y": {**y, "field": "rating"}, "color": colour},
                    },
                    {
                        "mark": words,
                        "encoding": {"x": x, "y": {**y, "field": "high"}, "text": {"field": "system"}},
                    },
                ],
                "config": _CONFIG,
            }
        )
    )


_CONFIG = {
    "aria": False,
    "view": {"stroke": None},
    "font": _FONT,
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "gridColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridOpacity": 0.1,
        "domainOpacity": 0.35,
        "tickOpacity": 0.35,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
}
