"""How others write votes down: which column of a table holds what, and what its labels mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalharness.errors import RatingError
from evalharness.ratings.tally import OUTCOMES

__all__ = ["MEANINGS", "SKIP", "Layout"]

SKIP = "skip"
"""What a label means whose votes are to be left out; the tally says how many were."""

MEANINGS = {**{outcome.value: code for code, outcome in enumerate(OUTCOMES)}, SKIP: len(OUTCOMES)}
"""The words that a label can mean, each with its code."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table of votes, one a row, holds what. Columns are given by name; None is "not recorded"."""

    left: str = "left"
    """Name of the system on the left, or just of the first one, see `sides`."""
    right: str = "right"
    outcome: str | None = "outcome"
    """None where the left column holds each vote's winner and the right column its loser."""
    voter: str | None = "voter"
    """None: votes count as independent of one another on that side, and the tally's caveats say so."""
    prompt: str | None = "prompt"
    outcomes: Mapping[str, str] = field(default_factory=dict)
    """What labels mean: left, right, tie, both_bad or skip. Those four words mean themselves unless
    given another meaning; the label "" speaks for empty cells."""
    winner_named: bool = False
    """The outcome is the name of the system that won, or a label that speaks for neither."""
    sides: bool = True
    """Whether left and right are places on the screen; False forbids an order effect."""
    time: str | None = None
    """Votes are put in this order (numbers, or ISO 8601 times); without it they came as they stand."""
    count: str | None = None
    """How many equal votes a row stands for, where the table was summed up."""

    def __post_init__(self) -> None:
        spelled = {str(label): meaning for label, meaning in self.outcomes.items()}
        object.__setattr__(self, "outcomes", spelled)
        wrong = sorted({str(meaning) for meaning in self.outcomes.values()} - set(MEANINGS))
        if wrong:
            raise RatingError(
                f"A label cannot mean {', '.join(map(repr, wrong))}; a meaning is one of "
                f"{', '.join(MEANINGS)}."
            )
        if self.left == self.right:
            raise RatingError(
                f"Left and right are both to be read from the column {self.left!r}. Name the two columns "
                "that hold the systems."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        asked = (self.left, self.right, self.outcome, self.voter, self.prompt, self.time, self.count)
        return tuple(dict.fromkeys(name for name in asked if name is not None))

    def require_columns(self, found: Sequence[str], source: str = "") -> None:
        """Raise RatingError unless every column is among those found in `source`."""
        twice = [name for name in self.columns if list(found).count(name) > 1]
        if twice:
            raise RatingError(
                f"{source or 'The table'} has more than one column called {', '.join(twice)}. Rename all "
                "but one."
            )
        missing = [name for name in self.columns if name not in found]
        if missing:
            advice = "Name the columns, e.g. voter='worker' (in the shell --voter worker)"
            unrecorded = [role for role in ("voter", "prompt") if getattr(self, role) in missing]
            if unrecorded:
                said = ", ".join(f"{role}=None" for role in unrecorded)
                typed = " ".join(f"--without {role}" for role in unrecorded)
                advice += f"; if none was recorded say so: {said} ({typed})"
            raise RatingError(
                f"{source or 'The table'} has no column {', '.join(missing)}; "
                f"it has {', '.join(found)}. {advice}."
            )
