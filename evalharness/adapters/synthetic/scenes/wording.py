"""From a prompt's words to a scene: which family, which colours, how many.

A first frame is kept and moved. Else the tag `scene:<name>` wins; else the first family one of whose
words stands in the text (seven languages); else a draw by the seed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from evalharness.records import Prompt

from . import FAMILIES
from .paint import Colour
from .stage import Brief

__all__ = ["brief_of", "family_of", "seed_of"]

TAGGED: Mapping[str, str] = {
    "axe": "hammer",
    "chop": "hammer",
    "clap": "drum",
    "coin": "cradle",
    "gong": "bell",
    "knock": "door",
    "punch": "drum",
    "rope": "footsteps",
    "tap": "footsteps",
    "tiles": "cradle",
    "typewriter": "cradle",
}
"""Names a tag `scene:<name>` may have, beside the families' own, and the family that shows them."""

_KEYWORDS: Mapping[str, str] = {
    "hammer": r"\bhammer|\banvil|\bforge|blacksmith|锤|鐵匠|铁匠|鍛冶|金槌|망치|marteau|enclume|\bamboss",
    "drum": r"\bdrum|太鼓|鼓|북을|tambour|\btrommel",
    "door": r"\bdoors?\b|\bslam|\bknock|关门|關門|敲门|ドア|扉|문을|문이|\bportes?\b|\btür",
    "glass": r"\bwine glass|\btumbler|\bshatter|玻璃杯|グラス|ガラスが|유리잔|\bverre\b|\bglas\b|scherben",
    "drop": r"\bdrops? of|\bdrip|\braindrop|\bripple|\bpond|水滴|雨滴|しずく|물방울|goutte|\btropfen",
    "ice": r"\b(?:ice|icy|frozen)\b|冰|氷|얼음|\bglace\b|\bgelé|\beis\b|gefroren",
    "bell": r"\bbells?\b|\bgong|\bchime|钟声|铜锣|鐘|釣鐘|종소리|종을|\bcloche|glocke",
    "footsteps": r"\bfootstep|\bwalk(?:s|ing)?\b|\bsteps?\b|\bboots?\b|脚步|歩く|걸어|걷|\bmarche\b|schritt",
    "cradle": r"\bcradle|\bpendulum|\bmarbles?\b|\bsteel balls|摆球|振り子|진자|pendule|\bpendel",
    "ball": r"\bball|\bbounc|basketball|篮球|皮球|ボール|공이|공을|ballon|\bbillard",
}

_OF_PICTURES = "still"
"""The family for prompts with a first frame, and for no others."""

_COLOURS: Mapping[str, tuple[Colour, str]] = {
    "red": ((214, 52, 44), r"\bred\b|红|紅|赤|빨간|\brouge|\brot(?:e[nrs]?)?\b"),
    "blue": ((40, 104, 212), r"\bblue\b|蓝|藍|青い|파란|\bbleue?\b|\bblau(?:e[nrs]?)?\b"),
    "green": ((44, 156, 86), r"\bgreen\b|绿|綠|緑|초록|\bverte?\b|\bgrün(?:e[nrs]?)?\b"),
    "yellow": ((240, 196, 48), r"\byellow\b|黄色|黃色|노란|\bjaune\b|\bgelb(?:e[nrs]?)?\b"),
    "orange": ((238, 132, 38), r"\borange|橙|オレンジ|주황|basketball|篮球|籃球"),
    "purple": ((136, 70, 184), r"\bpurple\b|\bviolet|紫|보라|\blila\b"),
    "pink": ((236, 128, 164), r"\bpink\b|粉红|粉紅|ピンク|분홍|\brosa\b"),
}

_NUMBERS: tuple[str, ...] = (
    r"\btwo\b|两[个只]|兩[個隻]|二つ|두 개|\bdeux\b|\bzwei\b",
    r"\bthree\b|三[个只個隻]|三つ|세 개|\btrois\b|\bdrei\b",
    r"\bfour\b|四[个只個隻]|四つ|네 개|\bquatre\b|\bvier\b",
    r"\bfive\b|五[个只個隻]|五つ|다섯 개|\bcinq\b|\bfünf\b",
)
"""Two, three, four, five of a thing; what is counted in times ("five times") is not things."""

_TIMES = re.compile(
    r"\b(?:two|three|four|five|deux|trois|quatre|cinq|zwei|drei|vier|fünf)(?= (?:times|fois|mal))"
)


def seed_of(prompt: Prompt, seed: int) -> int:
    """One number (32 bits) from the prompt's content and the request's seed."""
    content = "\0".join([prompt.id, prompt.text, prompt.spoken or "", str(seed)])
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:4])


def family_of(prompt: Prompt, seed: int) -> str:
    """The family that shows this prompt: a key of FAMILIES."""
    if prompt.first_frame is not None:
        return _OF_PICTURES
    for tag in prompt.tags:
        kind, _, name = tag.partition(":")
        if kind == "scene" and (name in FAMILIES or name in TAGGED):
            return name if name in FAMILIES else TAGGED[name]
    text = prompt.text.lower()
    for family, pattern in _KEYWORDS.items():
        if re.search(pattern, text):
            return family
    choices = sorted(FAMILIES.keys() - {_OF_PICTURES})
    return choices[seed_of(prompt, seed) % len(choices)]


def brief_of(prompt: Prompt, seed: int, duration_s: float, style: int) -> Brief:
    """What the prompt says of colours and numbers, for the scene to honour."""
    text = _TIMES.sub("", prompt.text.lower())
    named = [
        (found.start(), colour)
        for colour, pattern in _COLOURS.values()
        if (found := re.search(pattern, text)) is not None
    ]
    count = next((n for n, pattern in enumerate(_NUMBERS, 2) if re.search(pattern, text)), None)
    return Brief(
        duration_s=duration_s,
        seed=seed_of(prompt, seed),
        style=style,
        colours=tuple(colour for _, colour in sorted(named)),
        count=count,
        picture=None if prompt.first_frame is None else Path(prompt.first_frame),
    )
