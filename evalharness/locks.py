"""One run of its kind at a time in a study's folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evalharness.errors import ConfigError

__all__ = ["only_run"]


@contextmanager
def only_run(folder: Path, command: str) -> Iterator[None]:
    """Hold the study's lock for `command`; the system frees it when the process dies, however it dies.

    Raises ConfigError where another process holds it.
    """
    with (folder / f".{command}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"Another '{command}' is at work in {folder}. Wait for it to end, or stop it first; "
                "what it has finished is kept either way."
            ) from None
        yield
