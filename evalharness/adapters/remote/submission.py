"""Asking for a clip once: what is sent is on record before it leaves, and never sent twice on a guess.

A create has three endings. The vendor made a task; it certainly made none; or nobody knows, because the
answer was lost, or was an error of the server that does not say what became of the request. In the third case
a vendor that keeps our id is asked for the task, and with any other the job stops until a person has looked.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from base64 import b64decode
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from evalharness.adapters.base import Journal
from evalharness.adapters.remote.client import NoAnswer
from evalharness.adapters.remote.exchange import Answer, Ask, Call, Created, Fault
from evalharness.adapters.remote.line import Line
from evalharness.errors import AmbiguousCreate, GenerationError
from evalharness.records import FailureKind

__all__ = ["TERMS", "cell_of", "recorded", "submit"]

TERMS = "terms"
"""Where a create's record keeps what was agreed beside the call: settings may have changed when a later run
fetches the clip."""

PAUSES_S = (2.0, 5.0, 10.0, 20.0, 40.0)
"""Before each further create, where the last one certainly had no effect and another may go better."""

LOOKS_S = (0.0, 5.0, 20.0)
"""Before each look-up of a task that may exist: vendors list new ones with some delay."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Refused:
    """A create that certainly had no effect."""

    fault: Fault
    worth_repeating: bool


def cell_of(ask: Ask) -> dict[str, Any]:
    """What was asked for in words that compare across vendors."""
    return {
        "duration_s": ask.duration_s,
        "resolution": ask.resolution,
        "ratio": ask.ratio,
        "width": ask.width,
        "height": ask.height,
        "audio": ask.audio,
        "seed": ask.seed,
        "negative_prompt": ask.negative_prompt,
    }


def recorded(call: Call, ask: Ask) -> dict[str, Any]:
    """The call for a clip's recipe and the job's record: exact, but for pictures, which are named by hash."""
    sent: dict[str, Any] = {
        "external_id": ask.external_id,
        "method": call.method,
        "url": call.url,
        "headers": dict(call.headers),
        "json": call.json,
        "cell": cell_of(ask),
    }
    for picture in ask.pictures:
        payload = picture.partition(",")[2]
        sent = _replaced(sent, payload, f"sha256:{hashlib.sha256(b64decode(payload)).hexdigest()}")
    return sent


async def submit(
    line: Line,
    ask_with: Callable[[str], Ask],
    terms_of: Callable[[Ask], Mapping[str, Any]],
    journal: Journal,
    deadline_s: float,
) -> Created:
    """The job's task: the one that stands, else a new one.

    `ask_with` makes the ask for an external id, `terms_of` says on what terms: they are kept with the call.

    Raises AmbiguousCreate where a task may stand that cannot be looked up, and GenerationError where there
    certainly is none.
    """
    if journal.standing.task_id is not None:
        return Created(journal.standing.task_id, journal.standing.poll_url)
    if journal.standing.intended is not None:
        task = await _look_up(line, journal, "An earlier run may have asked for this clip.")
        if task is not None:
            return task
    tries = 0
    while True:
        ask = ask_with(uuid.uuid4().hex)
        call = line.route.create(ask)
        await line.credentials(call.url)  # a missing key must show before anything is on record
        await line.limits.request()
        record = {**recorded(call, ask), TERMS: terms_of(ask)}
        ending = await _unbroken(_create(line, call, record, journal))
        if isinstance(ending, str):
            task = await _look_up(line, journal, ending)
            ending = task or _Refused(Fault(FailureKind.SERVER, ending), worth_repeating=True)
        if isinstance(ending, Created):
            return ending
        fault = ending.fault
        if not ending.worth_repeating:
            raise GenerationError(fault.kind, fault.message)
        pause_s = max(PAUSES_S[min(tries, len(PAUSES_S) - 1)], fault.retry_after_s or 0.0)
        tries += 1
        if tries > len(PAUSES_S) or line.clock.monotonic() + pause_s > deadline_s:
            raise GenerationError(fault.kind, fault.message, retry_safe=True)
        await line.clock.sleep(pause_s)


async def _create(
    line: Line, call: Call, record: Mapping[str, Any], journal: Journal
) -> Created | _Refused | str:
    """Send it once; a sentence where nobody knows what became of it."""
    await journal.intend(record)
    ending = _judged(line, await line.send(call))
    if isinstance(ending, Created):
        try:
            await journal.submitted(ending.task_id, ending.poll_url)
        except Exception as error:
            error.add_note(f"{line.route.vendor} had made the task {ending.task_id}.")
            raise
    elif isinstance(ending, _Refused):
        await journal.withdrawn()
    return ending


def _judged(line: Line, answer: Answer | NoAnswer) -> Created | _Refused | str:
    """How a create ended; a sentence where nobody knows."""
    if isinstance(answer, NoAnswer):
        if answer.certain:
            return _Refused(Fault(FailureKind.SERVER, f"{line.route.vendor}: {answer.why}"), True)
        return f"{line.route.vendor} was asked for a clip. {answer.why}"
    ending = line.route.created(answer)
    if isinstance(ending, Created):
        return ending
    # An error in the vendor's own words says that there is no task. A server's general failure does not, and
    # neither does a success without an id.
    unclear = answer.status == 408 or not (300 <= answer.status < 500)
    if unclear and ending.kind is FailureKind.SERVER:
        return ending.message
    return _Refused(ending, worth_repeating=ending.kind is FailureKind.RATE)


async def _look_up(line: Line, journal: Journal, why: str) -> Created | None:
    """The task of a create whose ending nobody knows; None where the vendor says there is none."""
    standing = journal.standing.intended or {}
    external_id = standing.get("external_id")
    call = line.route.find(external_id) if external_id else None
    if call is None:
        raise AmbiguousCreate(
            f"{why} Whether {line.route.vendor} made a task is not known, and there is no way to look it up: "
            "nothing was asked for again. Look into the vendor's account; 'generate --buy-again' asks anew."
        )
    for pause_s in LOOKS_S:
        await line.clock.sleep(pause_s)
        answer = await line.ask(call)
        found = (
            line.route.found(answer) if isinstance(answer, Answer) else Fault(FailureKind.SERVER, answer.why)
        )
        if isinstance(found, Created):
            await journal.submitted(found.task_id, found.poll_url, watched=False)
            return found
    if isinstance(found, Fault):
        raise AmbiguousCreate(
            f"{why} Looking for its task failed too: {found.message} Nothing was asked for again; "
            "'generate --retry-failed' looks for it first."
        )
    await journal.withdrawn()
    return None


async def _unbroken(creating: Coroutine[Any, Any, T]) -> T:
    """Let a create end even where this job is cancelled meanwhile: its task would be lost otherwise."""
    task = asyncio.ensure_future(creating)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen: the cancellation is what is told
        raise


def _replaced(value: Any, payload: str, name: str) -> Any:
    if isinstance(value, str):
        return value.replace(payload, name)
    if isinstance(value, Mapping):
        return {key: _replaced(item, payload, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, payload, name) for item in value]
    return value
