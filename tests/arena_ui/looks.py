"""How pages are looked at: at two windows, one of them dark; all others with EVALHARNESS_EVERY_LOOK=1."""

from __future__ import annotations

import os
from typing import TypeVar

__all__ = ["looks"]

Look = TypeVar("Look")


def looks(always: list[Look], more: list[Look]) -> list[Look]:
    """The looks of this run."""
    return [*always, *more] if os.environ.get("EVALHARNESS_EVERY_LOOK") else always
