"""Small movements of a listening-speaking head: sway, turn, nod, blinks and glances.

Everything is zero at time 0, so that a clip begins exactly at its portrait.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Motion", "Pose"]

_BLINK_S = 0.26
_SETTLE_S = 0.8
_HORIZON_S = 120.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is; lengths in head units."""

    roll_rad: float
    shift_x: float
    shift_y: float
    turn: float
    """How far a point one unit nearer than the outline moves to the right."""
    nod: float
    lid: float
    """0 open, 1 shut."""
    glance: int
    """-1, 0 or 1."""


class Motion:
    """The movements of one person, for any time from 0."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 0x33])
        # Per movement: two slow waves (amplitude, cycles a second, phase).
        self._waves = {
            name: [
                (amplitude * share, float(rng.uniform(low, high)), float(rng.uniform(0.0, 2 * np.pi)))
                for share, low, high in ((0.7, 0.10, 0.22), (0.3, 0.30, 0.55))
            ]
            for name, amplitude in (
                ("roll", 0.026),
                ("x", 0.012),
                ("y", 0.008),
                ("turn", 0.10),
                ("nod", 0.045),
            )
        }
        gaps = rng.gamma(5.0, 0.62, int(_HORIZON_S)) + 0.9
        self._blinks = np.cumsum(gaps)
        self._glances = np.cumsum(rng.uniform(1.2, 3.0, int(_HORIZON_S)))
        self._directions = rng.choice((-1, 0, 0, 1), len(self._glances) + 1)
        self._directions[0] = 0

    def at(self, t_s: float) -> Pose:
        """The pose at `t_s` seconds."""
        t_s = float(t_s)
        ease = min(1.0, max(0.0, t_s) / _SETTLE_S)
        ease = ease * ease * (3.0 - 2.0 * ease)
        value = {
            name: ease * sum(a * float(np.sin(2 * np.pi * f * t_s + p)) for a, f, p in waves)
            for name, waves in self._waves.items()
        }
        return Pose(
            value["roll"],
            value["x"],
            value["y"],
            value["turn"],
            value["nod"],
            self._lid(t_s),
            self._glance(t_s),
        )

    def _lid(self, t_s: float) -> float:
        """A blink shuts fast, stays a moment and opens slower."""
        since = t_s - self._blinks[max(0, int(np.searchsorted(self._blinks, t_s)) - 1)]
        if not 0.0 <= since < _BLINK_S:
            return 0.0
        return float(np.interp(since / _BLINK_S, (0.0, 0.28, 0.45, 1.0), (0.0, 1.0, 1.0, 0.0)))

    def _glance(self, t_s: float) -> int:
        return int(self._directions[int(np.searchsorted(self._glances, t_s))])
