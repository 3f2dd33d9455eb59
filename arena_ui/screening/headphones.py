"""The headphone test by tones in antiphase (Woods, Siegel, Traer and McDermott 2017), its sounds made here.

Of three tones of one pitch one is quieter, and another has its two channels in opposite phase. In headphones
each ear hears one channel, and the quieter tone is the quietest. Out of loudspeakers the channels meet in the
air and take each other away, so that the tone in antiphase seems the quietest.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

__all__ = ["RATE_HZ", "TRIALS", "Trial", "passes", "right_answers", "tones", "trials_of", "volume_sample"]

RATE_HZ = 16_000
TONE_HZ = 200.0
TONE_S, GAP_S, RAMP_S = 1.0, 0.5, 0.1
QUIETER_DB = 6.0
LEVEL = 0.3
"""Peak of the tones and of the volume sample, of full scale."""
SAMPLE_S = 4.0
TONES = 3
TRIALS = 6
ENOUGH = 5
"""Right answers of six: by guessing 2 people in 100 have as many."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Which of the three tones is what, counted from 0."""

    quieter: int
    """The right answer."""
    antiphase: int
    """What sounds quietest without headphones."""


def trials_of(secret: str) -> tuple[Trial, ...]:
    """The six trials that a secret draws."""
    random = Random(secret)
    return tuple(Trial(*random.sample(range(TONES), 2)) for _ in range(TRIALS))


def tones(trial: Trial) -> bytes:
    """Three tones, as a stereo WAV file."""
    time_s = np.arange(round(TONE_S * RATE_HZ)) / RATE_HZ
    ramp = np.clip(np.minimum(time_s, TONE_S - time_s) / RAMP_S, 0, 1)
    tone = LEVEL * np.sin(2 * np.pi * TONE_HZ * time_s) * np.sin(ramp * np.pi / 2) ** 2
    gap = np.zeros((2, round(GAP_S * RATE_HZ)))
    parts = []
    for place in range(TONES):
        gain = 10 ** (-QUIETER_DB / 20) if place == trial.quieter else 1.0
        other = -1.0 if place == trial.antiphase else 1.0
        parts += [np.stack((tone * gain, tone * gain * other)), gap]
    return _wav(np.concatenate(parts[:-1], axis=1))


def volume_sample() -> bytes:
    """Noise as loud as the tones, by which a voter sets the volume; a stereo WAV file."""
    noise = np.random.default_rng(1).standard_normal(round(SAMPLE_S * RATE_HZ))
    soft = np.convolve(noise, np.ones(16) / 16, mode="same")  # without the hiss
    spread = LEVEL / np.sqrt(2) * soft / np.std(soft)
    return _wav(np.tile(np.clip(spread, -0.95, 0.95), (2, 1)))


def right_answers(answers: object, trials: tuple[Trial, ...]) -> int | None:
    """How many of a voter's answers are right; None where they are no answers to these trials."""
    if not isinstance(answers, list) or len(answers) != len(trials):
        return None
    if not all(type(each) is int and 0 <= each < TONES for each in answers):
        return None
    return [trial.quieter == answer for answer, trial in zip(answers, trials, strict=True)].count(True)


def passes(right: int) -> bool:
    """Whether so many right answers show headphones."""
    return right >= ENOUGH


def _wav(channels: NDArray[np.float64]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(len(channels))
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.round(channels.T * 32_767).astype("<i2").tobytes())
    return file.getvalue()
