"""A vendor as seen from inside: what its server understands and answers.

The loopback server of these tests keeps tasks and plays faults; a dialect turns both into one vendor's paths,
field names, status words and error codes. It is written from the vendor's documentation, not from our route:
`objection` is as strict as the vendor says it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Fault = Literal[
    "auth",
    "billing",
    "rate",
    "parameter",
    "server",
    "moderation_input",
    "moderation_output",
    "expired",
    "failed",
]


@dataclass
class VendorTask:
    """One task at the vendor."""

    id: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    fault: Fault | None
    """Why it failed, where it did."""
    clip_url: str
    """Where the finished clip is fetched, on the same server; no credentials may be sent there unless
    `authorised_download`."""
    body: Mapping[str, Any]
    """What it was created with."""
    clip: bytes = b""
    """The clip itself, for vendors that answer with it."""


@dataclass(frozen=True)
class Heard:
    """A request as it reached the server."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """Parsed JSON, or None."""


@dataclass(frozen=True)
class Wanted:
    """What a request is about."""

    what: Literal["create", "poll", "result", "find", "cancel", "upload"]
    id: str = ""
    """Of the task (poll, result, cancel), or our external id (find)."""


@dataclass(frozen=True)
class Reply:
    """What the server answers."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(ABC):
    """One vendor's server."""

    route: ClassVar[str]
    """Registry name of our adapter, and of its catalogue."""
    model: ClassVar[str]
    """A model of the catalogue to test with."""
    parameters: ClassVar[Mapping[str, Any]] = {}
    secrets: ClassVar[Mapping[str, str]]
    """Environment variables with credentials that this server accepts."""
    address: ClassVar[str]
    """Environment variable that points the adapter at the server."""
    external_ids: ClassVar[bool] = False
    """Whether a task can be looked up by the id that we gave it."""
    authorised_download: ClassVar[bool] = False
    inline: ClassVar[bool] = False
    """Whether the clip comes within the answer, so that nothing is downloaded."""
    strange_word: ClassVar[bool] = True
    """Whether an unknown status word can be said at all."""

    tells_running: ClassVar[bool] = True
    """Whether it says when a task has begun to run."""

    @abstractmethod
    def wanted(self, heard: Heard) -> Wanted | None:
        """What is asked for, or None for a path that the vendor does not have."""

    @abstractmethod
    def authorised(self, heard: Heard) -> bool:
        """Whether the credentials are right."""

    @abstractmethod
    def objection(self, heard: Heard) -> str | None:
        """Why the vendor would refuse this create: a field it does not know or that has a wrong value."""

    @abstractmethod
    def accepted(self, task: VendorTask) -> Reply:
        """The answer to a create."""

    @abstractmethod
    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        """The answer to a poll; `word` stands in for the status word, for a state nobody knows."""

    @abstractmethod
    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        """The answer to a request that is refused at once."""

    def result(self, task: VendorTask) -> Reply:
        """The answer to a second question that a finished task needs, where there is one."""
        raise NotImplementedError

    def found(self, task: VendorTask | None) -> Reply:
        """The answer to a look-up by external id."""
        raise NotImplementedError

    def cancelled(self, task: VendorTask) -> Reply:
        """The answer to a cancel."""
        raise NotImplementedError
