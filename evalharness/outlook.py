"""What a run of `generate` would do, said before it does it: how many clips, of what kind, at what price.

Nothing is sent and nothing is recorded. Prices are list prices. How long it takes is a range, from what clips
usually take at their vendors and how many a system, and its account, makes at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from evalharness.adapters.base import Adapter, Offer, offer_of
from evalharness.adapters.maker import make_adapter
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.common import advice
from evalharness.backlog import Wanted
from evalharness.config import Study
from evalharness.planned import Account, Line, Range, shared_accounts, side_by_side_s, systems_of
from evalharness.production import Order
from evalharness.purchases import PurchaseStage
from evalharness.records import JobState, Prompt, System, Task
from evalharness.store import Store

__all__ = ["Outlook", "outlook"]

REWRITING = {"none": "none", "switch": "none", "unknown": "nobody says"}
WATERMARK = {"none": "none", "switch": "none", "hidden": "a hidden one", "unknown": "nobody says"}
"""What the catalogue says -> what a clip has; switches are turned off."""

OWN_SIZE = {"resolution", "ratio"}
"""Parameters by which a system goes its own way."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run would do."""

    lines: tuple[Line, ...]
    differences: tuple[str, ...]
    """In what the systems' clips would still differ, a sentence each."""
    suggestion: str | None
    """Where what is asked for is refused: a cell that every system can make, or who stands apart."""
    notes: tuple[str, ...] = ()
    """What else its owner should know."""

    @property
    def clips(self) -> int:
        """Clips that would be made."""
        return sum(line.clips for line in self.lines)

    @property
    def charged(self) -> bool:
        """Whether the run would spend money."""
        return any(line.charged and line.clips > line.standing for line in self.lines)

    @property
    def cost_usd(self) -> float:
        """List price of everything whose price is known."""
        return sum(line.cost_usd or 0.0 for line in self.lines)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Systems that charge, nobody knows how much."""
        rows = (line.system for line in self.lines if line.charged and line.clips and line.cost_usd is None)
        return tuple(dict.fromkeys(rows))

    @property
    def takes_s(self) -> Range | None:
        """How long the run takes: systems work side by side, within their accounts' limits.

        None where nobody says of any.
        """
        return side_by_side_s(self.lines)


def outlook(
    study: Study,
    store: Store,
    prompts: Sequence[Prompt],
    *,
    retry_failed: bool = False,
    given_up: Collection[PurchaseStage] = (),
) -> Outlook:
    """What `generate_study` would do now, once purchases of these stages are given up.

    Raises ConfigError where an adapter's parameters are wrong.
    """
    adapters: dict[str, Adapter] = {
        system.name: make_adapter(system, folder=study.folder) for system in study.systems
    }
    states = {JobState.PENDING, JobState.RUNNING} | ({JobState.FAILED} if retry_failed else set())
    wanted = Wanted(store, study.systems, prompts, study.settings.generation.seeds)
    standing, strays, waiting = Counter[tuple[str, str]](), 0, 0
    for purchase in store.purchases_without_clip():
        if not purchase.open or (purchase.key in wanted and purchase.stage in given_up):
            continue
        if purchase.key not in wanted:
            strays += 1
        elif wanted.lacks(purchase.key, states):
            standing[purchase.key.system, purchase.key.prompt_id] += 1
        else:
            waiting += 1
    lines = tuple(
        line
        for system in study.systems
        for line in _lines(study, system, adapters[system.name], prompts, wanted, states, standing)
    )
    return Outlook(
        lines, tuple(_differences(lines)), _suggestion(study, adapters, lines), _notes(lines, strays, waiting)
    )


def _notes(lines: Sequence[Line], strays: int, waiting: int) -> tuple[str, ...]:
    notes = [
        f"{', '.join(systems_of(used))} use {account.model} by one account of {account.route}: together they "
        f"have at most {account.running} clips made at a time."
        for account, used in shared_accounts(lines).items()
        if account.running is not None
    ]
    if strays:
        notes.append(
            f"{strays} clips were asked for at vendors by systems, prompts or seeds that study.toml does not "
            "name now: put them back to fetch what will be billed."
        )
    if waiting:
        notes.append(
            f"{waiting} clips were asked for at vendors and their jobs failed: --retry-failed fetches them."
        )
    return tuple(notes)


def _lines(
    study: Study,
    system: System,
    adapter: Adapter,
    prompts: Sequence[Prompt],
    wanted: Wanted,
    states: Collection[JobState],
    standing: Mapping[tuple[str, str], int],
) -> Iterator[Line]:
    todo = Counter(key.prompt_id for key in wanted.missing(system, states))
    model = adapter.model if isinstance(adapter, RemoteAdapter) else None
    account = (
        Account(*adapter.account, adapter.model.running, adapter.model.requests_per_minute)
        if isinstance(adapter, RemoteAdapter)
        else None
    )
    for task in Task:
        clips = stand = 0
        offers: Counter[Offer] = Counter()
        refused: Counter[str] = Counter()
        for prompt in prompts:
            if prompt.task is not task or not todo[prompt.id]:
                continue
            stands = standing.get((system.name, prompt.id), 0)
            fresh = todo[prompt.id] - stands
            request = Order.of(study, system, prompt, study.settings.generation.seeds[0]).request
            sentence = adapter.refuse(request)
            stand += stands
            clips += stands
            if sentence is None:
                clips += fresh
                offers[offer_of(adapter, request)] += fresh
            elif fresh:
                refused[sentence] += fresh
        if not clips and not refused:
            continue
        known = all(offer.cost_usd is not None for offer in offers)
        times = [offer.typical_s for offer in offers if offer.typical_s is not None]
        yield Line(
            system.name,
            task,
            clips,
            stand,
            tuple(offer for offer, _ in offers.most_common()),
            cost_usd=sum((offer.cost_usd or 0.0) * count for offer, count in offers.items())
            if known and clips
            else None,
            charged=model is not None or any(offer.cost_usd for offer in offers),
            at_once=int(min(system.concurrency, (account and account.running) or inf)),
            account=account,
            one_takes_s=(min(low for low, _ in times), max(high for _, high in times)) if times else None,
            rewriting=None if model is None else REWRITING[model.rewriting],
            watermark=None if model is None else WATERMARK[model.watermark],
            refused=dict(refused),
        )


def _differences(lines: Sequence[Line]) -> Iterator[str]:
    """In what the clips of one task would differ between systems."""
    for task in Task:
        rows = [line for line in lines if line.task is task and line.offers]
        aspects: Mapping[str, Mapping[str, str]] = {
            "length": {row.system: _all(row, lambda offer: f"{offer.duration_s:g} s") for row in rows},
            "size": {row.system: _all(row, lambda offer: f"{offer.width}x{offer.height}") for row in rows},
            "frames a second": {
                row.system: _all(row, lambda offer: f"{offer.fps:g}" if offer.fps else "not documented")
                for row in rows
            },
            "sound": {row.system: _all(row, lambda offer: "yes" if offer.audio else "no") for row in rows},
            "prompt rewriting": {row.system: row.rewriting for row in rows if row.rewriting is not None},
            "watermark": {row.system: row.watermark for row in rows if row.watermark is not None},
        }
        for aspect, said in aspects.items():
            if len(set(said.values())) > 1:
                listed = ", ".join(f"{system} {value}" for system, value in said.items())
                yield f"{task.value}: {aspect} differs: {listed}."


def _suggestion(study: Study, adapters: Mapping[str, Adapter], lines: Sequence[Line]) -> str | None:
    """What to write into study.toml, where the vendors' models are not asked for what all of them make."""
    # Another length or size helps nobody who does not serve the task at all.
    served = [line for line in lines if line.task in adapters[line.system].capabilities.tasks]
    if not any(line.refused for line in served):
        return None
    asked_for = {line.system for line in served}
    models = {
        system.name: adapter.model
        for system in study.systems
        if isinstance(adapter := adapters[system.name], RemoteAdapter)
        and system.name in asked_for
        and not OWN_SIZE & set(system.parameters)
    }
    asked = study.settings.generation
    return advice(models, asked.duration_s, asked.width, asked.height)


def _all(line: Line, said: Callable[[Offer], str]) -> str:
    return " or ".join(dict.fromkeys(map(said, line.offers)))
