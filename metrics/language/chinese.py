"""Mandarin (pinyin) and Cantonese (jyutping) syllables in IPA.

Tables after Lee and Zee 2003 and Zee 1991 (Journal of the International Phonetic Association). Tones are
left out: they move no lips. Cantonese final stops are unreleased (p̚ t̚ k̚); lips shut for p̚ all the same.
"""

from __future__ import annotations

import re

__all__ = ["jyutping_phones", "pinyin_phones"]

_PINYIN_INITIALS = {
    "zh": "ʈʂ", "ch": "ʈʂʰ", "sh": "ʂ", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ",
    "n": "n", "l": "l", "g": "k", "k": "kʰ", "h": "x", "j": "tɕ", "q": "tɕʰ", "x": "ɕ", "r": "ʐ",
    "z": "ts", "c": "tsʰ", "s": "s",
}  # fmt: skip
_PINYIN_FINALS = {
    "a": "a", "o": "w o", "e": "ɤ", "ai": "a i", "ei": "e i", "ao": "a u", "ou": "o u", "an": "a n",
    "en": "ə n", "ang": "a ŋ", "eng": "ə ŋ", "ong": "ʊ ŋ", "er": "a ɻ",
    "i": "i", "ia": "j a", "ie": "j e", "iao": "j a u", "iu": "j o u", "iou": "j o u", "ian": "j ɛ n",
    "in": "i n", "iang": "j a ŋ", "ing": "i ŋ", "iong": "j ʊ ŋ", "io": "j o",
    "u": "u", "ua": "w a", "uo": "w o", "uai": "w a i", "ui": "w e i", "uei": "w e i", "uan": "w a n",
    "un": "w ə n", "uen": "w ə n", "uang": "w a ŋ", "ueng": "w ə ŋ",
    "v": "y", "ve": "ɥ e", "van": "ɥ ɛ n", "vn": "y n", "n": "n", "ng": "ŋ", "m": "m",
}  # fmt: skip
_BARE = {"yi": "i", "wu": "u", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn", "you": "iou", "wei": "uei",
         "wen": "uen", "weng": "ueng", "yin": "in", "ying": "ing", "yong": "iong"}  # fmt: skip
"""Syllables without an initial, as they are written; the others are y + … = i + …, w + … = u + …."""

_JYUTPING_INITIALS = {
    "ng": "ŋ", "gw": "kʷ", "kw": "kʷʰ", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ",
    "n": "n", "l": "l", "g": "k", "k": "kʰ", "h": "h", "w": "w", "z": "ts", "c": "tsʰ", "s": "s", "j": "j",
}  # fmt: skip
_JYUTPING_VOWELS = {
    "aa": "aː", "a": "ɐ", "e": "ɛ", "i": "i", "o": "ɔ", "u": "u", "oe": "œ", "eo": "ɵ", "yu": "y",
}  # fmt: skip
_JYUTPING_CODAS = {"": "", "p": "p̚", "t": "t̚", "k": "k̚", "m": "m", "n": "n", "ng": "ŋ", "i": "i", "u": "u"}
_JYUTPING = re.compile(r"(ng|gw|kw|[bpmfdtnlgkhwzcsj])?(aa|a|e|i|oe|o|u|eo|yu)(ng|[ptkmniu])?")


def pinyin_phones(syllable: str) -> list[str]:
    """The phones of one pinyin syllable, tone digit or not; ü is also written v or u:.

    Raises ValueError for what is no syllable of Mandarin.
    """
    plain = re.sub(r"[0-6]$", "", syllable.lower().replace("u:", "v").replace("ü", "v"))
    if len(plain) > 1 and plain.endswith("r") and plain != "er":  # 哪儿 nar: the last vowel is coloured
        return [*pinyin_phones(plain[:-1]), "ɻ"]
    initial, final = _pinyin_parts(plain)
    if final not in _PINYIN_FINALS:
        raise ValueError(f"{syllable!r} is no pinyin syllable.")
    phones = _PINYIN_FINALS[final].split()
    if not initial:
        return phones
    if final == "i" and initial in {"z", "c", "s"}:
        phones = ["ɹ̩"]
    elif final == "i" and initial in {"zh", "ch", "sh", "r"}:
        phones = ["ɻ̩"]
    elif final == "o":  # bo po mo fo
        phones = ["o"]
    return [_PINYIN_INITIALS[initial], *phones]


def _pinyin_parts(plain: str) -> tuple[str, str]:
    """Initial and final, the final in its full spelling."""
    if plain in _BARE:
        return "", _BARE[plain]
    if plain[:1] == "y":
        return "", "i" + plain[1:]
    if plain[:1] == "w":
        return "", "u" + plain[1:]
    initial = next((plain[:n] for n in (2, 1) if plain[:n] in _PINYIN_INITIALS and len(plain) > n), "")
    final = plain[len(initial) :]
    if final == "g" and initial == "n":  # 嗯
        return "", "ng"
    if initial in {"j", "q", "x"} and final.startswith("u"):
        final = "v" + final[1:]
    elif initial in {"n", "l"} and final == "ue":
        final = "ve"
    return initial, final


def jyutping_phones(syllable: str) -> list[str]:
    """The phones of one jyutping syllable, tone digit or not. Raises ValueError for what is none."""
    plain = re.sub(r"[1-6]$", "", syllable.lower())
    if plain in {"m", "ng"}:  # 唔, 五
        return ["m" if plain == "m" else "ŋ"]
    parts = _JYUTPING.fullmatch(plain)
    if parts is None:
        raise ValueError(f"{syllable!r} is no jyutping syllable.")
    initial, vowel, coda = parts.groups(default="")
    phones = [_JYUTPING_INITIALS.get(initial, ""), _JYUTPING_VOWELS[vowel], _JYUTPING_CODAS[coda]]
    return [phone for phone in phones if phone]
