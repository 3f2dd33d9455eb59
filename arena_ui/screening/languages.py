"""Whether a voter knows a language: three sentences to complete, drawn of those in `languages.toml`. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

__all__ = ["ASKED", "Sentence", "passes", "right_answers", "sentences", "sentences_of"]

FILE = Path(__file__).with_name("languages.toml")
ASKED = 3
ENOUGH = 2
"""Of three; by guessing among four words 16 people in 100 have as many."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with a gap, and four words of which one belongs there."""

    text: str
    options: tuple[str, ...]
    right: int
    """Which option, counted from 0."""


@cache
def sentences() -> Mapping[str, tuple[Sentence, ...]]:
    """All sentences by language; in the file the right word stands first."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        language: tuple(Sentence(text, tuple(options), 0) for text, *options in entries["sentences"])
        for language, entries in tables.items()
    }


def sentences_of(language: str, secret: str) -> tuple[Sentence, ...]:
    """The sentences that a secret draws, their options in an order of its own.

    Raises KeyError for a language without sentences.
    """
    random = Random(secret)
    return tuple(_shuffled(each, random) for each in random.sample(sentences()[language], ASKED))


def right_answers(answers: object, asked: tuple[Sentence, ...]) -> int | None:
    """How many of a voter's answers are right; None where they are no answers to these sentences."""
    if not isinstance(answers, list) or len(answers) != len(asked):
        return None
    for answer, sentence in zip(answers, asked, strict=True):
        if type(answer) is not int or not 0 <= answer < len(sentence.options):
            return None
    return [sentence.right == answer for answer, sentence in zip(answers, asked, strict=True)].count(True)


def passes(right: int) -> bool:
    """Whether so many right answers show that the language is known."""
    return right >= ENOUGH


def _shuffled(sentence: Sentence, random: Random) -> Sentence:
    options = random.sample(sentence.options, len(sentence.options))
    return Sentence(sentence.text, tuple(options), options.index(sentence.options[sentence.right]))
