"""A forest plot: each system's rating with its interval, as an SVG that follows the page's colours.

A Vega-Lite specification drawn by vl-convert, without a browser and without fetching anything. Text
takes `currentColor`; marks take the CSS variable `--accent`, with a colour of their own where there is
none, so the file also stands alone.
"""

from __future__ import annotations

from typing import Any

from evalharness.records import Leaderboard
from evalharness.reports import numbers

__all__ = ["forest_svg"]

_ACCENT = "var(--accent, #2f62d9)"
_GROUND = "var(--card, #ffffff)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_WIDE, _NARROW = 480, 300
"""Pixels for the intervals; names and numbers stand beside or above them."""
_TEXT = {"type": "text", "color": "currentColor", "font": _FONT, "fontSize": 13, "baseline": "middle"}


def forest_svg(board: Leaderboard, *, compact: bool = False, scale: str = "Elo scale") -> str:
    """The board as SVG text, best system at the top; `scale` names the axis.

    `compact` is for narrow screens: names and numbers stand above their intervals instead of beside.
    """
    # The renderer's library is large; only who draws loads it.
    import vl_convert

    rows = [
        {
            "system": row.system,
            "rating": row.rating,
            "low": row.low,
            "high": row.high,
            "shown": f"{numbers.points(row.rating)}  ({numbers.span(row.low, row.high)})",
        }
        for row in board.ratings
    ]
    specification = {
        "width": _NARROW if compact else _WIDE,
        "height": {"step": 48 if compact else 34},
        "background": None,
        "padding": {"left": 6 if compact else 24, "right": 6 if compact else 40, "top": 4, "bottom": 4},
        "data": {"values": rows},
        "encoding": {"y": _names(board, compact)},
        "layer": [*_mean(board), *_intervals(compact, scale), *_words(compact)],
        "config": _CONFIG,
    }
    return str(vl_convert.vegalite_to_svg(specification))


def _names(board: Leaderboard, compact: bool) -> dict[str, Any]:
    axis = {
        "ticks": False,
        "domain": False,
        "grid": False,
        "labelPadding": 12,
        "labelLimit": 220,
        "title": None,
    }
    return {
        "field": "system",
        "type": "nominal",
        "sort": [row.system for row in board.ratings],
        "axis": None if compact else axis,
    }


def _mean(board: Leaderboard) -> list[dict[str, Any]]:
    """A dashed line where the mean of the board is shown."""
    anchor = board.recipe.get("anchor")
    if anchor is None:
        return []
    mark = {"type": "rule", "color": "currentColor", "opacity": 0.45, "strokeDash": [3, 4]}
    return [{"mark": mark, "encoding": {"x": {"datum": anchor, "type": "quantitative"}, "y": None}}]


def _intervals(compact: bool, scale: str) -> list[dict[str, Any]]:
    shift = {"yOffset": 10} if compact else {}
    rule = {"type": "rule", "color": _ACCENT, "strokeWidth": 5, "strokeCap": "round", "opacity": 0.4, **shift}
    point = {"type": "circle", "color": _ACCENT, "size": 95, "opacity": 1, **shift}
    x = {
        "field": "low",
        "type": "quantitative",
        "title": scale,
        "scale": {"zero": False, "padding": 8},
        "axis": {"format": "d", "tickCount": 4 if compact else 6, "labelSeparation": 12},
    }
    return [
        {"mark": rule, "encoding": {"x": x, "x2": {"field": "high"}}},
        {"mark": point, "encoding": {"x": {"field": "rating", "type": "quantitative"}}},
    ]


def _words(compact: bool) -> list[dict[str, Any]]:
    shown = {"field": "shown", "type": "nominal"}
    if not compact:
        return [{"mark": {**_TEXT, "align": "left"}, "encoding": {"x": {"value": _WIDE + 16}, "text": shown}}]
    name = {**_TEXT, "align": "left", "dy": -9, "fontWeight": 600, "limit": 125}
    value = {**_TEXT, "align": "right", "dy": -9}
    # The mean's dashed line runs through these numbers, so the ground is painted round them first.
    halo = {**value, "color": _GROUND, "stroke": _GROUND, "strokeWidth": 6}
    at_right = {"x": {"value": _NARROW}, "text": shown}
    return [
        {"mark": halo, "encoding": at_right},
        {"mark": value, "encoding": at_right},
        {"mark": name, "encoding": {"x": {"value": 0}, "text": {"field": "system", "type": "nominal"}}},
    ]


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
        "labelFontSize": 13,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleOpacity": 0.75,
    },
}
