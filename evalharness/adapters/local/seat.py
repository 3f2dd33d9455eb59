"""A process of its own for each device, which holds one pipeline and makes one clip at a time.

The harness itself never imports torch, and a crash on the GPU costs one clip. A process whose
pipeline broke off is not used again: what that leaves on a GPU is not to be trusted.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from evalharness.adapters.local.making import make
from evalharness.adapters.local.orders import Made, Order, Settings, Trouble
from evalharness.adapters.processes import end_with_parent
from evalharness.records import FailureKind

__all__ = ["run"]

LINGER_S = 2.0
"""For so long a loaded pipeline waits for its own system's next clip before another takes the device."""


class _Seat:
    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._taken = False
        self._settings: Settings | None = None
        self._freed_at = 0.0
        self._process: ProcessPoolExecutor | None = None

    def run(self, settings: Settings, order: Order) -> Made | Trouble:
        with self._turn:
            while (pause_s := self._pause_s(settings)) > 0:
                self._turn.wait(pause_s)
            self._taken, self._settings = True, settings
        try:
            return self._run(settings, order)
        finally:
            with self._turn:
                self._taken, self._freed_at = False, time.monotonic()
                self._turn.notify_all()

    def _pause_s(self, settings: Settings) -> float:
        """How long to wait at least; two systems on one GPU would else load their weights for every clip."""
        if self._taken:
            return threading.TIMEOUT_MAX
        if self._settings in (None, settings):
            return 0.0
        return self._freed_at + LINGER_S - time.monotonic()

    def _run(self, settings: Settings, order: Order) -> Made | Trouble:
        if self._process is None:
            self._process = ProcessPoolExecutor(
                max_workers=1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
            )
        try:
            result = self._process.submit(make, settings, order).result()
        except BrokenProcessPool:
            result = Trouble(
                FailureKind.PROGRAM,
                "The process that held the pipeline died (out of memory, killed from outside, or torch does "
                "not start here).",
            )
        if isinstance(result, Trouble) and result.kind is FailureKind.PROGRAM:
            self._process.shutdown()
            self._process = self._settings = None
        return result


_seats: dict[str, _Seat] = {}
_lock = threading.Lock()


def run(settings: Settings, order: Order) -> Made | Trouble:
    """Have a clip made by the device's process, when it is its turn."""
    with _lock:
        seat = _seats.setdefault(settings.device, _Seat())
    return seat.run(settings, order)


def _begin() -> None:
    """Prepare a new process: silent, and summing in the same order every time as far as torch can."""
    end_with_parent()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import torch
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
