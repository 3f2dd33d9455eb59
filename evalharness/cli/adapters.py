"""`evalharness adapters`: which models can be asked for clips, what they make, what they cost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from evalharness.adapters.base import Capabilities
from evalharness.cli.options import TASKS, AsJson, out, print_json
from evalharness.errors import ConfigError, UnknownNameError
from evalharness.registry import ADAPTERS

if TYPE_CHECKING:
    from evalharness.adapters.remote.catalogue import Catalogue, Model
    from evalharness.adapters.remote.route import Route

__all__ = ["WITHOUT_VENDOR", "adapters", "capabilities", "key_missing", "listed", "route_of"]

WITHOUT_VENDOR = {
    "command": "your own program makes the clips (docs/running-a-study.md)",
    "diffusers": "open models with sound (LTX-2, Kandinsky 6, Cosmos 3) on your GPU",
    "folder": "clips that you already have",
    "magihuman": "daVinci-MagiHuman from its own checkout, on your GPU",
    "synthetic": "rendered scenes whose truth is known",
}

PRICED_S = 5.0
WIDE = 170
"""Columns of a terminal that shows all capabilities at once."""
NARROW = ("makes", "seconds", "sound", "a clip")
SWITCHES = {"none": "none", "switch": "switched off", "hidden": "hidden", "unknown": "nobody says"}
"""What becomes of a vendor's rewriting and watermark, in tables."""


def adapters(
    model: Annotated[list[str] | None, typer.Option(help="All about this model; may be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the models that can be asked for clips: what they make, what a clip costs, whether the key is set.

    Everything comes from data/adapters/*.toml, which you may edit: ids, limits and prices change.
    """
    rows = list(listed(model))
    if as_json:
        print_json(rows if model else [*rows, *plugins()])
    elif model:
        for row in rows:
            _show(row)
    else:
        _show_all(rows)


def route_of(adapter: str) -> type[Route] | None:
    """The route of an adapter that asks a vendor; None for one that asks none."""
    from evalharness.adapters.remote.adapter import RemoteAdapter

    found = ADAPTERS.load(adapter)
    if isinstance(found, partial) and found.func is RemoteAdapter:
        route: type[Route] = found.args[0]
        return route
    return None


def plugins() -> Iterator[dict[str, Any]]:
    """The adapters of other packages, each with what it says of itself or why it cannot be used."""
    for name, origin in ADAPTERS.outside().items():
        row = {"adapter": name, "plugin": origin}
        try:
            able = getattr(ADAPTERS.load(name), "capabilities", None)
        except ConfigError as error:
            yield row | {"problem": str(error)}
            continue
        said = asdict(able) if isinstance(able, Capabilities) else {}
        yield row | {"capabilities": said}
    for name in ADAPTERS.problems().keys() - ADAPTERS.outside().keys():
        yield {"adapter": name, "plugin": None, "problem": ADAPTERS.problems()[name]}


def key_missing(route: Route) -> str | None:
    """The sentence that says which key this route lacks, or None where it has what it needs."""
    return route.missing(os.environ, time.time())


def listed(wanted: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """All models by all routes, or those named. Raises UnknownNameError for a name that no route has."""
    from evalharness.adapters.remote.catalogue import catalogue

    known: set[str] = set()
    plugins = ADAPTERS.outside().keys() | ADAPTERS.problems().keys()
    for adapter in ADAPTERS:
        route = None if adapter in plugins else route_of(adapter)
        if route is None:
            continue
        listed = catalogue(route.vendor)
        for model in listed.models:
            known.add(model.name)
            if not wanted or model.name in wanted:
                yield _row(adapter, route, listed, model)
    strange = sorted(set(wanted or ()) - known)
    if strange:
        raise UnknownNameError(f"There is no model '{strange[0]}' here. Known: {', '.join(sorted(known))}.")


def capabilities(row: Mapping[str, Any]) -> Mapping[str, str]:
    """What a model can do and what it costs, as columns of a table in their order."""
    return {
        "makes": " ".join(TASKS[task] for task in row["ids"]),
        "seconds": span(row["durations_s"]),
        "sizes": " ".join(row["resolutions"]),
        "shapes": " ".join(row["ratios"]),
        "sound": row["audio"],
        "seed": row["seed"],
        "negative prompt": "yes" if row["negative_prompt"] else "no",
        "rewriting": SWITCHES[row["rewriting"]],
        "watermark": SWITCHES[row["watermark"]],
        "frames/s": f"{row['fps']:g}" if row["fps"] else "?",
        "links live": f"{row['link_lifetime_s'] / 3600:g} h" if row["link_lifetime_s"] else "?",
        "a clip": price_span(row),
        "live": "verified" if row["verified_live"] else "unverified",
    }


def _row(adapter: str, route: type[Route], listed: Catalogue, model: Model) -> dict[str, Any]:
    return {
        "adapter": adapter,
        "vendor": listed.vendor,
        **model.model_dump(mode="json"),
        "clip_usd": {
            resolution: model.cost_usd(_length(model), resolution, model.ratios[0], audio=True)
            for resolution in model.resolutions
        },
        "clip_s": _length(model),
        "key_missing": key_missing(route(route.parameters(), os.environ)),
        "verified_live": listed.verified_live,
        "checked": listed.checked.isoformat(),
        "page": listed.page,
    }


def _length(model: Model) -> float:
    """Of the clip whose price is shown: the length that is nearest to 5 s."""
    return min(model.durations_s, key=lambda second: abs(second - PRICED_S))


def _show_all(rows: Sequence[dict[str, Any]]) -> None:
    for adapter, group in groupby(rows, key=itemgetter("adapter")):
        models = list(group)
        key = "[yellow]needs a key[/]" if models[0]["key_missing"] else "[green]key set[/]"
        title = f"[bold]{adapter}[/]: {escape(models[0]['vendor'])}, {key}"
        shown = [capabilities(row) for row in models]
        names = tuple(shown[0]) if out.width >= WIDE else NARROW
        columns = [Column(name, no_wrap=name in {"makes", "seconds"}) for name in names]
        table = Table(
            Column("model", no_wrap=True), *columns, title=title, title_justify="left", title_style=""
        )
        for row, able in zip(models, shown, strict=True):
            table.add_row(escape(row["name"]), *(able[name] for name in names))
        out.print(table)
    for name, meaning in WITHOUT_VENDOR.items():
        out.print(f"[bold]{name}[/]: {meaning}.")
    for plugin in plugins():
        out.print(f"[bold]{escape(plugin['adapter'])}[/]: {escape(_plugin_line(plugin))}", soft_wrap=True)
    unverified = sorted({row["vendor"] for row in rows if not row["verified_live"]})
    out.print(
        f"A clip: list price of {PRICED_S:g} s with sound, in US dollars. Unverified live, written from "
        f"documentation alone: {'; '.join(unverified) or 'none'}. More: --model NAME, or a terminal of "
        f"{WIDE} columns.",
        style="dim",
        soft_wrap=True,
    )


def _plugin_line(plugin: Mapping[str, Any]) -> str:
    if "problem" in plugin:
        return str(plugin["problem"])
    able = plugin["capabilities"]
    makes = " ".join(TASKS[task] for task in able.get("tasks", ())) or "what its parameters say"
    told = f"; seed {able['seed']}, sound {able['audio']}" if able else ""
    return f"plugin, {plugin['plugin']}: makes {makes}{told}."


def _show(row: dict[str, Any]) -> None:
    out.print(f"[bold]{escape(row['name'])}[/] at {escape(row['vendor'])}, adapter '{row['adapter']}'")
    limits = (row["requests_per_minute"] or "?", row["running"] or "?")
    lines = {
        "makes": ", ".join(f"{task} ({name})" for task, name in row["ids"].items()),
        "seconds": span(row["durations_s"]),
        "sizes": ", ".join(f"{word} (shorter side {side})" for word, side in row["resolutions"].items()),
        "shapes": ", ".join(row["ratios"]),
        "frames a second": row["fps"] or "not documented: see the probe of each clip",
        "sound": row["audio"],
        "seed": row["seed"],
        "negative prompt": "yes" if row["negative_prompt"] else "no",
        "prompt rewriting": {
            "none": "none",
            "switch": "switched off",
            "unknown": "nobody says; no switch",
        }[row["rewriting"]],
        "watermark": {
            "none": "none",
            "switch": "switched off",
            "hidden": "a hidden one",
            "unknown": "nobody says: look at the first clip",
        }[row["watermark"]],
        "links live": f"{row['link_lifetime_s'] / 3600:g} h" if row["link_lifetime_s"] else "not documented",
        "a clip": f"{_prices(row)} (list price, {row['clip_s']:g} s with sound)",
        "takes": f"{row['typical_s'][0]:g} to {row['typical_s'][1]:g} s",
        "limits": "{} requests a minute, {} tasks running".format(*limits),
        "key": row["key_missing"] or "is set",
        "verified live": "yes" if row["verified_live"] else f"no; documentation read {row['checked']}",
        "note": row["note"],
    }
    for name, said in lines.items():
        if said:
            out.print(f"  [dim]{name}[/] {escape(str(said))}", soft_wrap=True)


def _prices(row: dict[str, Any]) -> str:
    known = {word: price for word, price in row["clip_usd"].items() if price is not None}
    return ", ".join(f"{word} ${price:.2f}" for word, price in known.items()) or "price unknown"


def price_span(row: Mapping[str, Any]) -> str:
    """The price of a clip in the cheapest and in the dearest size."""
    known = sorted((price, word) for word, price in row["clip_usd"].items() if price is not None)
    if not known:
        return "price unknown"
    if known[0][0] == known[-1][0]:
        return f"${known[0][0]:.2f}"
    return " to ".join(f"${price:.2f} ({word})" for price, word in (known[0], known[-1]))


def span(seconds: Sequence[float]) -> str:
    """`3..15` where every whole second can be asked for, else all of them."""
    if len(seconds) > 2 and all(after - before == 1 for before, after in pairwise(seconds)):
        return f"{seconds[0]:g}..{seconds[-1]:g}"
    return ", ".join(f"{second:g}" for second in seconds)
