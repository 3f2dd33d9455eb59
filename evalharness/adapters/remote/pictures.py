"""Which pictures a vendor takes beside a prompt: checked before anything is sent."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass

from evalharness.adapters.remote.exchange import Ask
from evalharness.records import Task

__all__ = ["PictureLimits", "refuse_picture", "refuse_pictures"]

_URI = re.compile(r"data:image/[\w.+-]+;base64,(?P<data>.+)", re.DOTALL)

_SHAPE_TOLERANCE = 0.04
"""How far a picture may be from the asked shape: 1 % is rounding to even pixels, 25 % another format."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What one model takes."""

    least_px: int
    """Of the shorter side."""
    steepest: float
    """The longer side may be at most so many times the shorter one."""
    most_bytes: int
    most_px: int | None = None
    """Of the longer side, where one is documented."""
    formats: frozenset[str] = frozenset({"JPEG", "PNG", "WEBP", "BMP"})
    """In Pillow's words."""
    transparent: bool = True
    """Whether pictures with transparency are taken."""


def refuse_pictures(
    ask: Ask, first_frame: PictureLimits, references: PictureLimits | None = None
) -> str | None:
    """Why one of the pictures of this ask is not taken, as a sentence; None if all are.

    A clip that begins with a picture has its shape, which must then be the asked one: a clip of another shape
    could not be compared with the others. Reference pictures have any shape; their limits are those of a
    first frame unless given.
    """
    if ask.task is Task.IMAGE_TO_VIDEO:
        return refuse_picture(ask.first_frame or "", first_frame, ratio=ask.ratio)
    for number, uri in enumerate(ask.references, start=1):
        refusal = refuse_picture(uri, references or first_frame, name=f"Reference picture {number}")
        if refusal is not None:
            return refusal
    return None


def refuse_picture(
    uri: str, limits: PictureLimits, *, ratio: str | None = None, name: str = "The first frame"
) -> str | None:
    """Why this picture (a `data:` URI) is not taken, as a sentence; None if it is. With `ratio` its shape
    must be that of the clip.
    """
    match = _URI.fullmatch(uri)
    try:
        content = base64.b64decode(match["data"], validate=True) if match else b""
    except ValueError:  # not Base64, or no ASCII
        content = b""
    if not content:
        return f"{name} is no picture in a data URI (data:image/…;base64,…): give the path of a picture."
    if len(content) > limits.most_bytes:
        return (
            f"{name} has {len(content) / 1e6:.1f} MB; this model takes at most "
            f"{limits.most_bytes / 1e6:.0f} MB: save it smaller."
        )
    return _refuse_content(content, limits, ratio, name)


def _refuse_content(content: bytes, limits: PictureLimits, ratio: str | None, name: str) -> str | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as picture:
            found, (width, height) = picture.format, picture.size
            transparent = picture.has_transparency_data
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"{name} cannot be read as a picture ({error}): save it again as JPEG or PNG."
    if found not in limits.formats:
        allowed = ", ".join(sorted(limits.formats))
        return f"{name} is a {found}; this model takes {allowed}: save it as one of them."
    if transparent and not limits.transparent:
        return f"{name} has transparent parts, which this model does not take: save it without them."
    short, long = sorted((width, height))
    if short < limits.least_px:
        return (
            f"{name} has {width}x{height} pixels; this model takes sides of at least "
            f"{limits.least_px}: make it larger."
        )
    if limits.most_px is not None and long > limits.most_px:
        return (
            f"{name} has {width}x{height} pixels; this model takes sides of at most "
            f"{limits.most_px}: make it smaller."
        )
    if long > limits.steepest * short:
        return (
            f"{name} has {width}x{height} pixels; this model takes pictures whose longer side is at "
            f"most {limits.steepest:g} times the shorter one: crop it."
        )
    if ratio is not None and not _same_shape(width, height, ratio):
        return (
            f"{name} has {width}x{height} pixels, and this model makes clips in the shape of the "
            f"picture, not in {ratio}: crop it to {ratio}, or ask for its own ratio."
        )
    return None


def _same_shape(width: int, height: int, ratio: str) -> bool:
    across, down = (int(part) for part in ratio.split(":"))
    return abs(width * down / (height * across) - 1) <= _SHAPE_TOLERANCE
