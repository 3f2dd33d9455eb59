"""What CLIP says of a clip: how near its pictures are to the prompt, to each other, to a given first frame.

All are cosines, -1..1, higher is better. With common models prompt and fitting picture reach 0.25..0.35, and
an unrelated one 0.1..0.2: compare within one model only. The first is CLIPSIM (Wu et al. 2021) after CLIP
(Radford et al. 2021), the second the temporal consistency of Esser et al. 2023, both on eight pictures
evenly spread over the clip's time. A still clip has the highest temporal consistency there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.alignment import openclip
from metrics.alignment.first_frame import asked_for, centred
from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["ClipAlignment", "ClipFirstFrame", "adjacent_cosine", "spread", "text_cosine"]

PICTURES = 8


class ClipAlignment(Metric):
    """How near a clip is to its prompt, and its pictures to each other, in CLIP's eyes."""

    name: ClassVar[str] = "clip_alignment"
    version: ClassVar[str] = "1"
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "prompt_adherence"
    source: ClassVar[str] = "CLIPSIM (Wu et al. 2021); temporal consistency (Esser et al. 2023)"
    needs: ClassVar[str] = "torch, open_clip_torch; a model brought by the user (EVALHARNESS_CLIP)"
    uses_brief: ClassVar[bool] = True
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("text", "", "higher", "Mean cosine of eight pictures with the prompt.", -1, 1),
        Quantity("temporal", "", "higher", "Mean cosine of neighbours among eight pictures.", -1, 1),
    )

    @classmethod
    def missing(cls) -> str | None:
        """open_clip, and a model."""
        return super().missing() or openclip.missing()

    @classmethod
    def weights(cls) -> str:
        """The model in use."""
        return openclip.said()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Both; there is no `text` without a prompt the model can read, no `temporal` of a single picture."""
        model = openclip.brought()
        chosen = spread(clip.frame_times_s, clip.duration_s)
        pictures = model.pictures([clip.picture(int(frame)) for frame in chosen])
        details = {"pictures": len(chosen)}
        text: Reading = Unscorable("No prompt is known for this clip.")
        if clip.brief.text and (clip.brief.language in ("", "en") or model.many_languages):
            text = Value(text_cosine(pictures, model.text(clip.brief.text)), details)
        elif clip.brief.text:
            text = Unscorable(f"The model reads English; the prompt's language is {clip.brief.language}.")
        temporal: Reading = Unscorable("The clip has a single picture.")
        if len(chosen) > 1:
            temporal = Value(adjacent_cosine(pictures), details)
        return {"text": text, "temporal": temporal}


class ClipFirstFrame(Metric):
    """How near the clip's first picture is to the one it was to begin with, in CLIP's eyes."""

    name: ClassVar[str] = "clip_first_frame"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("first picture",)
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "prompt_adherence"
    source: ClassVar[str] = "CLIP image similarity (Radford et al. 2021)"
    needs: ClassVar[str] = "torch, open_clip_torch; a model brought by the user (EVALHARNESS_CLIP)"
    uses_brief: ClassVar[bool] = True
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("cosine", "", "higher", "Cosine of the first picture with the one asked for.", -1, 1),
    )

    @classmethod
    def missing(cls) -> str | None:
        """open_clip, and a model."""
        return super().missing() or openclip.missing()

    @classmethod
    def weights(cls) -> str:
        """The model in use."""
        return openclip.said()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """The picture asked for is cut to the clip's shape, about its middle, as generators do."""
        given = asked_for(clip)
        if isinstance(given, Unscorable):
            return {"cosine": given}
        first = clip.picture(0)
        points = openclip.brought().pictures([first, centred(given, first.shape[1] / first.shape[0])])
        return {"cosine": Value(float(points[0] @ points[1]))}


def spread(frame_times_s: NDArray[np.float64], duration_s: float, count: int = PICTURES) -> NDArray[np.intp]:
    """Frames shown in the middle of `count` equal parts of the clip's time; rising, each once."""
    moments = (np.arange(count) + 0.5) * duration_s / count
    return np.unique(np.maximum(np.searchsorted(frame_times_s, moments, side="right") - 1, 0))


def text_cosine(pictures: NDArray[np.float64], text: NDArray[np.float64]) -> float:
    """Mean cosine of (n, d) pictures with a (d,) text, all of length 1."""
    return float((pictures @ text).mean())


def adjacent_cosine(pictures: NDArray[np.float64]) -> float:
    """Mean cosine of each of (n, d) pictures of length 1 with the next; n at least 2."""
    return float((pictures[1:] * pictures[:-1]).sum(axis=1).mean())
