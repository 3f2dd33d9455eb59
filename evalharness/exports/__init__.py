"""A study's votes for whoever analyses them elsewhere: tables, what their columns mean, and their hashes.

    export(study, store, folder, options) -> Manifest      tables as Parquet, CSV and JSON lines
    changed_since(folder)                 -> what is no longer as it was written

By default nobody can be told from an export: voters and battles have names made for it alone, moments are
days, and masked systems go by their codenames.
"""

from evalharness.exports.codebook import TABLES, Column, Kind, Table, as_json, as_markdown
from evalharness.exports.files import Form, read_rows, write_table
from evalharness.exports.manifest import Manifest, changed_since, hash_of, read_manifest
from evalharness.exports.writing import Options, export, write_tables

__all__ = [
    "TABLES",
    "Column",
    "Form",
    "Kind",
    "Manifest",
    "Options",
    "Table",
    "as_json",
    "as_markdown",
    "changed_since",
    "export",
    "hash_of",
    "read_manifest",
    "read_rows",
    "write_table",
    "write_tables",
]
