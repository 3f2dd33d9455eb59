"""The contract of every route to a system.

An adapter is made once per system from that system's record and has one verb:

    generate(request) -> Generated      or raises GenerationError

Contract, held by `evalharness.testing.adapter_contract` for ours and for plugins:

- The clip is written to `request.output`, whole or not at all; nothing else in the study is touched.
- The same request gives the same bytes where `capabilities.seed` is EXACT.
- A request the adapter cannot serve is refused by `refuse(request)` with a sentence, before any work.
- Every failure is a GenerationError with its FailureKind; nothing else escapes.
- `Generated.request` says exactly what was asked for, with no secret in it.
- `generate` may be called from several threads at once, at most `System.concurrency` of them.

Clips that are paid for elsewhere need more: what is sent must be on record before it is sent. An adapter that
does so also has `make(request, journal)`; a journal keeps one job's standing from one run to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from evalharness.records import Prompt, Streams, System, Task

__all__ = [
    "WISHES",
    "Adapter",
    "Capabilities",
    "Generated",
    "GenerationRequest",
    "Journal",
    "MemoryJournal",
    "Offer",
    "SeedSupport",
    "Standing",
    "offer_of",
    "refuse_task",
]


class SeedSupport(StrEnum):
    """What a seed promises."""

    EXACT = "exact"
    """Same request, same bytes."""
    BEST_EFFORT = "best-effort"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a route can do; empty tuples mean "anything"."""

    tasks: tuple[Task, ...]
    seed: SeedSupport
    audio: str = "always"
    """always, switchable or never."""
    languages: tuple[str, ...] = ()
    cpu_bound: bool = False
    """Whether `generate` computes in this process; it is then called in a process of its own."""
    gpus: int = 0
    """How many GPUs a clip takes. A cluster gives them to a process that keeps them from clip to clip;
    without one the adapter finds them on this machine."""


WISHES = ("duration_s", "width", "height", "fps")
"""What study.toml asks of every system, as `[generation]` and requests call it."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One clip to make."""

    prompt: Prompt
    seed: int
    duration_s: float
    """Wished length; a route that cannot make it exactly makes its nearest and records it."""
    width: int
    height: int
    fps: float
    output: Path
    """Where the clip goes. Its parent exists; the file does not."""
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Generated:
    """A clip that now lies at the request's output path."""

    request: Mapping[str, Any] = field(default_factory=dict)
    """What was really sent or run, secrets left out; JSON values only."""
    provider_task_id: str | None = None
    latency_s: float | None = None
    """The system's own time, where it is known better than by the caller's clock (a manifest says)."""
    cost_usd: float | None = None
    streams: Streams | None = None
    """What `media.probe` found in the whole file, where the adapter has looked; else its caller does."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a route would make of a request, said before anything is spent."""

    duration_s: float
    width: int
    height: int
    fps: float | None
    """None where nobody says."""
    audio: bool
    cost_usd: float | None = None
    """List price in US dollars; None where it is not known, or nothing is charged."""
    typical_s: tuple[float, float] | None = None
    """How long such a clip usually takes; None where nobody says."""


class Adapter(Protocol):
    """One route to one system."""

    version: ClassVar[str]
    """Changes whenever the same request could give another clip."""
    capabilities: Capabilities

    def __init__(self, system: System, *, folder: Path) -> None:
        """Read the system's parameters; `folder` is the study's, against which relative paths count.

        Raises ConfigError with a sentence when a parameter is unknown or impossible.
        """

    def refuse(self, request: GenerationRequest) -> str | None:
        """A sentence saying why this request cannot be served, or None if it can."""

    def generate(self, request: GenerationRequest) -> Generated:
        """Make the clip at `request.output`. Raises GenerationError."""


def offer_of(adapter: Adapter, request: GenerationRequest) -> Offer:
    """What `adapter` would make of a request that it does not refuse.

    An adapter that knows more than "as asked for, and nobody is paid" has a method `offer(request)`.
    """
    offer: Callable[[GenerationRequest], Offer] | None = getattr(adapter, "offer", None)
    if offer is not None:
        return offer(request)
    return Offer(
        request.duration_s,
        request.width,
        request.height,
        request.fps,
        audio=adapter.capabilities.audio != "never",
    )


def refuse_task(system: str, prompt: Prompt, tasks: Collection[Task]) -> str | None:
    """A sentence where the prompt's task is none of those that the system serves."""
    if prompt.task in tasks:
        return None
    return (
        f"System '{system}' serves {', '.join(tasks)}, and prompt '{prompt.id}' is {prompt.task}: take the "
        "system out of this study, or prompts of that kind out of its suites."
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one job has come at its vendor; empty where nothing was ever sent, or nothing stands."""

    intended: Mapping[str, Any] | None = None
    """The exact request, secrets left out, of a create that may have been sent, and what was asked by it."""
    intended_at: datetime | None = None
    """When that was put on record; a task is no older."""
    task_id: str | None = None
    """The vendor's id of the task, once it is known."""
    poll_url: str | None = None
    submitted_at: datetime | None = None
    """When the vendor answered the create; None where that answer was lost and the task found later."""
    running_at: datetime | None = None
    """When the task was seen to begin; None where nobody watched."""


class Journal(Protocol):
    """Where one job's standing is kept. Each verb returns once what it says would survive the process."""

    @property
    def standing(self) -> Standing:
        """How far the job has come."""

    async def intend(self, request: Mapping[str, Any]) -> None:
        """A create with this request is about to be sent, and nobody knows yet what becomes of it."""

    async def submitted(self, task_id: str, poll_url: str | None, *, watched: bool = True) -> None:
        """The vendor has made this task, and will bill it; it did so now, if somebody `watched`."""

    async def running(self, *, watched: bool = True) -> None:
        """The vendor is at it, told once a run; it began now, if somebody `watched`."""

    async def downloaded(self) -> None:
        """The file has come whole and is not yet known to play; told again where it is fetched again."""

    async def withdrawn(self) -> None:
        """The create certainly had no effect: another one may be sent."""

    async def ended(self) -> None:
        """The task is over and left no clip: another try has to make a new one."""


class MemoryJournal:
    """A journal for simple use, forgotten with the process."""

    def __init__(self, standing: Standing | None = None) -> None:
        self.standing = standing or Standing()

    async def intend(self, request: Mapping[str, Any]) -> None:
        """Keep what is about to be sent."""
        self.standing = Standing(request, datetime.now(UTC))

    async def submitted(self, task_id: str, poll_url: str | None, *, watched: bool = True) -> None:
        """Keep the task's id."""
        made_at = datetime.now(UTC) if watched else None
        self.standing = replace(self.standing, task_id=task_id, poll_url=poll_url, submitted_at=made_at)

    async def running(self, *, watched: bool = True) -> None:
        """Keep the moment."""
        if watched:
            self.standing = replace(self.standing, running_at=datetime.now(UTC))

    async def downloaded(self) -> None:
        """Nothing to keep: the task stands as before."""

    async def withdrawn(self) -> None:
        """Keep nothing."""
        self.standing = Standing()

    async def ended(self) -> None:
        """Keep nothing."""
        self.standing = Standing()
