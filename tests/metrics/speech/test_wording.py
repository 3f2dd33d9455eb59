"""Edit distance judged by jiwer, wordings by pairs that must and must not be the same."""

from __future__ import annotations

import random

import pytest

from metrics.speech.wording import Difference, difference, sounded


def test_edits_are_as_many_as_jiwer_counts() -> None:
    jiwer = pytest.importorskip("jiwer")
    rng = random.Random(7)
    for _ in range(60):
        wanted = [rng.choice("abcd") for _ in range(rng.randint(1, 9))]
        heard = [rng.choice("abcd") for _ in range(rng.randint(0, 9))]
        ours = difference(wanted, heard)
        assert ours.rate == pytest.approx(jiwer.wer(" ".join(wanted), " ".join(heard)))
        assert len(wanted) - ours.deletions + ours.insertions == len(heard)
        assert min(ours.substitutions, ours.deletions, ours.insertions) >= 0


def test_a_worked_example() -> None:
    """the cat sat down | a cat down now: the → a, sat dropped, now added."""
    found = difference(["the", "cat", "sat", "down"], ["a", "cat", "down", "now"])
    assert found == Difference(substitutions=1, deletions=1, insertions=1, length=4)
    assert found.rate == 0.75


def test_silence_loses_every_word_and_no_reference_is_refused() -> None:
    assert difference(["a", "b"], []).rate == 1.0
    with pytest.raises(ValueError, match="nothing to compare"):
        difference([], ["a"])


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "It’s TEN o'clock — now!", "it's ten o’clock, now"),
        ("fr", "L’été, déjà ?", "l'e\u0301te\u0301 déjà"),
        ("de", "Die Straße ist groß.", "die strasse ist GROSS"),
        ("zh", "我在买面包和苹果。", "我再買麵包和蘋果"),
        ("zh", "ＡＩ时代", "ai時代"),
        ("yue", "媽媽買咗麵包畀我。", "妈妈买左面包俾我"),
        ("ja", "母は毎晩、パンを塗ります。", "はははまいばんパンをぬります"),
        ("ja", "東京", "トウキョウ"),
        ("ko", "부엌에서 볶음밥을", "부엌에서볶음밥을!"),
    ],
)
def test_the_same_words_sound_the_same(language: str, one: str, other: str) -> None:
    assert sounded(one, language) == sounded(other, language) != []


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "three", "tree"),
        ("fr", "pomme", "pommes"),
        ("zh", "买", "卖"),
        ("yue", "買", "賣"),
        ("ja", "おばさん", "おばあさん"),
        ("ko", "밥", "밤"),
        ("zh", "3个", "4个"),
    ],
)
def test_other_words_do_not(language: str, one: str, other: str) -> None:
    assert difference(sounded(one, language), sounded(other, language)).rate > 0


def test_chinese_counts_syllables_with_their_tones() -> None:
    assert sounded("我爸爸，hello 2次", "zh") == ["wo3", "ba4", "ba4", "hello", "2", "ci4"]
    assert sounded("食飯", "yue") == ["sik6", "faan6"]
    assert sounded("行きます", "ja") == list("イキマス")
