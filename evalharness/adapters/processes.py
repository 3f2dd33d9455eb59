"""Running one local program to its end, and never leaving anything of it behind.

The program leads a process group of its own. The group is ended whole when its time is over, when its
leader has ended but children live on, and when the work it was started for is broken off.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import IO

__all__ = ["Ending", "end_with_parent", "run_program", "stop_programs", "stopping_programs"]

TERMINATION_GRACE_S = 2.0
"""Between asking a program to stop and killing it."""

TAIL_READ_BYTES = 65536

_running: set[int] = set()
"""The process groups whose programs run now."""
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended."""

    exit_code: int | None
    """None if it was stopped because its time was over; negative if a signal ended it."""
    duration_s: float
    stderr: str
    """The end of what it wrote to its standard error, at most 64 KiB."""

    @property
    def how(self) -> str:
        """The exit code in words."""
        if self.exit_code is None:
            return "was stopped"
        if self.exit_code < 0:
            return f"was ended by signal {-self.exit_code} ({signal.strsignal(-self.exit_code)})"
        return f"ended with exit code {self.exit_code}"


def run_program(
    argv: Sequence[str], *, executable: str, cwd: Path, environment: Mapping[str, str], timeout_s: float
) -> Ending:
    """Run a program without a shell, its input empty and its output dropped.

    Raises OSError if it cannot be started, and ValueError if an argument holds what no program can be
    given (a null character, half a surrogate pair).
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(  # noqa: S603 - running the study owner's program is the purpose
            argv,
            executable=executable,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        with _lock:
            _running.add(process.pid)
        exit_code: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                exit_code = process.wait(timeout_s)
        finally:
            _end_group(process)
        return Ending(exit_code, time.monotonic() - started, _tail(stderr))


@contextmanager
def stopping_programs() -> Iterator[None]:
    """When this block is left by an exception, Ctrl-C above all, every program that runs is killed.

    Python waits for its threads before it ends, and a program has a group of its own that Ctrl-C does
    not reach: without this, a program that needs an hour would hold up the end for an hour.
    """
    try:
        yield
    except BaseException:
        stop_programs()
        raise


def stop_programs() -> None:
    """Kill every program that runs, with all that it started."""
    with _lock:
        for group in _running:
            _kill(group)


def end_with_parent() -> None:
    """In a pool's process: end it as soon as the process that started it is gone, killed or not.

    It holds both ends of the queue that it waits on, and so would never see that nobody writes there.
    """

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Stop the program and everything it started: politely while it still runs, then for good."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(TERMINATION_GRACE_S)
    with _lock:
        _running.discard(process.pid)
    # The group outlives its leader as long as a child is left in it.
    _kill(process.pid)
    process.wait()


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - TAIL_READ_BYTES))
    return stream.read().decode("utf-8", errors="replace")
