"""A metric's gates as small multiples: what it reads at each level of known damage, and the verdict.

A Vega-Lite specification drawn by vl-convert, without a browser and without fetching anything. The line is
the median over clips, the band their quartiles; `none` is the clips as they are, `4 of 6` how many of them
the metric gave a value.
"""

from __future__ import annotations

from typing import Any

from evalharness.gates import GateRecord, Rung, Validation

__all__ = ["gates_png", "gates_svg"]

_COLUMNS = 3
_PANEL = {"width": 220, "height": 120}
_INK, _QUIET = "#22262e", "#667085"
_COLOURS = {"passed": "#2f62d9", "failed": "#c6362c", "not judged": "#8a93a3"}
_FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_SCALE = 2.0
"""Pixels of the PNG for each point of the drawing."""


def gates_svg(validation: Validation) -> str | None:
    """The chart as SVG text; None where no gate of the metric climbs a ladder."""
    import vl_convert  # the renderer's library is large; only who draws loads it

    chart = _chart(validation)
    return None if chart is None else str(vl_convert.vegalite_to_svg(chart))


def gates_png(validation: Validation) -> bytes | None:
    """The chart as the bytes of a PNG; None where no gate of the metric climbs a ladder."""
    import vl_convert

    chart = _chart(validation)
    return None if chart is None else bytes(vl_convert.vegalite_to_png(chart, scale=_SCALE))


def _chart(validation: Validation) -> dict[str, Any] | None:
    panels = [_panel(gate) for gate in validation.gates if gate.damage]
    if not panels:
        return None
    return {
        "title": {
            "text": f"{validation.metric}, version {validation.version}: {validation.verdict}",
            "subtitle": f"Median and quartiles over clips ({validation.clips}).",
            "anchor": "start",
            "offset": 14,
        },
        "columns": _COLUMNS,
        "bounds": "flush",
        "spacing": {"row": 128, "column": 72},
        "background": "white",
        "padding": 14,
        "concat": panels,
        "config": _CONFIG,
    }


def _panel(gate: GateRecord) -> dict[str, Any]:
    rungs = _in_order(gate)
    rows = [
        {"level": label, "median": rung.median, "low": rung.low, "high": rung.high}
        for label, rung in rungs
        if rung.median is not None
    ]
    unit = f" ({gate.damage_unit})" if gate.damage_unit else ""
    x = {
        "field": "level",
        "type": "ordinal",
        "sort": None,
        "scale": {"domain": [label for label, _ in rungs]},
        "title": f"{gate.damage.replace('_', ' ')}{unit}",
        "axis": {"labelAngle": 0, "grid": False, "labelExpr": "split(datum.label, '|')"},
    }
    y = {
        "field": "median",
        "type": "quantitative",
        "title": gate.unit or None,
        "scale": {"zero": False, "nice": True},
        "axis": {"tickCount": 4},
    }
    colour = _COLOURS[gate.verdict]
    return {
        **_PANEL,
        "title": {
            "text": gate.quantity.partition(".")[2],
            "subtitle": [gate.asked, f"{gate.verdict}, n = {gate.n}"],
            "anchor": "start",
            "subtitleColor": colour,
        },
        "data": {"values": rows},
        "encoding": {"x": x},
        "layer": [
            {
                "mark": {"type": "area", "color": colour, "opacity": 0.16},
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {"mark": {"type": "line", "color": colour, "point": {"color": colour, "size": 36}},
             "encoding": {"y": y}},
        ],
    }  # fmt: skip


def _in_order(gate: GateRecord) -> list[tuple[str, Rung]]:
    """Each rung with its label; the undamaged clips stand where their level lies, `none`.

    Where the metric gave some clips no value, a second line says how many it answered.
    """
    before = sum(rung.level < 0 for rung in gate.curve if rung.level is not None)
    rungs = [(_label(rung), rung) for rung in gate.curve]
    undamaged, damaged = rungs[0], rungs[1:]
    return [*damaged[:before], undamaged, *damaged[before:]]


def _label(rung: Rung) -> str:
    level = "none" if rung.level is None else f"{rung.level:g}"
    return f"{level}|{rung.n}/{rung.n + rung.refused}" if rung.refused else level


_CONFIG = {
    "aria": False,
    "font": _FONT,
    "view": {"stroke": None},
    "title": {
        "color": _INK,
        "fontSize": 13,
        "subtitleFontSize": 11,
        "subtitleColor": _QUIET,
        "subtitlePadding": 3,
    },
    "axis": {
        "labelColor": _INK,
        "titleColor": _QUIET,
        "gridColor": "#e6e8ec",
        "domainColor": "#c5cad3",
        "tickColor": "#c5cad3",
        "titleFontWeight": "normal",
        "labelFontSize": 10,
        "titleFontSize": 11,
    },
}
"""Plain ink on white: these pictures stand in documents."""
