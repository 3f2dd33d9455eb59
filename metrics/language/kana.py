"""Kana in IPA: one phone after another, as it is pronounced in Tokyo.

After Okada 1991 (Journal of the International Phonetic Association). Particles are taken as written: は is
ha, so a reading writes わ where it is said. The moraic nasal ん takes the place of what follows it (m before
p, b, m: the lips shut), the moraic obstruent っ lengthens it.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["kana_phones"]

_VOWELS = {"a": "a", "i": "i", "u": "ɯ", "e": "e", "o": "o"}
_ROWS = {
    "": "アイウエオ", "k": "カキクケコ", "ɡ": "ガギグゲゴ", "s": "サ スセソ", "z": "ザ ズゼゾ",
    "t": "タ  テト", "d": "ダ  デド", "n": "ナニヌネノ", "h": "ハ  ヘホ",
    "b": "バビブベボ", "p": "パピプペポ", "m": "マミムメモ",
    "j": "ヤ ユ ヨ", "ɾ": "ラリルレロ", "w": "ワヰ ヱ ",
}  # fmt: skip
_MORAE = {
    kana: tuple(filter(None, (consonant, _VOWELS[vowel])))
    for consonant, row in _ROWS.items()
    for kana, vowel in zip(row, "aiueo" if len(row) == 5 else "auo", strict=True)
    if kana != " "
} | {
    "ヲ": ("o",), "シ": ("ɕ", "i"), "ジ": ("dʑ", "i"), "ヂ": ("dʑ", "i"), "チ": ("tɕ", "i"),
    "ツ": ("ts", "ɯ"), "ヅ": ("z", "ɯ"), "ヒ": ("ç", "i"), "フ": ("ɸ", "ɯ"), "ヴ": ("b", "ɯ"),
}  # fmt: skip
_SMALL = {
    "ァ": "a",
    "ィ": "i",
    "ゥ": "u",
    "ェ": "e",
    "ォ": "o",
    "ャ": "ja",
    "ュ": "ju",
    "ョ": "jo",
    "ヮ": "wa",
}
_PALATAL = {"ɕ", "dʑ", "tɕ", "ç"}
_BILABIAL = {"p", "b", "m"}
_UNSPOKEN = re.compile(r"[\s、。，．,.!！?？「」『』・’'\"…〜（）()]+")


def kana_phones(word: str) -> list[str]:
    """The phones of a word in hiragana or katakana. Raises ValueError at the first sign that is neither."""
    katakana = "".join(
        chr(ord(sign) + 0x60) if "ぁ" <= sign <= "ゖ" else sign
        for sign in unicodedata.normalize("NFKC", word)
    )
    phones: list[str] = []
    for sign in _UNSPOKEN.sub("", katakana):
        if sign in _MORAE:
            phones += _MORAE[sign]
        elif sign in _SMALL and phones:
            phones = _contracted(phones, _SMALL[sign])
        elif sign == "ー" and phones:
            phones.append(phones[-1])
        elif sign in {"ン", "ッ"}:
            phones.append(sign)
        else:
            raise ValueError(f"{sign!r} in {word!r} is no kana.")
    return _placed(phones)


def _contracted(phones: list[str], small: str) -> list[str]:
    """キャ is k + j + a, シャ ɕ + a, ファ ɸ + a, ティ t + i."""
    glide, vowel = small[:-1], _VOWELS[small[-1]]
    if phones[-1] not in _VOWELS.values():
        return [*phones, vowel]
    kept = phones[:-1]
    if glide and not (kept and kept[-1] in _PALATAL):
        kept = [*kept, glide]
    elif not glide and not kept:  # ウィ, ウェ: w before the vowel
        kept = ["w" if phones[-1] == "ɯ" else phones[-1]]
    return [*kept, vowel]


def _placed(phones: list[str]) -> list[str]:
    """ん and っ with the mouth of what follows; at the end ん is ɴ and っ a glottal stop."""
    placed: list[str] = []
    for place, phone in enumerate(phones):
        after = phones[place + 1] if place + 1 < len(phones) else ""
        if phone == "ン":
            placed.append("m" if after in _BILABIAL else "ɴ")
        elif phone == "ッ":
            placed.append(after[:1] if after and after not in _VOWELS.values() else "ʔ")
        else:
            placed.append(phone)
    return placed
