"""Lip sync of a clip: the lag between the face that speaks and what it says, see `metrics.lips.lag`.

Two zeros, 63 ms apart: `offset_s` is 0 where renders of known timing are in sync, `syncnet_offset_s` where
SyncNet reads 0. Compare with SyncNet's offsets by the latter alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.faces.mesh import roll_of
from metrics.faces.speaking import Choice, choose
from metrics.faces.speaking import missing as speaker_missing
from metrics.faces.tracks import Track, faces
from metrics.lips.lag import SEARCH_S, LagReading, lag
from metrics.lips.towers import SHA256
from metrics.speech.track import RATE_HZ, speech
from metrics.sync.tolerance import details as verdict_details

__all__ = ["LipSync", "agreement", "lag_of_track"]

LEAD = 0.8
"""By how much more evidence per second the speaker's lips must fit than another moving mouth's."""
MOST_ROLLED_DEG = 65.0
"""From here on the nets that find faces lose heads that lie on their side, or see them upside down."""
UNRELATED = -4.1
"""What lips bring that have nothing to do with the sound."""


class LipSync(Metric):
    """How late speech is heard after the lips move, of the face that speaks."""

    name: ClassVar[str] = "lip_sync"
    version: ClassVar[str] = "4"
    of_clip: ClassVar[tuple[str, ...]] = ("speech", "face")
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "offset_s",
            "s",
            "zero",
            f"How late speech is heard after the lips move; positive: sound late; within ±{SEARCH_S:g} s.",
            -SEARCH_S,
            SEARCH_S,
        ),
        Quantity(
            "syncnet_offset_s",
            "s",
            "none",
            "The same on SyncNet's zero, to compare with SyncNet's offsets (whose sign is the other one).",
        ),
        Quantity(
            "confidence",
            "nats/s",
            "higher",
            "How much better the best offset fits than the mean of all, per second of seen lips.",
            0.0,
        ),
    )
    question: ClassVar[str] = "av_sync"
    source: ClassVar[str] = "ours, after Chung & Zisserman 2016; verdict: ITU-R BT.1359"
    needs: ClassVar[str] = "metrics"

    @classmethod
    def missing(cls) -> str | None:
        """What finding faces and speech needs; the lag itself needs NumPy and SciPy alone."""
        return speaker_missing()

    @classmethod
    def weights(cls) -> str:
        """The shipped towers."""
        return f"lag.npz {SHA256[:12]}"

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Offset on both zeros, and confidence; interval, verdict and who speaks in the details."""
        choice = clip.once(_who_speaks)
        if choice.chosen is None:
            nobody = Unscorable(choice.why)
            return self._all(nobody)
        found = lag_of_track(clip, clip.once(faces).tracks[choice.chosen])
        if isinstance(found, Unscorable):
            return self._all(found)
        details = {
            "interval_s": [round(edge, 4) for edge in found.interval_s],
            **verdict_details(found.interval_s),
            "agreement": round(found.agreement, 2),
            "speaker": choice.chosen,
            "why": choice.why,
        }
        return {
            "offset_s": Value(round(found.lag_s, 4), details),
            "syncnet_offset_s": Value(round(found.syncnet_lag_s, 4), details),
            "confidence": Value(round(found.confidence, 4), details),
        }

    def _all(self, reason: Unscorable) -> Mapping[str, Reading]:
        return {quantity.name: reason for quantity in self.quantities}


def lag_of_track(clip: AVClip, track: Track) -> LagReading | Unscorable:
    """The lag between one face of a clip and its sound; unscorable also where the head lies on its side."""
    roll_deg = float(np.degrees(np.median(np.abs(roll_of(track.mesh)))))
    if roll_deg > MOST_ROLLED_DEG:
        return Unscorable(
            f"The head lies on its side (roll {roll_deg:.0f}°): lips are read up to {MOST_ROLLED_DEG:.0f}°. "
            "Turn the pictures upright first."
        )
    heard = clip.once(speech)
    return lag(track.mesh, track.times_s, heard.samples, RATE_HZ, heard.start_s)


def agreement(clip: AVClip, track: Track) -> float:
    """How well a face goes with the sound, evidence per second at its best lag; for `choose`."""
    found = lag_of_track(clip, track)
    if isinstance(found, LagReading):
        return found.agreement
    return float(found.details.get("agreement", UNRELATED))


def _who_speaks(clip: AVClip) -> Choice:
    return choose(clip, agreement, LEAD)
