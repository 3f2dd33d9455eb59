"""Running one local program to its end, and never leaving anything of it behind.

The program leads a process group of its own. The group is ended whole when its time is over, when its
leader has ended but children live on, and when the harness itself is stopping.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Ending", "run_program"]

TERMINATION_GRACE_S = 2.0
"""Between asking a program to stop and killing it."""

TAIL_READ_BYTES = 65536


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
        try:
            exit_code = _wait(process, started + timeout_s)
        finally:
            _end_group(process)
        return Ending(exit_code, time.monotonic() - started, _tail(stderr))


def _wait(process: subprocess.Popen[bytes], deadline: float) -> int | None:
    """The exit code, or None if the deadline came first or the harness itself is stopping."""
    while (left_s := deadline - time.monotonic()) > 0:
        # After Ctrl-C the interpreter waits for its threads; a program in one of them must not hold it up.
        if not threading.main_thread().is_alive():
            return None
        with suppress(subprocess.TimeoutExpired):
            return process.wait(min(left_s, 0.25))
    return None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Stop the program and everything it started: politely while it still runs, then for good."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(TERMINATION_GRACE_S)
    # The group outlives its leader as long as a child is left in it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - TAIL_READ_BYTES))
    return stream.read().decode("utf-8", errors="replace")
