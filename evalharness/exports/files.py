"""A table as a file, piece by piece: Parquet, CSV, JSON lines; the same rows in each."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TextIO

from evalharness.errors import ConfigError
from evalharness.exports.codebook import Column, Kind, Table

__all__ = ["Form", "Row", "read_rows", "write_table"]

Row = Sequence[Any]
"""Values in the order of the table's columns; None where a value is empty."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet begins a formula."""
READ_ROWS = 65_536
NO_LINE_END = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""What some readers take for the end of a line, escaped."""


class Form(StrEnum):
    """A kind of file; its value is the file's suffix."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


class _Writer(Protocol):
    def write(self, rows: Sequence[Row]) -> None: ...


def write_table(folder: Path, table: Table, pieces: Iterable[Sequence[Row]], forms: Sequence[Form]) -> int:
    """Write `<table>.<form>` for each form while reading the rows once; answers how many rows there are."""
    count = 0
    with ExitStack() as stack:
        writers = [_open(stack, folder / f"{table.name}.{form}", table, form) for form in forms]
        for piece in pieces:
            count += len(piece)
            for writer in writers:
                writer.write(piece)
    return count


def read_rows(folder: Path, table: Table) -> Iterator[list[Row]]:
    """The rows of `<table>.parquet` in pieces, as `write_table` took them.

    Raises ConfigError where the file is missing, damaged, or has other columns.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    path = folder / f"{table.name}.{Form.PARQUET}"
    names = [column.name for column in table.columns]
    try:
        with ParquetFile(path) as file:
            if file.schema_arrow.names != names:
                raise ConfigError(
                    f"{path.name} has the columns {', '.join(file.schema_arrow.names)}; this version of "
                    f"evalharness writes {', '.join(names)}. Use the version that the manifest names."
                )
            for batch in file.iter_batches(READ_ROWS):
                yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def _open(stack: ExitStack, path: Path, table: Table, form: Form) -> _Writer:
    if form is Form.PARQUET:
        return _Parquet(stack, path, table)
    file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    return _Csv(file, table) if form is Form.CSV else _JsonLines(file, table)


class _Parquet:
    """Column by column, compressed; every column says in its metadata what it means."""

    def __init__(self, stack: ExitStack, path: Path, table: Table) -> None:
        # Half a second that only who writes Parquet waits for.
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        types = {
            Kind.TEXT: pa.string(),
            Kind.INTEGER: pa.int64(),
            Kind.NUMBER: pa.float64(),
            Kind.FLAG: pa.bool_(),
            Kind.MOMENT: pa.timestamp("us", tz="UTC"),
        }
        fields = [
            pa.field(column.name, types[column.kind], metadata={"meaning": column.meaning})
            for column in table.columns
        ]
        self._schema = pa.schema(fields, metadata={"meaning": table.meaning})
        self._file = stack.enter_context(ParquetWriter(path, self._schema, compression="zstd"))
        self._array, self._table = pa.array, pa.Table.from_arrays

    def write(self, rows: Sequence[Row]) -> None:
        columns = zip(*rows, strict=True) if rows else ([] for _ in self._schema)
        arrays = [
            self._array(list(values), field.type) for values, field in zip(columns, self._schema, strict=True)
        ]
        self._file.write_table(self._table(arrays, schema=self._schema))


class _Csv:
    """RFC 4180 in UTF-8, a header line first."""

    def __init__(self, file: TextIO, table: Table) -> None:
        self._cells = [_cell_of(column) for column in table.columns]
        self._writer = csv.writer(file)
        self._writer.writerow([column.name for column in table.columns])

    def write(self, rows: Sequence[Row]) -> None:
        self._writer.writerows(
            ["" if value is None else cell(value) for cell, value in zip(self._cells, row, strict=True)]
            for row in rows
        )


class _JsonLines:
    """One object a line; an empty value is null."""

    def __init__(self, file: TextIO, table: Table) -> None:
        self._file, self._names = file, [column.name for column in table.columns]

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            line = dict(zip(self._names, map(_plain, row), strict=True))
            text = json.dumps(line, ensure_ascii=False, allow_nan=False)
            self._file.write(text.translate(NO_LINE_END) + "\n")


def _cell_of(column: Column) -> Any:
    if column.kind is Kind.MOMENT:
        return _moment
    if column.kind is Kind.FLAG:
        return lambda value: "true" if value else "false"
    if column.kind is Kind.TEXT:
        return lambda text: f"'{text}" if text.startswith((*FORMULA, "'")) else text
    return repr  # shortest digits that give the same number again


def _plain(value: Any) -> Any:
    return _moment(value) if isinstance(value, datetime) else value


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()
