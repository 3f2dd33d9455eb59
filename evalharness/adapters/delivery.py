"""A clip arrives whole or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["delivery"]


@contextmanager
def delivery(output: Path) -> Iterator[Path]:
    """A new path beside `output`, with its suffix, for a clip to be written to.

    When the block ends, what was written there becomes `output` in one step; when it ends with an
    error, nothing does. Either way nothing else of that name stays behind: programs like to leave a
    log or a folder of frames beside their output.
    """
    # Never the same name twice: a program that outlived its time cannot write into the next try's clip.
    name = f".{uuid.uuid4().hex}"
    unfinished = output.with_name(f"{name}{output.suffix}")
    try:
        yield unfinished
        unfinished.replace(output)
    finally:
        for leftover in output.parent.glob(f"{name}*"):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
