"""Two clips of one prompt side by side: pictures at the same times, each over its own sound."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalharness.media import read_frames, read_sound
from evalharness.regression.verdict import Comparison, Finding
from evalharness.regression.wording import change
from evalharness.tolerances import Part

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["WorstPrompt", "contact_sheet", "inline", "worst_prompts"]

PICTURES = 6
WIDTH = 160
"""Pixels of each picture; a sheet is six of them wide."""
SOUND = 36
"""Height of the strip that shows how loud it is."""
_GROUND, _LOUD = (24, 27, 32), (126, 166, 255)


@dataclass(frozen=True, slots=True)
class WorstPrompt:
    """A prompt on which a candidate lost most, and in what."""

    prompt: str
    said: tuple[str, ...]


def worst_prompts(found: Comparison, most: int = 3) -> tuple[WorstPrompt, ...]:
    """Prompts behind what was found worse, those of checks that decide first; none where nothing was."""
    worse = [c for c in found.checks if c.finding is Finding.WORSE and c.part is Part.METRICS and c.worst]
    worse.sort(key=lambda check: not check.decides)
    chosen: dict[str, list[str]] = {}
    for place in range(max((len(check.worst) for check in worse), default=0)):
        for check in worse:
            if place < len(check.worst) and (len(chosen) < most or check.worst[place].prompt in chosen):
                each = check.worst[place]
                sign = 1.0 if check.higher_is_worse else -1.0
                said = f"{check.name} {change(sign * each.worsening, check.unit)}"
                chosen.setdefault(each.prompt, []).append(said)
    return tuple(WorstPrompt(prompt, tuple(said)) for prompt, said in chosen.items())


def contact_sheet(baseline: Path, candidate: Path) -> Image:
    """Two rows, the baseline above. Time runs from the left edge to the right, the same in both.

    Raises MediaError where a clip cannot be read.
    """
    from PIL import Image

    rows = [_pictures(path) for path in (baseline, candidate)]
    duration_s = max(ends for _, ends in rows)
    height = max(picture.shape[0] for row, _ in rows for picture in (row[0][1],))
    sheet = Image.new("RGB", (PICTURES * WIDTH, 2 * (height + SOUND) + 4), _GROUND)
    for place, (path, (pictures, _)) in enumerate(zip((baseline, candidate), rows, strict=True)):
        top = place * (height + SOUND + 4)
        times = [start for start, _ in pictures]
        for column in range(PICTURES):
            wanted_s = duration_s * (column + 0.5) / PICTURES
            at = max(0, int(np.searchsorted(times, wanted_s, side="right")) - 1)
            sheet.paste(Image.fromarray(pictures[at][1]), (column * WIDTH, top))
        sheet.paste(Image.fromarray(_sound(path, duration_s)), (0, top + height))
    return sheet


def inline(sheet: Image) -> str:
    """The picture as a data address, for a page that fetches nothing."""
    held = io.BytesIO()
    sheet.save(held, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode("ascii")


def _pictures(path: Path) -> tuple[Sequence[tuple[float, NDArray[Any]]], float]:
    """(start in seconds, RGB picture `WIDTH` wide) of all of them, and when the last one ends."""
    found, end_s = [], 0.0
    for timed in read_frames(path):
        frame = timed.frame
        height = max(2, round(WIDTH * frame.height / frame.width / float(timed.pixel_aspect)))
        small = frame.reformat(width=WIDTH, height=height, format="rgb24")
        found.append((timed.start_s, np.asarray(small.to_ndarray(), np.uint8)))
        end_s = timed.end_s
    return found, end_s


def _sound(path: Path, duration_s: float) -> NDArray[np.uint8]:
    """How loud it is from 0 to `duration_s`, as a strip; empty where there is no sound."""
    width = PICTURES * WIDTH
    strip = np.empty((SOUND, width, 3), np.uint8)
    strip[:] = _GROUND
    sound = read_sound(path, channels=1)
    if sound is None:
        return strip
    loud = np.abs(sound.samples[0])
    times = sound.start_s + np.arange(len(loud)) / sound.rate_hz
    column = (times / duration_s * width).astype(np.int64)
    inside = (column >= 0) & (column < width)
    peak = np.zeros(width)
    np.maximum.at(peak, column[inside], loud[inside])
    reach = np.round(peak / max(float(peak.max()), 1e-6) * (SOUND // 2 - 1)).astype(int)
    distance = np.abs(np.arange(SOUND) - SOUND // 2)[:, None]
    strip[distance <= reach] = _LOUD
    return strip
