"""Tables of votes, coded one after the other into a `Tally`.

So a file of millions of votes never stands in memory as text. Nothing is guessed: a label without a meaning,
an empty cell and a column that is not there are refused, with what was found and what to say instead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalharness.errors import RatingError
from evalharness.ratings.layout import MEANINGS, SKIP, Layout
from evalharness.ratings.tally import LEFT, NOT_RECORDED, OUTCOMES, RIGHT, Codes, Tally, tally_codes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Gathering"]

Places = NDArray[np.int32]
"""Codes while they are gathered: half the memory; a tally widens them."""

_UNKNOWN = -1
_MOST = 200_000_000
"""Votes that summed rows may stand for: each becomes a row of its own."""
_SHOWN = 12
"""Labels that a message lists at most."""


class _Names:
    """Codes for the texts of a column, given in order of first appearance over all tables."""

    def __init__(self) -> None:
        self._code: dict[str, int] = {}

    @property
    def known(self) -> list[str]:
        """Every text so far; its place is its code."""
        return list(self._code)

    def codes(self, values: pd.Series[Any]) -> Places:
        """The codes of a column; -1 for an empty cell. Each distinct text is looked at once."""
        import pandas as pd

        if isinstance(values.dtype, pd.CategoricalDtype):
            local, distinct = values.cat.codes.to_numpy(), values.cat.categories
            used = np.bincount(local.astype(np.intp) + 1, minlength=len(distinct) + 1)[1:] > 0
        else:
            try:
                local, distinct = pd.factorize(values)
            except TypeError:
                raise RatingError(
                    f"The column {values.name} holds lists or other structures, which name nothing. Name the "
                    "column of a plain text or number, or make one from it."
                ) from None
            used = np.ones(len(distinct), dtype=bool)
        place = np.full(len(distinct) + 1, _UNKNOWN, dtype=np.int32)  # the last one speaks for -1
        for number, value in enumerate(distinct.tolist()):
            # A merge or one empty cell turns 1 into 1.0; it is still the same name.
            text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            if used[number] and text.strip():
                place[number] = self._code.setdefault(text, len(self._code))
        codes: Places = place[local]
        return codes


class Gathering:
    """Codes tables of one layout, given one after the other, and makes a tally of them all."""

    def __init__(self, layout: Layout, source: str = "") -> None:
        self._layout = layout
        self._name = source
        self._source = f"{source}: " if source else ""
        self._systems, self._voters, self._prompts, self._labels = _Names(), _Names(), _Names(), _Names()
        self._parts: dict[str, list[NDArray[Any]]] = {}
        self._indices: list[pd.Index[Any]] = []

    def add(self, frame: pd.DataFrame) -> None:
        """Code the votes of one table; its index names the rows in messages."""
        layout = self._layout
        layout.require_columns([str(name) for name in frame.columns], self._name)
        self._indices.append(frame.index)
        self._keep("left", self._systems.codes(frame[layout.left]))
        self._keep("right", self._systems.codes(frame[layout.right]))
        for part, column, names in (
            ("outcome", layout.outcome, self._systems if layout.winner_named else self._labels),
            ("voter", layout.voter, self._voters),
            ("prompt", layout.prompt, self._prompts),
        ):
            if column is not None:
                self._keep(part, names.codes(frame[column]))
        if layout.time is not None:
            self._keep("time", self._times(frame[layout.time]))
        if layout.count is not None:
            self._keep("count", self._counts(frame[layout.count]))

    def tally(self) -> Tally:
        """All votes added so far. Raises RatingError for what cannot be counted, naming the row."""
        layout = self._layout
        left, right = self._named("left", "system"), self._named("right", "system")
        outcome = self._outcomes(left, right)
        voter = self._clusters("voter", layout.voter, len(left))
        prompt = self._clusters("prompt", layout.prompt, len(left))
        rows, left_out = self._rows(outcome)
        if rows is not None:
            left, right, voter, prompt = (part[rows] for part in (left, right, voter, prompt))
            outcome = outcome[rows]
        votes = tally_codes(
            self._systems.known,
            NOT_RECORDED if layout.voter is None else self._voters.known,
            NOT_RECORDED if layout.prompt is None else self._prompts.known,
            left=left,
            right=right,
            outcome=outcome,
            voter=voter,
            prompt=prompt,
            where=lambda row: self._row(row if rows is None else int(rows[row])),
        )
        votes = replace(
            votes,
            sides_known=layout.sides and layout.outcome is not None,
            voters_known=layout.voter is not None,
            prompts_known=layout.prompt is not None,
            left_out=left_out,
        )
        # Names of rows left out, and labels that were looked up among the systems, are nobody's.
        return votes if rows is None and not layout.winner_named else votes.where(slice(None), compact=True)

    def _keep(self, part: str, values: NDArray[Any]) -> None:
        self._parts.setdefault(part, []).append(values)

    def _joined(self, part: str) -> NDArray[Any]:
        parts = self._parts.get(part, [np.empty(0, dtype=np.int32)])
        if len(parts) > 1:
            parts[:] = [np.concatenate(parts)]  # the pieces are let go: a large file stands here once
        return parts[0]

    def _row(self, row: int) -> str:
        for index in self._indices:
            if row < len(index):
                return f"{self._source}Row {index[row]}"
            row -= len(index)
        raise IndexError(row)

    def _named(self, part: str, what: str) -> Places:
        """The codes of a column that must be filled in every row."""
        codes: Places = self._joined(part)
        empty = np.flatnonzero(codes == _UNKNOWN)
        if empty.size:
            raise RatingError(
                f"{self._row(int(empty[0]))} names no {what} ({empty.size} such rows). Leave the rows out "
                "before rating, or fill the cells; unknown voters each need a name of their own, as one name "
                "for all would make one very busy voter of them."
            )
        return codes

    def _clusters(self, part: str, column: str | None, rows: int) -> Places:
        return np.zeros(rows, dtype=np.int32) if column is None else self._named(part, part)

    def _outcomes(self, left: Places, right: Places) -> Codes:
        """Each vote's outcome, or that it is to be left out."""
        if self._layout.outcome is None:
            return np.full(len(left), LEFT, dtype=np.int64)
        given = self._joined("outcome")
        labels = [*(self._systems if self._layout.winner_named else self._labels).known, ""]
        words = {outcome.value: outcome.value for outcome in OUTCOMES} | dict(self._layout.outcomes)
        codes = [MEANINGS[words[label]] if label in words else _UNKNOWN for label in labels]
        meaning = np.array(codes, dtype=np.int64)
        outcome: Codes = meaning[given]
        if self._layout.winner_named:
            self._require_no_system(labels, meaning, left, right)
            outcome[given == left] = LEFT
            outcome[given == right] = RIGHT
        strange = np.flatnonzero(outcome == _UNKNOWN)
        if strange.size:
            raise RatingError(self._strange_labels(labels, given, strange))
        return outcome

    def _require_no_system(self, labels: list[str], meaning: Codes, left: Places, right: Places) -> None:
        both = sorted(labels[code] for code in np.union1d(left, right) if meaning[code] != _UNKNOWN)
        if both:
            raise RatingError(
                f"{self._source}{', '.join(both)} is the name of a system and an outcome too, so a winner of "
                "that name cannot be told. Rename the system, or give the outcome as a side."
            )

    def _strange_labels(self, labels: list[str], given: Places, strange: Codes) -> str:
        first = labels[given[strange[0]]]
        codes, times = np.unique(given[strange], return_counts=True)
        most = np.argsort(-times, kind="stable")[:_SHOWN]
        listed = ", ".join(f"{labels[codes[i]]!r} ({times[i]:,})" for i in most)
        more = f" and {len(codes) - _SHOWN} more" if len(codes) > _SHOWN else ""
        also = " or the name of one of the row's two systems" if self._layout.winner_named else ""
        return (
            f"{self._row(int(strange[0]))} has the outcome {first!r} ({strange.size} such rows); allowed are "
            f"{', '.join(outcome.value for outcome in OUTCOMES)}{also}. Labels without a meaning: "
            f"{listed}{more}. Translate the labels first, or say what they mean, e.g. "
            f"outcomes={{{first!r}: 'left'}} (in the shell --outcomes '{first}=left'); {SKIP!r} leaves such "
            "rows out."
        )

    def _rows(self, outcome: Codes) -> tuple[Codes | None, int]:
        """Places of the rows to count, in order of time and as often as they stand for; None for as is."""
        keep = outcome != MEANINGS[SKIP]
        left_out = int(len(keep) - np.count_nonzero(keep))
        if not left_out and self._layout.time is None and self._layout.count is None:
            return None, 0
        rows = np.flatnonzero(keep)
        if self._layout.time is not None:
            rows = rows[np.argsort(self._joined("time")[rows], kind="stable")]
        if self._layout.count is not None:
            times = self._joined("count")
            rows = np.repeat(rows, times[rows])
            left_out = int(times[~keep].sum())
        return rows, left_out

    def _times(self, values: pd.Series[Any]) -> NDArray[Any]:
        """Moments that sort as the votes came: numbers, or times in microseconds."""
        import pandas as pd

        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        if values.dtype.kind != "M":
            numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            if np.isfinite(numbers).all():
                return self._one_kind_of_time(numbers)
        moments = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
        wrong = np.flatnonzero(moments.isna())
        if wrong.size:
            raise RatingError(
                f"{self._source}Row {values.index[wrong[0]]} has the time {values.iloc[wrong[0]]!r} "
                f"({wrong.size} such rows). Give numbers or ISO 8601 times throughout, or name no time "
                "column: votes then count as they stand."
            )
        return self._one_kind_of_time(moments.dt.tz_localize(None).to_numpy(dtype="datetime64[us]"))

    def _one_kind_of_time(self, moments: NDArray[Any]) -> NDArray[Any]:
        before = self._parts.get("time", [moments])[0]
        if before.dtype != moments.dtype:
            raise RatingError(
                f"{self._source}The column {self._layout.time} holds numbers in some rows and dates in "
                "others. Write all of them in one form."
            )
        return moments

    def _counts(self, values: pd.Series[Any]) -> Codes:
        import pandas as pd

        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers))))
        if wrong.size:
            raise RatingError(
                f"{self._source}Row {values.index[wrong[0]]} stands for {values.iloc[wrong[0]]!r} votes "
                f"({wrong.size} such rows). A count is a whole number from 0."
            )
        if numbers.sum() > _MOST:
            raise RatingError(
                f"{self._source}The rows stand for {numbers.sum():,.0f} votes, more than the {_MOST:,} "
                "that are rated at once. Is the count in the right column? Scaled-up counts fake certainty."
            )
        counts: Codes = numbers.astype(np.int64)
        return counts
