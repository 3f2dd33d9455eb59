"""Which pictures a vendor takes as the first frame of a clip: checked before anything is sent."""

from __future__ import annotations

import base64
import binascii
import io
import re
from dataclasses import dataclass

__all__ = ["FrameLimits", "refuse_frame"]

_URI = re.compile(r"data:image/[\w.+-]+;base64,(?P<data>.+)", re.DOTALL)

_SHAPE_TOLERANCE = 0.04
"""How far a picture may be from the asked shape: 1 % is rounding to even pixels, 25 % another format."""


@dataclass(frozen=True, slots=True)
class FrameLimits:
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


def refuse_frame(uri: str, limits: FrameLimits, *, ratio: str | None = None) -> str | None:
    """Why this picture (a `data:` URI) cannot be the first frame, as a sentence; None if it can.

    With `ratio`, the clip will have the picture's own shape, which must then be the asked one: a clip of
    another shape could not be compared with the others.
    """
    match = _URI.fullmatch(uri)
    try:
        content = base64.b64decode(match["data"], validate=True) if match else b""
    except binascii.Error:
        content = b""
    if not content:
        return (
            "The first frame is no picture in a data URI (data:image/…;base64,…): give the path of a picture."
        )
    if len(content) > limits.most_bytes:
        return (
            f"The first frame has {len(content) / 1e6:.1f} MB; this model takes at most "
            f"{limits.most_bytes / 1e6:.0f} MB: save it smaller."
        )
    return _refuse_picture(content, limits, ratio)


def _refuse_picture(content: bytes, limits: FrameLimits, ratio: str | None) -> str | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as picture:
            found, (width, height) = picture.format, picture.size
            transparent = picture.has_transparency_data
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"The first frame cannot be read as a picture ({error}): save it again as JPEG or PNG."
    if found not in limits.formats:
        allowed = ", ".join(sorted(limits.formats))
        return f"The first frame is a {found}; this model takes {allowed}: save it as one of them."
    if transparent and not limits.transparent:
        return "The first frame has transparent parts, which this model does not take: save it without them."
    short, long = sorted((width, height))
    if short < limits.least_px:
        return (
            f"The first frame has {width}x{height} pixels; this model takes sides of at least "
            f"{limits.least_px}: make it larger."
        )
    if limits.most_px is not None and long > limits.most_px:
        return (
            f"The first frame has {width}x{height} pixels; this model takes sides of at most "
            f"{limits.most_px}: make it smaller."
        )
    if long > limits.steepest * short:
        return (
            f"The first frame has {width}x{height} pixels; this model takes pictures whose longer side is at "
            f"most {limits.steepest:g} times the shorter one: crop it."
        )
    if ratio is not None and not _same_shape(width, height, ratio):
        return (
            f"The first frame has {width}x{height} pixels, and this model makes clips in the shape of the "
            f"picture, not in {ratio}: crop it to {ratio}, or ask for its own ratio."
        )
    return None


def _same_shape(width: int, height: int, ratio: str) -> bool:
    across, down = (int(part) for part in ratio.split(":"))
    return abs(width * down / (height * across) - 1) <= _SHAPE_TOLERANCE
