"""Releases of one family in a row: where did something get worse first?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalharness.regression.verdict import Check, Comparison, Finding

__all__ = ["Break", "History", "first_breaks"]


@dataclass(frozen=True, slots=True)
class Break:
    """The first release in which something was found worse, and the last that it is worse than."""

    before: str
    since: str
    check: Check

    @property
    def sentence(self) -> str:
        """First release, between which two, and by how much."""
        return (
            f"First release in which {self.check.name} got worse: {self.since} (between {self.before} and "
            f"{self.since}). {self.check.sentence}"
        )


@dataclass(frozen=True, slots=True)
class History:
    """Consecutive comparisons, oldest first, and the first breaks."""

    study: str
    releases: tuple[str, ...]
    """Published names."""
    steps: tuple[Comparison, ...]
    """One less than releases: each against the one before it."""
    whole: Comparison
    """The last against the first: small steps add up."""
    breaks: tuple[Break, ...]


def first_breaks(
    releases: Sequence[str], checked: Callable[[str, str], Sequence[Check]]
) -> tuple[Break, ...]:
    """By check: the first release that is worse than an earlier one, and the latest such earlier one.

    `checked(baseline, candidate)` gives the checks of two releases. Steps too small to be seen add up: a
    release may be no worse than the one before it, and worse than the one before that.
    """
    found: dict[str, Break] = {}
    for place, since in enumerate(releases):
        for before in reversed(releases[:place]):
            for check in checked(before, since):
                if check.finding is Finding.WORSE and check.name not in found:
                    found[check.name] = Break(before, since, check)
    return tuple(sorted(found.values(), key=lambda each: (not each.check.decides, each.check.name)))
