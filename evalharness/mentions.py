"""How a prompt's words call its reference pictures: [Image 1], [Image 2], … for every system.

Each vendor has a spelling of its own, so the words that are sent are spelled anew; the words that voters read
stay as they are.
"""

from __future__ import annotations

import re

__all__ = ["called", "spelled"]

_MENTION = re.compile(r"\[Image ([1-9][0-9]{0,2})\]")


def called(words: str) -> frozenset[int]:
    """The numbers of the pictures that the words call, counted from 1."""
    return frozenset(int(number) for number in _MENTION.findall(words))


def spelled(words: str, spelling: str) -> str:
    """The words with each picture called as `spelling` says, where {} stands for its number."""
    return _MENTION.sub(lambda found: spelling.format(found[1]), words)
