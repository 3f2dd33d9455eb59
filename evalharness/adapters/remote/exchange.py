"""What goes to a vendor and what comes back, as plain values: no sockets, no secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evalharness.records import FailureKind, Task

__all__ = ["Answer", "Ask", "Call", "Created", "Delivery", "Fault", "Status", "TaskState"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One clip to be asked for, in the vendor's own words where they differ between models."""

    model: str
    """The vendor's id for this model and task."""
    task: Task
    prompt: str
    duration_s: float
    resolution: str
    """The vendor's word, e.g. `720P`."""
    ratio: str
    """Width to height, e.g. `16:9`."""
    width: int
    height: int
    audio: bool
    seed: int | None
    """None where the model takes none."""
    first_frame: str | None = None
    """The first picture as a `data:` URI (image to video only)."""
    references: tuple[str, ...] = ()
    """The reference pictures as `data:` URIs, in the order in which the prompt calls them."""
    negative_prompt: str | None = None
    external_id: str = ""
    """Ours, new for each create that is meant and recorded before it is sent: 32 letters and digits."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """All pictures that go along."""
        return self.references if self.first_frame is None else (self.first_frame, *self.references)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request without its credentials, which are added when it is sent."""

    method: str
    url: str
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    authorised: bool = True
    """False where no credentials may go along: links to storage are signed already."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    """Parsed JSON, or None where it was none."""
    text: str = ""
    """The beginning of the body as text, for messages."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class Created:
    """A task the vendor has accepted, and will bill."""

    task_id: str
    poll_url: str | None = None
    """Where the vendor says to ask, if it says so."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no clip, or no answer yet."""

    kind: FailureKind
    message: str
    """A finished sentence with the vendor's own code and words."""
    retry_after_s: float | None = None
    """What the vendor asks to wait, where it says."""


class TaskState(StrEnum):
    """Where a task stands at the vendor, in our words."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a finished clip is."""

    url: str = ""
    authorised: bool = False
    """Whether the vendor's own credentials are needed to fetch it."""
    content: bytes | None = None
    """The clip itself, where the vendor answers with bytes."""


@dataclass(frozen=True, slots=True)
class Status:
    """A vendor's account of one task."""

    state: TaskState
    word: str
    """The vendor's own word for it."""
    delivery: Delivery | None = None
    """Present where the state is SUCCEEDED."""
    fault: Fault | None = None
    """Present where the state is FAILED."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What else it said that belongs into the clip's recipe: seed, revised prompt, usage, its own times."""
    cost_usd: float | None = None
    """What the vendor says it charged, where it says so."""
    tokens: int | None = None
    """How many tokens it says it billed, where it bills by them and names no sum."""
