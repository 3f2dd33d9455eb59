"""From a request and knobs to pictures, sound and the truth about both.

Pure: the same order gives the same arrays. Flaws are drawn from the order's own seed, one stream of
randomness for each, so that turning one knob leaves what the others do unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalharness.records import Prompt

from .exposure import exposures
from .flaws import flawed
from .knobs import Knobs
from .scenes import load
from .scenes.paint import Picture
from .scenes.stage import Impact
from .scenes.wording import brief_of, family_of, seed_of
from .sound import RATE_HZ, Strike, ambience, mix_strikes
from .talk import Talk
from .visemes import Closure

__all__ = ["Order", "Rendered", "Truth", "render"]

_CEILING = 0.89
"""Highest peak of a mix as it was meant, -1 dB of full scale; `gain_db` comes after."""
_JITTER = 11


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be rendered."""

    prompt: Prompt
    seed: int
    duration_s: float
    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What a perfect measurement of the clip would find."""

    scene: str
    impacts: tuple[Impact, ...]
    """Each contact as it is seen."""
    heard_s: tuple[float, ...]
    """When each of them is heard: offset and jitter included."""
    closures: tuple[Closure, ...] = ()
    """When the spoken line shuts the lips, on the picture's clock."""
    drawn_closures: tuple[Closure, ...] = ()
    """When the drawn lips are shut; differs by planted errors."""
    wrong_phonemes: int = 0
    phonemes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A clip before it is coded."""

    frames: Iterator[Picture]
    """uint8 RGB (height, width, 3), frame k at k / fps; can be taken once."""
    count: int
    """How many frames there are."""
    fps: float
    samples: NDArray[np.float32] | None
    """Stereo (2, n) in -1..1, or None where the system is mute."""
    rate_hz: int
    width: int
    height: int
    truth: Truth


def render(order: Order, knobs: Knobs) -> Rendered:
    """Prepare a clip; its frames are drawn as they are taken.

    Raises GenerationError or MissingExtraError where a spoken line cannot be spoken, OSError where the
    first frame cannot be read.
    """
    fps = knobs.fps or order.fps
    width, height = (max(32, 2 * round(side * knobs.scale / 2)) for side in (order.width, order.height))
    count = max(1, round(order.duration_s * fps))
    seed = seed_of(order.prompt, order.seed)
    times = np.arange(count) / fps
    late = np.random.default_rng([seed, _JITTER])
    if order.prompt.spoken and order.prompt.first_frame is None:
        frames, samples, truth = _talk(order, knobs, times, (width, height), late)
    else:
        frames, samples, truth = _scene(order, knobs, times, (width, height), late)
    return Rendered(
        frames=flawed(frames, knobs, seed),
        count=count,
        fps=fps,
        samples=None if knobs.mute else _levelled(samples, knobs.gain_db),
        rate_hz=RATE_HZ,
        width=width,
        height=height,
        truth=truth,
    )


_Parts = tuple[Iterator[Picture], NDArray[np.float32], Truth]


def _talk(
    order: Order, knobs: Knobs, times: NDArray[np.float64], size: tuple[int, int], late: np.random.Generator
) -> _Parts:
    seed = seed_of(order.prompt, order.seed)
    talk = Talk(order.prompt, seed, knobs.style, order.duration_s)
    mouth = talk.mouth(times, knobs.lip_error_rate)
    delay = knobs.sound_offset_s + knobs.sound_jitter_s * float(late.standard_normal())
    samples = talk.sound(delay, order.duration_s) + ambience("room", order.duration_s, seed=seed)
    truth = Truth(
        scene="talk",
        impacts=(),
        heard_s=(),
        closures=talk.on_clock(mouth.closures),
        drawn_closures=talk.on_clock(mouth.drawn_closures),
        wrong_phonemes=mouth.wrong,
        phonemes=mouth.phonemes,
    )
    return talk.frames(mouth, times, *size), samples, truth


def _scene(
    order: Order, knobs: Knobs, times: NDArray[np.float64], size: tuple[int, int], late: np.random.Generator
) -> _Parts:
    family = family_of(order.prompt, order.seed)
    brief = brief_of(order.prompt, order.seed, order.duration_s, knobs.style)
    scene = load(family)(brief, *size)
    jitter = knobs.sound_jitter_s * late.standard_normal(len(scene.impacts))
    heard = tuple(
        impact.time_s + knobs.sound_offset_s + float(more)
        for impact, more in zip(scene.impacts, jitter, strict=True)
    )
    strikes = [
        Strike(time, impact.material, impact.speed, impact.x, impact.pitch)
        for impact, time in zip(scene.impacts, heard, strict=True)
    ]
    samples = mix_strikes(strikes, order.duration_s, seed=brief.seed)
    samples += ambience(scene.ambience, order.duration_s, seed=brief.seed)
    if order.prompt.spoken:
        # Whoever speaks over a given picture is heard, not seen.
        voice = Talk(order.prompt, brief.seed, knobs.style, order.duration_s)
        samples += voice.sound(knobs.sound_offset_s, order.duration_s)
    return exposures(scene, times), samples, Truth(scene=family, impacts=scene.impacts, heard_s=heard)


def _levelled(samples: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    """Peaks within the ceiling, then the system's own gain, clipped at full scale."""
    peak = float(np.abs(samples).max(initial=0.0))
    gain = min(1.0, _CEILING / max(peak, 1e-9)) * 10 ** (gain_db / 20)
    return np.asarray(np.clip(samples * np.float32(gain), -1.0, 1.0), np.float32)
