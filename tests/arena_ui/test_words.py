"""Words: every language says everything, and nothing is said in the code."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import arena_ui
from arena_ui.views.leaderboard import ALL
from arena_ui.words import LANGUAGES, interface_for, section, words
from evalharness.records import Category, Outcome, Question
from evalharness.reports.wording import HEADLINE
from evalharness.votes import RefusalKind

PACKAGE = Path(arena_ui.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_says_the_same_with_the_same_fields(language):
    theirs, english = words(language), words("en")
    assert list(theirs) == list(english)
    assert {key: fields(text) for key, text in theirs.items()} == {
        key: fields(text) for key, text in english.items()
    }
    assert not [key for key, text in theirs.items() if not text.strip()]


def test_chinese_is_chinese():
    """Whatever holds more than a field or a letter is written in its own script."""
    han = re.compile(r"[\u4e00-\u9fff]")
    told = {key for key, text in words("zh").items() if not han.search(re.sub(r"\{\w+\}", "", text))}
    assert told <= {"player.count"}


def test_every_label_that_a_page_says_has_its_words():
    for language in LANGUAGES:
        assert set(section(language, "question")) == set(Question)
        assert set(section(language, "answer")) == set(Outcome)
        assert set(section(language, "refused")) == {*RefusalKind, "conflict", "other"} - {
            RefusalKind.TOO_SOON
        }
        assert set(section(language, "category")) == {*Category, ALL}
        assert set(section(language, "topic")) == set(Question)
        assert set(section(language, "headline")) == set(HEADLINE)


def test_the_interface_is_of_the_first_wish_that_can_be_met():
    assert interface_for(["zh-Hans-CN", "en"]) == "zh"
    assert interface_for(["fr-FR", "zh_TW"]) == "zh"
    assert interface_for([None, "", "xx"]) == "en"
    assert interface_for([]) == "en"
    with pytest.raises(KeyError, match="no interface in 'fr'; there is one in en, zh"):
        words("fr")


@pytest.mark.parametrize(
    "page",
    sorted(page for page in PACKAGE.rglob("*.html") if "owner" not in page.parts),
    ids=lambda page: page.name,
)
def test_no_page_of_a_voter_holds_words_of_its_own(page):
    text = re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8"))
    assert not re.search(r"[^\W\d_]{2,}", text)


def test_every_word_is_used():
    """By its whole key or its name, in a page or a script."""
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for kind in ("*.py", "*.js", "*.html")
        for file in PACKAGE.rglob(kind)
    )
    by_label = (
        "question.",
        "answer.",
        "refused.",
        "keys.answer-",
        "fault.",
        "notice.",
        "category.",
        "topic.",
        "headline.",
    )
    unused = [
        key
        for key in words("en")
        if not key.startswith(by_label)
        and not re.search(rf"[\"'.`]{re.escape(key.partition('.')[2])}\b", code)
    ]
    assert unused == []
