"""Ballots as integer-coded arrays: what every estimator is computed from.

A `Tally` keeps one row a vote (for clustered intervals and for online Elo) and, beside it, how often
each ordered pair of systems ended in each outcome (all that the likelihood needs).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalharness.errors import RatingError
from evalharness.records import Ballot, Outcome

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BOTH_BAD", "LEFT", "OUTCOMES", "RIGHT", "TIE", "Codes", "Tally", "tally", "tally_frame"]

Codes = NDArray[np.int64]

OUTCOMES = (Outcome.LEFT, Outcome.RIGHT, Outcome.TIE, Outcome.BOTH_BAD)
"""An outcome's code is its place here."""
LEFT, RIGHT, TIE, BOTH_BAD = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Votes on one question, coded; the rows stay in the order in which the votes came."""

    systems: tuple[str, ...]
    """Names, sorted; `left` and `right` hold places in it."""
    voters: tuple[str, ...]
    prompts: tuple[str, ...]
    left: Codes
    """Shape (votes,): the system shown on the left."""
    right: Codes
    outcome: Codes
    """Shape (votes,): 0 left, 1 right, 2 tie, 3 both bad."""
    voter: Codes
    prompt: Codes
    counts: Codes
    """Shape (4, systems, systems): votes by outcome, left system and right system."""

    @property
    def votes(self) -> int:
        """How many votes there are."""
        return len(self.left)

    @property
    def pairs(self) -> Codes:
        """Shape (systems, systems): votes by left and right system, whatever their outcome."""
        total: Codes = self.counts.sum(axis=0)
        return total

    def sha256(self) -> str:
        """Hash of the votes as a set: names and coded rows in sorted order, so arrival does not matter."""
        sizes = (len(self.voters), len(self.prompts), len(self.systems), len(self.systems), len(OUTCOMES))
        rows = np.zeros(self.votes, dtype=np.int64)
        for size, codes in zip(
            sizes, (self.voter, self.prompt, self.left, self.right, self.outcome), strict=True
        ):
            rows = rows * size + codes
        digest = hashlib.sha256(json.dumps([self.systems, self.voters, self.prompts]).encode())
        digest.update(np.sort(rows).astype("<i8").tobytes())
        return digest.hexdigest()


def tally(ballots: Iterable[Ballot], *, labels: Mapping[str, str] | None = None) -> Tally:
    """Code the ballots of one question.

    `labels` maps system names to the names to publish (codenames); names it lacks stay. Masking here,
    before anything is computed, keeps real names out of every later sentence and hash.

    Raises RatingError where ballots answer different questions (a battle would count twice), where a
    system meets itself, or where two systems share a label. No ballots give an empty tally.
    """
    rows = list(ballots)
    questions = sorted({ballot.question.value for ballot in rows})
    if len(questions) > 1:
        raise RatingError(
            f"The ballots answer {len(questions)} questions ({', '.join(questions)}), so one battle would "
            "count several times. Choose the ballots of one question."
        )
    names = _published({name for ballot in rows for name in (ballot.left, ballot.right)}, labels or {})
    systems = sorted(names.values())
    voters, voter = _coded([ballot.voter_id for ballot in rows])
    prompts, prompt = _coded([ballot.prompt_id for ballot in rows])
    code = {name: systems.index(label) for name, label in names.items()}
    outcomes = {outcome: number for number, outcome in enumerate(OUTCOMES)}
    return _tally(
        systems,
        voters,
        prompts,
        left=_array(code[ballot.left] for ballot in rows),
        right=_array(code[ballot.right] for ballot in rows),
        outcome=_array(outcomes[ballot.outcome] for ballot in rows),
        voter=voter,
        prompt=prompt,
        where=lambda row: f"Battle {rows[row].battle_id}",
    )


def tally_frame(
    frame: pd.DataFrame,
    *,
    left: str = "left",
    right: str = "right",
    outcome: str = "outcome",
    voter: str = "voter",
    prompt: str = "prompt",
) -> Tally:
    """Code votes from another source: a DataFrame with a row a vote; the keywords name its columns.

    Outcomes must be spelled left, right, tie or both_bad. Raises RatingError for a missing column, an
    empty cell, any other outcome, or a system that meets itself: nothing is guessed or dropped.
    """
    import pandas as pd

    missing = [name for name in (left, right, outcome, voter, prompt) if name not in frame.columns]
    if missing:
        raise RatingError(
            f"The table has no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}. "
            "Name the columns by keyword, e.g. voter='worker'."
        )
    known = {label.value for label in OUTCOMES}
    strange = frame.loc[~frame[outcome].isin(known), outcome]
    if len(strange):
        raise RatingError(
            f"Row {strange.index[0]} has the outcome {strange.iloc[0]!r} ({len(strange)} such rows); "
            f"allowed are {', '.join(label.value for label in OUTCOMES)}. Translate the labels first."
        )

    def coded(values: pd.Series[str], what: str) -> tuple[list[str], Codes]:
        if values.isna().any():
            raise RatingError(
                f"Row {values.index[values.isna()][0]} names no {what} ({int(values.isna().sum())} such "
                "rows). Fill the cells, or leave the rows out before rating."
            )
        codes, names = pd.factorize(values.astype(str), sort=True)
        return list(names), codes.astype(np.int64)

    systems, both = coded(pd.concat([frame[left], frame[right]], ignore_index=True), "system")
    voters, voter_codes = coded(frame[voter], "voter")
    prompts, prompt_codes = coded(frame[prompt], "prompt")
    places = {label.value: number for number, label in enumerate(OUTCOMES)}
    return _tally(
        systems,
        voters,
        prompts,
        left=both[: len(frame)],
        right=both[len(frame) :],
        outcome=frame[outcome].map(places).to_numpy(dtype=np.int64),
        voter=voter_codes,
        prompt=prompt_codes,
        where=lambda row: f"Row {frame.index[row]}",
    )


def _tally(
    systems: Sequence[str],
    voters: Sequence[str],
    prompts: Sequence[str],
    *,
    left: Codes,
    right: Codes,
    outcome: Codes,
    voter: Codes,
    prompt: Codes,
    where: Callable[[int], str],
) -> Tally:
    itself = np.flatnonzero(left == right)
    if itself.size:
        row = int(itself[0])
        raise RatingError(
            f"{where(row)} sets {systems[left[row]]} against itself ({itself.size} such votes). "
            "Such a battle says nothing about strength: leave it out."
        )
    size = len(systems)
    cell = (outcome * size + left) * size + right
    counts = np.bincount(cell, minlength=4 * size * size).reshape(4, size, size)
    return Tally(tuple(systems), tuple(voters), tuple(prompts), left, right, outcome, voter, prompt, counts)


def _published(names: set[str], labels: Mapping[str, str]) -> dict[str, str]:
    shown = {name: labels.get(name, name) for name in sorted(names)}
    if len(set(shown.values())) < len(shown):
        twice = sorted(label for label in set(shown.values()) if list(shown.values()).count(label) > 1)
        raise RatingError(
            f"Two systems would be published as {', '.join(twice)}, and their votes would be mixed. "
            "Give each system a label of its own."
        )
    return shown


def _coded(values: Sequence[str]) -> tuple[list[str], Codes]:
    names = sorted(set(values))
    code = {name: number for number, name in enumerate(names)}
    return names, _array(code[value] for value in values)


def _array(values: Iterable[int]) -> Codes:
    return np.fromiter(values, dtype=np.int64)
