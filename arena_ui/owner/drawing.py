"""Plots of the owner's pages, as SVG that follows the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

__all__ = ["hours_svg"]

_WIDE, _NARROW, _HEIGHT = 760, 300, 180
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def hours_svg(hours: Sequence[tuple[datetime, int]], *, compact: bool = False) -> str:
    """Votes of each hour as bars: (beginning of the hour in UTC, votes)."""
    # The renderer's library is large; only who draws loads it.
    import vl_convert

    rows = [{"hour": f"{hour:%Y-%m-%dT%H:%M:%S}", "votes": votes} for hour, votes in hours]
    axis = {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "labelFont": _FONT,
        "titleFont": _FONT,
    }
    specification = {
        "width": _NARROW if compact else _WIDE,
        "height": _HEIGHT,
        "background": None,
        "data": {"values": rows},
        "mark": {"type": "bar", "color": "var(--accent, #2f62d9)"},
        "encoding": {
            "x": {
                "field": "hour",
                "type": "temporal",
                "timeUnit": "yearmonthdatehours",
                "title": None,
                "axis": {**axis, "format": "%d %b %H:00", "grid": False, "tickCount": 3 if compact else 8},
            },
            "y": {
                "field": "votes",
                "type": "quantitative",
                "title": None,
                "axis": {
                    **axis,
                    "tickMinStep": 1,
                    "tickCount": 4,
                    "gridColor": "currentColor",
                    "gridOpacity": 0.12,
                },
            },
        },
        "config": {"view": {"stroke": None}},
    }
    return str(vl_convert.vegalite_to_svg(specification))
