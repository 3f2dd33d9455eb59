"""Words whose pronunciation stands in every dictionary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metrics.language.chinese import jyutping_phones, pinyin_phones
from metrics.language.kana import kana_phones
from metrics.lips import phones as pronunciation
from metrics.lips.alignment import english
from metrics.lips.phones import LANGUAGES, PronunciationError, phones
from metrics.lips.visemes import viseme_of

SUITES = Path(__file__).resolve().parents[3] / "data" / "prompts"


def said(text: str, language: str, reading: str | None = None) -> str:
    return " ".join(phone.ipa for phone in phones(text, language, reading))


@pytest.mark.parametrize(
    ("language", "text", "reading", "ipa"),
    [
        ("en", "Bob's map", None, "b ɑ b z m æ p"),
        ("en", "psalm, comb", None, "s ɑ m k oʊ m"),
        ("de", "Mama gab", None, "m ɑ m ɑ ɡ ɑ p"),
        ("de", "Pferd", None, "pf e ɾ t"),
        ("fr", "bon papa", None, "b ɔ̃ p a p a"),
        ("fr", "un bébé", None, "œ̃ b e b e"),
        ("ko", "엄마", None, "ʌ m m ɐ"),
        ("ko", "십만", None, "s i p m ɐ n"),
        ("zh", "妈妈爸爸", None, "m a m a p a p a"),
        ("zh", "朋友", None, "pʰ ə ŋ j o u"),
        ("zh", "x", "nü3er2 yue4liang5 si4 shi2", "n y a ɻ ɥ e l j a ŋ s ɹ̩ ʂ ɻ̩"),
        ("zh", "OK", None, "oʊ k eɪ"),
        ("zh", "3", None, "s a n"),
        ("zh", "用 iPhone", None, "j ʊ ŋ aɪ f oʊ n"),
        ("ja", "iPhoneを", None, "a i ɸ o ɴ o"),
        ("ja", "GPS", None, "dʑ i i p i i e s ɯ"),
        ("yue", "媽媽", None, "m aː m aː"),
        ("yue", "十三", None, "s ɐ p̚ s aː m"),
        ("yue", "x", "m4 goi1", "m k ɔ i"),
        ("ja", "ママは新聞を読む。", None, "m a m a w a ɕ i m b ɯ ɴ o j o m ɯ"),
        ("ja", "散歩", "さんぽ", "s a m p o"),
        ("ja", "切符", "きっぷ", "k i p p ɯ"),
        ("ja", "x", "きょう らーめん", "k j o ɯ ɾ a a m e ɴ"),
    ],
)
def test_words_of_seven_languages(language: str, text: str, reading: str | None, ipa: str) -> None:
    assert said(text, language, reading) == ipa


def test_a_reading_wins_over_the_script() -> None:
    assert said("妈", "zh", "ba4") == "p a"
    assert said("母", "ja", "ぱぱ") == "p a p a"


def test_words_are_counted_in_order() -> None:
    found = phones("papa bon", "fr")
    assert [phone.word_index for phone in found] == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "language", "sentence"),
    [
        ("ciao", "it", "Pronunciation is known for zh, yue, en, ja, ko, fr, de"),
        ("北京", "en", "not written in English"),
        ("さくら", "ko", "not written in Korean"),
        ("안녕", "zh", "not written in Chinese"),
        ("안녕", "ja", "not written in Japanese"),
        ("…", "de", "nothing to pronounce"),
        ("!!!", "en", "nothing to pronounce in '!!!': it has no letter and no digit"),
        ("$", "fr", "nothing to pronounce"),
        ("!!!", "zh", "nothing to pronounce"),
        ("I \u2764 you", "en", "not written in English"),
        ("\U0001f600 네", "ko", "not written in Korean"),
        ("helloと言う", "ja", "'hello' is not in the Japanese dictionary"),
        ("", "yue", "nothing to pronounce"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, language: str, sentence: str) -> None:
    with pytest.raises(PronunciationError, match=sentence):
        phones(text, language)


@pytest.mark.parametrize(("reading", "language"), [("xqz1", "zh"), ("maag9", "yue"), ("さ漢", "ja")])
def test_a_wrong_reading_is_refused(reading: str, language: str) -> None:
    with pytest.raises(PronunciationError, match="cannot be pronounced"):
        phones("x", language, reading)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pronunciation.missing() is None
    absent = {"pypinyin", "pyopenjtalk"}
    monkeypatch.setattr(pronunciation, "find_spec", lambda name: None if name in absent else True)
    assert pronunciation.missing() == (
        "Pronunciation needs pypinyin, pyopenjtalk-plus: pip install pypinyin pyopenjtalk-plus"
    )


def test_every_pinyin_syllable_has_phones() -> None:
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_normal

    toned = {one for entry in PINYIN_DICT.values() for one in entry.split(",")}
    readings = {to_normal(one, v_to_u=True) for one in toned}
    assert len(readings) > 400
    # 欸 (an interjection) and the reading of two characters of dialect stand outside the standard table.
    for syllable in readings - {"ê", "wong"}:
        assert pinyin_phones(syllable), syllable


@pytest.mark.parametrize("pair", ["you iu", "wei ui", "wen un"])
def test_a_bare_syllable_sounds_like_the_final(pair: str) -> None:
    bare, final = pair.split()
    assert pinyin_phones(bare) == pinyin_phones("d" + final)[1:]


def test_kana_scripts_agree() -> None:
    assert kana_phones("きゃべつ") == kana_phones("キャベツ") == ["k", "j", "a", "b", "e", "ts", "ɯ"]
    assert kana_phones("ファミリー") == ["ɸ", "a", "m", "i", "ɾ", "i", "i"]


def test_jyutping_of_a_dictionary_is_read_throughout() -> None:
    import ToJyutping

    line = "我哋朋友落雨食飯，飲杯茶，買蘋果麵包，學校門口冇人。"
    syllables = [one for _, one in ToJyutping.get_jyutping_list(line) if one]
    assert len(syllables) > 20
    assert all(jyutping_phones(one) for one in syllables)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phone_of_the_suites_has_a_mouth_shape_and_an_english_spelling(language: str) -> None:
    lines = [
        json.loads(line)
        for suite in sorted(SUITES.glob("*.jsonl"))
        for line in suite.read_text(encoding="utf-8").splitlines()
    ]
    mine = [one for one in lines if one.get("spoken") and one["language"] == language]
    assert mine
    for one in mine:
        for phone in phones(one["spoken"], language, one.get("reading")):
            assert viseme_of(phone.ipa)
            assert english(phone.ipa)
