"""Words on screen: those that were asked for, those that were not, and those that never move.

- Asked: how well the texts quoted in the prompt (a sign that reads "OPEN") can be read, 0..1, higher is
  better: for each, 1 - character error rate of its best match among all that was read, not below 0; the mean
  over texts. Unscorable where the prompt quotes nothing. The line to be spoken is no lettering.
- Unasked: share of the sampled pictures, 0..1, in which words stand that the prompt does not quote; lower is
  better. Read against prompts that show shops or streets with care: their words are not always quoted.
- Standing: share of the samples in which the steadiest unasked text stands in one place, 0..1; lower is
  better: captions and watermarks, with their box (and, over a scene at rest, any lettering in it).

Read by PP-OCRv4 (after Du et al. 2020) through rapidocr-onnxruntime, its Chinese and English nets; kana,
hangul and accents are read poorly or not at all. Six pictures a clip, 960 pixels on the longer side: clean
capitals are read from about a ninetieth of the picture's height on (6 of 540 pixels). Only reads that the
net is 80 % sure of count as words nobody asked for, and only those with two letters or one Chinese character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Read", "Text", "legibility", "quoted", "reads", "standing"]

SAMPLES = 6
SIDE = 960
SURE = 0.8
QUOTES = ("“”", "„“", "«»", "»«", "‹›", "「」", "『』", "《》", '""', "＂＂")
"""Opening and closing marks. Single quotes are left out: they are apostrophes too."""
SPOKEN = 0.9
"""Legibility from which on a quotation is the line to be spoken, and no lettering."""
LEAST_OVERLAP = 0.5
"""Overlap of boxes (intersection over union) from which on two texts stand in one place."""
FIRST_CJK = "\u2e80"
SAME_TEXT = 0.6
"""Legibility of one text in another from which on they are one, read twice."""


@dataclass(frozen=True, slots=True)
class Read:
    """One line of text as it was read."""

    text: str
    sure: float
    """The net's own confidence, 0..1."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of width and height."""


class Text(Metric):
    """Whether the words on screen are those that were asked for."""

    name: ClassVar[str] = "text"
    version: ClassVar[str] = "1"
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "prompt_adherence"
    source: ClassVar[str] = "PP-OCRv4 (after Du et al. 2020); scoring: ours"
    needs: ClassVar[str] = "rapidocr-onnxruntime"
    uses_brief: ClassVar[bool] = True
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("asked", "", "higher", "How well the texts quoted in the prompt can be read.", 0, 1),
        Quantity("unasked_share", "", "lower", "Share of pictures with words that were not asked for.", 0, 1),
        Quantity(
            "standing_share",
            "",
            "lower",
            "Share of pictures in which one unasked text keeps its place.",
            0,
            1,
        ),
    )

    @classmethod
    def missing(cls) -> str | None:
        """The reader; installed without what it asks for, which would bring a second OpenCV."""
        if find_spec("rapidocr_onnxruntime") is None:
            return (
                "Reading words needs OCR: pip install onnxruntime pyclipper shapely six pyyaml pillow tqdm, "
                "then pip install --no-deps rapidocr-onnxruntime (it would bring a second OpenCV)."
            )
        return super().missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """All three from the same samples."""
        count = len(clip.frame_times_s)
        chosen = np.unique(np.linspace(0, count - 1, SAMPLES + 2).round().astype(int)[1:-1])
        samples = [reads(clip.picture(int(index), SIDE)) for index in chosen]
        spoken = clip.brief.spoken or ""
        wanted = [each for each in quoted(clip.brief.text) if legibility(each, spoken) < SPOKEN]
        unasked = [
            [read for read in sample if _is_word(read) and not _among(read.text, wanted)]
            for sample in samples
        ]
        words = sorted({read.text for sample in unasked for read in sample})
        steadiest, times = standing(unasked)
        return {
            "asked": _asked(wanted, samples),
            "unasked_share": Value(
                sum(bool(sample) for sample in unasked) / len(samples),
                {"samples": len(samples), "words": words},
            ),
            "standing_share": Value(
                times / len(samples),
                {"text": steadiest.text, "box": list(steadiest.box)} if steadiest else {},
            )
            if len(samples) > 1
            else Unscorable("What stands still shows in two pictures; the clip has fewer."),
        }


def quoted(prompt: str) -> list[str]:
    """The texts in quotation marks of a prompt, as written in any of the seven languages, in their order."""
    pattern = "|".join(
        f"{re.escape(mark[0])}([^{re.escape(mark)}\n]*){re.escape(mark[1])}" for mark in QUOTES
    )
    found = ("".join(match.groups(default="")) for match in re.finditer(pattern, prompt))
    return [text.strip() for text in found if _plain(text)]


def legibility(wanted: str, seen: str) -> float:
    """1 - character error rate of `wanted` against the part of `seen` that fits it best, 0..1.

    Case, width, spaces and punctuation do not count. Edits that turn a part of `seen` into `wanted` (Sellers
    1980) over its length.
    """
    target, source = _plain(wanted), _plain(seen)
    if not target:
        raise ValueError("A text to be found needs a letter or digit; this one has none.")
    before = [0] * (len(source) + 1)
    for row, letter in enumerate(target, start=1):
        costs = [row]
        for column, other in enumerate(source, start=1):
            costs.append(min(before[column - 1] + (letter != other), before[column] + 1, costs[-1] + 1))
        before = costs
    return max(0.0, 1 - min(before) / len(target))


def reads(picture: NDArray[np.uint8]) -> list[Read]:
    """Every line that is read in an RGB picture, from top to bottom."""
    height, width = picture.shape[:2]
    found, _ = _reader()(np.ascontiguousarray(picture[..., ::-1]), use_cls=False)
    lines = []
    for corners, text, sure in found or []:
        across, down = np.array(corners, np.float64).T / np.array([[width], [height]])
        box = (_share(across.min()), _share(down.min()), _share(across.max()), _share(down.max()))
        lines.append(Read(str(text), float(sure), box))
    return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def standing(samples: Sequence[Sequence[Read]]) -> tuple[Read | None, int]:
    """The text that keeps its place in most samples, and in how many; (None, 0) where none does in two."""
    best: tuple[Read | None, int] = (None, 0)
    for sample in samples:
        for read in sample:
            times = sum(any(_same(read, other) for other in others) for others in samples)
            if times > max(best[1], 1):
                best = read, times
    return best


def _asked(wanted: Sequence[str], samples: Sequence[Sequence[Read]]) -> Reading:
    if not wanted:
        return Unscorable("The prompt quotes no text that should be on screen.")
    # A text may be spread over several lines: each line counts, and all of a picture's together.
    pages = [[read.text for read in sample] for sample in samples]
    seen = [line for page in pages for line in [*page, "".join(page)]]
    scores = {text: max((legibility(text, line) for line in seen), default=0.0) for text in wanted}
    return Value(
        float(np.mean(list(scores.values()))), {"texts": {t: round(s, 3) for t, s in scores.items()}}
    )


def _share(side: float) -> float:
    return round(float(side), 4)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def _is_word(read: Read) -> bool:
    """Whether a read is sure, and long enough to be no speck: two letters, or one Chinese character."""
    plain = _plain(read.text)
    return read.sure >= SURE and (len(plain) > 1 or any(letter >= FIRST_CJK for letter in plain))


def _among(text: str, wanted: Sequence[str]) -> bool:
    """Whether what was read is one of the texts asked for, or a part of one."""
    return any(max(legibility(text, each), legibility(each, text)) >= SAME_TEXT for each in wanted)


def _same(one: Read, other: Read) -> bool:
    left, top = max(one.box[0], other.box[0]), max(one.box[1], other.box[1])
    right, bottom = min(one.box[2], other.box[2]), min(one.box[3], other.box[3])
    both = max(0.0, right - left) * max(0.0, bottom - top)
    either = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one.box, other.box)) - both
    if both < LEAST_OVERLAP * either:
        return False
    return max(legibility(one.text, other.text), legibility(other.text, one.text)) >= SAME_TEXT


@cache
def _reader() -> Any:
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1, det_limit_side_len=480)
