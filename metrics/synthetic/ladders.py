"""The ladders of known damage that metrics are held against: data, not code.

A rung's level has a physical unit; levels reach from what nobody notices to what nobody misses.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from metrics.synthetic import coding, picture, sound
from metrics.synthetic.damage import Damage

__all__ = ["DAMAGES"]

_SHIFTS_S = (-0.4, -0.2, -0.12, -0.04, 0.04, 0.12, 0.2, 0.4)
_SHARES = (0.1, 0.25, 0.5, 0.75)

_ALL = (
    # Sound against picture.
    Damage("sound_shift", "s", "sound later by this", 0.0, _SHIFTS_S, sound.shifted),
    Damage("container_shift", "s", "sound stamped later by this in a file", 0.0, _SHIFTS_S, coding.displaced),
    Damage("sound_wander", "s", "delay wanders, standard deviation", 0.0, (0.02, 0.05, 0.1, 0.2),
           sound.wandering),
    Damage("swapped_sound", "", "another clip's sound", 0.0, (1.0,), None),
    # Sound alone.
    Damage("sound_noise", "dB SNR", "white noise", inf, (40.0, 30.0, 20.0, 10.0, 0.0), sound.noisy),
    Damage("music_under", "dB SNR", "music under it", inf, (40.0, 30.0, 20.0, 10.0, 0.0), sound.accompanied),
    Damage("gain", "dB", "louder by this", 0.0, (-24.0, -12.0, -6.0, 6.0, 12.0), sound.amplified),
    Damage("lead_in", "s", "digital silence before it", 0.0, (0.5, 1.0, 2.0, 4.0), sound.led_in),
    Damage("overdrive", "dB", "peak driven beyond full scale", 0.0, (1.0, 3.0, 6.0, 12.0, 20.0),
           sound.overdriven),
    Damage("band_limit", "Hz", "nothing above this", inf, (12_000.0, 8_000.0, 6_000.0, 4_000.0, 2_000.0),
           sound.band_limited),
    Damage("muted", "", "share of time silent", 0.0, _SHARES, sound.muted),
    # Picture.
    Damage("picture_noise", "levels", "grain, standard deviation of 255", 0.0, (2.0, 4.0, 8.0, 16.0, 32.0),
           picture.grainy),
    Damage("blur", "height", "Gaussian sigma as a share of height", 0.0, (0.002, 0.004, 0.008, 0.016, 0.032),
           picture.blurred),
    Damage("flicker", "", "standard deviation of log gamma", 0.0, (0.02, 0.05, 0.1, 0.2, 0.4),
           picture.flickering),
    Damage("mark", "opacity", "a word over every picture", 0.0, (0.1, 0.25, 0.5, 0.75, 1.0), picture.marked),
    Damage("codec", "CRF", "H.264, x264", 0.0, (18.0, 26.0, 34.0, 42.0, 50.0), coding.recoded),
    # Time of the picture.
    Damage("drops", "", "share of frames gone", 0.0, _SHARES, picture.dropped),
    Damage("duplicates", "", "share of frames repeated", 0.0, _SHARES, picture.duplicated),
    Damage("freeze", "s", "picture stands still", 0.0, (0.12, 0.3, 0.6, 1.2, 2.0), picture.frozen),
    Damage("blackout", "", "share of time black", 0.0, _SHARES, picture.blackened),
    # What only another clip, or another rendering, can give.
    Damage("lip_errors", "", "share of phonemes with another's lips", 0.0, (0.1, 0.25, 0.5, 1.0), None),
    Damage("recast", "", "last share of frames from another clip", 0.0, (0.1, 0.25, 0.5), None),
    Damage("swapped_prompt", "", "another clip's prompt", 0.0, (1.0,), None),
)  # fmt: skip

DAMAGES: Mapping[str, Damage] = {damage.name: damage for damage in _ALL}
"""By name."""
