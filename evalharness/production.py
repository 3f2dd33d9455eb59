"""One order becomes one clip: written beside its place, probed, named by its content, laid in its place.

Runs in a worker thread, a worker process or an event loop; touches no database. Whatever goes wrong comes
back as a Failure and costs this clip alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from evalharness.adapters.base import WISHES, Adapter, Generated, GenerationRequest, Journal, Standing
from evalharness.adapters.maker import make_adapter
from evalharness.config import GenerationSettings, Study
from evalharness.errors import GenerationError, MediaError, StorageError, in_a_line
from evalharness.records import Clip, FailureKind, JobKey, Prompt, System
from evalharness.storage import Storage, sha256_of

if TYPE_CHECKING:
    from evalharness.adapters.remote.client import Client
    from evalharness.adapters.remote.limits import Limits

__all__ = ["ASKED", "PARTIAL", "Failure", "Order", "asked", "produce", "produce_elsewhere"]

PARTIAL = ".partial"
ASKED = "asked"
"""Where a clip's request keeps what study.toml asked for when it was made."""


@dataclass(frozen=True, slots=True)
class Order:
    """Everything a worker needs to make one clip; travels to another process."""

    key: JobKey
    system: System
    prompt: Prompt
    settings: GenerationSettings
    folder: Path
    """The study's folder."""
    storage: Storage
    """Where the clip is to lie."""

    @classmethod
    def of(cls, study: Study, system: System, prompt: Prompt, seed: int) -> Order:
        """What a study orders from a system for a prompt and a seed."""
        key = JobKey(system.name, prompt.id, seed)
        return cls(key, system, prompt, study.settings.generation, study.folder, study.storage)

    @property
    def partial(self) -> Path:
        """Where the clip is while it is not yet whole; the same for every try."""
        name = hashlib.sha256(repr(self.key).encode()).hexdigest()[:24]
        return self.storage.root / "clips" / PARTIAL / f"{name}.mp4"

    @property
    def request(self) -> GenerationRequest:
        """What the adapter is asked for."""
        return GenerationRequest(
            prompt=self.prompt,
            seed=self.key.seed,
            duration_s=self.settings.duration_s,
            width=self.settings.width,
            height=self.settings.height,
            fps=self.settings.fps,
            output=self.partial,
            timeout_s=self.settings.timeout_s,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an order gave no clip."""

    kind: FailureKind
    message: str
    retry_safe: bool = False


def produce(order: Order) -> Clip | Failure:
    """Make one clip here, and wait for it."""
    try:
        adapter = _ready(order)
        started = time.monotonic()
        generated = adapter.generate(order.request)
        elapsed_s = time.monotonic() - started
        latency_s = elapsed_s if generated.latency_s is None else generated.latency_s
        return _clip(order, adapter, generated, latency_s)
    except (Exception, SystemExit) as error:  # a bug in one adapter must cost one clip, not the run
        return _failure(order, error)
    finally:
        order.partial.unlink(missing_ok=True)


async def produce_elsewhere(order: Order, journal: Journal, client: Client, limits: Limits) -> Clip | Failure:
    """Have one clip made at a vendor, or go on with the task that stands in the journal."""
    from evalharness.adapters.remote.adapter import RemoteAdapter

    try:
        # A task that stands is paid for: it is fetched even where it would be refused as settings are now.
        stands = journal.standing != Standing()
        adapter = await asyncio.to_thread(_ready, order, may_refuse=not stands)
        if not isinstance(adapter, RemoteAdapter):
            raise TypeError(f"{type(adapter).__name__} asks no vendor.")
        generated = await adapter.make(order.request, journal, client=client, limits=limits)
        return await asyncio.to_thread(_clip, order, adapter, generated, generated.latency_s)
    except StorageError as error:  # the task stands in the journal: its clip is fetched again, not paid again
        return Failure(FailureKind.SERVER, str(error), retry_safe=True)
    except Exception as error:  # as in `produce`
        return _failure(order, error)
    finally:
        order.partial.unlink(missing_ok=True)


def asked(settings: GenerationSettings) -> dict[str, float]:
    """What study.toml asks of every system; kept with each clip."""
    return {wish: getattr(settings, wish) for wish in WISHES}


def _ready(order: Order, *, may_refuse: bool = True) -> Adapter:
    """The order's adapter, and an empty place for the clip. Raises GenerationError where it is refused."""
    order.partial.parent.mkdir(parents=True, exist_ok=True)
    order.partial.unlink(missing_ok=True)
    adapter: Adapter = make_adapter(order.system, folder=order.folder)
    refusal = adapter.refuse(order.request) if may_refuse else None
    if refusal is not None:
        raise GenerationError(FailureKind.PARAMETER, refusal)
    return adapter


def _clip(order: Order, adapter: Adapter, generated: Generated, latency_s: float | None) -> Clip:
    """The record of the clip that lies at the order's partial place, once it lies in its own."""
    from evalharness import media  # PyAV: not at the command line's start

    streams = generated.streams or media.probe(order.partial)
    size, sha256 = order.partial.stat().st_size, sha256_of(order.partial)
    path = f"clips/{sha256[:2]}/{sha256}{order.partial.suffix}"
    order.storage.put(order.partial, path)
    return Clip(
        sha256=sha256,
        key=order.key,
        path=path,
        bytes=size,
        streams=streams,
        created_at=datetime.now(UTC),
        adapter=order.system.adapter,
        adapter_version=adapter.version,
        request={ASKED: asked(order.settings), **generated.request},
        provider_task_id=generated.provider_task_id,
        latency_s=latency_s,
        cost_usd=generated.cost_usd,
    )


def _failure(order: Order, error: BaseException) -> Failure:
    """What went wrong: an adapter's own GenerationError with its kind, a file that is no video as MEDIA, a
    storage that refused as SERVER, an exception the adapter should not have let out as PROGRAM."""
    if isinstance(error, GenerationError):
        return Failure(error.kind, str(error), error.retry_safe)
    if isinstance(error, MediaError):
        return Failure(FailureKind.MEDIA, str(error))
    if isinstance(error, StorageError):
        return Failure(FailureKind.SERVER, str(error))
    return Failure(
        FailureKind.PROGRAM,
        f"The adapter '{order.system.adapter}' broke its contract with {type(error).__name__}: "
        f"{in_a_line(error)}",
    )
