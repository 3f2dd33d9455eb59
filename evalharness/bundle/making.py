"""A study, or a file of votes, -> a folder that can be published and verified."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from evalharness import __version__
from evalharness.bundle.ballots import CHOICES, Ballots
from evalharness.bundle.pages import MEASUREMENTS, PAGES, SUMS, TABLES_IN, sums
from evalharness.bundle.recounting import agreement_figures, habit_figures, of_votes
from evalharness.config import Study
from evalharness.errors import ConfigError
from evalharness.exports import TABLES, Column, Form, Kind, Manifest, Options, Table, export, write_tables
from evalharness.gates import Validation
from evalharness.people import SIMULATED
from evalharness.publication import facts, measurements_csv, slices
from evalharness.ratings.board import ALL_CATEGORIES
from evalharness.ratings.tally import OUTCOMES, Tally
from evalharness.records import Question
from evalharness.reports import Meaning, Summary, from_json, to_json
from evalharness.store import Store

__all__ = ["FILE_VOTES", "KEY_FILE", "bundle_of_file", "bundle_of_study"]

KEY_FILE = ".bundle-key"
"""In the study's folder: by it voters have the same made-up name in every bundle of the study."""
AGAIN = ("python -m evalharness verify .",)
ROWS = 65_536

_OF_A_FILE = {
    "voter": "Who voted: a name made for this bundle.",
    "prompt": "What was voted on, as the file calls it.",
    "battle": "Always empty: the file does not say which answers belong together.",
    "left_out": "Always empty: what does not count is not here.",
    "category": f"Always {ALL_CATEGORIES}.",
}
FILE_VOTES = Table(
    "votes",
    "One row a vote of the file.",
    tuple(
        Column(
            column.name,
            Kind.TEXT,
            _OF_A_FILE.get(column.name, column.meaning),
            () if column.name in _OF_A_FILE else column.allowed,
            "where the file does not tell" if column.name in ("voter", "prompt") else "",
        )
        for column in TABLES[0].columns
        if column.name
        in ("battle", "voter", "prompt", "category", "question", "left", "right", "outcome", "left_out")
    ),
)
"""What a file of votes has of the columns of a study's."""


def bundle_of_study(
    study: Study,
    store: Store,
    folder: Path,
    *,
    meanings: Mapping[str, Meaning],
    validations: Mapping[str, Validation],
    everybody: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Write the bundle of a study into `folder`, and answer what it says; `progress(votes)` so far.

    Only voters who agreed that single answers are published are in it, and its boards are theirs;
    `everybody` takes all, for use within the house. The same votes give the same bytes: names come from a key
    in the study's folder, and the moment is the day of the newest vote. Raises ConfigError where the folder
    holds anything, or nobody may be published.
    """
    voters = [voter for voter in store.voters() if everybody or voter.open_data or _is_nobody(voter.id)]
    if not voters:
        raise ConfigError(
            "No voter of this study agreed that single answers are published, so there is nothing to "
            "publish. 'evalharness report' has the boards of all voters without their answers; "
            "--everybody makes a bundle for use within the house."
        )
    as_of, policies = _day_and_policies(store, {voter.id for voter in voters})
    publishing = study.settings.publishing
    notes = {
        "voters": "everybody" if everybody else "open data",
        "publishing": publishing.model_dump(exclude_defaults=True, exclude={"sort"}),
        "policies": policies,
    }
    tables = folder / TABLES_IN
    _require_new(folder)
    options = Options(open_data_only=not everybody, key=_key(study.folder), made_at=as_of, notes=notes)
    manifest = export(study, store, tables, options, progress=progress)
    asked = slices(study, store)
    summary = of_votes(
        facts(study, store, as_of, meanings=meanings, validations=validations),
        Ballots(tables, manifest),
        asked,
        {each: {"sort": publishing.sort} for each in asked},
        [system.label for system in study.systems],
        has_flow=True,
    )
    summary = replace(summary, habits=habit_figures(tables))
    if summary.metrics:
        text = measurements_csv(study, store, meanings, validations)
        (folder / MEASUREMENTS).write_text(text, encoding="utf-8")
        summary = replace(summary, agreement=agreement_figures(folder, tables, summary))
    return _finish(folder, summary, manifest)


def bundle_of_file(votes: Tally, folder: Path, *, name: str, chosen: Mapping[str, Any]) -> Summary:
    """Write the bundle of a file of votes, called `name`; `chosen` has the `CHOICES` that are not defaults.

    Voters get made-up names that follow from the votes, so the same file gives the same bytes. Raises
    RatingError where the votes allow no board, ConfigError where the folder holds anything.
    """
    unknown = set(chosen) - set(CHOICES)
    if unknown:
        raise ConfigError(f"A board knows no {', '.join(sorted(unknown))}; it knows {', '.join(CHOICES)}.")
    _require_new(folder)
    tables = folder / TABLES_IN
    manifest = write_tables(
        tables,
        {FILE_VOTES: _rows(votes)},
        tuple(Form),
        study=name,
        made_at=None,
        options={
            "voters": "a file's",
            "sides_known": votes.sides_known,
            "left_out": votes.left_out,
        },
    )
    whole = (ALL_CATEGORIES, Question.OVERALL)
    summary = of_votes(
        Summary(name, None, __version__),
        Ballots(tables, manifest),
        [whole],
        {whole: chosen},
        (),
        has_flow=False,
    )
    return _finish(folder, summary, manifest)


def _finish(folder: Path, summary: Summary, manifest: Manifest) -> Summary:
    # As it is read back, so that whoever verifies it writes the same pages.
    summary = from_json(Summary, to_json(replace(summary, recompute=AGAIN)))
    for name, page in PAGES.items():
        (folder / name).write_bytes(page(summary, manifest))
    (folder / SUMS).write_text(sums(folder), encoding="utf-8")
    return summary


def _require_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} holds something already; name a new folder for the bundle.")
    folder.mkdir(parents=True, exist_ok=True)


def _is_nobody(voter: str) -> bool:
    return voter.startswith(SIMULATED)


def _day_and_policies(store: Store, voters: set[str]) -> tuple[datetime, list[str]]:
    """The day of these voters' newest vote, since a moment would say who was last; how pairs were drawn."""
    newest: datetime | None = None
    policies: set[str] = set()
    for piece in store.cast():
        own = [vote for vote in piece if vote.voter_id in voters]
        policies.update(vote.policy for vote in own)
        moments = [vote.cast_at for vote in own]
        newest = max([*moments, newest] if newest else moments, default=None)
    if newest is None:
        raise ConfigError("There is no vote to publish yet: nobody who may be published has voted.")
    day = newest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, sorted(policies)


def _key(folder: Path) -> bytes:
    """The study's key for made-up names, made on first use; who has it can tell who is who."""
    file = folder / KEY_FILE
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    key = file.read_bytes()
    if len(key) != 32:
        raise ConfigError(
            f"{file} is no key: it has {len(key)} bytes, a key has 32. Remove it and a new one is made; "
            "names of voters then differ from those of earlier bundles."
        )
    return key


def _rows(votes: Tally) -> Iterable[list[tuple[Any, ...]]]:
    # Whoever knows the voters' names alone cannot find these; who has all votes with names knows all anyway.
    key = bytes.fromhex(votes.sha256())
    names = [
        ("simulated-v" if _is_nobody(voter) else "v")
        + blake2b(voter.encode(), key=key, digest_size=8).hexdigest()
        for voter in votes.voters
    ]
    for start in range(0, votes.votes, ROWS):
        piece = slice(start, start + ROWS)
        yield [
            (
                None,
                names[voter] if votes.voters_known else None,
                votes.prompts[prompt] if votes.prompts_known else None,
                ALL_CATEGORIES,
                Question.OVERALL.value,
                votes.systems[left],
                votes.systems[right],
                OUTCOMES[outcome].value,
                None,
            )
            for voter, prompt, left, right, outcome in zip(
                *(
                    codes[piece].tolist()
                    for codes in (votes.voter, votes.prompt, votes.left, votes.right, votes.outcome)
                ),
                strict=True,
            )
        ]
