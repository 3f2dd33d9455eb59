"""The gates: what each quantity must do before it is believed. Data, not code.

A metric without a line here has no gate, and is shown so. Levels and bounds are in the unit of the ladder
and of the quantity; what is noticed or acceptable follows ITU-R BT.1359 (sound 45 ms early or 125 ms late).
At every level four clips of five must get a value; `may_refuse_from` is stated where refusing is right.
"""

from __future__ import annotations

from metrics.gates.rules import Follows, Refuses, Steady, Truth, Worsens
from metrics.gates.trial import Gate

__all__ = ["GATES"]

_TALK, _IMPACT, _STILL = ("talk",), ("impact",), ("still",)

_FALLS_AT_ONCE, _RISES_AT_ONCE = (Worsens(rises=rises, told_by=1.0) for rises in (False, True))
"""For damage of a single level: nearly every clip must read worse with it."""
_FALLS_OR_REFUSES = Worsens(rises=False, told_by=1.0, may_refuse_from=1.0)
"""The same where another clip's words are not said in the sound, or name nothing that the metric knows."""
_FALLS_FOR_WRONG_LIPS = Worsens(rises=False, told_by=0.5, may_refuse_from=0.5)
"""With half of the lips wrong there may be no lag to be found."""
_FALLS_FOR_WANDER = Worsens(rises=False, told_by=0.1, may_refuse_from=0.05)
"""A delay that strays by more than the 45 ms of BT.1359 is not one lag."""
_TOLD_BY_A_TENTH = Worsens(rises=True, told_by=0.1)
_RISES_BY_0_DB = Worsens(rises=True, told_by=0.0, ordered=0.6)
"""Recognition holds out long against noise, then breaks down: most steps of the ladder change nothing."""

GATES: tuple[Gate, ...] = (
    # Tracks against each other, as a file lays them out. A clip in memory is held against what was a file, so
    # that a constant error of the decoder fails too.
    Gate("container.start_s", "container_shift", Follows(within=0.0005)),
    Gate("container.end_s", "container_shift", Follows(within=0.0005)),
    # Lips against the voice. The zero of lip_sync was fitted on such renders: that it reads 0 on them is
    # circular; only that it reads something else could say anything.
    Gate("lip_sync.offset_s", "", Truth(-0.045, 0.045, circular=True), _TALK),
    Gate("lip_sync.offset_s", "sound_shift", Follows(within=0.04), _TALK),
    Gate("lip_sync.offset_s", "container_shift", Follows(within=0.04), _TALK),
    Gate("lip_sync.offset_s", "swapped_sound", Refuses(), _TALK),
    Gate("lip_sync.offset_s", "sound_noise", Steady(0.04), _TALK),
    Gate("lip_sync.offset_s", "picture_noise", Steady(0.04), _TALK),
    Gate("lip_sync.confidence", "lip_errors", _FALLS_FOR_WRONG_LIPS, _TALK),
    Gate("lip_sync.confidence", "sound_wander", _FALLS_FOR_WANDER, _TALK),
    Gate("syncnet.offset_s", "", Truth(-0.045, 0.045), _TALK),
    Gate("syncnet.offset_s", "sound_shift", Follows(within=0.04), _TALK),
    Gate("syncnet.offset_s", "container_shift", Follows(within=0.04), _TALK),
    Gate("syncnet.lse_c", "swapped_sound", _FALLS_AT_ONCE, _TALK),
    Gate("syncnet.lse_d", "swapped_sound", _RISES_AT_ONCE, _TALK),
    Gate("lip_accuracy.closure", "", Truth(0.75, 1.0), _TALK),
    Gate("lip_accuracy.closure", "lip_errors", Worsens(rises=False, told_by=0.5), _TALK),
    Gate("lip_accuracy.closure_gain", "swapped_sound", _FALLS_OR_REFUSES, _TALK),
    Gate("lip_accuracy.contrast", "lip_errors", Worsens(rises=False, told_by=0.5), _TALK),
    Gate("lip_accuracy.agreement", "lip_errors", Worsens(rises=False, told_by=0.25), _TALK),
    Gate("lip_accuracy.agreement", "swapped_sound", _FALLS_OR_REFUSES, _TALK),
    # Impacts against their sound.
    Gate("event_sync.offset_s", "", Truth(-0.045, 0.045), _IMPACT),
    Gate("event_sync.offset_s", "sound_shift", Follows(within=0.02), _IMPACT),
    Gate("event_sync.offset_s", "container_shift", Follows(within=0.02), _IMPACT),
    Gate("event_sync.offset_s", "swapped_sound", Refuses(), _IMPACT),
    Gate("event_sync.offset_s", "gain", Steady(0.005), _IMPACT),
    # Grain of 16 levels changes pixels more than most movement does.
    Gate("event_sync.offset_s", "picture_noise", Steady(0.02, may_refuse_from=16.0), _IMPACT),
    Gate("av_align.iou", "swapped_sound", _FALLS_AT_ONCE, _IMPACT),
    # Faces and what stays the same.
    Gate("faces.count", "", Truth(1.0, 1.0), _TALK),
    Gate("faces.count", "", Truth(0.0, 0.0), _IMPACT),
    Gate("faces.share", "", Truth(0.95, 1.0), _TALK),
    Gate("faces.share", "blackout", Worsens(rises=False, told_by=0.25), _TALK),
    Gate("faces.share", "picture_noise", Steady(0.1), _TALK),
    Gate("faces.width_px", "picture_noise", Steady(10.0), _TALK),
    Gate("identity.drift_max", "", Truth(0.0, 0.4), _TALK),
    Gate("identity.drift_max", "recast", _TOLD_BY_A_TENTH, _TALK),
    Gate("identity.drift_mean", "recast", _TOLD_BY_A_TENTH, _TALK),
    Gate("consistency.first", "recast", Worsens(rises=False, told_by=0.1), _TALK),
    # What was asked for.
    Gate("first_frame.ssim", "swapped_prompt", _FALLS_AT_ONCE, _STILL),
    Gate("first_frame.rms", "swapped_prompt", _RISES_AT_ONCE, _STILL),
    Gate("clip_first_frame.cosine", "swapped_prompt", _FALLS_AT_ONCE, _STILL),
    Gate("prompt_objects.cosine", "swapped_prompt", _FALLS_OR_REFUSES, _STILL),
    Gate("clip_alignment.text", "swapped_prompt", _FALLS_AT_ONCE),
    Gate("text.unasked_share", "", Truth(0.0, 0.0), _STILL),
    Gate("text.unasked_share", "mark", Worsens(rises=True, told_by=0.5), _STILL),
    Gate("text.standing_share", "mark", Worsens(rises=True, told_by=0.5), _STILL),
    Gate("watermark.share", "", Truth(0.0, 0.001)),
    Gate("watermark.share", "mark", Worsens(rises=True, told_by=0.5)),
    # What is said, and how well it sounds.
    Gate("speech_accuracy.error_rate", "sound_noise", _RISES_BY_0_DB, _TALK),
    Gate("speech_accuracy.error_rate", "swapped_sound", _RISES_AT_ONCE, _TALK),
    Gate("speech_accuracy.error_rate", "swapped_prompt", _RISES_AT_ONCE, _TALK),
    Gate("speech_accuracy.language_match", "swapped_prompt", _FALLS_AT_ONCE, _TALK),
    Gate("speech_quality.overall", "sound_noise", Worsens(rises=False, told_by=20.0), _TALK),
    Gate("speech_quality.overall", "overdrive", Worsens(rises=False, told_by=12.0), _TALK),
    Gate("speech_quality.background", "sound_noise", Worsens(rises=False, told_by=20.0), _TALK),
    Gate("speech_quality.p808", "sound_noise", Worsens(rises=False, told_by=20.0), _TALK),
    Gate("speech_quality.p808", "overdrive", Worsens(rises=False, told_by=12.0), _TALK),
    Gate("audio_content.speech_share", "", Truth(0.5, 1.0), _TALK),
    Gate("audio_content.speech_share", "", Truth(0.0, 0.1), _IMPACT),
    Gate("audio_content.speech_share", "muted", Worsens(rises=False, told_by=0.25), _TALK),
    # Nothing that speaks or strikes is music, however loud or noisy; a piece under it is.
    Gate("music.share", "", Truth(0.0, 0.1), _TALK),
    Gate("music.share", "", Truth(0.0, 0.1), _IMPACT),
    Gate("music.share", "music_under", Worsens(rises=True, told_by=10.0)),
    Gate("music.share", "sound_noise", Steady(0.1), _TALK),
    Gate("music.share", "gain", Steady(0.02)),
    # Levels.
    Gate("loudness.integrated_lufs", "gain", Follows(within=0.1)),
    # R 128 gates silence out. 0.2 LU is what three of its blocks, part silence, may take from a clip of 4 s;
    # a mean over all would lose 0.5 LU at the first level. From shorter clips they take more.
    Gate("loudness.integrated_lufs", "lead_in", Steady(0.2)),
    Gate("loudness.true_peak_db", "gain", Follows(within=0.1)),
    Gate("silence.share", "muted", Worsens(rises=True, told_by=0.25)),
    Gate("silence.longest_s", "muted", Worsens(rises=True, told_by=0.25)),
    Gate("bandwidth.cutoff_hz", "band_limit", Worsens(rises=False, told_by=6_000.0)),
    Gate("bandwidth.cutoff_hz", "gain", Steady(100.0)),
    Gate("clipping.share", "", Truth(0.0, 0.0001)),
    Gate("clipping.share", "overdrive", Worsens(rises=True, told_by=3.0)),
    Gate("clipping.share", "gain", Steady(0.0001)),
    # Stillness and repeats.
    Gate("freeze.share", "", Truth(0.0, 0.0), _TALK),
    Gate("freeze.longest_s", "freeze", Worsens(rises=True, told_by=0.6), _TALK),
    Gate("freeze.share", "picture_noise", Steady(0.02), _TALK),
    Gate("black.share", "", Truth(0.0, 0.0)),
    Gate("black.share", "blackout", Follows(within=0.03)),
    Gate("black.share", "picture_noise", Steady(0.0), _IMPACT),
    Gate("judder.share", "", Truth(0.0, 0.02)),
    Gate("judder.share", "duplicates", Worsens(rises=True, told_by=0.1), _TALK),
    Gate("judder.shown_fps", "duplicates", Worsens(rises=False, told_by=0.1), _TALK),
    Gate("judder.shown_fps", "drops", Worsens(rises=False, told_by=0.1), _TALK),
    # Brightness, movement and noise of the picture.
    Gate("flicker.published", "flicker", Worsens(rises=False, told_by=0.05), _IMPACT),
    Gate("flicker.pumping_levels", "flicker", Worsens(rises=True, told_by=0.05), _IMPACT),
    Gate("flicker.still_levels", "picture_noise", Worsens(rises=True, told_by=4.0), _IMPACT),
    Gate("sharpness.blur", "blur", Worsens(rises=True, told_by=0.004)),
    Gate("motion.smoothness", "duplicates", Worsens(rises=False, told_by=0.25), _IMPACT),
    Gate("motion.smoothness", "picture_noise", Worsens(rises=False, told_by=8.0), _IMPACT),
    Gate("motion.dynamic_px", "freeze", Worsens(rises=False, told_by=1.2), _IMPACT),
    Gate("motion.warp_levels", "picture_noise", Worsens(rises=True, told_by=4.0), _IMPACT),
    Gate("motion.warp_levels", "flicker", Worsens(rises=True, told_by=0.05), _IMPACT),
)
