"""A bundle held against itself: are its files as they were written, and do its numbers follow from its votes?

Hashes alone would prove little, since whoever changes a number can change its hash. So every number that
votes, measurements or clips give is computed again, and every page is written again from the numbers.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from evalharness import __version__
from evalharness.bundle.ballots import Ballots
from evalharness.bundle.differing import differences
from evalharness.bundle.making import FILE_VOTES
from evalharness.bundle.pages import MEASUREMENTS, PAGES, REPORT, SUMS, TABLES_IN
from evalharness.bundle.recounting import (
    agreement_figures,
    chosen_of,
    clip_figures,
    habit_figures,
    metric_figures,
    of_votes,
)
from evalharness.errors import ConfigError, EvalHarnessError
from evalharness.exports import (
    TABLES,
    Form,
    Manifest,
    Table,
    as_json,
    as_markdown,
    changed_since,
    hash_of,
    read_manifest,
    read_rows,
    write_table,
)
from evalharness.records import Leaderboard
from evalharness.reports import Summary, from_json

__all__ = ["NOT_COMPUTED", "Check", "verify_bundle"]

MOST = 20
"""Sentences of one check; how many more there are is said."""
NOT_COMPUTED = (
    "failed and waiting clips",
    "what clips are by their probes",
    "how gates judged a metric",
    "clips that no metric was run on",
)
"""What a bundle says and does not hold the grounds of: hashes alone speak for these."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    about: str
    found: tuple[str, ...]
    """A sentence for each thing that is not as it should be; empty: all is well."""
    skipped: str = ""
    """Why it could not be looked at; "": it was."""


def verify_bundle(folder: Path, progress: Callable[[str], None] | None = None) -> tuple[Check, ...]:
    """Look at everything in a bundle; `progress` hears what comes next.

    Raises ConfigError where the folder is no bundle.
    """
    if not (folder / SUMS).is_file() or not (folder / TABLES_IN).is_dir():
        raise ConfigError(
            f"{folder} is no bundle: it lacks {SUMS} or the folder {TABLES_IN}. Name the folder that "
            "'evalharness report --bundle' wrote."
        )
    tell = progress or (lambda _: None)
    tell("files")
    checks = [Check("files are as they were written", _told(_files(folder)))]
    manifest: Manifest | None = None
    summary: Summary | None = None
    try:
        manifest = read_manifest(folder / TABLES_IN)
        summary = from_json(Summary, (folder / REPORT).read_text(encoding="utf-8"))
    except (EvalHarnessError, OSError, UnicodeError) as error:
        checks.append(Check("the report and the manifest can be read", (str(error),)))
    for about, look in (
        ("tables say the same in every form", _tables),
        ("ratings, ranks and counts follow from the votes", _votes),
        ("means of metrics follow from the measurements", _metrics),
        ("agreement of metrics with voters follows from both", _agreement),
        ("latency and price follow from the clips", _clips),
        ("pages say what the report says", _pages),
    ):
        tell(about)
        checks.append(_look(about, look, folder, summary, manifest))
    return tuple(checks)


Look = Callable[[Path, Summary, Manifest], Iterable[str]]


def _look(about: str, look: Look, folder: Path, summary: Summary | None, manifest: Manifest | None) -> Check:
    if summary is None or manifest is None:
        return Check(about, (), "the report or the manifest cannot be read")
    try:
        return Check(about, _told(look(folder, summary, manifest)))
    except _Skipped as why:
        return Check(about, (), str(why))
    except EvalHarnessError as error:
        return Check(about, (str(error),))


class _Skipped(Exception):
    """Why a check was not made."""


def _told(sentences: Iterable[str]) -> tuple[str, ...]:
    said = list(sentences)
    more = len(said) - MOST
    return (*said[:MOST], f"And {more:,} more.") if more > 0 else tuple(said)


def _files(folder: Path) -> Iterator[str]:
    """Hashes, and files that are too many or too few."""
    known = {}
    for number, line in enumerate((folder / SUMS).read_text(encoding="utf-8").splitlines(), 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            yield f"{SUMS}: line {number} is no hash and name."
            continue
        known[name] = digest
    here = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path != folder / SUMS
    }
    yield from (f"{name} is missing." for name in sorted(set(known) - set(here)))
    yield from (f"{name} was not part of the bundle." for name in sorted(set(here) - set(known)))
    yield from (
        f"{name} is not as it was written."
        for name in sorted(set(here) & set(known))
        if hash_of(here[name]) != known[name]
    )
    try:
        yield from (f"{TABLES_IN}/{said}" for said in changed_since(folder / TABLES_IN))
    except ConfigError as error:
        yield str(error)


def _tables(folder: Path, _: Summary, manifest: Manifest) -> Iterator[str]:
    """Numbers come from Parquet; the other forms and the codebook are written again from it."""
    _require_version(manifest.version, "tables were not written again")
    tables = _tables_of(manifest)
    others = (Form.CSV, Form.JSONL)
    with tempfile.TemporaryDirectory(prefix="evalharness-verify-") as place:
        for table in tables:
            rows = write_table(Path(place), table, read_rows(folder / TABLES_IN, table), others)
            if rows != manifest.rows.get(table.name):
                yield f"{table.name} has {rows:,} rows; the manifest says {manifest.rows.get(table.name)}."
            for form in others:
                name = f"{table.name}.{form}"
                if not _same(Path(place) / name, folder / TABLES_IN / name):
                    yield f"{TABLES_IN}/{name} does not say what {table.name}.{Form.PARQUET} says."
    books = {
        "codebook.json": json.dumps(as_json(tables), indent=2, ensure_ascii=False) + "\n",
        "codebook.md": as_markdown(tables),
    }
    for name, text in books.items():
        if not _reads(folder / TABLES_IN / name, text.encode()):
            yield f"{TABLES_IN}/{name} is not the codebook of these tables."


def _tables_of(manifest: Manifest) -> tuple[Table, ...]:
    return (FILE_VOTES,) if manifest.options.get("voters") == "a file's" else TABLES


def _votes(folder: Path, summary: Summary, manifest: Manifest) -> Iterator[str]:
    """Boards and the flow of votes, from the table of votes."""
    ballots = Ballots(folder / TABLES_IN, manifest)
    published = [(board.category, board.question) for board in summary.boards]
    published += [(refusal.category, refusal.question) for refusal in summary.refused]
    for category, question in ballots.slices():
        if (category, question) not in published:
            yield f"There are votes on {category}, {question}, and the report has no board of them."
    systems = _systems(folder, manifest)
    again = of_votes(
        summary, ballots, published, chosen_of(summary), systems, has_flow=summary.flow is not None
    )
    boards = {(board.category, board.question): board for board in again.boards}
    refused = {(refusal.category, refusal.question): refusal for refusal in again.refused}
    for board in summary.boards:
        name = f"{board.category}, {board.question}"
        found = boards.get((board.category, board.question))
        if found is None:
            sentence = refused[board.category, board.question].sentence
            yield f"{name}: these votes give no board: {sentence}"
            continue
        yield from _of_board(board, found, name)
    for refusal in summary.refused:
        key = refusal.category, refusal.question
        if key not in refused:
            yield f"{refusal.category}, {refusal.question}: said to allow no board, but these votes do."
        elif refused[key].sentence != refusal.sentence:
            why = refused[key].sentence
            yield f"{refusal.category}, {refusal.question}: not rated for another reason: {why}"
    if summary.habits:
        found_habits = [asdict(row) for row in habit_figures(folder / TABLES_IN)]
        yield from differences([asdict(row) for row in summary.habits], found_habits, "habits", "the votes")
    if summary.flow is not None and again.flow is not None:
        yield from differences(asdict(summary.flow), asdict(again.flow), "votes", "the table of votes")


def _of_board(published: Leaderboard, computed: Leaderboard, name: str) -> Iterator[str]:
    """Where a board differs from the one that its votes give."""
    said, gives = asdict(published), asdict(computed)
    said_rows, rows = said.pop("ratings"), gives.pop("ratings")
    if [row["system"] for row in said_rows] != [row["system"] for row in rows]:
        order = ", ".join(row["system"] for row in rows)
        yield f"{name}: the votes put the systems in another order: {order}."
    by_name = {row["system"]: row for row in rows}
    for row in said_rows:
        if row["system"] in by_name:
            yield from differences(row, by_name[row["system"]], f"{name}: {row['system']}", "the votes")
    for each in (said, gives):
        each["recipe"].pop("version", None)
    yield from differences(said, gives, name, "the votes")


def _systems(folder: Path, manifest: Manifest) -> list[str]:
    if "systems" not in manifest.rows:
        return []
    table = next(table for table in TABLES if table.name == "systems")
    return [str(row[0]) for piece in read_rows(folder / TABLES_IN, table) for row in piece]


def _metrics(folder: Path, summary: Summary, manifest: Manifest) -> Iterator[str]:
    if not summary.metrics:
        raise _Skipped("nothing was measured")
    found = metric_figures(folder, folder / TABLES_IN, manifest)
    for row in summary.metrics:
        said = asdict(row)
        gives = found.pop((row.category, row.system, row.metric, row.version), None)
        name = f"{row.metric} of {row.system}, {row.category}"
        if gives is None:
            if row.n or row.unscorable or row.failed:
                yield f"{name}: {MEASUREMENTS} has no line of it."
            continue
        yield from differences({key: said[key] for key in gives}, gives, name, MEASUREMENTS)
    for category, system, metric, _ in found:
        yield f"{metric} of {system}, {category}: measured, and not in the report."


def _agreement(folder: Path, summary: Summary, _: Manifest) -> Iterator[str]:
    if not summary.metrics:
        raise _Skipped("nothing was measured")
    found = agreement_figures(folder, folder / TABLES_IN, summary)
    yield from differences(asdict(summary.agreement), asdict(found), "agreement", "votes and measurements")


def _clips(folder: Path, summary: Summary, manifest: Manifest) -> Iterator[str]:
    if not summary.generation:
        raise _Skipped("the bundle is of a file of votes")
    found = clip_figures(folder / TABLES_IN, manifest)
    for row in summary.generation:
        said = asdict(row)
        if row.system in found:
            gives = found[row.system]
            yield from differences({key: said[key] for key in gives}, gives, row.system, "the clips")
        elif row.timed or row.priced:
            yield f"{row.system}: the table of clips has none of it."


def _pages(folder: Path, summary: Summary, manifest: Manifest) -> Iterator[str]:
    _require_version(summary.version, "pages were not written again")
    for name, page in PAGES.items():
        if not _reads(folder / name, page(summary, manifest)):
            yield f"{name} does not say what {REPORT} says."


def _require_version(version: str, what: str) -> None:
    if version != __version__:
        raise _Skipped(
            f"it was written by evalharness {version} and this is {__version__}, so {what}: only hashes were "
            "looked at"
        )


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and hash_of(one) == hash_of(other)


def _reads(path: Path, wanted: bytes) -> bool:
    return path.is_file() and path.read_bytes() == wanted
