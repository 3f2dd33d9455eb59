"""Files of votes -> `Tally`: CSV, TSV, Parquet and JSON, read in pieces so that millions of votes fit.

The only module of the ratings that opens a file. A row is numbered from 1, the header not counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from evalharness.errors import MissingExtraError, RatingError
from evalharness.ratings.gathering import Gathering
from evalharness.ratings.layout import Layout
from evalharness.ratings.tally import Tally

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "read_votes"]

FORMATS = ("csv", "tsv", "parquet", "jsonl", "json")
"""How votes may be filed; told by the file's suffix, before one of a compression such as .gz."""

_ROWS = 100_000
"""Votes read at a time."""
_SUFFIXES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
_COMPRESSED = {".gz", ".bz2", ".xz", ".zip", ".zst"}


def read_votes(
    path: Path | str,
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
    delimiter: str | None = None,
) -> Tally:
    """Code the votes of a file, a row a vote; the keywords name its columns and are those of `Layout`.

    `outcomes` says what the file's labels mean, e.g. {"model_a": "left", "tie (bothbad)": "both_bad"}.
    `voter=None` and `prompt=None` say that none was recorded, `sides=False` that left and right are not
    places on a screen, `outcome=None` that the left column holds the winner. The tally's `caveats` then tell
    what ratings cannot know. `delimiter` separates the cells of a text file (comma, or tab in TSV).

    Every cell is text here, in its own spelling: a system called "NA" or "1.0" is called just that. Raises
    RatingError for a form that is not known or cannot be read, a missing column, an empty cell, a label
    without a meaning, or a system that meets itself, each with the file and the row; MissingExtraError where
    Parquet's reader is not installed; OSError where the file cannot be opened.
    """
    layout = Layout(
        left, right, outcome, voter, prompt, outcomes or {}, winner_named, sides, time=time, count=count
    )
    path = Path(path)
    gathering = Gathering(layout, path.name)
    try:
        for frame in _numbered(_frames(path, layout, delimiter)):
            gathering.add(frame)
    except (ValueError, UnicodeError) as error:  # what pandas and pyarrow raise for a damaged file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RatingError(
            f"{path.name}: cannot be read as {_format(path)}: {reason}. Save it again in UTF-8, or name its "
            "delimiter if it is not the usual one."
        ) from error
    return gathering.tally()


def _format(path: Path) -> str:
    suffix = path.suffix.lower()
    compressed = suffix in _COMPRESSED
    found = _SUFFIXES.get(Path(path.stem).suffix.lower() if compressed else suffix)
    if found is None or (compressed and found not in {"csv", "tsv"}):
        raise RatingError(
            f"{path.name}: its name does not tell how it is written. Known are {', '.join(_SUFFIXES)}, the "
            "first three also compressed, e.g. votes.csv.gz."
        )
    return found


def _frames(path: Path, layout: Layout, delimiter: str | None) -> Iterable[pd.DataFrame]:
    match _format(path):
        case "parquet":
            return _parquet(path, layout)
        case "jsonl" | "json" as form:
            return _json(path, layout, lines=form == "jsonl")
        case form:
            return _text(path, layout, delimiter or {"csv": ",", "tsv": "\t"}[form])


def _numbered(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    first = 1
    for frame in frames:
        frame.index = pd.RangeIndex(first, first + len(frame))
        first += len(frame)
        yield frame


def _text(path: Path, layout: Layout, delimiter: str) -> Iterator[pd.DataFrame]:
    import pandas as pd

    # Only an empty cell is empty: a system may be called NA. A byte order mark is no part of a name.
    header = pd.read_csv(path, sep=delimiter, nrows=0, index_col=False, encoding="utf-8-sig")
    layout.require_columns([str(name) for name in header.columns], path.name)
    with pd.read_csv(
        path,
        sep=delimiter,
        usecols=list(layout.columns),
        dtype=str,  # as a category, a voter 007 would become 7
        index_col=False,
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8-sig",
        chunksize=_ROWS,
    ) as pieces:
        yield from pieces


def _parquet(path: Path, layout: Layout) -> Iterator[pd.DataFrame]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError(
            f"{path.name} is Parquet, which needs pyarrow, and it is not installed. "
            "Install it with: pip install 'evalharness[parquet]', or save the votes as CSV."
        ) from error
    with parquet.ParquetFile(path, pre_buffer=False) as file:
        layout.require_columns(list(file.schema_arrow.names), path.name)
        for batch in file.iter_batches(_ROWS, columns=list(layout.columns)):
            columns = {}
            for name in layout.columns:
                column = batch.column(name)
                # Whole numbers with an empty cell among them would come as 1.0, 2.0: distinct values do not.
                whole = name in {layout.time, layout.count} or pa.types.is_dictionary(column.type)
                columns[name] = column if whole else column.dictionary_encode()
            yield pa.table(columns).to_pandas()


def _json(path: Path, layout: Layout, *, lines: bool) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with path.open(encoding="utf-8-sig") as file:
        records = (json.loads(line) for line in file if line.strip()) if lines else iter(json.load(file))
        while piece := list(islice(records, _ROWS)):
            if not all(isinstance(record, dict) for record in piece):
                raise RatingError(
                    f"{path.name}: a vote is no JSON object. Write an object a vote, keys as columns."
                )
            layout.require_columns(list(dict.fromkeys(key for record in piece for key in record)), path.name)
            cells = {name: [record.get(name) for record in piece] for name in layout.columns}
            yield pd.DataFrame(cells, dtype=object)
