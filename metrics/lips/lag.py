"""Lip-sync lag: how late speech is heard after the lips that speak it move.

Lag in seconds, positive where the sound is late, searched within ±0.6 s in steps of 10 ms and refined
between them; nearest to zero is best. Zero is where renders of known timing are in sync: lips shut while
the sound of p, b, m is stopped. `confidence` is by how much the best shift beats shifts in general, per
second of seen lips: it ranks clips as SyncNet's LSE-C does (Chung & Zisserman 2016), on a scale of its own.
The verdict is that of ITU-R BT.1359: people notice sound that is 45 ms early or 125 ms late, and put up
with 90 ms early and 185 ms late. Where the interval reaches across such a bound, the verdict is open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.base import Unscorable
from metrics.lips.features import STEP_S, at_16_khz
from metrics.lips.towers import SEARCH_STEPS, Evidence, Towers, shipped
from metrics.sync.lag import vertex
from metrics.sync.tolerance import verdict_of, verdicts

__all__ = ["SEARCH_S", "LagReading", "lag"]

Array = NDArray[np.float64]

SEARCH_S = SEARCH_STEPS * STEP_S
SHORTEST_S = 0.9
"""What sound and seen lips must share: a clip of 1 s less its last frame or two."""
FEWEST_SEEN = 0.5
"""Share of the frames in which the face must be seen."""
STILL = 0.002
"""Lips that move less than this (RMS, face widths) do not speak: it is what a tracker trembles."""
SILENT = 1e-4
"""Sound that never exceeds this (-80 dB re full scale) is silence."""
AGREEMENT = -2.0
"""Evidence per second at the best shift below which there is no verdict; unrelated lips bring -4.1."""
WIDEST_S = 0.7
"""A wider interval leaves the lag open."""

MESHES = ((468, 3), (478, 3))
"""Points of MediaPipe's face mesh; the last ten of 478 are irises."""
SLOWEST_S = 1.0
"""Frames farther apart than this are no film, but times in another unit."""


@dataclass(frozen=True, slots=True)
class LagReading:
    """When the sound comes, how surely, and whether people mind."""

    lag_s: float
    """Positive: the sound is late."""
    interval_s: tuple[float, float]
    """95 % interval, in steps of 5 ms or finer; it may reach the ends of the search."""
    confidence: float
    """Evidence per second by which the best shift beats the mean of all; 0 (none stands out) to about 5."""
    agreement: float
    """Evidence per second that lips and sound belong together at that lag; about -4.1 where they do not."""
    verdict: str
    """`unnoticed`, `noticed` or `unacceptable` (ITU-R BT.1359); `open` where the interval holds several."""
    verdicts: tuple[str, ...]
    """All verdicts within the interval, the mildest first."""
    syncnet_lag_s: float
    """The same lag on SyncNet's zero, for comparison with its offsets (-40 ms a frame)."""


def lag(
    mesh: NDArray[np.floating],
    times_s: NDArray[np.floating],
    speech: NDArray[np.floating],
    rate_hz: int,
    speech_start_s: float = 0.0,
    *,
    towers: Towers | None = None,
) -> LagReading | Unscorable:
    """How late `speech` comes after the lips of `mesh`.

    mesh: (n, 468, 3) MediaPipe face mesh points, or 478 with irises (x right, y down, z to the back) of one
    face in pixels, widths of the face or any other unit that is the same along all axes (MediaPipe's own 0..1
    coordinates are not: multiply x and z by the picture's width, y by its height); rows of NaN where it was
    not seen. times_s: (n,) when each frame is shown, strictly increasing, evenly or not. speech: (m,) mono at
    `rate_hz`, full scale ±1, whose first sample sounds at `speech_start_s` on the frames' clock.
    towers: other weights than the shipped ones.

    Unscorable where sound and seen lips share less than 0.9 s, the face is seen in less than half of the
    frames, the lips stand still, there is silence, lips and sound agree at no shift, the best one lies at
    the end of the search, or so many fit equally that the interval is wider than 0.7 s. The details then
    hold the best guess, where there is one. Raises ValueError where shapes, times or samples are not as said.

    >>> import numpy as np
    >>> from metrics.lips import lag
    >>> times_s = np.arange(50) / 25
    >>> nobody = np.full((50, 468, 3), np.nan)
    >>> lag(nobody, times_s, np.zeros(32000), 16000).reason
    'The face is seen in 0 of 50 frames; half of them are needed.'
    """
    mesh, times = _checked(mesh, times_s)
    if not (_finite(rate_hz) and _finite(speech_start_s) and rate_hz > 0):
        raise ValueError(
            "Speech needs a rate above 0 Hz and a finite start in seconds, both as numbers; "
            f"got rate_hz={rate_hz!r} and speech_start_s={speech_start_s!r}."
        )
    sound = np.asarray(speech, np.float64)
    if sound.ndim != 1:
        raise ValueError(f"lag needs mono speech (m,); got the shape {sound.shape}.")
    if not np.isfinite(sound).all():
        astray = np.flatnonzero(~np.isfinite(sound))
        raise ValueError(
            f"lag needs finite speech samples; {astray.size} of {sound.size} are NaN or infinite, the first "
            f"of them sample {astray[0]}. Put 0 where nothing was recorded."
        )
    seen = int(np.isfinite(mesh).all(axis=(1, 2)).sum())
    if seen < FEWEST_SEEN * len(mesh) or seen < 2:
        return Unscorable(f"The face is seen in {seen} of {len(mesh)} frames; half of them are needed.")
    if not sound.size or float(np.abs(sound).max()) < SILENT:
        return Unscorable("There is no sound, or it is silence.")
    towers = towers or shipped()
    return _read(towers.evidence(mesh, times, at_16_khz(sound, rate_hz), speech_start_s), towers)


def _finite(number: object) -> bool:
    return isinstance(number, int | float | np.number) and bool(np.isfinite(number))


def _checked(mesh: NDArray[np.floating], times_s: NDArray[np.floating]) -> tuple[NDArray[np.floating], Array]:
    times = np.asarray(times_s, np.float64)
    mesh = np.asarray(mesh)
    if mesh.ndim != 3 or mesh.shape[1:] not in MESHES or times.shape != (len(mesh),):
        raise ValueError(
            "lag needs meshes (n, 468, 3), or with irises (n, 478, 3), and n times; "
            f"got {mesh.shape} and {times.shape}."
        )
    gaps = np.diff(times)
    if not np.isfinite(times).all() or np.any(gaps <= 0):
        raise ValueError("Frame times must be finite and strictly increase; these do not.")
    if gaps.size and float(np.median(gaps)) >= SLOWEST_S:
        raise ValueError(
            f"Frame times count seconds; these frames lie {np.median(gaps):g} s apart. "
            "Were they milliseconds, or numbers of frames?"
        )
    return mesh[:, :468], times


def _read(evidence: Evidence, towers: Towers) -> LagReading | Unscorable:
    if evidence.seen_s < SHORTEST_S:
        return Unscorable(f"Seen lips and sound share {evidence.seen_s:.2f} s; {SHORTEST_S:g} s are needed.")
    if evidence.movement < STILL:
        return Unscorable("The mouth does not move.")
    curve = np.asarray(evidence.of_shift, np.float64)
    best = int(np.argmax(curve))
    inside = 0 < best < len(curve) - 1
    fine = vertex(*curve[best - 1 : best + 2]) if inside else 0.0
    lag_s = evidence.first_s + (best + fine) * STEP_S
    confidence = float(curve[best] - curve.mean()) / evidence.seen_s
    agreement = float(curve[best]) / evidence.seen_s
    details = {
        "confidence": round(confidence, 4),
        "agreement": round(agreement, 4),
        "best_guess_s": round(float(lag_s), 4),
    }
    if agreement < AGREEMENT:
        return Unscorable(
            "What is heard fits these lips at no shift better than other lips would: no verdict.", details
        )
    if not inside:
        return Unscorable(
            f"The best shift lies at or beyond the end of the search, ±{SEARCH_S:g} s: no verdict.", details
        )
    low, high = (evidence.first_s + steps * STEP_S for steps in _interval(curve / towers.heat))
    if high - low > WIDEST_S:
        return Unscorable(
            f"Shifts from {low:.2f} to {high:.2f} s fit about equally well: no verdict.", details
        )
    interval_s = min(low, float(lag_s)), max(high, float(lag_s))
    return LagReading(
        lag_s=float(lag_s),
        interval_s=interval_s,
        confidence=confidence,
        agreement=agreement,
        verdict=verdict_of(interval_s),
        verdicts=verdicts(interval_s),
        syncnet_lag_s=float(lag_s) + towers.zero_s,
    )


def _interval(log_odds: Array) -> tuple[float, float]:
    """Places among the shifts that leave 2.5 % of the probability on either side."""
    chance = np.exp(log_odds - log_odds.max())
    below = np.concatenate([[0.0], np.cumsum(chance / chance.sum())])
    edges = np.arange(len(log_odds) + 1) - 0.5
    low, high = np.interp([0.025, 0.975], below, edges)
    return float(low), float(high)
