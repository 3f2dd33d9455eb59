"""Make coded units longer without changing what they show or sound like.

Both standards provide for it: H.264 has filler data NAL units (ITU-T H.264, 7.3.2.7), AAC has fill
elements (ISO/IEC 14496-3, 4.4.2.7). Constant-bit-rate encoders use both, and decoders skip them.
Filling every unit of several clips to common sizes makes their files alike in all but the units' bytes.
"""

from __future__ import annotations

from evalharness.media.coding import START_CODE, split_units

__all__ = ["PICTURE_MARGIN", "SOUND_MARGIN", "fill_picture", "fill_sound", "picture_bytes"]

FILLER_NAL = b"\x0c"
STOP_BIT = b"\x80"
PICTURE_MARGIN = 6
"""The smallest filler: four bytes of length, one of type, one of stop bit."""
SOUND_MARGIN = 1
"""An AAC frame can be brought to any size from one byte above its own."""
FILL, END = 0b110, 0b111
LONGEST_FILL = 269


def picture_bytes(unit: bytes) -> int:
    """Size of an Annex B access unit once in an MP4, where each NAL unit has four bytes of length."""
    return sum(4 + len(nal) for nal in split_units(unit))


def fill_picture(unit: bytes, size: int) -> bytes:
    """An access unit that takes `size` bytes in an MP4, at least PICTURE_MARGIN more than it did."""
    missing = size - picture_bytes(unit) - PICTURE_MARGIN
    if missing < 0:
        raise ValueError(f"an access unit of {picture_bytes(unit)} bytes cannot be filled to {size}")
    return unit + START_CODE + FILLER_NAL + b"\xff" * missing + STOP_BIT


def fill_sound(unit: bytes, size: int) -> bytes:
    """An AAC frame of exactly `size` bytes, at least SOUND_MARGIN more than it had.

    The frame ends in its END element and zeros up to the byte: that END is taken off, fill elements
    come in its place, and END closes the frame again.
    """
    if size < len(unit) + SOUND_MARGIN:
        raise ValueError(f"an AAC frame of {len(unit)} bytes cannot be filled to {size}")
    bits = int.from_bytes(unit, "big")
    alignment = (bits & -bits).bit_length() - 1
    bits >>= alignment
    if bits & 7 != END:
        raise ValueError("these bytes are not an AAC frame: they do not close with an END element")
    bits >>= 3
    space = 8 * (size - len(unit)) + alignment
    while space >= 7:
        if space >= 15 + 8 * 15:
            count = min(LONGEST_FILL, (space - 15) // 8)
            bits = (((bits << 3 | FILL) << 4 | 15) << 8 | count - 14) << 8 * count
            space -= 15 + 8 * count
        else:
            count = min(14, (space - 7) // 8)
            bits = ((bits << 3 | FILL) << 4 | count) << 8 * count
            space -= 7 + 8 * count
    return ((bits << 3 | END) << space).to_bytes(size, "big")
