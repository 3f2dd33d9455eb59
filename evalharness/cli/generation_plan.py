"""What `generate` would do, before it does it: clips, prices, times, differences, and the exact requests."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from evalharness.adapters.base import Offer
from evalharness.adapters.maker import make_adapter
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.backlog import Wanted
from evalharness.cli.options import TASKS, out, print_json
from evalharness.config import Study
from evalharness.outlook import Outlook
from evalharness.planned import Line, Range
from evalharness.production import Order
from evalharness.records import JobState, Prompt
from evalharness.store import Store

__all__ = ["money", "print_plan", "show_plan"]

REFUSALS_SHOWN = 3
"""Of one system and task: a refusal that names its prompt is another for each."""
PICTURE = re.compile(r"(data:image/\w+;base64,)([A-Za-z0-9+/=]{40,})")


def show_plan(
    study: Study,
    store: Store,
    prompts: Sequence[Prompt],
    foreseen: Outlook,
    *,
    retry_failed: bool,
    as_json: bool,
) -> None:
    """The plan, and every request that is still to be sent in JSON, or one of each kind for people."""
    states = {JobState.PENDING, JobState.RUNNING} | ({JobState.FAILED} if retry_failed else set())
    requests = _requests(study, store, prompts, states)
    if as_json:
        sums = {
            "cost_usd": foreseen.cost_usd,
            "charged": foreseen.charged,
            "unpriced": foreseen.unpriced,
            "takes_s": foreseen.takes_s,
        }
        print_json(asdict(foreseen) | sums | {"requests": list(requests)})
        return
    print_plan(foreseen, out)
    shown: set[tuple[str, str]] = set()
    for request in requests:
        kind = (request["system"], request["task"])
        if kind not in shown:
            shown.add(kind)
            out.print()
            out.print(f"[bold]{escape(kind[0])}[/] would be asked for '{escape(request['prompt_id'])}' so:")
            out.print(f"{request['method']} {request['url']}", soft_wrap=True, highlight=False, markup=False)
            body = json.dumps(request["json"], indent=2, ensure_ascii=False)
            out.print(body, soft_wrap=True, highlight=False, markup=False)
    if shown:
        out.print()
        out.print("One request of each kind is shown, without its key; --json prints all. Nothing was sent.")


def print_plan(foreseen: Outlook, console: Console) -> None:
    """The plan as a table, and what is to be known about it."""
    table = Table(
        Column("system", overflow="fold"),
        "task",
        Column("clips", justify="right"),
        "asked as",
        Column("a clip", justify="right"),
        Column("in all", justify="right"),
        Column("takes", justify="right"),
        title="To be made",
    )
    for line in foreseen.lines:
        if line.clips:
            table.add_row(
                escape(line.system),
                TASKS[line.task],
                str(line.clips),
                " or ".join(dict.fromkeys(map(_cell, line.offers))),
                " or ".join(dict.fromkeys(_price(offer, line) for offer in line.offers)),
                _total(line),
                _time(line.takes_s),
            )
    if table.row_count:
        console.print(table)
    else:
        console.print("Nothing is left to be made.")
    if foreseen.charged:
        console.print(f"In all {money(foreseen)}, list prices; {_time(foreseen.takes_s)}.")
    for line in foreseen.lines:
        for sentence, count in islice(line.refused.items(), REFUSALS_SHOWN):
            said = f"[yellow]refused ({count} clips of {escape(line.system)}):[/] {escape(sentence)}"
            console.print(said, soft_wrap=True)
        left = len(line.refused) - REFUSALS_SHOWN
        if left > 0:
            told = f"{left} more {TASKS[line.task]} prompts; --json says why each."
            console.print(f"[yellow]refused (by {escape(line.system)}):[/] {told}", soft_wrap=True)
    for sentence in foreseen.differences:
        console.print(f"[yellow]differs:[/] {escape(sentence)}", soft_wrap=True)
    if foreseen.suggestion is not None:
        console.print(escape(foreseen.suggestion), soft_wrap=True)
    for note in foreseen.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)


def money(foreseen: Outlook) -> str:
    """The sum, with what it leaves out."""
    unknown = (
        f", and what {', '.join(foreseen.unpriced)} may charge (price not known)" if foreseen.unpriced else ""
    )
    return f"${foreseen.cost_usd:.2f}{unknown}"


def _cell(offer: Offer) -> str:
    fps = f"{offer.fps:g}" if offer.fps else "?"
    sound = "sound" if offer.audio else "silent"
    return f"{offer.duration_s:g} s, {offer.width}x{offer.height}, {fps}/s, {sound}"


def _price(offer: Offer, line: Line) -> str:
    if not line.charged:
        return "-"
    return "not known" if offer.cost_usd is None else f"${offer.cost_usd:.3g}"


def _total(line: Line) -> str:
    said = "-" if not line.charged else "not known" if line.cost_usd is None else f"${line.cost_usd:.2f}"
    return f"{said} ({line.standing} asked for before)" if line.standing else said


def _time(takes_s: Range | None) -> str:
    if takes_s is None:
        return "?"
    return " to ".join(dict.fromkeys(_span(end) for end in takes_s))


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _requests(
    study: Study, store: Store, prompts: Sequence[Prompt], states: Collection[JobState]
) -> Iterator[dict[str, Any]]:
    """Every request that vendors would still be sent for this study, pictures shortened."""
    by_id = {prompt.id: prompt for prompt in prompts}
    standing = {row.key for row in store.purchases_without_clip() if row.open}
    wanted = Wanted(store, study.systems, prompts, study.settings.generation.seeds)
    for system in study.systems:
        adapter = make_adapter(system, folder=study.folder)
        if not isinstance(adapter, RemoteAdapter):
            continue
        for key in wanted.missing(system, states):
            prompt = by_id[key.prompt_id]
            request = Order.of(study, system, prompt, key.seed).request
            if key in standing or adapter.refuse(request) is not None:
                continue
            call = adapter.preview(request)
            yield {
                "system": system.name,
                "task": prompt.task.value,
                "prompt_id": prompt.id,
                "seed": key.seed,
                "method": call.method,
                "url": call.url,
                "headers": dict(call.headers),
                "json": _shortened(call.json),
            }


def _shortened(value: Any) -> Any:
    """A body as people can read it: a picture's bytes are counted, not printed."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(PICTURE.sub(lambda found: f"{found[1]}({len(found[2]) * 3 // 4} bytes)", text))
