"""From a store to files: rows of every table, nameless unless asked for by name."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evalharness.config import Study
from evalharness.errors import ConfigError
from evalharness.exports.codebook import TABLES, Table, as_json, as_markdown
from evalharness.exports.files import Form, Row, write_table
from evalharness.exports.manifest import Manifest, hash_of
from evalharness.labels import Purpose
from evalharness.people import SIMULATED, is_reserved
from evalharness.records import Exclusion, Ruling, Voter
from evalharness.store import Store
from evalharness.store.casting import CastVote

__all__ = ["Options", "export", "write_tables"]

CODEBOOK = ("codebook.json", "codebook.md")
EVIDENCE = (
    "seen_left",
    "seen_right",
    "heard_left_s",
    "heard_right_s",
    "first_heard",
    "first_seen",
    "last_seen",
    "plays",
    "answer_s",
    "hidden_s",
    "drift_ms",
    "input",
)
"""In the order of the table's columns."""
A_PERSON = "a person"
A_PERSONS_REASON = "a person's reason"


@dataclass(frozen=True, slots=True)
class Options:
    """How to export."""

    forms: tuple[Form, ...] = tuple(Form)
    with_ids: bool = False
    """Ids as they are stored, whole moments, and who decided: for the study's owners, not for publishing."""
    open_data_only: bool = False
    """Only voters who agreed that their single answers are published, and simulated ones, who are nobody."""
    key: bytes | None = None
    """Voters and battles are named by it: the same key, the same names. None: by one that is kept nowhere."""
    made_at: datetime | None = None
    """What the manifest says of when; None: now."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What else the manifest is to hold of how this was made, plain JSON."""


def export(
    study: Study,
    store: Store,
    folder: Path,
    options: Options,
    *,
    progress: Callable[[int], None] | None = None,
) -> Manifest:
    """Write every table into `folder`, a codebook, and the manifest; `progress(votes)` so far.

    Raises ConfigError where the folder holds anything already: an export is never mixed with another.
    """
    rows_of = _Rows(study, store, options, progress)
    return write_tables(
        folder,
        {table: getattr(rows_of, table.name)() for table in TABLES},
        options.forms,
        study=study.settings.name,
        made_at=options.made_at or datetime.now(UTC),
        options={
            "with_ids": options.with_ids,
            "open_data_only": options.open_data_only,
            **options.notes,
        },
    )


def write_tables(
    folder: Path,
    tables: Mapping[Table, Iterable[Sequence[Row]]],
    forms: Sequence[Form],
    *,
    study: str,
    made_at: datetime | None,
    options: Mapping[str, Any],
) -> Manifest:
    """Write tables, whose rows come in pieces, with their codebook and the manifest.

    Raises ConfigError where the folder holds anything already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} holds something already; name a new folder for the export.")
    folder.mkdir(parents=True, exist_ok=True)
    rows = {table.name: write_table(folder, table, pieces, forms) for table, pieces in tables.items()}
    (folder / CODEBOOK[0]).write_text(
        json.dumps(as_json(tables), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / CODEBOOK[1]).write_text(as_markdown(tables), encoding="utf-8")
    manifest = Manifest(
        study=study,
        made_at=made_at.isoformat(timespec="seconds") if made_at else None,
        version=version("evalharness"),
        options={"forms": [str(form) for form in forms], **options},
        rows=rows,
        sha256={path.name: hash_of(path) for path in sorted(folder.iterdir())},
    )
    manifest.write(folder)
    return manifest


class _Rows:
    """The rows of each table, by its name, in pieces."""

    def __init__(
        self, study: Study, store: Store, options: Options, progress: Callable[[int], None] | None
    ) -> None:
        self._study, self._store, self._options, self._progress = study, store, options, progress
        self._key = options.key or secrets.token_bytes(32)
        self._labels = {system.name: system.label for system in study.systems}
        self._cased = {name.lower(): name for name in self._labels}
        longest_first = sorted(self._labels, key=len, reverse=True)  # one name may begin another
        self._names = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        self._voters = {voter.id: voter for voter in store.voters() if self._is_out(voter)}

    def votes(self) -> Iterator[list[Row]]:
        done = 0
        for piece in self._store.cast():
            done += len(piece)
            yield [self._vote(vote) for vote in piece if vote.voter_id in self._voters]
            if self._progress:
                self._progress(done)

    def voters(self) -> Iterator[list[Row]]:
        platforms = {each.voter_id: each.platform for each in self._store.arrivals()}
        yield self._drawn(
            (
                self._name("v", voter.id),
                " ".join(voter.languages) or None,
                voter.interface,
                voter.consent_version,
                self._when(voter.consented_at),
                voter.open_data,
                platforms.get(voter.id),
                voter.erased_at is not None,
            )
            for voter in self._voters.values()
        )

    def rulings(self) -> Iterator[list[Row]]:
        yield [
            (
                self._name("v", each.voter_id),
                each.decision.value,
                *self._why(each),
                self._when(each.created_at),
            )
            for each in self._store.rulings()
            if each.voter_id in self._voters
        ]

    def exclusions(self) -> Iterator[list[Row]]:
        yield [
            (
                self._name("b", each.battle_id),
                each.question.value,
                *self._why(each),
                self._when(each.created_at),
            )
            for each in self._store.exclusions()
            if self._store.battle(each.battle_id).voter_id in self._voters
        ]

    def faults(self) -> Iterator[list[Row]]:
        yield [
            (self._name("b", each.battle_id), each.kind.value, self._when(each.created_at))
            for each in self._store.faults()
            if self._store.battle(each.battle_id).voter_id in self._voters
        ]

    def systems(self) -> Iterator[list[Row]]:
        yield [
            (
                system.label,
                system.codename is not None,
                (system.model or None) if system.codename is None else None,
                (system.revision or None) if system.codename is None else None,
            )
            for system in sorted(self._study.systems, key=lambda system: system.label)
        ]

    def prompts(self) -> Iterator[list[Row]]:
        yield [
            (
                prompt.id,
                prompt.category.value,
                prompt.task.value,
                prompt.text,
                prompt.language,
                prompt.spoken,
                " ".join(prompt.tags) or None,
                prompt.licence,
            )
            for prompt in self._store.prompts()
        ]

    def clips(self) -> Iterator[list[Row]]:
        clips = sorted(
            self._store.clips(), key=lambda clip: (self._label(clip.key.system), clip.key.prompt_id)
        )
        yield [
            (
                self._label(clip.key.system),
                clip.key.prompt_id,
                clip.key.seed,
                clip.streams.duration_s,
                clip.streams.width,
                clip.streams.height,
                clip.streams.fps,
                clip.streams.has_audio,
                clip.latency_s,
                clip.cost_usd,
            )
            for clip in clips
        ]

    def _vote(self, vote: CastVote) -> Row:
        counts_not = (
            "check"
            if vote.purpose != Purpose.COMPARISON
            else "vote excluded"
            if vote.vote_excluded
            else "voter excluded"
            if vote.voter_excluded
            else None
        )
        return (
            self._name("b", vote.battle_id),
            self._name("v", vote.voter_id),
            vote.prompt_id,
            vote.category,
            vote.language,
            vote.question,
            self._label(vote.left),
            self._label(vote.right),
            vote.left_seed,
            vote.right_seed,
            vote.outcome,
            vote.strength,
            vote.purpose,
            vote.expected,
            None if vote.repeats is None else self._name("b", vote.repeats),
            vote.policy,
            vote.probability,
            counts_not is None,
            counts_not,
            self._when(vote.cast_at),
            self._since(vote),
            *(vote.evidence.get(name) for name in EVIDENCE),
        )

    def _is_out(self, voter: Voter) -> bool:
        agreed = voter.open_data or voter.id.startswith(SIMULATED)
        return agreed or not self._options.open_data_only

    def _name(self, letter: str, stored: str) -> str:
        """What somebody or something is called in this export."""
        if self._options.with_ids:
            return stored
        if stored.startswith(SIMULATED):
            letter = f"{SIMULATED}-{letter}"  # whoever gets the file must know that nobody said this
        return letter + blake2b(stored.encode(), key=self._key, digest_size=8).hexdigest()

    def _drawn(self, rows: Iterable[Row]) -> list[Row]:
        """By their names, which are drawn: the order of arrival says who is who to somebody who was there."""
        return sorted(rows, key=lambda row: str(row[0]))

    def _label(self, system: str) -> str:
        return self._labels.get(system, system)

    def _since(self, vote: CastVote) -> float:
        """Seconds from consent to vote; by the minute, as moments are days."""
        seconds = (vote.cast_at - vote.consented_at).total_seconds()
        return seconds if self._options.with_ids else round(seconds / 60) * 60.0

    def _why(self, decided: Ruling | Exclusion) -> tuple[str, str]:
        """Reason and author. What a person wrote may name anybody: it is for those who get ids."""
        if not self._options.with_ids and not is_reserved(decided.author):
            return A_PERSONS_REASON, A_PERSON
        return self._masked(decided.reason), decided.author

    def _masked(self, sentence: str) -> str:
        """A reason that was kept before a system was masked, without the names of masked ones."""
        return self._names.sub(lambda found: self._labels[self._cased[found[0].lower()]], sentence)

    def _when(self, moment: datetime) -> datetime:
        if self._options.with_ids:
            return moment
        return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
