"""A study's votes for whoever analyses them elsewhere: tables, what their columns mean, and their hashes.

    export(study, store, folder, options) -> Manifest      tables as Parquet, CSV and JSON lines
    changed_since(folder)                 -> what is no longer as it was written

By default nobody can be told from an export: voters and battles have names made for it alone, moments are
days, and masked systems go by their codenames.
"""

from evalharness.exports.codebook import TABLES, Column, Kind, Table
from evalharness.exports.files import Form
from evalharness.exports.manifest import Manifest, changed_since
from evalharness.exports.writing import Options, export

__all__ = [
    "TABLES",
    "Column",
    "Form",
    "Kind",
    "Manifest",
    "Options",
    "Table",
    "changed_since",
    "export",
]
