"""Waiting for a task: asked after patiently, and no longer than the job may take.

A question that went wrong says nothing of the task, which goes on and is billed: it is asked again. What the
vendor does not mean to say again is an ending: the task failed, the key is refused, a word nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evalharness.adapters.base import Journal
from evalharness.adapters.remote.client import NoAnswer
from evalharness.adapters.remote.exchange import Created, Fault, Status, TaskState
from evalharness.adapters.remote.line import Line, TaskReport
from evalharness.errors import GenerationError
from evalharness.records import FailureKind

__all__ = ["Past", "Watched", "watch"]

FIRST_PAUSE_S = 2.0
GROWTH = 1.5
LONGEST_PAUSE_S = 60.0
"""Between questions to a vendor that does not answer."""
LONGEST_ASKED_S = 300.0
"""A question costs nothing: a vendor that asks to wait for hours is asked again before."""

DOUBTS = 3
"""Answers in a row that were not understood, before the job ends: a proxy may have spoken once."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A task that succeeded, and how long it took; None where nobody saw it begin, or end."""

    status: Status
    queue_s: float | None
    """From the vendor's answer to the create until it was first seen running."""
    run_s: float | None
    """From then on."""
    waited_s: float | None
    """From the answer on."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a task when it begins to be asked after."""

    fresh: bool = True
    """Whether it was made just now; an older one may have begun, or ended, while nobody watched."""
    age_s: float | None = 0.0
    """Time since its vendor answered to the create; None where it is not known."""
    ran_s: float | None = None
    """Time since it was seen to begin; None where it was not seen."""


async def watch(
    line: Line,
    task: Created,
    journal: Journal,
    *,
    poll_s: float,
    start_s: float,
    timeout_s: float,
    past: Past,
    may_be_over: Callable[[], bool] = lambda: True,
) -> Watched:
    """Ask after a task until it has succeeded, for `timeout_s` from `start_s` on the line's clock.

    `past`: what is known of it at `start_s`.
    `may_be_over`: whether the task is old enough for its vendor to have forgotten it.

    Raises GenerationError; where the task may still give a clip, the journal goes on standing.
    """
    pause_s, doubts = min(FIRST_PAUSE_S, poll_s), 0
    made_at_s, began_at_s = _before(start_s, past.age_s), _before(start_s, past.ran_s)
    watched, told_running = past.fresh, False
    while True:
        report = await line.report(task)
        account, asked_at_s = report.account, line.clock.monotonic()
        if isinstance(account, Status):
            doubts = 0
            if account.state is TaskState.FAILED:
                await journal.ended()
                raise _failure(line, task, account)
            if account.state is TaskState.SUCCEEDED:
                ended_at_s = asked_at_s if watched else None
                return Watched(
                    account,
                    queue_s=_between(made_at_s, began_at_s),
                    run_s=_between(began_at_s, ended_at_s),
                    waited_s=_between(made_at_s, ended_at_s),
                )
            if account.state is TaskState.RUNNING and not told_running:
                begins = watched and began_at_s is None
                began_at_s = asked_at_s if begins else began_at_s
                await journal.running(watched=begins)
                told_running = True
            watched = True
            wait_s, pause_s = pause_s, min(pause_s * GROWTH, poll_s)
        else:
            doubts = doubts + 1 if _doubtful(report) else 0
            await _give_up(account, doubts, journal, may_be_over)
            asked_s = account.retry_after_s or 0.0 if isinstance(account, Fault) else 0.0
            pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)
            wait_s = max(pause_s, min(asked_s, LONGEST_ASKED_S))
        if asked_at_s + wait_s > start_s + timeout_s:
            raise GenerationError(
                FailureKind.TIMEOUT,
                f"The task {task.task_id} was not finished within {timeout_s:g} s. It goes on at "
                f"{line.route.vendor}: another try asks after it and pays nothing anew.",
                retry_safe=True,
            )
        await line.clock.sleep(wait_s)


def _before(moment_s: float, span_s: float | None) -> float | None:
    return None if span_s is None else moment_s - span_s


def _between(from_s: float | None, to_s: float | None) -> float | None:
    return None if from_s is None or to_s is None else to_s - from_s


def _doubtful(report: TaskReport) -> bool:
    """Whether an answer came that was not understood, and may never be."""
    if isinstance(report.account, NoAnswer) or report.http_status is None:
        return False
    return report.http_status < 500 and report.http_status not in {408, 429}


async def _give_up(
    account: Status | Fault | NoAnswer, doubts: int, journal: Journal, may_be_over: Callable[[], bool]
) -> None:
    """Raise where asking again would not help."""
    if not isinstance(account, Fault) or account.kind is FailureKind.RATE:
        return
    if account.kind is FailureKind.MODERATION:
        await journal.ended()
        raise GenerationError(account.kind, account.message)
    if account.kind is FailureKind.EXPIRED and doubts >= DOUBTS and may_be_over():
        # Said of a young task it is a slip of the vendor's: the clip is paid for, and asked after again.
        await journal.ended()
    if account.kind in {FailureKind.AUTH, FailureKind.BILLING} or doubts >= DOUBTS:
        raise GenerationError(account.kind, account.message)


def _failure(line: Line, task: Created, status: Status) -> GenerationError:
    fault = status.fault or Fault(
        FailureKind.SERVER,
        f"The task {task.task_id} ended at {line.route.vendor} as {status.word}, without a reason.",
    )
    return GenerationError(fault.kind, fault.message)
