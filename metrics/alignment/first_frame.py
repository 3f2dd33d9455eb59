"""First frame: how faithfully an image-to-video clip begins with the picture it was given.

Structural similarity (Wang et al. 2004) of luma, -1..1, 1 for the same picture, higher is better; and the
root mean square difference of RGB levels, 0..255, lower is better. The given picture is cut to the clip's
shape about its middle, as generators do, and both are brought to 256 pixels on the shorter side, as the
authors of SSIM advise: finer detail than a viewer at a usual distance sees does not count. No weights.

Both compare place by place: a clip that begins a few pixels aside, or zooms in at once, scores low though it
looks alike; read `clip_first_frame` beside it where a model is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["FirstFrame", "asked_for", "centred", "root_mean_square", "structural_similarity"]

SHORTER = 256
SIGMA = 1.5
RADIUS = 5
"""Of the Gaussian window, 11 x 11."""
STABLE = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
"""Keep the quotients of flat places finite."""
LUMA = (0.299, 0.587, 0.114)
UNLIKE = 0.02
"""Shapes that differ by more than this part are said in the details."""


class FirstFrame(Metric):
    """Likeness of the first picture to the one asked for."""

    name: ClassVar[str] = "first_frame"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("first picture",)
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "prompt_adherence"
    source: ClassVar[str] = "SSIM (Wang et al. 2004)"
    uses_brief: ClassVar[bool] = True
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("ssim", "", "higher", "Structural similarity of luma with the picture asked for.", -1, 1),
        Quantity("rms", "levels", "lower", "Root mean square difference of RGB levels.", 0, 255),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Both, where the clip was given a first picture."""
        given = asked_for(clip)
        if isinstance(given, Unscorable):
            return {"ssim": given, "rms": given}
        first = clip.picture(0)
        height, width = first.shape[:2]
        cut = centred(given, width / height)
        scale = min(1.0, SHORTER / min(*first.shape[:2], *cut.shape[:2]))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shown, wanted = _resized(first, size), _resized(cut, size)
        if min(size) <= 2 * RADIUS:
            small = Unscorable(f"The picture has {width} x {height} pixels, too few to compare.")
            return {"ssim": small, "rms": small}
        shape = given.shape[1] / given.shape[0] / (width / height)
        details = {"cut": abs(shape - 1) > UNLIKE, "compared_at": f"{size[0]}x{size[1]}"}
        return {
            "ssim": Value(structural_similarity(shown @ np.array(LUMA), wanted @ np.array(LUMA)), details),
            "rms": Value(root_mean_square(shown, wanted), details),
        }


def asked_for(clip: AVClip) -> NDArray[np.uint8] | Unscorable:
    """The RGB picture the clip was to begin with, upright. Raises OSError where it cannot be read."""
    from PIL import Image, ImageOps

    if clip.brief.first_frame is None:
        return Unscorable("The clip was not asked to begin with a given picture.")
    with Image.open(clip.brief.first_frame) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"), np.uint8)


def centred(picture: NDArray[np.uint8], aspect: float) -> NDArray[np.uint8]:
    """The largest part of a picture (height, width, 3), about its middle, whose width is aspect * height."""
    height, width = picture.shape[:2]
    new_width = min(width, max(1, round(height * aspect)))
    new_height = min(height, max(1, round(width / aspect)))
    top, left = (height - new_height) // 2, (width - new_width) // 2
    return picture[top : top + new_height, left : left + new_width]


def structural_similarity(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean SSIM of two (height, width) pictures of levels 0..255, both at least 11 pixels in each way.

    Means, variances and covariance under a Gaussian window (sigma 1.5, 11 x 11); places whose window
    leaves the picture do not count.
    """
    from scipy.ndimage import gaussian_filter

    def around(values: NDArray[np.float64]) -> NDArray[np.float64]:
        smooth = np.asarray(gaussian_filter(values, SIGMA, radius=RADIUS))
        return smooth[RADIUS:-RADIUS, RADIUS:-RADIUS]

    mean_one, mean_other = around(one), around(other)
    variances = around(one * one) - mean_one**2 + around(other * other) - mean_other**2
    covariance = around(one * other) - mean_one * mean_other
    light = (2 * mean_one * mean_other + STABLE[0]) / (mean_one**2 + mean_other**2 + STABLE[0])
    structure = (2 * covariance + STABLE[1]) / (variances + STABLE[1])
    return float((light * structure).mean())


def root_mean_square(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Root mean square difference of two arrays of one shape."""
    return float(np.sqrt(((one - other) ** 2).mean()))


def _resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float64]:
    """(height, width, 3) levels of a picture brought to `size` (width, height)."""
    import cv2

    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float64)
