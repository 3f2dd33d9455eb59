"""Two curves over time: how suddenly what moves in the picture is stopped, and how suddenly the sound rises.

Both are non-negative and stamped without delay: an impact at time t, seen or heard, lifts its curve
at t. Times in seconds.

- Sight: dense optical flow (Kroeger et al. 2016, DIS) as velocity; a blow shows as velocity *lost*: whatever
  stops or bounces no longer moves the way it came. (Any change of velocity would count the backswing, too.)
  A stop somewhere between two frames shares itself out on both in proportion, so that the curve's centre of
  mass is its time, finer than a frame. The median flow, that of the camera, is taken off first. Flow counts
  only where the picture changed by more than its grain does (change detection; Radke et al. 2005): grain that
  dances from frame to frame looks like things that stop everywhere, all the time.
- Sound: rise of energy in mel bands, compressed (spectral flux; Bello et al. 2005), in short windows, stamped
  at their middle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Curve", "impulse_curve", "onset_curve"]

Array = NDArray[np.float64]
Flow = NDArray[np.float32]
"""(height, width, 2): x and y."""

WINDOW_S = 0.010
HOP_S = 0.0025
BANDS = 24
FLOOR_DB = -60.0
"""Band energy this far below the clip's loudest counts as silence, so that hiss has no onsets."""

SILENT = 2.0**-15
"""A window that never exceeds this, the finest step of 16 bits, holds no recording, not even a quiet room."""
ROOM = 0.25
"""Share of the windows with sound that hold little but the room: the loudest of them is its level."""

SAME_FRAME = 0.35
SAME_PIXEL = 48
"""Mean, and largest, grey levels by which two frames may differ and still be one picture, coded twice."""
GRAIN_PX = 1.5
"""Sigma of the blur before flow is looked for, on pictures whose longer side has 320 pixels."""
FLOW_SIDE = 212
"""Pixels on the longer side of what flow is taken from: twice as fast as 320, and as right."""
QUIET = 0.25
"""Share of a picture's blocks that is taken to stand still: what they change by is grain."""
BLOCK = 16
"""Side of a block in pixels: large enough for a standard deviation, small enough to miss what moves."""
GRAINS = 3.0
"""By how many standard deviations of the grain a pixel must change to be one that moves."""
LEAST_CHANGE = 2.0
"""Grey levels below which a change is coding, not movement, in pictures without grain."""
LONGEST_JUDDER_S = 0.09
"""A picture held longer is not a repeated frame: things stand still."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Strength at moments; both of shape (n,), times increasing."""

    times_s: Array
    strength: Array
    grain: float = 0.0
    """Of the pictures it was made from: grey levels by which even what stands still changes."""


def impulse_curve(frame_times_s: Array, grey: NDArray[np.uint8]) -> Curve:
    """Velocity lost at each picture, its mean over the picture, in pictures' widths per second.

    frame_times_s: (n,); grey: (n, height, width). Repeated frames count as one picture held longer.
    Fewer than three distinct pictures have no change of velocity: the curve is empty.
    """
    kept = _pictures(frame_times_s, grey)
    times = frame_times_s[kept]
    if len(times) < 3:
        return Curve(np.zeros(0), np.zeros(0))
    flow = _flow()
    pictures = [_blurred(picture) for picture in grey[kept]]
    losses, changes, grains = [], [], []
    for index in range(1, len(times) - 1):
        before, here, after = pictures[index - 1 : index + 2]
        # Both flows start from this picture, so they follow the same things through it: what moves on
        # evenly cancels out, however fast it is.
        back, forth = flow(here, before), flow(here, after)
        camera_back, camera_forth = _camera(back), _camera(forth)
        arriving = (camera_back - back) / (times[index] - times[index - 1])
        leaving = (forth - camera_forth) / (times[index + 1] - times[index])
        losses.append(_lost(arriving, leaving).astype(np.float16))
        change = _change(here, before, camera_back)
        grains.append(_grain(change))
        changes.append(np.maximum(change, _change(here, after, camera_forth)))
    grain = float(np.median(grains))
    enough = max(GRAINS * grain, LEAST_CHANGE)
    width = pictures[0].shape[1]
    strength = [
        np.where(change > enough, loss, 0).mean(dtype=np.float64) / width
        for loss, change in zip(losses, changes, strict=True)
    ]
    return Curve(times[1:-1], np.array(strength), grain)


def onset_curve(samples: NDArray[np.float32], rate_hz: int, start_s: float) -> Curve:
    """Rise of compressed band energy every 2.5 ms, in mean natural-log units per step over all bands.

    samples: (m,) mono, the first of them sounds at `start_s`. Silence and clips shorter than two windows
    have no onsets: the curve is empty.
    """
    import librosa

    window, hop = round(WINDOW_S * rate_hz), round(HOP_S * rate_hz)
    if samples.size < 2 * window or not np.any(samples):
        return Curve(np.zeros(0), np.zeros(0))
    framed = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    power = np.abs(np.fft.rfft(framed * np.hanning(window).astype(np.float32), axis=1)) ** 2
    bank = librosa.filters.mel(sr=rate_hz, n_fft=window, n_mels=BANDS, fmin=60.0)
    bank = bank[bank.sum(axis=1) > 0]  # the lowest bands are narrower than this short window resolves
    energy = power @ bank.T
    energy = np.maximum(energy, _room(energy, np.abs(framed).max(axis=1) > SILENT, window // hop))
    level = np.log(np.maximum(energy, energy.max() * 10 ** (FLOOR_DB / 10)))
    rise = np.maximum(np.diff(level, axis=0), 0.0).mean(axis=1)
    # A Hann window hears what has just entered it faintly; it hears half of it by its middle.
    stamps = start_s + (np.arange(1, len(level)) * hop + window / 2) / rate_hz
    return Curve(stamps, rise.astype(np.float64))


def _room(energy: Array, sounds: NDArray[np.bool_], overlap: int) -> Array:
    """(n, bands): the room's energy in windows in or beside digital silence, 0 in all others.

    A recording that sets in after zeros, or that a gate opens, would begin like a blow. So it is taken that
    the room was there before: what sets in must rise above it to be an onset. energy: (n, bands); sounds:
    (n,) which windows hold any sound; overlap: how many neighbours share samples with a window.
    """
    if sounds.all() or not sounds.any():
        return np.zeros((1, 1))
    around = np.convolve(~sounds, np.ones(2 * overlap + 1))
    near = around[overlap : overlap + len(sounds)] > 0.5
    return np.asarray(near[:, None] * np.quantile(energy[sounds], ROOM, axis=0), np.float64)


def _pictures(times_s: Array, grey: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Indices of frames that show something new, or that show the same for longer than judder does."""
    kept = [0]
    for index in range(1, len(grey)):
        difference = np.abs(grey[index].astype(np.int16) - grey[kept[-1]])
        is_new = difference.mean() > SAME_FRAME or difference.max() > SAME_PIXEL
        if is_new or times_s[index] - times_s[kept[-1]] > LONGEST_JUDDER_S:
            kept.append(index)
    return np.array(kept)


def _blurred(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture blurred and made smaller, which takes off most of its grain."""
    import cv2

    height, width = picture.shape
    scale = min(1.0, FLOW_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    blurred = cv2.GaussianBlur(picture, (0, 0), GRAIN_PX)
    return np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_AREA), np.uint8)


def _camera(flow: Flow) -> NDArray[np.float32]:
    """(2,): the flow of most of the picture, in pixels."""
    return np.asarray(np.median(flow, axis=(0, 1)), np.float32)


def _change(
    here: NDArray[np.uint8], other: NDArray[np.uint8], camera: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """(height, width): grey levels between `here` and `other`, the latter moved as the camera was."""
    import cv2

    height, width = here.shape
    shift = np.array([[1.0, 0.0, camera[0]], [0.0, 1.0, camera[1]]], np.float32)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    held = cv2.warpAffine(other, shift, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.absdiff(here, held), np.uint8)


def _grain(change: NDArray[np.uint8]) -> float:
    """Root mean square of what even the quiet blocks of a picture change by, in grey levels."""
    import cv2

    height, width = change.shape
    blocks = max(1, width // BLOCK), max(1, height // BLOCK)
    power = cv2.resize(change.astype(np.float32) ** 2, blocks, interpolation=cv2.INTER_AREA)
    return float(np.sqrt(np.quantile(power, QUIET)))


def _lost(arriving: Flow, leaving: Flow) -> NDArray[np.float32]:
    """(height, width): how much slower each pixel moves on in the direction in which it came, at least 0."""
    speed = np.hypot(arriving[..., 0], arriving[..., 1])
    onward = (arriving * leaving).sum(axis=-1) / np.maximum(speed, 1e-6)
    return np.asarray(np.maximum(speed - onward, 0.0), np.float32)


def _flow() -> Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]:
    """A function of two grey pictures that gives the flow between them in pixels, (height, width, 2)."""
    import cv2

    algorithm = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    algorithm.setVariationalRefinementIterations(0)  # it smooths motion across the edges of what moves
    unguided: Any = None  # no flow to start from; cv2's types know no such thing
    return lambda first, second: np.asarray(algorithm.calc(first, second, unguided), np.float32)
