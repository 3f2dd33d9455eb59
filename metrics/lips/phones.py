"""The phones of a line: what lips have to say, in seven languages, offline.

    zh   characters through pypinyin, or pinyin with tone digits as `reading`
    yue  characters through ToJyutping, or jyutping as `reading`
    ja   any script through Open JTalk's dictionary, or kana as `reading` (particles as they are said)
    en, de, fr, ko   own script, by the rules of espeak-ng

Latin words in a Chinese or Korean line are said in English, those in a Japanese one as the dictionary says;
capitals may be spelt out (GPS). Text in a wrong script is refused, never guessed at, and so are Latin words
that the dictionary does not know and lines without a letter or digit, whose signs would be read by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from unicodedata import normalize

from metrics.language import espeak
from metrics.language.chinese import jyutping_phones, pinyin_phones
from metrics.language.kana import kana_phones

__all__ = ["LANGUAGES", "Phone", "PronunciationError", "missing", "phones"]

LANGUAGES = ("zh", "yue", "en", "ja", "ko", "fr", "de")
_VOICES = {"en": "en-us", "de": "de", "fr": "fr", "ko": "ko"}
_NAMES = {"en": "English", "de": "German", "fr": "French", "ko": "Korean"}
_PACKAGES = {
    "espeakng_loader": "espeakng-loader",
    "pypinyin": "pypinyin",
    "ToJyutping": "ToJyutping",
    "pyopenjtalk": "pyopenjtalk-plus",
}
"""Modules, and the packages that bring them."""
_LATIN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?")
_FOREIGN = {
    **dict.fromkeys(
        ("en", "de", "fr"), re.compile(r"[\u0370-\u1cff\u2190-\u2bff\u2e80-\uffef\U0001f000-\U0001ffff]")
    ),
    "ko": re.compile(
        r"[\u0370-\u10ff\u2190-\u2bff\u2e80-\u312f\u3190-\ua95f\uf900-\ufeff\U0001f000-\U0001ffff]"
    ),
}
"""Signs a voice has no sound for; espeak would spell out their names."""
_UNKNOWN = "フィラー"
"""The part of speech (filler) that Open JTalk gives to Latin words it does not know."""
_LOWER_CASE = re.compile(r"[a-z]")
_DIGITS = "零一二三四五六七八九"


class PronunciationError(ValueError):
    """How a line is pronounced cannot be told; the message is a finished sentence."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound."""

    ipa: str
    """Without stress and tone."""
    word_index: int
    """Which word of the line it belongs to, counted as they are said (from 0)."""


def missing() -> str | None:
    """What must be installed before lines in every language can be pronounced; None if nothing."""
    absent = [package for module, package in _PACKAGES.items() if find_spec(module) is None]
    return f"Pronunciation needs {', '.join(absent)}: pip install {' '.join(absent)}" if absent else None


def phones(text: str, language: str, reading: str | None = None) -> tuple[Phone, ...]:
    """The phones of `text` in their order; `reading`, where there is one, wins over the script.

    language: one of LANGUAGES. Raises PronunciationError for another one, for a line without words, and
    for signs that the language does not write.
    """
    if language not in LANGUAGES:
        raise PronunciationError(
            f"Pronunciation is known for {', '.join(LANGUAGES)}; this line is said to be in {language!r}."
        )
    if not any(sign.isalnum() for sign in reading or text):
        raise PronunciationError(f"There is nothing to pronounce in {text!r}: it has no letter and no digit.")
    try:
        words = _WORDS[language](text, reading)
    except ValueError as error:
        raise PronunciationError(f"The line {text!r} cannot be pronounced: {error}") from error
    found = tuple(Phone(ipa, index) for index, word in enumerate(words) for ipa in word)
    if not found:
        raise PronunciationError(f"There is nothing to pronounce in {text!r}.")
    return found


def _by_rules(language: str) -> Callable[[str, str | None], list[list[str]]]:
    def words(text: str, reading: str | None) -> list[list[str]]:
        line = reading or text
        strange = _FOREIGN[language].search(line)
        if strange:
            raise ValueError(f"{strange.group()!r} is not written in {_NAMES[language]}.")
        return espeak.spell(line, _VOICES[language])

    return words


def _mandarin(text: str, reading: str | None) -> list[list[str]]:
    if reading:
        syllables = re.findall(r"[a-zü:]+[0-5]?", reading.lower())
        return [pinyin_phones(syllable) for syllable in syllables]
    from pypinyin import Style, lazy_pinyin

    def syllables_of(characters: str) -> list[str]:
        return lazy_pinyin(characters, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")

    return _characters(text, lambda run: [pinyin_phones(syllable) for syllable in syllables_of(run)])


def _cantonese(text: str, reading: str | None) -> list[list[str]]:
    if reading:
        return [jyutping_phones(syllable) for syllable in re.findall(r"[a-z]+[1-6]?", reading.lower())]
    import ToJyutping

    def words(run: str) -> list[list[str]]:
        said = ToJyutping.get_jyutping_list(run)
        return [
            jyutping_phones(syllable) for _, jyutping in said if jyutping for syllable in jyutping.split()
        ]

    return _characters(text, words)


def _characters(text: str, pronounce: Callable[[str], list[list[str]]]) -> list[list[str]]:
    """Runs of Han characters by `pronounce`, Latin words between them in English, digits one by one."""
    line = re.sub(r"\d", lambda digit: _DIGITS[int(digit.group())], text)
    strange = re.search(r"[\u0370-\u1cff\u3040-\u30ff\uac00-\ud7af]", line)
    if strange:
        raise ValueError(f"{strange.group()!r} is not written in Chinese.")
    words: list[list[str]] = []
    for run in re.split(f"({_LATIN.pattern})", line):
        words += espeak.spell(run, "en-us") if _LATIN.fullmatch(run) else pronounce(run)
    return words


def _japanese(text: str, reading: str | None) -> list[list[str]]:
    if reading:
        return [word for word in map(kana_phones, reading.split()) if word]
    strange = re.search(r"[\uac00-\ud7af\u0370-\u1cff]", text)
    if strange:
        raise ValueError(f"{strange.group()!r} is not written in Japanese.")
    import pyopenjtalk

    entries = pyopenjtalk.run_frontend(text)
    for entry in entries:
        word = normalize("NFKC", str(entry["string"]))
        if entry["pos"] == _UNKNOWN and _LOWER_CASE.search(word):
            raise ValueError(
                f"{word!r} is not in the Japanese dictionary, which would spell it out letter by letter; "
                "write it in kana, or give the line's reading."
            )
    said = [str(entry["pron"]) for entry in entries if entry["pos"] != "記号"]
    return [word for word in map(kana_phones, said) if word]


_WORDS: dict[str, Callable[[str, str | None], list[list[str]]]] = {
    "zh": _mandarin,
    "yue": _cantonese,
    "ja": _japanese,
    **{language: _by_rules(language) for language in _VOICES},
}
