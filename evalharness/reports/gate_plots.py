"""A metric's gates as small multiples: what it reads at each level of known damage, and the verdict.

A Vega-Lite specification drawn by vl-convert, without a browser and without fetching anything. The line is
the median over clips, the band their quartiles, and `none` the clips as they are. Levels stand where their
numbers lie. Where a metric gave some clips no value, small figures along the top count those that got one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalharness.gates import GateRecord, Rung, Validation

__all__ = ["gates_png", "gates_svg"]

_COLUMNS = 3
_WIDTH, _HEIGHT = 240, 120
_LABEL_PX = 30
"""What a level's number needs on the axis; where two would meet, the one of less damage is left out."""
_ROOM = 0.03
"""Share of a ladder's length left free at either end of its axis."""
_DOUBLINGS = 10.0
"""A ladder whose last level is more than this many times its first is drawn on a logarithmic axis."""
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
            "subtitle": _caption(validation),
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


def _caption(validation: Validation) -> list[str]:
    lines = [f"Median and quartiles over clips ({validation.clips}); none: the clips as they are."]
    if any(rung.refused for gate in validation.gates for rung in gate.curve):
        lines.append("Small figures above a panel: of the clips tried at each level, how many got a value.")
    return lines


def _panel(gate: GateRecord) -> dict[str, Any]:
    axis = _axis(gate)
    rows = [
        {"at": at, "median": rung.median, "low": rung.low, "high": rung.high}
        for at, rung in axis.rungs
        if rung.median is not None
    ]
    places = [at for at, _ in axis.rungs]
    counts = [{"at": at, "n": str(rung.n)} for at, rung in axis.rungs]
    tried = max(rung.n + rung.refused for rung in gate.curve)
    partly = any(rung.refused for rung in gate.curve)
    units = ", ".join(filter(None, (gate.damage_unit, "log scale" if axis.logarithmic else "")))
    x = {
        "field": "at",
        "type": "quantitative",
        "scale": {"nice": False, "zero": False, "domain": axis.domain},
        "title": gate.damage.replace("_", " ") + (f" ({units})" if units else ""),
        "axis": {
            "labelAngle": 0,
            "grid": False,
            "values": places,
            "labelExpr": f"{json.dumps(axis.labels)}[indexof({json.dumps(places)}, datum.value)]",
            "labelFlush": False,
            "labelOverlap": False,
        },
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
        "width": _WIDTH,
        "height": _HEIGHT,
        "title": {
            "text": gate.quantity.partition(".")[2],
            "subtitle": [gate.asked, f"{gate.verdict}, n = {gate.n}"],
            "anchor": "start",
            "offset": 16 if partly else 6,
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
            *([_count_layer(counts), _count_layer([{"at": axis.domain[0], "n": f"of {tried}:"}], left=True)]
              if partly else []),
        ],
    }  # fmt: skip


def _count_layer(counts: Sequence[dict[str, Any]], *, left: bool = False) -> dict[str, Any]:
    """Small figures above the panel; `left`: what stands before them."""
    place = {"align": "right", "dx": -9} if left else {"align": "center"}
    return {
        "data": {"values": counts},
        "mark": {"type": "text", "fontSize": 9, "color": _QUIET, "baseline": "bottom", "dy": -3, **place},
        "encoding": {"y": {"value": 0}, "text": {"field": "n"}},
    }


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where the rungs of a ladder stand."""

    rungs: tuple[tuple[float, Rung], ...]
    """Each with its place, from left to right."""
    labels: tuple[str, ...]
    domain: tuple[float, float]
    """What the axis spans: all rungs and a little room at either end."""
    logarithmic: bool


def _axis(gate: GateRecord) -> _Axis:
    """The rungs in their places: to scale, damage growing away from the undamaged clips.

    Undamaged clips stand at zero. On two kinds of ladder zero damage lies infinitely far off, and they stand
    one step before the first rung: on a logarithmic one, and on one that comes down to its worst level
    (a noise ratio, a band limit).
    """
    undamaged, *damaged = gate.curve
    levels = [rung.level for rung in damaged if rung.level is not None]
    falling = len(levels) > 1 and levels[0] > levels[-1] >= 0
    logarithmic = not falling and min(levels) > 0 and max(levels) > _DOUBLINGS * min(levels)
    places = [math.log2(level) for level in levels] if logarithmic else levels
    none = 2 * places[0] - places[1] if falling or logarithmic else 0.0
    rungs = sorted(zip([none, *places], [undamaged, *damaged], strict=True), key=lambda pair: pair[0])
    if falling:
        rungs.reverse()
    first, last = rungs[0][0], rungs[-1][0]
    room = _ROOM * (last - first)
    domain = (first - room, last + room)
    return _Axis(tuple(rungs), _labels(rungs, domain), domain, logarithmic)


def _labels(rungs: Sequence[tuple[float, Rung]], domain: tuple[float, float]) -> tuple[str, ...]:
    """What is written below each rung: `none` and the ends always, the others where they have room."""
    px = [_WIDTH * (at - domain[0]) / (domain[1] - domain[0]) for at, _ in rungs]
    by_weight = sorted(
        range(len(rungs)),
        key=lambda place: (rungs[place][1].level is not None, -abs(rungs[place][1].level or 0)),
    )
    written: list[int] = []
    for place in by_weight:
        if all(abs(px[place] - px[other]) >= _LABEL_PX for other in written):
            written.append(place)
    return tuple(_label(rung) if place in written else "" for place, (_, rung) in enumerate(rungs))


def _label(rung: Rung) -> str:
    return "none" if rung.level is None else f"{rung.level:g}"


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
