"""`evalharness export`: a study's votes as tables, for whoever analyses them elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalharness.cli.auditing import audit_entry
from evalharness.cli.options import StudyFolder, out, progress_bar, store_of
from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.exports import Form, Options, changed_since
from evalharness.exports import export as write_export

__all__ = ["export"]


def export(
    folder: StudyFolder = Path(),
    to: Annotated[
        Path | None, typer.Option("--out", help="A new folder for the tables.", show_default=False)
    ] = None,
    form: Annotated[
        list[Form] | None, typer.Option("--format", help="Only this kind of file; may be repeated.")
    ] = None,
    with_ids: Annotated[
        bool, typer.Option(help="Ids as they are stored and whole moments. Not for publishing.")
    ] = False,
    open_data_only: Annotated[
        bool, typer.Option(help="Only voters who agreed that single answers are published.")
    ] = False,
    check: Annotated[
        Path | None, typer.Option(help="Only say what has changed in this export.", show_default=False)
    ] = None,
) -> None:
    """Write all votes with what is known of them as Parquet, CSV and JSON lines, with a codebook and hashes.

    Nobody can be told from it: voters have names made for this export, moments are days, masked systems go by
    their codenames.
    """
    if check is not None:
        _check(check)
        return
    study = load_study(folder)
    if to is None:
        raise ConfigError(
            "Name a new folder for the tables with --out, or an export to look at with --check."
        )
    options = Options(tuple(form or Form), with_ids=with_ids, open_data_only=open_data_only)
    with store_of(study) as store, progress_bar("votes", keeps=False) as show:
        total = store.progress()["votes"]
        manifest = write_export(study, store, to, options, progress=lambda done: show(done, total))
        what = "all votes, with ids" if with_ids else "all votes"
        store.note_audit(audit_entry("", "exported", what=what, open_data_only=open_data_only))
    for table, number in manifest.rows.items():
        out.print(f"{number:>9,} {table}", highlight=False)
    out.print(f"in {to}, with codebook.md and manifest.json", soft_wrap=True, markup=False, highlight=False)


def _check(folder: Path) -> None:
    """Ends with code 1 where the export is not as it was written."""
    changed = changed_since(folder)
    for sentence in changed or (f"{folder} is as it was written.",):
        out.print(sentence, soft_wrap=True, markup=False, highlight=False)
    if changed:
        raise typer.Exit(1)
