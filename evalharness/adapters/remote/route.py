"""How one vendor is spoken to: what to send for a clip, and what its answers mean.

A route is pure translation. It never opens a connection, so everything it says can be shown before anything
is spent, and tested on paper. `RemoteAdapter` sends its calls; what a route must hold:

- Nothing that a vendor answers raises: what is not understood is a `Fault` of kind SERVER that quotes it.
- A status word outside the vendor's table is such a fault, never "still running".
- Hidden helpers are off wherever there is a switch: watermark, prompt rewriting, web search, retries.
- Moderation is told from errors, at the input and at the output.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.exchange import Answer, Ask, Call, Created, Fault, Status, TaskState
from evalharness.errors import GenerationError
from evalharness.records import FailureKind

__all__ = ["Route", "unreadable"]


class Route(ABC):
    """One vendor's dialect, at one address."""

    vendor: ClassVar[str]
    """Name of the catalogue, `data/adapters/<vendor>.toml`."""
    version: ClassVar[str]
    """Changes whenever the same ask could be sent otherwise."""
    parameters: ClassVar[type[Parameters]] = Parameters
    """What `[systems.parameters]` may say beyond what every remote system may."""
    secrets: ClassVar[tuple[str, ...]]
    """Environment variables that hold the credentials."""
    address: ClassVar[str | None] = None
    """Environment variable that gives another base URL, for a proxy or a test."""

    credentials_block: ClassVar[bool] = False
    """Whether asking for credentials may wait for another server, which then happens in a thread."""

    @abstractmethod
    def __init__(self, parameters: Parameters, environment: Mapping[str, str]) -> None:
        """`environment` is where the base URL may be given; no secret is read here.

        Raises ConfigError where a parameter is impossible.
        """

    @abstractmethod
    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The headers that authorise a call made at `now_s` (Unix time).

        Raises GenerationError of kind AUTH that names the variable to set, never its value.
        """

    def missing(self, environment: Mapping[str, str], now_s: float) -> str | None:
        """A sentence saying what `credentials` would lack, or None where this route can be used."""
        try:
            self.credentials(environment, now_s)
        except GenerationError as error:
            return str(error)
        return None

    def refuse(self, ask: Ask) -> str | None:
        """A sentence saying why this ask cannot be sent, beyond what the catalogue already forbids."""
        del ask
        return None

    @abstractmethod
    def create(self, ask: Ask) -> Call:
        """The call that starts a task and spends money."""

    @abstractmethod
    def created(self, answer: Answer) -> Created | Fault:
        """The task, or why there is none. A fault means that no task was made."""

    @abstractmethod
    def poll(self, task: Created) -> Call:
        """The call that asks how a task stands."""

    @abstractmethod
    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How it stands; a fault means that the question went wrong, not the task."""

    def after(self, answer: Answer, task: Created) -> Call | None:
        """A second call that a finished task needs before its clip is known, or None."""
        del answer, task
        return None

    def find(self, external_id: str) -> Call | None:
        """The call that looks a task up by our own id, or None where the vendor keeps none."""
        del external_id
        return None

    def found(self, answer: Answer) -> Created | Fault | None:
        """The task that was looked up; None where the vendor says there is none."""
        del answer
        return None

    def cancel(self, task: Created) -> Call | None:
        """The call that stops a task that still waits, or None where there is none."""
        del task
        return None

    def state_of(self, word: Any, words: Mapping[str, TaskState]) -> TaskState | Fault:
        """Our word for the vendor's, or a fault for one that its table does not hold."""
        state = words.get(word) if isinstance(word, str) else None
        if state is None:
            known = ", ".join(words)
            return Fault(
                FailureKind.SERVER, f"{self.vendor} gave the state {word!r}, which is none of {known}."
            )
        return state


def unreadable(vendor: str, answer: Answer, wanted: str) -> Fault:
    """The fault of an answer without what it should hold, quoting its beginning."""
    beginning = " ".join(answer.text.split())[:200] or "nothing"
    return Fault(
        FailureKind.SERVER, f"{vendor} answered HTTP {answer.status} without {wanted}; it said: {beginning}"
    )
