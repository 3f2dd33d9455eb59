"""Every word a voter reads, in one file a language.

    words("zh")["player.saved"] -> "已保存"

A key is its table and its name in `<language>.toml`; a word may hold fields, `{number}`, which whoever shows
it fills. All languages hold the same keys with the same fields (a test sees to it). A new language is a new
file, and a line in LANGUAGES.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

__all__ = ["LANGUAGES", "SCRIPT", "interface_for", "section", "words"]

FOLDER = Path(__file__).parent
LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}
"""Languages of the pages, each by its own name; the first is what others get."""
SCRIPT = (FOLDER / "words.js").read_text(encoding="utf-8")
"""What puts words into a component's elements; it goes before the component's own script."""


@cache
def words(language: str) -> Mapping[str, str]:
    """All words of an interface language by key. Raises KeyError for a language that there is not."""
    if language not in LANGUAGES:
        raise KeyError(f"there is no interface in {language!r}; there is one in {', '.join(LANGUAGES)}")
    tables = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{table}.{name}": text for table, entries in tables.items() for name, text in entries.items()}


def section(language: str, table: str) -> dict[str, str]:
    """The words of one table, by name: what a component is given."""
    start = f"{table}."
    return {key.removeprefix(start): text for key, text in words(language).items() if key.startswith(start)}


def interface_for(wishes: Iterable[str | None]) -> str:
    """The interface language of the first wish that can be met; a wish is a tag such as "zh-Hans-CN"."""
    for wish in wishes:
        language = (wish or "").replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return next(iter(LANGUAGES))
