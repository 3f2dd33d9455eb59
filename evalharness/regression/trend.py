"""How one check moved from release to release, as an SVG that follows the page's colours.

A point a release; the bar is the interval of its change against the release before. Votes give no level, only
changes: theirs are added up from the first release on.
"""

from __future__ import annotations

import math
from typing import Any

from evalharness.regression.history import History
from evalharness.regression.verdict import Check, Finding
from evalharness.tolerances import Part

__all__ = ["trend_names", "trend_svg"]

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_COLOURS = {
    Finding.WORSE: "var(--bad, #a3271d)",
    Finding.NOT_WORSE: "var(--accent, #2f62d9)",
    Finding.UNDECIDED: "var(--warm, #8a5a00)",
    Finding.NOT_ASKED: "var(--soft, #5c646e)",
}


def trend_names(found: History) -> tuple[str, ...]:
    """Checks worth a plot: what decides or was found worse somewhere, and could be compared somewhere."""
    names = dict.fromkeys(
        check.name
        for step in found.steps
        for check in step.checks
        if (check.decides or check.doubt or check.finding is Finding.WORSE)
        and check.difference is not None
        and check.part is not Part.SERVICE
    )
    return tuple(names)


def trend_svg(found: History, name: str) -> str:
    """One check over all releases, as SVG text."""
    import vl_convert  # large; only who draws loads it

    steps = [next((c for c in step.checks if c.name == name), None) for step in found.steps]
    unit = next((check.unit for check in steps if check is not None), "")
    scale, shown_unit = (1000.0, "ms") if unit == "s" else (1.0, unit)
    rows = _points(found.releases, steps, scale)
    x = {
        "field": "release",
        "type": "ordinal",
        "sort": list(found.releases),
        "axis": {"title": None, "labelAngle": 0, "labelLimit": 130},
    }
    y = {"field": "value", "type": "quantitative", "scale": {"zero": False}, "axis": {"title": shown_unit}}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    bars = {"strokeWidth": 5, "opacity": 0.4, "type": "rule", "strokeCap": "round"}
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "line", "color": "currentColor", "opacity": 0.35},
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": bars,
            "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "circle", "size": 95, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour},
        },
    ]
    specification = {
        "width": max(220, 120 * len(found.releases)),
        "height": 150,
        "background": None,
        "padding": {"left": 6, "right": 16, "top": 8, "bottom": 4},
        "data": {"values": rows},
        "layer": layer,
        "config": _CONFIG,
    }
    return str(vl_convert.vegalite_to_svg(specification))


def _points(releases: tuple[str, ...], steps: list[Check | None], scale: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    level = 0.0
    for release, check in zip(releases[1:], steps, strict=True):
        if check is None or check.difference is None:
            continue
        before = check.baseline if check.baseline is not None else level
        if not rows:
            first = releases[releases.index(release) - 1]
            rows.append({"release": first, "value": scale * before, "colour": _COLOURS[Finding.NOT_ASKED]})
        level = before + check.difference
        ends = {
            end: scale * (before + value)
            for end, value in (("low", check.low), ("high", check.high))
            if value is not None and math.isfinite(value)
        }
        rows.append({"release": release, "value": scale * level, "colour": _COLOURS[check.finding]} | ends)
    return rows


_CONFIG = {
    "aria": False,
    "font": _FONT,
    "view": {"stroke": None},
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
