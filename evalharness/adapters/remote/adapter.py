"""What makes a route into an adapter: the straight line from a request to a clip on the disk.

The order matters, because each clip costs money: the create is on record before it is sent, the task's id
before the first question, and a job that was cut off anywhere goes on where it stands.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import new_class
from typing import Any, cast

from evalharness.adapters.base import (
    WISHES,
    Capabilities,
    Generated,
    GenerationRequest,
    Journal,
    MemoryJournal,
    Offer,
    Standing,
)
from evalharness.adapters.delivery import delivery as whole
from evalharness.adapters.parameters import read_parameters
from evalharness.adapters.remote.catalogue import catalogue
from evalharness.adapters.remote.cell import CellParameters, Refusal, ask_for, check_parameters
from evalharness.adapters.remote.client import Bounds, Client
from evalharness.adapters.remote.clock import CLOCK, Clock
from evalharness.adapters.remote.download import DownloadBounds, Received, download
from evalharness.adapters.remote.exchange import Ask, Call, Created, Fault, Status
from evalharness.adapters.remote.limits import Limits
from evalharness.adapters.remote.line import Line
from evalharness.adapters.remote.route import Route
from evalharness.adapters.remote.submission import TERMS, cell_of, recorded, submit
from evalharness.adapters.remote.waiting import Past, Watched, watch
from evalharness.errors import ConfigError, GenerationError, MediaError
from evalharness.records import FailureKind, Streams, System

__all__ = ["RemoteAdapter"]

VERSION = "1"
"""Of everything here that could make another clip of the same request."""

DOWNLOADS = 3
DOWNLOAD_PAUSE_S = 3.0
SHORTEST_LIFETIME_S = 3600.0
"""Of a link, where the catalogue knows none: no vendor's is shorter."""

UNSENT_ID = "0" * 32
"""Stands where the external id will be, in requests that are only shown."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    received: Received
    streams: Streams
    download_s: float


class RemoteAdapter:
    """One system reached by one route; a registry holds `functools.partial(RemoteAdapter, SomeRoute)`."""

    def __init__(
        self,
        route: type[Route],
        system: System,
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        clock: Clock = CLOCK,
        bounds: Bounds | None = None,
        download_bounds: DownloadBounds | None = None,
    ) -> None:
        """Raises ConfigError where model or parameters are impossible. No secret is read, nothing is sent."""
        # PyAV: not at the command line's start, and where it is broken, not after a clip was bought.
        from evalharness.media.probing import probe

        del folder
        self._probe = probe
        self.system = system
        listed = catalogue(route.vendor)
        if not system.model:
            known = ", ".join(model.name for model in listed.models)
            raise ConfigError(
                f"System '{system.name}': model: found nothing; say beside 'adapter' which one is meant: "
                f'model = "{listed.models[0].name}". Known: {known}.'
            )
        self.model = listed.model(system.model)
        parameters = read_parameters(_known_parameters(route), system)
        check_parameters(system, self.model, parameters)
        self._cell = parameters
        self._environment = os.environ if environment is None else environment
        self.route = route(parameters, self._environment)
        self.version = f"{route.version}.{VERSION}"
        self.capabilities = Capabilities(
            tasks=tuple(self.model.ids), seed=self.model.seed, audio=self.model.audio
        )
        self._clock = clock
        self._bounds = bounds
        self._download_bounds = download_bounds or DownloadBounds()

    @property
    def account(self) -> tuple[str, str]:
        """Route and model: systems that agree in both share the limits of one account."""
        return self.route.vendor, self.model.name

    def refuse(self, request: GenerationRequest) -> str | None:
        """Why the model cannot make exactly this, or None."""
        ask = self._ask(request, UNSENT_ID)
        return ask.sentence if isinstance(ask, Refusal) else self.route.refuse(ask)

    def preview(self, request: GenerationRequest) -> Call:
        """The call that would be sent. Raises GenerationError where the request is refused."""
        return self.route.create(self._served(request, UNSENT_ID))

    def offer(self, request: GenerationRequest) -> Offer:
        """What would be asked for and what it costs. Raises GenerationError where it is refused."""
        ask = self._served(request, UNSENT_ID)
        return Offer(
            ask.duration_s,
            ask.width,
            ask.height,
            self.model.fps,
            audio=ask.audio,
            cost_usd=self.list_price(cell_of(ask)),
            typical_s=self.model.typical_s,
        )

    def list_price(self, cell: Mapping[str, Any]) -> float | None:
        """What one clip of such a cell costs in US dollars; None where the catalogue holds no price."""
        return self.model.cost_usd(cell["duration_s"], cell["resolution"], cell["ratio"], audio=cell["audio"])

    def price_of(self, record: Mapping[str, Any]) -> float | None:
        """The list price on the day of a create, by its record; today's where the record has none."""
        then: float | None = record.get(TERMS, {}).get("list_price_usd")
        return self.list_price(record["cell"]) if then is None else then

    def _cost(self, status: Status, record: Mapping[str, Any]) -> tuple[float | None, str | None]:
        """What a clip cost in US dollars, and from where that is known; as the vendor says before all."""
        used, cell = None, record["cell"]
        if status.tokens is not None:
            used = self.model.tokens_usd(status.tokens, cell["resolution"], audio=cell["audio"])
        known = {"vendor": status.cost_usd, "usage at list price": used, "list price": self.price_of(record)}
        return next(((usd, source) for source, usd in known.items() if usd is not None), (None, None))

    def generate(self, request: GenerationRequest) -> Generated:
        """Make one clip and wait for it. A task that is cut off is lost: a run of many uses `make`."""
        journal = MemoryJournal()
        try:
            return asyncio.run(self.make(request, journal))
        except GenerationError as error:
            # With this call its journal ends: what stands at the vendor would be paid for a second time.
            error.retry_safe = error.retry_safe and journal.standing.intended is None
            raise

    async def make(
        self,
        request: GenerationRequest,
        journal: Journal,
        *,
        client: Client | None = None,
        limits: Limits | None = None,
    ) -> Generated:
        """Make one clip, or go on with the task that stands in the journal. Raises GenerationError.

        `client` is best shared by all jobs of one event loop, `limits` by those of one account; without them
        this clip has connections of its own, and no limits.
        """
        if client is None:
            async with Client(self._bounds) as own:
                return await self.make(request, journal, client=own, limits=limits)
        before = journal.standing
        if before == Standing():
            self._served(request, UNSENT_ID)
        line = Line(
            route=self.route,
            client=client,
            home=self._home(request, before),
            limits=limits or Limits(clock=self._clock),
            clock=self._clock,
            environment=self._environment,
        )

        def ask_with(external_id: str) -> Ask:
            return self._served(request, external_id)

        def terms_of(ask: Ask) -> Mapping[str, Any]:
            return self._terms(request, cell_of(ask))

        async with line.limits.task():
            # Other clips of the account may have held its places for hours: that time is not this clip's.
            deadline_s = self._clock.monotonic() + request.timeout_s
            task = await submit(line, ask_with, terms_of, journal, deadline_s)
            submitted_s = self._clock.monotonic()
            timeout_s = max(deadline_s - submitted_s, 0.0)
            watched = await watch(
                line,
                task,
                journal,
                poll_s=self.model.poll_s,
                start_s=submitted_s,
                timeout_s=timeout_s,
                past=self._past(before, journal.standing),
                may_be_over=lambda: self._may_be_over(journal),
            )
        # A task that an earlier run began was asked for as that run's settings stood.
        record = journal.standing.intended or self._recorded(request)
        terms = record.get(TERMS) or self._terms(request, record["cell"])
        resumed = before != Standing() and before.intended == journal.standing.intended
        fetched = await self._fetch(line, task, watched.status, journal, request.output)
        return self._generated(record, terms, task, watched, fetched, resumed=resumed)

    def _terms(self, request: GenerationRequest, cell: Mapping[str, Any]) -> dict[str, Any]:
        """What is agreed beside the call, as settings and catalogue stand."""
        return {
            "asked": {wish: getattr(request, wish) for wish in WISHES},
            "model": self.model.name,
            "overrides": self._cell.model_dump(include=set(CellParameters.model_fields), exclude_none=True),
            "list_price_usd": self.list_price(cell),
        }

    def _past(self, before: Standing, now: Standing) -> Past:
        """What is known of the task that stands `now`, and may have stood `before` this run."""
        if before.task_id is None and now.submitted_at is not None:
            return Past()
        return Past(fresh=False, age_s=self._since(now.submitted_at), ran_s=self._since(now.running_at))

    def _since(self, moment: datetime | None) -> float | None:
        span_s = -1.0 if moment is None else self._clock.unix() - moment.timestamp()
        return None if span_s < 0 else span_s  # a clock that was put back tells nothing

    def _home(self, request: GenerationRequest, standing: Standing) -> str:
        """Where the key may be sent: to the host that is asked for clips."""
        url = None if standing.intended is None else standing.intended.get("url")
        asked_there = None if url is None else Line.origin(str(url))
        if asked_there is not None and self.refuse(request) is not None:
            # Settings have changed since; the task that stands is paid for, and fetched all the same.
            return asked_there
        home = Line.origin(self.route.create(self._served(request, UNSENT_ID)).url)
        if asked_there not in (None, home):
            # Another host knows nothing of this task, and its "no" must not be taken for the task's end.
            raise GenerationError(
                FailureKind.PARAMETER,
                f"This clip was asked for at {asked_there}, and {self.route.vendor} is asked at {home} now. "
                "Put the address back to fetch what may be billed there, or give it up by --give-up.",
            )
        return home

    def _recorded(self, request: GenerationRequest) -> dict[str, Any]:
        ask = self._served(request, UNSENT_ID)
        return recorded(self.route.create(ask), ask)

    def _ask(self, request: GenerationRequest, external_id: str) -> Ask | Refusal:
        return ask_for(self.system, self.model, self._cell, request, external_id)

    def _served(self, request: GenerationRequest, external_id: str) -> Ask:
        ask = self._ask(request, external_id)
        refusal = ask.sentence if isinstance(ask, Refusal) else self.route.refuse(ask)
        if isinstance(ask, Refusal) or refusal is not None:
            raise GenerationError(FailureKind.PARAMETER, refusal or "")
        return ask

    async def _fetch(
        self, line: Line, task: Created, status: Status, journal: Journal, output: Path
    ) -> _Fetched:
        """Bring the clip here, whole and playable."""
        start_s = self._clock.monotonic()
        fault = Fault(FailureKind.SERVER, "")
        for attempt in range(DOWNLOADS):
            if attempt:
                await self._clock.sleep(DOWNLOAD_PAUSE_S * attempt)
            lifetime_s = self.model.link_lifetime_s
            lives_s = None if lifetime_s is None else lifetime_s - (self._clock.monotonic() - start_s)
            found = await self._download_once(line, status, journal, output, lives_s)
            if not isinstance(found, Fault):
                return _Fetched(*found, self._clock.monotonic() - start_s)
            fault = found
            if fault.kind is FailureKind.AUTH:
                break
            if fault.kind is FailureKind.EXPIRED:
                # Many vendors sign a new link whenever they are asked.
                fresh = (await line.report(task)).account
                if isinstance(fresh, Status) and fresh.delivery is not None:
                    status = fresh
        if fault.kind is FailureKind.EXPIRED and self._may_be_over(journal):
            await journal.ended()
        again = fault.kind in {FailureKind.SERVER, FailureKind.TIMEOUT}
        raise GenerationError(fault.kind, fault.message, retry_safe=again)

    def _may_be_over(self, journal: Journal) -> bool:
        """Whether a link is old enough to be over: storage that stumbles must not cost a paid clip."""
        intended_at = journal.standing.intended_at
        lifetime_s = self.model.link_lifetime_s or SHORTEST_LIFETIME_S
        return intended_at is None or self._clock.unix() - intended_at.timestamp() >= lifetime_s

    async def _download_once(
        self, line: Line, status: Status, journal: Journal, output: Path, lives_s: float | None
    ) -> tuple[Received, Streams] | Fault:
        if status.delivery is None:
            return Fault(FailureKind.SERVER, f"{line.route.vendor} finished a task without a clip.")
        key = await line.key_for(status.delivery)
        try:
            with whole(output) as partial:
                found = await download(
                    line.client, status.delivery, partial, key, self._download_bounds, lives_s=lives_s
                )
                if isinstance(found, Fault):
                    raise _NotWhole(found)
                await journal.downloaded()
                # Decoding takes seconds: other jobs go on meanwhile.
                return found, await asyncio.to_thread(self._probe, partial)
        except _NotWhole as refused:
            return refused.fault
        except MediaError as error:
            return Fault(FailureKind.MEDIA, f"The downloaded clip is not playable: {error}")
        except OSError as error:
            raise GenerationError(
                FailureKind.PROGRAM, f"The clip could not be written to {output}: {error.strerror or error}."
            ) from error

    def _generated(
        self,
        record: Mapping[str, Any],
        terms: Mapping[str, Any],
        task: Created,
        watched: Watched,
        fetched: _Fetched,
        *,
        resumed: bool,
    ) -> Generated:
        cell = record["cell"]
        cost_usd, cost_from = self._cost(watched.status, record)
        request = {
            "route": self.route.vendor,
            "model": terms["model"],
            "sent": {key: value for key, value in record.items() if key not in {"cell", TERMS}},
            "cell": cell,
            "asked": terms["asked"],
            "overrides": terms["overrides"],
            # Creates of an earlier version kept no terms: these are then those of the run that fetched it.
            "terms_from": "create" if TERMS in record else "fetch",
            "told": dict(watched.status.told),
            "rewriting": self.model.rewriting,
            "watermark": self.model.watermark,
            "resumed": resumed,
            "queue_s": watched.queue_s,
            "run_s": watched.run_s,
            "download_s": fetched.download_s,
            "download": dataclasses.asdict(fetched.received),
            "cost_from": cost_from,
        }
        return Generated(
            request=request,
            provider_task_id=task.task_id,
            latency_s=watched.waited_s,
            cost_usd=cost_usd,
            streams=fetched.streams,
        )


@cache
def _known_parameters(route: type[Route]) -> type[CellParameters]:
    """The route's own parameters and everybody's; made once, since an adapter may be made for every clip."""
    return cast("type[CellParameters]", new_class("RemoteParameters", (CellParameters, route.parameters)))


class _NotWhole(Exception):
    """Leaves a delivery without a clip."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault
