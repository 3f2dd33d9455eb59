"""How far what was said is from what should have been said: word and character error rates.

(substitutions + deletions + insertions) / length of the reference: 0 is word for word, 1 is what silence
gets; more is possible where more is said than asked. Counted are

- words in English, French and German (WER);
- sounded characters elsewhere (CER): Mandarin syllables with their tone (pinyin), Cantonese ones (jyutping),
  Japanese kana as pronounced, Korean syllables of Hangul.

By sound, because a listening program cannot hear which of several homophones, scripts (traditional or
simplified) or spellings was meant. Both texts are read by the same program, so that the right words always
score 0. Case, punctuation, spaces, width and accents' composition do not count; figures do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

__all__ = ["COUNTED", "Difference", "difference", "missing", "sounded"]

COUNTED = {
    "en": "words",
    "fr": "words",
    "de": "words",
    "zh": "pinyin syllables",
    "yue": "jyutping syllables",
    "ja": "kana",
    "ko": "Hangul syllables",
}
"""What is counted, by language; words in any other."""

READERS = {"pypinyin": "pypinyin", "pyopenjtalk": "pyopenjtalk-plus", "ToJyutping": "ToJyutping"}
"""Package that reads a script aloud, and what it is called where it is installed from."""

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
SPELLED = re.compile(rf"[{HAN}]+|\d|[^\W\d_{HAN}]+")
"""Runs of Han characters, single figures, and words of another script."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The fewest edits that turn the reference into what was heard."""

    substitutions: int
    deletions: int
    insertions: int
    length: int
    """Of the reference; at least 1."""

    @property
    def rate(self) -> float:
        """Edits for each unit of the reference, 0 and up."""
        return (self.substitutions + self.deletions + self.insertions) / self.length


def missing() -> str | None:
    """What must be installed before Chinese and Japanese can be compared by sound; None if nothing."""
    absent = [package for name, package in READERS.items() if find_spec(name) is None]
    if not absent:
        return None
    return (
        f"Comparing Chinese and Japanese by sound needs {', '.join(absent)}: pip install {' '.join(absent)}"
    )


def sounded(text: str, language: str) -> list[str]:
    """`text` as the units that are counted in `language`.

    >>> sounded("It’s TEN o'clock!", "en")
    ['its', 'ten', 'oclock']
    >>> sounded("부엌에서, 요리", "ko")
    ['부', '엌', '에', '서', '요', '리']
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    if language in ("zh", "yue"):
        return [unit for part in SPELLED.findall(plain) for unit in _syllables(part, language)]
    if language == "ja":
        return [character for character in _kana(plain) if character.isalnum() or character == "ー"]
    if language == "ko":
        return [character for character in plain if character.isalnum()]
    return re.findall(r"\w+", re.sub(r"['’ʼ`´]", "", plain).replace("_", " "))


def difference(reference: Sequence[str], heard: Sequence[str]) -> Difference:
    """Levenshtein's distance with what it is made of; ValueError where the reference is empty.

    Of several shortest ways, the one that keeps the most units is told.
    """
    if not reference:
        raise ValueError("There is nothing to compare with: the reference has no words.")
    # Each cell: (edits, substitutions among them) from the reference so far to the heard so far.
    above = [(count, 0) for count in range(len(heard) + 1)]
    for row, wanted in enumerate(reference, 1):
        here = [(row, 0)]
        for column, got in enumerate(heard, 1):
            other = int(wanted != got)
            kept = (above[column - 1][0] + other, above[column - 1][1] + other)
            dropped = (above[column][0] + 1, above[column][1])
            added = (here[column - 1][0] + 1, here[column - 1][1])
            here.append(min(kept, dropped, added))
        above = here
    edits, substitutions = above[-1]
    deletions = (edits - substitutions + len(reference) - len(heard)) // 2
    return Difference(substitutions, deletions, edits - substitutions - deletions, len(reference))


def _syllables(part: str, language: str) -> list[str]:
    """Han characters as syllables with tone digits; anything else as it is."""
    if not re.match(rf"[{HAN}]", part):
        return [part]
    if language == "zh":
        from pypinyin import Style, lazy_pinyin

        return list(lazy_pinyin(part, style=Style.TONE3, neutral_tone_with_five=True))
    import ToJyutping

    return [syllable or character for character, syllable in ToJyutping.get_jyutping_list(part)]


def _kana(text: str) -> str:
    """Japanese as it is pronounced, in katakana; the particle を sounds like お."""
    import pyopenjtalk

    return str(pyopenjtalk.g2p(text, kana=True)).replace("ヲ", "オ") if text.strip() else ""
