"""Mouth shapes: which phones are made with which lips.

Classes are those of MPEG-4 face animation (ISO/IEC 14496-2; Pandzic and Forchheimer 2002) brought together
as far as the lips are concerned, with JALI's remark (Edwards et al. 2016) that only some sounds command the
lips: p b m shut them, f v tuck the lower one in, vowels and sh-sounds shape them; the others (t, k, n, s …)
leave them to their neighbours and are left out of every count.

What is expected of a class is an order, not a measure: how far open, how wide, how protruded it is against
the other classes, whoever speaks.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EXPECTED", "Shape", "Viseme", "viseme_of"]


class Viseme(StrEnum):
    """A class of mouth shapes."""

    BILABIAL = "p b m"
    LABIODENTAL = "f v"
    OPEN = "a"
    MID = "e ə"
    SPREAD = "i"
    ROUNDED_MID = "o"
    ROUNDED_CLOSE = "u y w"
    FUNNEL = "ʃ"
    """Sh-sounds: teeth together, lips pushed forward."""
    FREE = "t k n s"
    """The tongue's sounds; the lips do as their neighbours do."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Ranks of a class among the others; only their order means anything."""

    aperture: int
    """Gap between the lips, 0 (shut) to 4 (wide open)."""
    width: int
    """Between the corners of the mouth, 0 (rounded) to 2 (spread)."""
    protrusion: int
    """1 where the lips are pushed forward."""


EXPECTED: dict[Viseme, Shape] = {
    Viseme.BILABIAL: Shape(0, 1, 0),
    Viseme.LABIODENTAL: Shape(1, 1, 0),
    Viseme.OPEN: Shape(4, 1, 0),
    Viseme.MID: Shape(3, 1, 0),
    Viseme.SPREAD: Shape(2, 2, 0),
    Viseme.ROUNDED_MID: Shape(3, 0, 1),
    Viseme.ROUNDED_CLOSE: Shape(2, 0, 1),
    Viseme.FUNNEL: Shape(2, 0, 1),
}
"""Of every class but FREE, of which nothing is expected."""

_CLASSES = {
    Viseme.BILABIAL: "p b m ɓ pf",
    Viseme.LABIODENTAL: "f v ɱ ʋ",
    Viseme.OPEN: "a ɑ ɐ æ ɑɹ aɪ aʊ",
    Viseme.MID: "e ɛ ə ʌ ɜ ɚ ɝ ɤ ɘ eɪ ɛɹ əl",
    Viseme.SPREAD: "i ɪ ɨ ᵻ j ɯ iə ɪɹ iɐ",
    Viseme.ROUNDED_MID: "o ɔ ɒ œ ɞ oʊ ɔɪ ɔø ɔʏ ɔɹ ɔɐ oɐ",
    Viseme.ROUNDED_CLOSE: "u ʊ y ʏ ø w ɥ ʉ ɵ ʊɹ ʊɐ uɐ yɐ ɸ β",
    Viseme.FUNNEL: "ʃ ʒ tʃ dʒ ʂ ʐ ʈʂ ɻ",
    Viseme.FREE: "t d n l ɫ ɾ ɽ ɭ ɖ s z ts dz θ ð k ɡ ɟ c x ç χ h ɦ ŋ ɴ ɲ q ʔ r ɹ ʁ ʀ ɕ ʑ tɕ dʑ",
}
_CLASS_OF = {ipa: viseme for viseme, row in _CLASSES.items() for ipa in row.split()}


def viseme_of(ipa: str) -> Viseme:
    """The class of one phone; of a diphthong, that of its nucleus.

    Length, aspiration, nasality, voicelessness and release (aː pʰ ɑ̃ i̥ p̚) move no lips and are passed over;
    a syllabic ɹ̩ (Mandarin si, zhi) is spread. Raises ValueError for a phone that no class holds.
    """
    if ipa in {"ɹ̩", "ɻ̩", "ɿ", "ʅ"}:
        return Viseme.SPREAD
    plain = bare(ipa)
    while plain:  # triphthongs and r-coloured vowels (aɪɚ, iːə) begin with their nucleus
        if plain in _CLASS_OF:
            return _CLASS_OF[plain]
        plain = plain[:-1]
    raise ValueError(f"The phone {ipa!r} has no mouth shape: add it to the table in visemes.py.")


def bare(ipa: str) -> str:
    """A phone without its diacritics and modifiers: pʰ is p, ɑ̃ is ɑ, aː is a; an h after a stop is breath."""
    letters = "".join(
        sign for sign in unicodedata.normalize("NFD", ipa) if unicodedata.category(sign) in {"Ll", "Lo"}
    )
    return letters[:-1] if len(letters) > 1 and letters.endswith("h") else letters
