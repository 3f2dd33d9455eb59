"""Ballots as integer-coded arrays: what every estimator is computed from.

A `Tally` keeps one row a vote (for clustered intervals and for online Elo) and, beside it, how often
each ordered pair of systems ended in each outcome (all that the likelihood needs).
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalharness.errors import RatingError
from evalharness.records import Ballot, Outcome

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BOTH_BAD",
    "LEFT",
    "NOT_RECORDED",
    "OUTCOMES",
    "RIGHT",
    "TIE",
    "Codes",
    "Tally",
    "tally",
    "tally_codes",
    "tally_frame",
]

Codes = NDArray[np.int64]

OUTCOMES = (Outcome.LEFT, Outcome.RIGHT, Outcome.TIE, Outcome.BOTH_BAD)
"""An outcome's code is its place here."""
LEFT, RIGHT, TIE, BOTH_BAD = range(4)

NOT_RECORDED = ("not recorded",)
"""Voters, or prompts, of votes that name none: one name for all of them, nobody's."""


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
    sides_known: bool = True
    """Whether left and right are places on a screen; where not, an order effect would mean nothing."""
    voters_known: bool = True
    """Whether it was recorded who voted; where not, `voters` is `NOT_RECORDED`."""
    prompts_known: bool = True
    """Whether it was recorded on what was voted; where not, `prompts` is `NOT_RECORDED`."""
    left_out: int = 0
    """Votes that the reader of the source was told to leave out; in none of the above."""

    @property
    def votes(self) -> int:
        """How many votes there are."""
        return len(self.left)

    @property
    def pairs(self) -> Codes:
        """Shape (systems, systems): votes by left and right system, whatever their outcome."""
        total: Codes = self.counts.sum(axis=0)
        return total

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the source does not tell, as sentences that a reader of the ratings must know."""
        silent = [
            f"{' and '.join(map(repr, alike))} differ only in spaces, case or Unicode form, and are rated as "
            "different systems. If they are one, mend the names."
            for alike in _alike(self.systems)
        ]
        if not self.sides_known:
            silent.append("It is not known which side was shown where, so no order effect is estimated.")
        if not self.voters_known:
            silent.append(
                "The votes do not say who cast them, so intervals take different people's votes and one "
                "person's for equally independent. Where few people cast many votes, they are too narrow."
            )
        if not self.prompts_known:
            silent.append(
                "The votes do not say what was shown, so intervals take votes on one prompt for independent. "
                "Where few prompts were shown often, they are too narrow."
            )
        return tuple(silent)

    def where(self, rows: ArrayLike | slice, *, compact: bool = False) -> Tally:
        """The votes of these rows: a mask of shape (votes,), a slice, or places of rows, also repeated ones.

        Names and codes stay, so that results line up with the whole board's. `compact` drops the systems,
        voters and prompts that these rows lack, as a slice with a board of its own needs.
        """
        chosen = rows if isinstance(rows, slice) else np.asarray(rows)
        left, right, voter, prompt = (
            codes[chosen] for codes in (self.left, self.right, self.voter, self.prompt)
        )
        systems, voters, prompts = self.systems, self.voters, self.prompts
        if compact:
            systems, (left, right) = _present(systems, left, right)
            voters, (voter,) = _present(voters, voter)
            prompts, (prompt,) = _present(prompts, prompt)
        outcome = self.outcome[chosen]
        return replace(
            self,
            systems=systems,
            voters=voters,
            prompts=prompts,
            left=left,
            right=right,
            outcome=outcome,
            voter=voter,
            prompt=prompt,
            counts=_counts(left, right, outcome, len(systems)),
        )

    def sha256(self) -> str:
        """Hash of the votes as a set: names and coded rows in sorted order, so arrival does not matter."""
        sizes = (len(self.voters), len(self.prompts), len(self.systems), len(self.systems), len(OUTCOMES))
        rows = np.zeros(self.votes, dtype=np.int64)
        for size, codes in zip(
            sizes, (self.voter, self.prompt, self.left, self.right, self.outcome), strict=True
        ):
            rows *= size
            rows += codes
        digest = hashlib.sha256(json.dumps([self.systems, self.voters, self.prompts]).encode())
        rows.sort()
        digest.update(rows.astype("<i8", copy=False).data)
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
    left = [ballot.left for ballot in rows]
    names, both = _coded([*left, *(ballot.right for ballot in rows)])
    voters, voter = _coded([ballot.voter_id for ballot in rows])
    prompts, prompt = _coded([ballot.prompt_id for ballot in rows])
    outcomes = {outcome: number for number, outcome in enumerate(OUTCOMES)}
    return tally_codes(
        names,
        voters,
        prompts,
        left=both[: len(rows)],
        right=both[len(rows) :],
        outcome=_array(outcomes[ballot.outcome] for ballot in rows),
        voter=voter,
        prompt=prompt,
        labels=labels,
        where=lambda row: f"Battle {rows[row].battle_id}",
    )


def tally_codes(
    systems: Sequence[str],
    voters: Sequence[str],
    prompts: Sequence[str],
    *,
    left: NDArray[np.int32] | Codes,
    right: NDArray[np.int32] | Codes,
    outcome: NDArray[np.int32] | Codes,
    voter: NDArray[np.int32] | Codes,
    prompt: NDArray[np.int32] | Codes,
    labels: Mapping[str, str] | None = None,
    where: Callable[[int], str] = "Vote {}".format,
) -> Tally:
    """Votes that are coded already, as places in lists of distinct names, in whatever order.

    `labels` masks systems as in `tally`; `where` names the vote of a row (from 0) in messages. Raises
    RatingError where a system meets itself or two systems share a label.
    """
    itself = np.flatnonzero(left == right)
    shown = _published(systems, labels or {})
    if itself.size:
        row = int(itself[0])
        raise RatingError(
            f"{where(row)} sets {shown[left[row]]} against itself ({itself.size} such votes). "
            "Such a battle says nothing about strength: leave it out."
        )
    systems, of_system = _sorted(shown)
    voters, of_voter = _sorted(voters)
    prompts, of_prompt = _sorted(prompts)
    first, second = of_system[left], of_system[right]
    outcome = np.asarray(outcome, dtype=np.int64)
    counts = _counts(first, second, outcome, len(systems))
    return Tally(systems, voters, prompts, first, second, outcome, of_voter[voter], of_prompt[prompt], counts)


def tally_frame(
    frame: pd.DataFrame,
    *,
    left: str = "left",
    right: str = "right",
    outcome: str | None = "outcome",
    voter: str | None = "voter",
    prompt: str | None = "prompt",
    outcomes: Mapping[str, str] | None = None,
    winner_named: bool = False,
    sides: bool = True,
    time: str | None = None,
    count: str | None = None,
) -> Tally:
    """Code votes from another source: a DataFrame with a row a vote; the keywords name its columns.

    Outcomes must be spelled left, right, tie or both_bad, or be translated by `outcomes`; this and the other
    keywords are those of `layout.Layout`, by which files are read too. Raises RatingError for a missing
    column, an empty cell, any other outcome, or a system that meets itself: nothing is guessed or dropped.
    """
    from evalharness.ratings.gathering import Gathering  # it makes tallies, and so imports this module
    from evalharness.ratings.layout import Layout

    layout = Layout(
        left, right, outcome, voter, prompt, outcomes or {}, winner_named, sides, time=time, count=count
    )
    gathering = Gathering(layout)
    gathering.add(frame)
    return gathering.tally()


def _alike(names: Sequence[str]) -> list[list[str]]:
    """Groups of names that a reader would take for the same."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(" ".join(unicodedata.normalize("NFKC", name).casefold().split()), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _counts(left: Codes, right: Codes, outcome: Codes, size: int) -> Codes:
    """Shape (4, systems, systems): how often each ordered pair ended in each outcome."""
    cell = outcome * size
    cell += left  # in place: of millions of votes each copy counts
    cell *= size
    cell += right
    return np.bincount(cell, minlength=4 * size * size).reshape(4, size, size)


def _present(names: Sequence[str], *columns: Codes) -> tuple[tuple[str, ...], list[Codes]]:
    """The names that the columns hold, and the columns coded anew as places among these."""
    seen = np.zeros(len(names), dtype=bool)
    for codes in columns:
        seen[codes] = True
    place = np.cumsum(seen) - 1
    return tuple(names[i] for i in np.flatnonzero(seen).tolist()), [place[codes] for codes in columns]


def _published(names: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    shown = [labels.get(name, name) for name in names]
    twice = sorted(label for label, times in Counter(shown).items() if times > 1)
    if twice:
        raise RatingError(
            f"Two systems would be published as {', '.join(twice)}, and their votes would be mixed. "
            "Give each system a label of its own."
        )
    return shown


def _sorted(names: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """The names in sorted order, and each given name's place there."""
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return tuple(names[i] for i in order), place


def _coded(values: Sequence[str]) -> tuple[list[str], Codes]:
    code: dict[str, int] = {}
    codes = _array(code.setdefault(value, len(code)) for value in values)
    return list(code), codes


def _array(values: Iterable[int]) -> Codes:
    return np.fromiter(values, dtype=np.int64)
