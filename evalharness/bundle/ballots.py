"""The votes of a bundle: a table of answers -> boards and the way from battles to counted votes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalharness.errors import ConfigError, RatingError
from evalharness.exports import Form, Manifest
from evalharness.ratings import leaderboard
from evalharness.ratings.tally import NOT_RECORDED, OUTCOMES, tally_codes
from evalharness.records import Leaderboard, Question
from evalharness.reports import CategoryProgress, Refusal, VoteFlow

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHECK", "CHOICES", "Ballots", "read_votes_table"]

COLUMNS = ("battle", "voter", "prompt", "category", "question", "left", "right", "outcome", "left_out")
"""What boards are made of."""
FULL = ("category", "question", "left", "right", "outcome")
"""Columns without an empty cell."""
CHOICES = ("estimator", "interval", "confidence", "anchor", "seed", "sort")
"""What was chosen of a board, as its recipe names it; all else follows from the votes."""
CHECK = "check"
"""Why an answer to a pair that tests the voter does not count: it is no vote on systems."""
Slice = tuple[str, Question]


class Ballots:
    """The answers in the `votes.parquet` of a folder of tables."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Raises ConfigError where there is no such file, or a column of it is missing."""
        self._frame = read_votes_table(folder)
        self._manifest = manifest

    def boards(
        self,
        slices: Iterable[Slice],
        *,
        chosen: Mapping[Slice, Mapping[str, Any]] | None = None,
        systems: Sequence[str] = (),
    ) -> tuple[tuple[Leaderboard, ...], tuple[Refusal, ...]]:
        """The board of each slice, and those that these votes do not allow.

        `chosen` has the `CHOICES` of a slice, where they are not the defaults; `systems` without a vote are
        named in a board's notes.
        """
        rated: list[Leaderboard] = []
        refused: list[Refusal] = []
        for each in slices:
            try:
                rated.append(self._board(*each, (chosen or {}).get(each, {}), systems))
            except RatingError as error:
                refused.append(Refusal(*each, str(error)))
        return tuple(rated), tuple(refused)

    def slices(self) -> tuple[Slice, ...]:
        """The categories and questions that have votes on systems."""
        votes = self._frame[self._frame["left_out"] != CHECK]
        found = votes[["category", "question"]].drop_duplicates().itertuples(index=False)
        return tuple((str(category), Question(question)) for category, question in found)

    def flow(self) -> VoteFlow:
        """From battles answered to votes counted; which battles were drawn and left is not in a bundle."""
        votes = self._frame[self._frame["left_out"] != CHECK]
        answered = votes.groupby("category", observed=True)["battle"].nunique()
        counted = votes[votes["left_out"].isna()]
        excluded = votes["left_out"].value_counts()
        return VoteFlow(
            drawn=None,
            answered=int(answered.sum()),
            votes=len(votes),
            excluded={str(why): int(count) for why, count in excluded.items() if count},
            counted=len(counted),
            voters=int(counted["voter"].nunique()),
            categories=tuple(
                CategoryProgress(str(name), None, int(number)) for name, number in answered.items()
            ),
        )

    def _board(
        self, category: str, question: Question, chosen: Mapping[str, Any], systems: Sequence[str]
    ) -> Leaderboard:
        frame = self._frame
        of_slice = frame[(frame["category"] == category) & (frame["question"] == question.value)]
        cast = of_slice[of_slice["left_out"] != CHECK]
        votes = cast[cast["left_out"].isna()]
        voters_known, prompts_known = (bool(votes[name].notna().any()) for name in ("voter", "prompt"))
        names, (left, right) = _coded(votes["left"], votes["right"])
        voters, (voter,) = _coded(votes["voter"]) if voters_known else _nobody(len(votes))
        prompts, (prompt,) = _coded(votes["prompt"]) if prompts_known else _nobody(len(votes))
        outcome = votes["outcome"].cat.set_categories([each.value for each in OUTCOMES]).cat.codes
        tally = tally_codes(
            names,
            voters,
            prompts,
            left=left,
            right=right,
            outcome=outcome.to_numpy(np.int64),
            voter=voter,
            prompt=prompt,
        )
        options = self._manifest.options
        return leaderboard(
            replace(
                tally,
                sides_known=bool(options.get("sides_known", True)),
                voters_known=voters_known,
                prompts_known=prompts_known,
            ),
            category=category,
            question=question,
            excluded=len(cast) - len(votes) + int(options.get("left_out", 0)),
            systems=systems,
            **{name: chosen[name] for name in CHOICES if name in chosen},
        )


def read_votes_table(folder: Path, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """These columns of the votes, texts as categories. Raises ConfigError where that cannot be."""
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / f"votes.{Form.PARQUET}"
    try:
        # Texts as places in lists of distinct ones: millions of votes have few.
        table = parquet.read_table(path, columns=list(columns), read_dictionary=list(COLUMNS))
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(
            f"{path.name} cannot be read: {str(error).splitlines()[0]}. Boards are computed from it; get the "
            "bundle again from whoever published it."
        ) from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise ConfigError(f"{path.name} has no column {', '.join(missing)}, of which boards are made.")
    frame = table.unify_dictionaries().to_pandas()
    outcomes = {outcome.value for outcome in OUTCOMES}
    wrong = sorted(set(frame["outcome"].dropna().unique()) - outcomes)
    needed = [name for name in FULL if name in columns]
    if wrong or frame[needed].isna().any().any():
        raise ConfigError(
            f"{path.name} has an answer that is none: "
            + (
                f"an outcome {wrong[0]!r}"
                if wrong
                else "an empty cell where a system, slice or outcome belongs"
            )
            + "."
        )
    return frame


def _coded(*columns: pd.Series[Any]) -> tuple[list[str], list[NDArray[np.int64]]]:
    """The distinct texts of the columns, and each column as places in their list."""
    import pandas as pd

    codes, names = pd.factorize(pd.concat([column.astype(object) for column in columns]), sort=True)
    return [str(name) for name in names], list(np.split(codes.astype(np.int64), len(columns)))


def _nobody(votes: int) -> tuple[list[str], list[NDArray[np.int64]]]:
    return list(NOT_RECORDED), [np.zeros(votes, dtype=np.int64)]
