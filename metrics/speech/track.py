"""The sound of a clip as speech programs want it, 16 kHz mono, and when somebody speaks in it.

Voice activity comes from Silero VAD v6, the ONNX file that faster-whisper carries (no torch). Each 32 ms
get a probability; a stretch begins where it reaches 0.5 and ends where it has stayed below 0.35 for 0.1 s;
stretches under 0.25 s are dropped, the others widened by 30 ms either way. These are Silero's own settings.

Resampling is soxr's high quality, of linear phase: nothing is delayed, and what lies above 8 kHz is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Unscorable

__all__ = ["RATE_HZ", "Speech", "missing", "probabilities", "resampled", "speech", "stretches"]

Samples = NDArray[np.float32]

RATE_HZ = 16000
WINDOW = 512
"""Samples that get one probability, 32 ms."""
CONTEXT = 64
"""Samples before a window that the net hears with it."""
BEGINS, ENDS = 0.5, 0.35
"""Probability from which on speech begins, and below which it may have ended."""
PAUSE_S = 0.1
SHORTEST_S = 0.25
MARGIN_S = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """One clip's sound at 16 kHz, and the stretches of it that are speech."""

    samples: Samples
    """(m,): mean of all channels, 16 kHz; empty without a sound track."""
    start_s: float
    """When the first sample sounds, on the clip's clock; negative where it precedes the picture."""
    spoken: tuple[tuple[float, float], ...]
    """(start_s, end_s) of each stretch of speech, on the clip's clock, in order, apart from each other."""
    probability: NDArray[np.float32]
    """(k,): that somebody speaks, for each 32 ms from `start_s` on."""

    @property
    def spoken_s(self) -> float:
        """Seconds of speech."""
        return sum(end - start for start, end in self.spoken)

    def unscorable(self, least_s: float = 0.0) -> Unscorable | None:
        """Why nothing can be said of the speech here: no sound, no speech, or less than `least_s` of it."""
        if not self.samples.size:
            return Unscorable("The clip has no sound track.")
        if not self.spoken:
            return Unscorable("Nobody speaks in this clip.")
        if self.spoken_s < least_s:
            return Unscorable(f"Only {self.spoken_s:.2f} s of the clip are speech; {least_s:g} s are needed.")
        return None


def missing() -> str | None:
    """What must be installed before speech can be found here; None if nothing."""
    absent = [name for name in ("faster_whisper", "onnxruntime", "soxr") if find_spec(name) is None]
    if not absent:
        return None
    packages = " ".join(name.replace("_", "-") for name in absent)
    return f"Finding speech needs {' and '.join(absent)}: pip install {packages}"


def speech(clip: AVClip) -> Speech:
    """The clip's sound at 16 kHz and where somebody speaks; use as `clip.once(speech)`."""
    samples = resampled(clip.mono, clip.rate_hz)
    heard = probabilities(samples)
    spoken = stretches(heard, len(samples) / RATE_HZ)
    start = clip.audio_start_s
    return Speech(samples, start, tuple((start + a, start + b) for a, b in spoken), heard)


def resampled(mono: Samples, rate_hz: int) -> Samples:
    """(m,) samples at `rate_hz` as (m * 16000 / rate_hz,) samples at 16 kHz, without delay."""
    import soxr

    if not mono.size:
        return np.zeros(0, np.float32)
    return np.asarray(soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ"), np.float32)


def probabilities(samples: Samples) -> NDArray[np.float32]:
    """(k,) of somebody speaking in each 32 ms of (m,) samples at 16 kHz; the last window may be part."""
    if not samples.size:
        return np.zeros(0, np.float32)
    count = -(-len(samples) // WINDOW)
    padded = np.zeros(CONTEXT + count * WINDOW, np.float32)
    padded[CONTEXT : CONTEXT + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + WINDOW)[::WINDOW]
    rest = np.zeros((1, 1, 128), np.float32)
    heard = _net().run(None, {"input": np.ascontiguousarray(windows), "h": rest, "c": rest})[0]
    return np.asarray(heard, np.float32).reshape(-1)


def stretches(
    probability: Sequence[float] | NDArray[np.float32], length_s: float
) -> list[tuple[float, float]]:
    """(start, end) in seconds of each stretch of speech within a sound `length_s` long."""
    step = WINDOW / RATE_HZ
    found: list[tuple[float, float]] = []
    start: float | None = None
    fades: float | None = None
    for index, value in enumerate(probability):
        now = index * step
        if value >= BEGINS:
            start, fades = now if start is None else start, None
        elif value < ENDS and start is not None:
            fades = now if fades is None else fades
            if now - fades >= PAUSE_S:
                found.append((start, fades))
                start = fades = None
    if start is not None:
        found.append((start, length_s))
    return _widened([(a, b) for a, b in found if b - a > SHORTEST_S], length_s)


def _widened(found: list[tuple[float, float]], length_s: float) -> list[tuple[float, float]]:
    """Each stretch with its margins; two that would overlap meet half-way."""
    edges = [0.0, *((a + b) / 2 for (_, a), (b, _) in pairwise(found)), length_s]
    return [
        (max(start - MARGIN_S, edges[index]), min(end + MARGIN_S, edges[index + 1]))
        for index, (start, end) in enumerate(found)
    ]


@cache
def _net() -> Any:
    import onnxruntime

    package = find_spec("faster_whisper")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(missing())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    file = Path(package.origin).parent / "assets" / "silero_vad_v6.onnx"
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
