"""Who speaks: the one draw that voice and face share, so that they fit each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Persona", "persona"]


@dataclass(frozen=True, slots=True)
class Persona:
    """One rendered person."""

    seed: int
    feminine: bool
    """Higher voice, longer hair, softer brow and jaw."""


def persona(seed: int) -> Persona:
    """The person of this seed: always the same, either sex with even odds."""
    return Persona(seed, bool(np.random.default_rng([seed, 0x5E]).random() < 0.5))
