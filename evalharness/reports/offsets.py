"""How far sound and picture lie apart, clip by clip: a box for each system, in the page's colours.

The band is what viewers do not notice by ITU-R BT.1359-1: sound up to 45 ms early or 125 ms late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalharness.reports import numbers
from evalharness.reports.summary import Meaning, MetricRow

__all__ = ["EARLY_MS", "LATE_MS", "offset_rows", "offset_sentence", "offsets_svg"]

EARLY_MS, LATE_MS = -45.0, 125.0
_ACCENT = "var(--accent, #2f62d9)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_WIDE, _NARROW = 420, 270
_QUESTIONS = ("av_sync", "lip_accuracy")


def offset_rows(
    rows: Sequence[MetricRow], meanings: Mapping[str, Meaning]
) -> tuple[tuple[str, tuple[MetricRow, ...]], ...]:
    """Quantities that are a lag in seconds with a value in some system, each with a row a system."""
    found: dict[str, list[MetricRow]] = {}
    for row in rows:
        meaning = meanings.get(row.metric, Meaning())
        if meaning.better == "zero" and row.unit == "s" and meaning.question in _QUESTIONS and row.quantiles:
            found.setdefault(row.metric, []).append(row)
    return tuple((metric, tuple(each)) for metric, each in found.items())


def offset_sentence(rows: Sequence[MetricRow]) -> str:
    """The plot in words."""
    parts = []
    for row in rows:
        if row.quantiles:
            low, middle, high = (_ms(row.quantiles[place]) for place in (0, 2, 4))
            clips = numbers.many(row.n, "clip")
            parts.append(f"{row.system}: median {middle}, nine of ten from {low} to {high} ({clips})")
    return "; ".join(parts) + ". Positive: the sound is late."


def offsets_svg(rows: Sequence[MetricRow], *, compact: bool = False) -> str:
    """Whiskers over nine of ten clips, a box over half of them, a line at the median; ms to the right."""
    import vl_convert  # large; only who draws loads it

    points = [
        {"system": row.system} | dict(zip("abcde", (1000 * each for each in row.quantiles), strict=True))
        for row in rows
        if row.quantiles
    ]
    names = [point["system"] for point in points]
    axis = None if compact else {"title": None, "labelLimit": 220, "ticks": False, "domain": False}
    x: dict[str, Any] = {
        "field": "a",
        "type": "quantitative",
        "axis": {"title": "ms by which the sound is late", "grid": False, "tickCount": 5},
    }
    shift = {"yOffset": 9} if compact else {}
    layer: list[dict[str, Any]] = [
        {
            "data": {"values": [{"from": EARLY_MS, "to": LATE_MS}]},
            "mark": {"type": "rect", "color": _ACCENT, "opacity": 0.1},
            "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}, "y": None},
        },
        {
            "mark": {"type": "rule", "color": "currentColor", "opacity": 0.45, "strokeDash": [3, 4]},
            "encoding": {"x": {"datum": 0, "type": "quantitative"}, "y": None},
        },
        {
            "mark": {"type": "rule", "color": _ACCENT, "strokeWidth": 2, **shift},
            "encoding": {"x": x, "x2": {"field": "e"}},
        },
        {
            "mark": {"type": "bar", "color": _ACCENT, "height": 12, "opacity": 0.55, **shift},
            "encoding": {"x": {**x, "field": "b"}, "x2": {"field": "d"}},
        },
        {
            "mark": {"type": "tick", "color": "currentColor", "thickness": 2, "height": 16, **shift},
            "encoding": {"x": {**x, "field": "c"}},
        },
    ]
    if compact:
        text = {"type": "text", "align": "left", "yOffset": -9, "font": _FONT, "fontSize": 12}
        name = {"text": {"field": "system", "type": "nominal"}, "x": {"value": 0}}
        layer.append({"mark": {**text, "color": "currentColor"}, "encoding": name})
    return str(
        vl_convert.vegalite_to_svg(
            {
                "width": _NARROW if compact else _WIDE,
                "height": {"step": 40 if compact else 28},
                "background": None,
                "padding": {"left": 6, "right": 20, "top": 6, "bottom": 4},
                "data": {"values": points},
                "encoding": {"y": {"field": "system", "type": "nominal", "sort": names, "axis": axis}},
                "layer": layer,
                "config": _CONFIG,
            }
        )
    )


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:+.0f} ms".replace("-", "−")


_CONFIG = {
    "aria": False,
    "view": {"stroke": None},
    "font": _FONT,
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "domainOpacity": 0.35,
        "tickOpacity": 0.35,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
}
