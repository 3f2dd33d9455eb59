"""Prompt suites: those that come along are what they promise, and every mistake in one gets its sentence."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from PIL import Image
from pypinyin import Style, pinyin

from evalharness.config import PromptSettings
from evalharness.data import data_folder
from evalharness.errors import SuiteError
from evalharness.prompts import builtin_suites, load_suite, load_suites
from evalharness.records import Category, Prompt, Task

SPOKEN_LANGUAGES = ("zh", "yue", "en", "ja", "ko", "fr", "de")
SPEECH = [prompt for prompt in load_suite("audio-sync") if prompt.spoken]

CANTONESE_LIPS = set(
    "媽買包麵畀爸八半碼碰面唔跑慢幫背婆每朋飲杯普菠妹白擺門邊蜜冰班表扮螞煲滿三味埋報賣蚊平寶飽棉被入夢"
)
"""Characters of these lines whose jyutping has a b, p or m, first or last: set down by hand."""

KANA_LIPS = set("まみむめもばびぶべぼぱぴぷぺぽ")
JAMO_LIPS = {"ᄆ", "ᄇ", "ᄈ", "ᄑ", "ᆷ", "ᆸ", "ᆹ", "ᆲ"}
"""ㅁ ㅂ ㅃ ㅍ where a syllable begins and ㅁ ㅂ ㅄ ㄼ where it ends, as Unicode takes Hangul apart."""


def closures(prompt: Prompt) -> int:
    """How often the lips shut in a spoken line, judged by its letters."""
    spoken = prompt.spoken or ""
    match prompt.language:
        case "yue":
            return sum(character in CANTONESE_LIPS for character in spoken)
        case "ko":
            return sum(jamo in JAMO_LIPS for jamo in unicodedata.normalize("NFD", spoken))
        case "ja":
            return sum(kana in KANA_LIPS for kana in prompt.reading or "")
        case "zh":
            return len(re.findall(r"[pbm]", prompt.reading or ""))
        case _:
            return len(re.findall(r"pp|bb|mm|[pbm]", spoken.lower()))


class TestTheSuitesThatComeAlong:
    def test_there_is_one_for_each_board(self) -> None:
        assert list(builtin_suites()) == sorted(Category)
        assert {name: {prompt.category for prompt in load_suite(name)} for name in builtin_suites()} == {
            name: {Category(name)} for name in Category
        }

    def test_each_is_large_enough(self) -> None:
        assert len(load_suite("text-to-video")) >= 60
        assert len(load_suite("image-to-video")) >= 24
        assert len(load_suite("reference-to-video")) >= 12
        assert sum("impact" in prompt.tags for prompt in load_suite("audio-sync")) >= 24
        lines = Counter(prompt.language for prompt in SPEECH)
        assert set(lines) == set(SPOKEN_LANGUAGES)
        assert min(lines.values()) >= 10

    def test_no_prompt_is_there_twice_and_all_are_free(self) -> None:
        prompts = load_suites(PromptSettings(suites=list(builtin_suites())), Path())
        assert len({prompt.id for prompt in prompts}) == len(prompts)
        assert len({prompt.text for prompt in prompts}) == len(prompts)
        assert {prompt.licence for prompt in prompts} == {"CC0-1.0"}

    def test_first_frames_are_pictures_of_the_size_that_is_shown_and_small(self) -> None:
        frames = [Path(prompt.first_frame or "") for prompt in load_suite("image-to-video")]
        assert len(set(frames)) == len(frames)
        for frame in frames:
            with Image.open(frame) as picture:
                picture.load()
                assert picture.size == (854, 480), frame.name
            assert frame.stat().st_size < 100_000, frame.name

    def test_every_picture_that_comes_along_is_used(self) -> None:
        used = {prompt.first_frame for prompt in load_suite("image-to-video")}
        assert used == {str(picture) for picture in (data_folder() / "first_frames").glob("*.jpg")}


class TestSpokenLines:
    @pytest.mark.parametrize("prompt", SPEECH, ids=lambda prompt: prompt.id)
    def test_the_lips_shut_often(self, prompt: Prompt) -> None:
        assert closures(prompt) >= 4

    @pytest.mark.parametrize("language", SPOKEN_LANGUAGES)
    def test_a_language_as_a_whole_shows_more_than_five_closures_a_line(self, language: str) -> None:
        counts = [closures(prompt) for prompt in SPEECH if prompt.language == language]
        assert sum(counts) / len(counts) > 5

    @pytest.mark.parametrize("prompt", SPEECH, ids=lambda prompt: prompt.id)
    def test_the_words_stand_in_the_prompt(self, prompt: Prompt) -> None:
        assert prompt.spoken is not None
        assert prompt.spoken in prompt.text
        assert "speech" in prompt.tags

    def test_mandarin_readings_give_each_character_one_of_its_sounds(self) -> None:
        for prompt in SPEECH:
            if prompt.language != "zh":
                continue
            characters = re.findall(r"[一-鿿]", prompt.spoken or "")
            syllables = re.findall(r"([a-zü]+)[1-5]", prompt.reading or "")
            assert len(syllables) == len(characters), prompt.id
            for character, syllable in zip(characters, syllables, strict=True):
                sounds = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=True)[0]
                assert syllable in sounds, (prompt.id, character)

    def test_japanese_readings_keep_every_kana_of_the_line(self) -> None:
        for prompt in SPEECH:
            if prompt.language != "ja":
                continue
            reading = iter(_as_heard(prompt.reading or ""))
            for kana in re.findall(r"[ぁ-ゖー]", _as_heard(prompt.spoken or "")):
                assert kana in reading, (prompt.id, kana)  # takes from `reading`: order counts


def _as_heard(text: str) -> str:
    """Hiragana alone, the particles は を written as they are spoken."""
    hiragana = "".join(chr(ord(letter) - 0x60) if "ァ" <= letter <= "ヶ" else letter for letter in text)
    return hiragana.translate(str.maketrans("はを", "わお"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a suite of lines (dictionaries as JSON, text as it is); its name."""

    def suite(*lines: Mapping[str, Any] | str, name: str = "mine.jsonl") -> str:
        written = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        (tmp_path / name).write_text("\n".join(written) + "\n", encoding="utf-8")
        return name

    return suite


def line(**changes: object) -> dict[str, Any]:
    """A prompt that is right, with changes; None takes a field away."""
    whole = {
        "id": "ball-01",
        "task": "text_to_video",
        "text": "A ball bounces.",
        "language": "en",
        "licence": "CC0-1.0",
    } | changes
    return {field: value for field, value in whole.items() if value is not None}


class TestReading:
    def test_a_line_becomes_a_record(self, tmp_path: Path, write: Callable[..., str]) -> None:
        Image.new("RGB", (64, 36)).save(tmp_path / "start.png")
        suite = write(
            "",
            line(),
            "   ",
            line(
                id="speak-01",
                task="image_to_video",
                text="他说：“爸爸。”",
                language="zh",
                spoken="爸爸。",
                reading="ba4ba5.",
                first_frame="start.png",
                tags=["audio-sync", "scene:room"],
            ),
        )
        plain, full = load_suite(suite, tmp_path)
        assert plain == Prompt(
            id="ball-01", task=Task.TEXT_TO_VIDEO, text="A ball bounces.", language="en", licence="CC0-1.0"
        )
        assert (full.spoken, full.reading, full.tags) == ("爸爸。", "ba4ba5.", ("audio-sync", "scene:room"))
        assert full.first_frame == str(tmp_path / "start.png")
        assert full.task is Task.IMAGE_TO_VIDEO

    def test_reference_pictures_keep_their_order(self, tmp_path: Path, write: Callable[..., str]) -> None:
        for name in ("cat.png", "hat.png"):
            Image.new("RGB", (64, 36)).save(tmp_path / name)
        suite = write(
            line(
                task="reference_to_video",
                text="[Image 2] on [Image 1], and [Image 2] again.",
                references=["hat.png", "cat.png"],
            )
        )
        (prompt,) = load_suite(suite, tmp_path)
        assert prompt.references == (str(tmp_path / "hat.png"), str(tmp_path / "cat.png"))
        assert prompt.pictures == tuple(
            sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("hat.png", "cat.png")
        )
        assert prompt.category is Category.REFERENCE_TO_VIDEO

    def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(self, tmp_path: Path) -> None:
        text = "\ufeff" + "\r\n".join(json.dumps(line(id=id_)) for id_ in ("a", "b"))
        (tmp_path / "mine.jsonl").write_bytes(text.encode())
        assert [prompt.id for prompt in load_suite("mine.jsonl", tmp_path)] == ["a", "b"]

    def test_a_line_separator_inside_a_text_is_no_new_line(
        self, tmp_path: Path, write: Callable[..., str]
    ) -> None:
        (prompt,) = load_suite(write(line(text="One\u2028two.")), tmp_path)
        assert prompt.text == "One\u2028two."


WRONG_LINES: tuple[tuple[str, Mapping[str, Any] | str, str], ...] = (
    ("broken JSON", '{"id": "x",', r"mine\.jsonl:2: not a prompt in JSON: .+"),
    (
        "no object",
        "[1, 2]",
        r"mine\.jsonl:2: not a prompt in JSON: a line is one JSON object, found \[1, 2\]",
    ),
    ("a field twice", '{"id": "a", "id": "b"}', r"mine\.jsonl:2: .*the field 'id' stands there 2 times"),
    (
        "unknown field",
        line(id="b", langage="en"),
        r"mine\.jsonl:2: langage: .*not known; did you mean language\?",
    ),
    ("missing field", line(id="b", licence=None), r"mine\.jsonl:2: licence: found nothing; it must be given"),
    (
        "wrong language tag",
        line(id="b", language="English"),
        r'mine\.jsonl:2: language: found "English"; allowed: .*zh, yue',
    ),
    (
        "wrong task",
        line(id="b", task="text-to-video"),
        r'mine\.jsonl:2: task: found "text-to-video"; allowed: text_to_video or',
    ),
    ("a number as text", line(id="b", text=5), r"mine\.jsonl:2: text: found 5; allowed: one line of text"),
    ("empty text", line(id="b", text=""), r'mine\.jsonl:2: text: found ""; allowed'),
    ("two lines of text", line(id="b", text="One.\nTwo."), r"mine\.jsonl:2: text: found .*allowed: one line"),
    ("wrong id", line(id="b/c"), r'mine\.jsonl:2: id: found "b/c"; allowed: letters, digits'),
    (
        "an id like a seed",
        line(id="b__2"),
        r"mine\.jsonl:2: id: found 'b__2'; an id may not end like the seed",
    ),
    (
        "a tag in capitals",
        line(id="b", tags=["Sea"]),
        r'mine\.jsonl:2: tags: found \["Sea"\]; allowed: a list of lower-case',
    ),
    ("a tag twice", line(id="b", tags=["sea", "sea"]), r"mine\.jsonl:2: tags: found 'sea' 2 times"),
    (
        "no first frame",
        line(id="b", task="image_to_video"),
        r"mine\.jsonl:2: first_frame: found nothing; image_to_video must have one",
    ),
    (
        "a needless first frame",
        line(id="b", first_frame="a.png"),
        r"mine\.jsonl:2: first_frame: found 'a\.png'; text_to_video takes no picture",
    ),
    (
        "a missing picture",
        line(id="b", task="image_to_video", first_frame="gone.png"),
        r"mine\.jsonl:2: first_frame: found 'gone\.png', but there is no file .*gone\.png",
    ),
    (
        "no reference picture",
        line(id="b", task="reference_to_video"),
        r"mine\.jsonl:2: references: found nothing; reference_to_video must have at least one",
    ),
    (
        "needless reference pictures",
        line(id="b", references=["a.png"]),
        r"mine\.jsonl:2: references: found 1; text_to_video takes no reference pictures",
    ),
    (
        "a picture that is not called",
        line(id="b", task="reference_to_video", text="[Image 1] sings.", references=["a.png", "b.png"]),
        r"mine\.jsonl:2: text: nowhere says \[Image 2\]",
    ),
    (
        "a call without a picture",
        line(id="b", task="reference_to_video", text="[Image 1], [Image 3].", references=["a.png"]),
        r"mine\.jsonl:2: text: found \[Image 3\], but the references are 1",
    ),
    (
        "a missing reference picture",
        line(id="b", task="reference_to_video", text="[Image 1].", references=["gone.png"]),
        r"mine\.jsonl:2: references: found 'gone\.png', but there is no file .*gone\.png",
    ),
    (
        "a null character in a path",
        line(id="b", task="image_to_video", first_frame="a\0.png"),
        r"mine\.jsonl:2: first_frame: \"a\\u0000\.png\" can be no file's path: .*null",
    ),
    (
        "a path that is too long",
        line(id="b", task="image_to_video", first_frame="a" * 300 + ".png"),
        r"mine\.jsonl:2: first_frame: .*can be no file's path: .*too long",
    ),
    (
        "half a surrogate pair",
        '{"id": "b", "task": "text_to_video", "text": "\\ud800", "language": "en", "licence": "CC0-1.0"}',
        r"mine\.jsonl:2: not a prompt in JSON: .+",
    ),
    ("brackets without end", "[" * 200_000, r"mine\.jsonl:2: not a prompt in JSON: "),
    (
        "too many references",
        line(
            id="b",
            task="reference_to_video",
            text=" ".join(f"[Image {n}]" for n in range(1, 32)),
            references=["a.png"] * 31,
        ),
        r"mine\.jsonl:2: references: found 31; at most 30 are taken",
    ),
    (
        "a number that is written otherwise",
        line(id="b", task="reference_to_video", text="[Image 01].", references=["a.png"]),
        r"mine\.jsonl:2: text: nowhere says \[Image 1\]",
    ),
    (
        "a first frame beside references",
        line(id="b", task="reference_to_video", first_frame="a.png", references=["gone.png"]),
        r"mine\.jsonl:2: first_frame: found 'a\.png'; reference_to_video takes no picture",
    ),
    (
        "a reading of nothing",
        line(id="b", reading="ba4"),
        r"mine\.jsonl:2: reading: found 'ba4' but no words in 'spoken'",
    ),
    (
        "pinyin without tones",
        line(id="b", language="zh", spoken="爸", reading="ba"),
        r"mine\.jsonl:2: reading: found 'ba'; allowed for zh: pinyin .* tone digit",
    ),
    (
        "kanji in a reading",
        line(id="b", language="ja", spoken="母", reading="母"),
        r"mine\.jsonl:2: reading: found '母'; allowed for ja: kana",
    ),
)


class TestMistakes:
    @pytest.mark.parametrize(
        ("wrong", "sentence"), [case[1:] for case in WRONG_LINES], ids=[case[0] for case in WRONG_LINES]
    )
    def test_a_wrong_line_is_named_by_file_line_and_field(
        self, tmp_path: Path, write: Callable[..., str], wrong: Mapping[str, Any] | str, sentence: str
    ) -> None:
        with pytest.raises(SuiteError, match=sentence) as error:
            load_suite(write(line(), wrong), tmp_path)
        assert str(error.value).endswith(".")

    def test_further_problems_of_a_line_are_counted(self, tmp_path: Path, write: Callable[..., str]) -> None:
        with pytest.raises(SuiteError, match=r"\(2 more problems in this line\.\)"):
            load_suite(write(line(task="x", language="English", licence="")), tmp_path)

    @pytest.mark.parametrize("content", [b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(40), b""])
    def test_a_picture_that_cannot_be_read_is_named(
        self, tmp_path: Path, write: Callable[..., str], content: bytes
    ) -> None:
        (tmp_path / "start.png").write_bytes(content)
        suite = write(line(task="image_to_video", first_frame="start.png"))
        with pytest.raises(SuiteError, match=r"mine\.jsonl:1: first_frame: .*start\.png is not a picture"):
            load_suite(suite, tmp_path)

    def test_a_picture_of_a_thousand_million_pixels_is_not_opened(
        self, tmp_path: Path, write: Callable[..., str]
    ) -> None:
        head = b"IHDR" + (60_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0"
        png = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + head + crc32(head).to_bytes(4)
        (tmp_path / "start.png").write_bytes(png)
        suite = write(line(task="image_to_video", first_frame="start.png"))
        with pytest.raises(SuiteError, match=r"first_frame: .*start\.png is not a picture that can be read"):
            load_suite(suite, tmp_path)

    def test_an_id_may_occur_once_in_all_suites(self, tmp_path: Path, write: Callable[..., str]) -> None:
        first = write(line(id="other"), line(), name="first.jsonl")
        second = write(line(), name="second.jsonl")
        with pytest.raises(
            SuiteError, match=r"second\.jsonl:1: id: found 'ball-01', which first\.jsonl:2 has"
        ):
            load_suites(PromptSettings(suites=[first, second]), tmp_path)
        with pytest.raises(SuiteError, match=r"first\.jsonl:1: id: found 'other', which first\.jsonl:1 has"):
            load_suites(PromptSettings(suites=[first, first]), tmp_path)

    def test_an_unknown_suite_answers_with_the_nearest(self, tmp_path: Path) -> None:
        with pytest.raises(SuiteError, match=r"no prompt suite 'text-to-vidoe': did you mean text-to-video"):
            load_suite("text-to-vidoe", tmp_path)

    def test_a_suite_file_that_is_not_there_is_named_in_full(self, tmp_path: Path) -> None:
        with pytest.raises(SuiteError, match=re.escape(str(tmp_path / "mine.jsonl"))):
            load_suite("mine.jsonl", tmp_path)

    @pytest.mark.parametrize("content", ["", "\n  \n"])
    def test_an_empty_suite_is_refused(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "mine.jsonl").write_text(content, encoding="utf-8")
        with pytest.raises(SuiteError, match=r"mine\.jsonl is empty: .*at least one"):
            load_suite("mine.jsonl", tmp_path)

    def test_another_encoding_is_told_by_its_byte(self, tmp_path: Path) -> None:
        (tmp_path / "mine.jsonl").write_bytes(b'{"id": "caf\xe9"}')
        with pytest.raises(SuiteError, match=r"mine\.jsonl is not UTF-8 text: byte 11"):
            load_suite("mine.jsonl", tmp_path)


class TestFilters:
    @pytest.fixture
    def suite(self, write: Callable[..., str]) -> str:
        return write(
            line(id="a-en", tags=["sea"]),
            line(id="b-de", language="de", tags=["sea", "night"]),
            line(id="c-en", tags=["audio-sync", "night"]),
            line(id="d-en"),
            line(id="e-de", language="de", tags=["audio-sync"]),
        )

    @pytest.mark.parametrize(
        ("filters", "left"),
        [
            ({}, "a b c d e"),
            ({"ids": ["d-en", "a-en"]}, "a d"),
            ({"languages": ["de"]}, "b e"),
            ({"tags": ["sea"]}, "a b"),
            ({"tags": ["sea", "night"]}, "a b c"),
            ({"languages": ["en"], "tags": ["night"]}, "c"),
            ({"limit_per_category": 1}, "a c"),
            ({"limit_per_category": 2}, "a b c e"),
            ({"languages": ["de"], "limit_per_category": 1}, "b e"),
            ({"ids": ["a-en", "d-en"], "languages": ["en"], "limit_per_category": 1}, "a"),
        ],
    )
    def test_what_passes_every_filter_stays_in_its_order(
        self, tmp_path: Path, suite: str, filters: dict[str, Any], left: str
    ) -> None:
        prompts = load_suites(PromptSettings(suites=[suite], **filters), tmp_path)
        assert " ".join(prompt.id[0] for prompt in prompts) == left

    def test_suites_keep_the_order_of_the_study(
        self, tmp_path: Path, suite: str, write: Callable[..., str]
    ) -> None:
        other = write(line(id="z"), name="other.jsonl")
        prompts = load_suites(PromptSettings(suites=[other, suite]), tmp_path)
        assert [prompt.id[0] for prompt in prompts] == list("zabcde")

    @pytest.mark.parametrize(
        ("filters", "sentence"),
        [
            ({"ids": ["a-em"]}, r"\[prompts\] ids: found 'a-em', which no prompt .*did you mean a-en"),
            ({"languages": ["fr"]}, r"\[prompts\] languages: found 'fr', .*present: de, en\."),
            ({"tags": ["seaa"]}, r"\[prompts\] tags: found 'seaa', .*did you mean sea\?"),
        ],
    )
    def test_a_filter_that_names_nothing_is_refused(
        self, tmp_path: Path, suite: str, filters: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(SuiteError, match=sentence):
            load_suites(PromptSettings(suites=[suite], **filters), tmp_path)

    def test_nothing_left_names_the_filters(self, tmp_path: Path, suite: str) -> None:
        settings = PromptSettings(suites=[suite], ids=["a-en"], languages=["de"])
        sentence = r"None of the 5 prompts is left .*ids = \['a-en'\], languages = \['de'\]"
        with pytest.raises(SuiteError, match=sentence):
            load_suites(settings, tmp_path)
