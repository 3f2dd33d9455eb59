"""What is sent to the process that holds a pipeline, and what it sends back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.adapters.local.families import Cell
from evalharness.records import FailureKind, Task

__all__ = ["Made", "Order", "Settings", "Trouble", "first_line"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Which pipeline, and how it lies in memory: while these stay, it is not loaded again."""

    family: str
    model: str
    """A folder, or an id on the Hugging Face hub."""
    revision: str | None
    variant: str | None
    dtype: str
    device: str
    offload: str
    tiling: bool
    download: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One clip."""

    task: Task
    prompt: str
    picture: str | None
    """File of the first picture."""
    cell: Cell
    seed: int
    arguments: Mapping[str, Any]
    """Of the pipeline's call, beside those that every clip has."""
    output: Path
    timeout_s: float
    """From the call on; loading takes what it takes."""


@dataclass(frozen=True, slots=True)
class Made:
    """A clip that now lies at the order's output."""

    record: Mapping[str, Any]
    """JSON values."""
    seconds: float
    """From the call to its last picture and sample."""


class Trouble(Exception):
    """Why there is no clip. It is returned, not raised, where it has to reach another process."""

    def __init__(self, kind: FailureKind, said: str) -> None:
        super().__init__(kind, said)  # both, so that it can be pickled
        self.kind = kind
        self.said = said

    @classmethod
    def of(cls, error: Exception, advice: str) -> Trouble:
        """What an exception from inside a pipeline means; `advice` is for want of memory."""
        import torch

        if isinstance(error, torch.OutOfMemoryError):
            return cls(FailureKind.PROGRAM, f"The GPU ran out of memory. {advice}")
        kind = FailureKind.MODERATION if "Guardrail" in str(error) else FailureKind.PROGRAM
        return cls(kind, f"The pipeline broke off with {type(error).__name__}: {first_line(error)}.")


def first_line(error: Exception) -> str:
    """The beginning of an exception's text, without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:300] if lines else "no more is said"
