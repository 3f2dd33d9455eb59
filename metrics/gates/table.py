"""The gates: what each quantity must do before it is believed. Data, not code.

A metric without a line here has no gate, and is shown so. Levels and bounds are in the unit of the ladder
and of the quantity; what is noticed or acceptable follows ITU-R BT.1359 (sound 45 ms early or 125 ms late).
"""

from __future__ import annotations

from metrics.gates.rules import Follows, Refuses, Steady, Truth, Worsens
from metrics.gates.trial import Gate

__all__ = ["GATES"]

_TALK, _IMPACT = ("talk",), ("impact",)

GATES: tuple[Gate, ...] = (
    # Impacts against their sound.
    Gate("event_sync.offset_s", "", Truth(-0.045, 0.045), _IMPACT),
    Gate("event_sync.offset_s", "sound_shift", Follows(within=0.02), _IMPACT),
    Gate("event_sync.offset_s", "swapped_sound", Refuses(), _IMPACT),
    Gate("event_sync.offset_s", "gain", Steady(0.005), _IMPACT),
    Gate("event_sync.offset_s", "picture_noise", Steady(0.02), _IMPACT),
    # Levels.
    Gate("loudness.integrated_lufs", "gain", Follows(within=0.1)),
    Gate("loudness.integrated_lufs", "sound_shift", Steady(0.1)),
    Gate("loudness.true_peak_db", "gain", Follows(within=0.1)),
    Gate("silence.share", "muted", Worsens(rises=True, told_by=0.25)),
    Gate("silence.longest_s", "muted", Worsens(rises=True, told_by=0.25)),
    Gate("clipping.share", "", Truth(0.0, 0.0001)),
    Gate("clipping.share", "overdrive", Worsens(rises=True, told_by=3.0)),
    Gate("clipping.share", "gain", Steady(0.0001)),
    # Stillness.
    Gate("freeze.share", "", Truth(0.0, 0.0), _TALK),
    Gate("freeze.longest_s", "freeze", Worsens(rises=True, told_by=0.6), _TALK),
    Gate("freeze.share", "picture_noise", Steady(0.02), _TALK),
    Gate("black.share", "", Truth(0.0, 0.0)),
    Gate("black.share", "blackout", Follows(within=0.03)),
    Gate("black.share", "picture_noise", Steady(0.0)),
)
