"""Known damage to a clip's sound; but for `shifted`, the picture and its times stay as they are.

Every function is pure and repeatable to the byte: what is drawn by chance is drawn from a fixed seed, and
the same draw is scaled by the level, so that the rungs of a ladder differ in level alone. Each raises
ClipError where the clip has no sound.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip, ClipError
from metrics.synthetic.tune import tune

__all__ = [
    "accompanied",
    "amplified",
    "band_limited",
    "led_in",
    "muted",
    "noisy",
    "overdriven",
    "shifted",
    "swapped",
    "wandering",
]

Samples = NDArray[np.float32]

SEED = 20160613
WOW_S = 2.0
"""Period of the wander: slow enough that pitch moves with it, not timbre."""
FILTER_ORDER = 8
INSTANT_S = 1e-9
"""Times closer than this are the same: sums of floating-point numbers."""


def shifted(clip: AVClip, delay_s: float) -> AVClip:
    """The sound `delay_s` later against the picture (earlier where negative): tracks slipped, ends trimmed.

    What is seen and heard moves, while the stated start of the sound and by how much it outlasts the picture
    stay as they were, and no silence is put in: nothing but the content tells which way the shift went. A
    later sound costs the beginning of the picture and the end of the sound, an earlier one the reverse; the
    clip becomes shorter by the shift (by up to a frame more, where no frame begins at `delay_s`). Nothing is
    resampled: what the picture cannot give in whole frames is cut from the sound, to the nearest sample.
    Raises ClipError where the clip is not longer than the shift.
    """
    samples = _sound(clip)
    first = int(np.searchsorted(clip.frame_times_s, max(0.0, delay_s) - INSTANT_S))
    seen_s = float(clip.frame_times_s[first]) if first < len(clip.grey) else clip.duration_s
    lost_s = max(seen_s, -delay_s)
    heard = round((seen_s - delay_s) * clip.rate_hz)
    count = samples.shape[1] - round(lost_s * clip.rate_hz)
    if lost_s > clip.duration_s - INSTANT_S or count < 1:
        raise ClipError(f"The clip lasts {clip.duration_s:.2f} s: its sound cannot move by {delay_s:g} s.")
    times_s = clip.frame_times_s[first:] - seen_s
    shown = times_s < clip.duration_s - lost_s - INSTANT_S
    frames = slice(first, first + int(shown.sum()))
    return replace(
        clip,
        frame_times_s=times_s[shown],
        grey=clip.grey[frames],
        i420=None if clip.i420 is None else clip.i420[frames],
        last_frame_s=clip.duration_s - lost_s - float(times_s[shown][-1]),
        samples=samples[:, heard : heard + count],
    )


def led_in(clip: AVClip, silence_s: float) -> AVClip:
    """Digital silence put before the sound, to the nearest sample; the sound moves back and lasts longer."""
    samples = _sound(clip)
    return replace(clip, samples=np.pad(samples, ((0, 0), (round(silence_s * clip.rate_hz), 0))))


def wandering(clip: AVClip, deviation_s: float) -> AVClip:
    """Sound that runs now late, now early ("wow"): its delay is a sine of a 2 s period.

    `deviation_s` is the delay's standard deviation over whole periods, its mean is zero; below 0.225 s
    time never runs backwards. Cubic interpolation between samples.
    """
    from scipy.ndimage import map_coordinates

    samples = _sound(clip)
    time_s = np.arange(samples.shape[1]) / clip.rate_hz
    delay_s = np.sqrt(2) * deviation_s * np.sin(2 * np.pi * (time_s + clip.audio_start_s) / WOW_S)
    place = ((time_s - delay_s) * clip.rate_hz)[None]
    moved = [map_coordinates(channel, place, order=3, mode="constant") for channel in samples]
    return replace(clip, samples=np.asarray(moved, np.float32))


def swapped(clip: AVClip, other: AVClip) -> AVClip:
    """This clip's picture with the sound of another clip, which begins when it began there."""
    _sound(other)
    return replace(clip, samples=other.samples, rate_hz=other.rate_hz, audio_start_s=other.audio_start_s)


def noisy(clip: AVClip, snr_db: float) -> AVClip:
    """White noise added, independent in each channel, at this ratio of the sound's power to the noise's.

    The ratio is that of the whole track, and met exactly. Raises ClipError where the sound is silent.
    """
    samples = _sound(clip)
    noise = np.random.default_rng(SEED).standard_normal(samples.shape)
    return _with_beside(clip, noise, snr_db)


def accompanied(clip: AVClip, snr_db: float) -> AVClip:
    """Music under the sound, the same in each channel, at this ratio of the sound's power to the music's.

    The piece is `metrics.synthetic.tune` from its beginning. The ratio is that of the whole track, and met
    exactly. Raises ClipError where the sound is silent.
    """
    samples = _sound(clip)
    music = tune(samples.shape[1] / clip.rate_hz, clip.rate_hz).astype(np.float64)
    return _with_beside(clip, np.broadcast_to(music, samples.shape), snr_db)


def amplified(clip: AVClip, gain_db: float) -> AVClip:
    """Louder or, where negative, softer; peaks beyond full scale are kept, not clipped."""
    return replace(clip, samples=_sound(clip) * np.float32(10 ** (gain_db / 20)))


def overdriven(clip: AVClip, drive_db: float) -> AVClip:
    """The highest peak driven this far beyond full scale and all that exceeds it cut off flat.

    Raises ClipError where the sound is silent.
    """
    samples = _sound(clip)
    peak = float(np.abs(samples).max())
    if peak == 0:
        raise ClipError("The sound is digital silence: it cannot be driven into clipping.")
    driven = samples * np.float32(10 ** (drive_db / 20) / peak)
    return replace(clip, samples=np.clip(driven, -1.0, 1.0))


def band_limited(clip: AVClip, cutoff_hz: float) -> AVClip:
    """Nothing left above `cutoff_hz` (-6 dB there): Butterworth of order 8 run both ways, so without delay.

    A cut-off at or above half the sampling rate changes nothing.
    """
    from scipy.signal import butter, sosfiltfilt

    samples = _sound(clip)
    if cutoff_hz >= clip.rate_hz / 2:
        return clip
    sections = butter(FILTER_ORDER, cutoff_hz, fs=clip.rate_hz, output="sos")
    return replace(clip, samples=sosfiltfilt(sections, samples, axis=1).astype(np.float32))


def muted(clip: AVClip, share: float) -> AVClip:
    """Digital silence for this share of the clip's time, in one stretch in its middle."""
    samples = _sound(clip).copy()
    time_s = clip.audio_start_s + np.arange(samples.shape[1]) / clip.rate_hz
    samples[:, np.abs(time_s - clip.duration_s / 2) < share * clip.duration_s / 2] = 0
    return replace(clip, samples=samples)


def _with_beside(clip: AVClip, other: NDArray[np.float64], snr_db: float) -> AVClip:
    """`other`, (channels, m), added at this ratio of the sound's power to its own."""
    power = float(np.mean(clip.samples.astype(np.float64) ** 2))
    if power == 0:
        raise ClipError("The sound is digital silence: nothing has a ratio to it.")
    gain = np.sqrt(power / 10 ** (snr_db / 10) / np.mean(other**2))
    return replace(clip, samples=(clip.samples + gain * other).astype(np.float32))


def _sound(clip: AVClip) -> Samples:
    if not clip.has_audio:
        raise ClipError("The clip has no sound that could be damaged.")
    return clip.samples
