"""The boxes an MP4 is made of (ISO/IEC 14496-12), and the spare box at its end.

The last box of an exhibit is a `free` box, which every player skips. Whoever serves the file writes
fresh bytes into it for each showing, so that no two showings share a hash:

    served_bytes(path, key, start, stop)    a byte range of the file as one showing has it
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalharness.errors import MediaError

__all__ = ["Box", "free_box", "read_boxes", "served_bytes", "spare_region", "walk_boxes"]

CONTAINERS = frozenset({"moov", "trak", "mdia", "minf", "stbl", "edts", "dinf", "udta"})


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its kind, where it starts, how long it is with its header, and the header's length."""

    kind: str
    offset: int
    size: int
    header: int = 8

    @property
    def payload(self) -> slice:
        """Where its content lies."""
        return slice(self.offset + self.header, self.offset + self.size)


def read_boxes(data: bytes, start: int = 0, stop: int | None = None) -> list[Box]:
    """The boxes lying side by side in `data[start:stop]`. Raises MediaError where they do not add up."""
    stop = len(data) if stop is None else stop
    boxes: list[Box] = []
    while start < stop:
        size, kind = struct.unpack_from(">I4s", data, start) if stop - start >= 8 else (0, b"")
        header = 8
        if size == 1 and stop - start >= 16:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0 and kind:
            size = stop - start
        if size < header or start + size > stop:
            raise MediaError(
                f"The box at byte {start} claims {size} bytes where {stop - start} are left: "
                "this is not an MP4, or it was cut off."
            )
        boxes.append(Box(kind.decode("latin-1"), start, size, header))
        start += size
    return boxes


def walk_boxes(data: bytes) -> Iterator[tuple[str, Box]]:
    """All boxes with their paths, such as `moov/trak/mdia`, outermost first."""

    def inside(boxes: list[Box], parent: str) -> Iterator[tuple[str, Box]]:
        for box in boxes:
            path = f"{parent}{box.kind}"
            yield path, box
            if box.kind in CONTAINERS:
                yield from inside(read_boxes(data, box.payload.start, box.payload.stop), f"{path}/")

    return inside(read_boxes(data), "")


def free_box(payload: int) -> bytes:
    """A `free` box with so many zero bytes in it."""
    return struct.pack(">I4s", payload + 8, b"free") + bytes(payload)


def spare_region(path: Path) -> tuple[int, int]:
    """(offset, length) of the bytes in the `free` box that ends the file.

    Raises MediaError where the file does not end in one.
    """
    last = read_boxes(path.read_bytes())[-1]
    if last.kind != "free":
        raise MediaError(
            f"{path} ends in a '{last.kind}' box; an exhibit ends in a 'free' box. Make it again."
        )
    return last.payload.start, last.size - last.header


def served_bytes(
    path: Path, key: bytes, start: int, stop: int, spare: tuple[int, int] | None = None
) -> bytes:
    """Bytes [start, stop) of the file with the spare box filled from `key` (SHAKE-256).

    One key always gives the same bytes, so ranges of one showing fit together; another key gives other
    bytes of the same length. `spare` saves looking the region up again.
    """
    offset, length = spare_region(path) if spare is None else spare
    with path.open("rb") as file:
        file.seek(start)
        data = bytearray(file.read(max(0, stop - start)))
    first, last = max(start, offset), min(start + len(data), offset + length)
    if first < last:
        fresh = hashlib.shake_256(key).digest(length)
        data[first - start : last - start] = fresh[first - offset : last - offset]
    return bytes(data)
