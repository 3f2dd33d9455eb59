"""Quotations of seven languages, error rates by a naive twin, and lettering that was drawn to be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip, Brief
from metrics.base import Unscorable, Value
from metrics.visual.text import Read, Text, legibility, quoted, reads, standing

installed = pytest.mark.skipif(Text.missing() is not None, reason=str(Text.missing()))

AsClip = Callable[..., AVClip]


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ('A shop with a sign that reads "OPEN", rain.', ["OPEN"]),
        ("A neon sign “NOODLE BAR” and below it “24 h”.", ["NOODLE BAR", "24 h"]),
        ("一家小店,招牌上写着“兰州拉面”", ["兰州拉面"]),
        ("茶楼门口的招牌写住「飲茶」", ["飲茶"]),
        ("看板に「営業中」と『本日』", ["営業中", "本日"]),
        ('"영업중"이라고 적힌 간판', ["영업중"]),
        ("Ein Schild mit „GEÖFFNET“ und eines mit »RUHE«", ["GEÖFFNET", "RUHE"]),
        ("Une enseigne « OUVERT » et « BAR »", ["OUVERT", "BAR"]),
        ("A man's dog, it's 5' tall; '90s style.", []),
        ('Empty "" and "...".', []),
    ],
)
def test_texts_in_quotation_marks(prompt: str, texts: list[str]) -> None:
    assert quoted(prompt) == texts


def test_legibility_is_one_less_the_error_rate_of_the_best_part() -> None:
    assert legibility("OPEN", "now open!") == 1.0
    assert legibility("OPEN", "0PEN") == 0.75
    assert legibility("OPEN", "") == 0.0
    assert legibility("营业中", "营业 中") == 1.0
    rng = np.random.default_rng(0)
    for _ in range(30):
        target, seen = ("".join(rng.choice(list("abc"), size)) for size in (4, 7))
        parts = [seen[start:stop] for start in range(8) for stop in range(start, 8)]
        best = min(jiwer.cer(target, part) if part else 1.0 for part in parts)
        assert legibility(target, seen) == pytest.approx(1 - min(1.0, best))


def test_what_stands_is_the_text_that_keeps_its_place() -> None:
    def at(text: str, left: float) -> Read:
        return Read(text, 0.9, (left, 0.8, left + 0.2, 0.9))

    samples = [
        [at("Logo Co", 0.7), at("sale", 0.1)],
        [at("LogoCo", 0.71), at("sale", 0.4)],
        [at("Logo", 0.7)],
    ]
    steadiest, times = standing(samples)
    assert steadiest is not None
    assert "ogo" in steadiest.text
    assert times == 3
    assert standing([[at("once", 0.1)], []]) == (None, 0)


def lettered(text: str, height_px: float = 30, count: int = 4) -> NDArray[np.uint8]:
    """(count, 360, 640) grey pictures of a dark wall with capitals of this height."""
    import cv2

    wall = np.full((360, 640), 70, np.uint8)
    thick = max(1, round(height_px / 11))
    cv2.putText(wall, text, (60, 200), cv2.FONT_HERSHEY_SIMPLEX, height_px / 22, 235, thick, cv2.LINE_AA)
    return np.repeat(wall[None], count, axis=0)


@installed
def test_the_sign_that_was_asked_for_and_one_that_was_not(as_clip: AsClip) -> None:
    clip = as_clip(lettered("OPEN LATE", count=2))

    def read(prompt: str, spoken: str | None = None) -> dict[str, Any]:
        return dict(Text().measure(replace(clip, brief=Brief(text=prompt, spoken=spoken))))

    right = read('A sign that reads "OPEN LATE"')
    assert right["asked"].value == 1.0
    assert right["unasked_share"].value == right["standing_share"].value == 0.0
    wrong = read('A sign that reads "BAKERY"')
    assert wrong["asked"].value < 0.4
    assert wrong["unasked_share"].value == wrong["standing_share"].value == 1.0
    assert wrong["unasked_share"].details["words"] == ["OPEN LATE"]
    line = read('She says "open late" and waves.', spoken="Open late!")
    assert isinstance(line["asked"], Unscorable)
    assert line["unasked_share"].value == 1.0, "a caption of what is said was not asked for"


@installed
def test_lettering_that_blurs_is_read_less_and_a_blank_wall_not_at_all(as_clip: AsClip) -> None:
    import cv2

    brief = Brief(text='A sign: "MARKET HALL"')
    found = []
    for sigma in (0.01, 5, 14):
        blurred = np.stack(
            [cv2.GaussianBlur(picture, (0, 0), sigma) for picture in lettered("MARKET HALL", 26, 1)]
        )
        asked = Text().measure(replace(as_clip(blurred), brief=brief))["asked"]
        assert isinstance(asked, Value)
        found.append(asked.value)
    assert found[0] == 1.0
    assert found[0] >= found[1] > found[2]
    blank = Text().measure(as_clip(np.full((2, 180, 320), 80.0)))
    assert isinstance(blank["asked"], Unscorable)
    assert blank["unasked_share"] == Value(0.0, {"samples": 2, "words": []})


@installed
@pytest.mark.realclips
def test_a_real_watermark_and_a_real_caption(real_clips: Path) -> None:
    clip = AVClip.open(real_clips / "hh_videoeditcase1.mp4")
    lines = {line.text.replace(" ", ""): line.box for line in reads(clip.picture(60, 960))}
    assert set(lines) == {"王爷不近女色", "HappyHorse"}
    assert lines["HappyHorse"][0] > 0.8
    assert lines["HappyHorse"][1] > 0.9
