"""How often each quantity prefers what voters preferred: dots with intervals, as an SVG in page colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalharness.reports.agreement import AgreementRow, PeopleRow

__all__ = ["MOST_ROWS", "agreement_svg", "by_accuracy", "foremost"]

MOST_ROWS = 12
_ACCENT, _QUIET, _BAD = "var(--accent, #2f62d9)", "var(--soft, #5c646e)", "var(--bad, #a3271d)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_WIDE, _NARROW = 420, 300


def foremost(rows: Sequence[AgreementRow]) -> tuple[AgreementRow, ...]:
    """The rows to draw: those that are meant to speak to the question, then the most telling others."""
    return by_accuracy(
        sorted(rows, key=lambda row: (not row.speaks, -abs(row.accuracy.value - 0.5)))[:MOST_ROWS]
    )


def by_accuracy(rows: Sequence[AgreementRow]) -> tuple[AgreementRow, ...]:
    """The rows, those that agree most often first."""
    return tuple(sorted(rows, key=lambda row: -row.accuracy.value))


def agreement_svg(rows: Sequence[AgreementRow], people: PeopleRow | None, *, compact: bool = False) -> str:
    """The `foremost` rows, the best at the top; lines at chance and at what other voters reach.

    Filled dots are quantities meant for this question, hollow ones are not; those that failed a gate are red.
    `compact` is for narrow screens: names stand above their dots.
    """
    import vl_convert  # large; only who draws loads it

    shown = foremost(rows)
    between = people.agree.value if people is not None and people.agree is not None else None
    points = [
        {
            "metric": row.metric,
            "value": row.accuracy.value,
            "low": row.accuracy.low,
            "high": row.accuracy.high,
            "colour": _BAD if row.failed_gate else _ACCENT if row.speaks else _QUIET,
            "fill": (_BAD if row.failed_gate else _ACCENT) if row.speaks else "var(--card, #ffffff)",
        }
        for row in shown
    ]
    names = [row.metric for row in shown]
    axis = None if compact else {"title": None, "labelLimit": 260, "ticks": False, "domain": False}
    x = {
        "field": "low",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "prefers what the voter preferred", "format": ".0%", "grid": False, "tickCount": 5},
    }
    shift = {"yOffset": 9} if compact else {}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    layer: list[dict[str, Any]] = [
        _line(0.5, "chance"),
        *([_line(between, "another voter")] if between is not None else []),
        {
            "mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.4, "strokeCap": "round", **shift},
            "encoding": {"x": x, "x2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "strokeWidth": 2, "opacity": 1, **shift},
            "encoding": {
                "x": {**x, "field": "value"},
                "stroke": colour,
                "fill": {"field": "fill", "type": "nominal", "scale": None},
            },
        },
    ]
    if compact:
        text = {"type": "text", "align": "left", "yOffset": -9, "font": _FONT, "fontSize": 12}
        layer.append(
            {
                "mark": {**text, "color": "currentColor"},
                "encoding": {"text": {"field": "metric"}, "x": {"value": 0}},
            }
        )
    return str(
        vl_convert.vegalite_to_svg(
            {
                "width": _NARROW if compact else _WIDE,
                "height": {"step": 40 if compact else 26},
                "background": None,
                "padding": {"left": 6, "right": 20, "top": 22, "bottom": 4},
                "data": {"values": points},
                "encoding": {"y": {"field": "metric", "type": "nominal", "sort": names, "axis": axis}},
                "layer": layer,
                "config": _CONFIG,
            }
        )
    )


def _line(at: float, name: str) -> dict[str, Any]:
    """A dashed line across, with its name above."""
    place = {"x": {"datum": at, "type": "quantitative"}, "y": None}
    text = {"type": "text", "y": -8, "font": _FONT, "fontSize": 11, "color": "currentColor", "opacity": 0.75}
    return {
        "layer": [
            {
                "mark": {"type": "rule", "color": "currentColor", "opacity": 0.45, "strokeDash": [3, 4]},
                "encoding": place,
            },
            {
                "data": {"values": [{"name": name}]},
                "mark": text,
                "encoding": {**place, "text": {"field": "name"}},
            },
        ]
    }


_CONFIG = {
    "aria": False,
    "view": {"stroke": None},
    "font": _FONT,
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
}
