"""`evalharness agreement`: do automatic metrics say what voters say?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from evalharness.cli.leaderboard import meanings
from evalharness.cli.metrics_table import GATES_FILE
from evalharness.cli.options import AsJson, StudyFolder, out, print_json, progress_bar, store_of
from evalharness.config import Study, load_study
from evalharness.data import data_folder
from evalharness.gates import read_validations
from evalharness.records import Category, Question

if TYPE_CHECKING:
    from evalharness.reports import Agreement, AgreementRow, CombinedRow, PeopleRow

__all__ = ["agreement", "agreement_found"]

NOTHING = 6
WIDE = 120
"""Columns of a terminal from which everything is shown."""


def agreement(
    folder: StudyFolder = Path(),
    category: Annotated[Category | None, typer.Option(help="Only this category.")] = None,
    question: Annotated[Question | None, typer.Option(help="Only this question.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold every metric against the votes: how often it prefers the clip that the voter preferred.

    Ties and "both bad" name no side and are left out. Ends with code 6 where no metric has values for enough
    votes. No metric ever enters a rating.
    """
    from evalharness.reports import Agreement
    from evalharness.reports.agreement_table import COLUMNS, NARROW, agreement_tables

    whole = agreement_found(load_study(folder))

    def asked(row: AgreementRow | PeopleRow | CombinedRow) -> bool:
        return category in (None, row.category) and question in (None, row.question)

    found = Agreement(
        tuple(filter(asked, whole.rows)),
        tuple(filter(asked, whole.people)),
        tuple(filter(asked, whole.combined)),
    )
    if as_json:
        print_json(asdict(found))
    for heading, lines, rows in () if as_json else agreement_tables(found):
        table = Table(title=escape(heading), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        shown = COLUMNS if out.width >= WIDE else NARROW
        for column in shown:
            words = column in ("quantity", "remarks")
            table.add_column(column, justify="left" if words else "right", no_wrap=column != "quantity")
        for row in rows:
            table.add_row(*(escape(row[COLUMNS.index(column)]) for column in shown))
        out.print(table)
        for line in lines:
            out.print(f"[dim]{escape(line)}[/]", highlight=False)
        out.print()
    if not found.rows:
        if not as_json:
            out.print("No metric has values for enough votes: measure the clips, and let people vote.")
        raise typer.Exit(NOTHING)


def agreement_found(study: Study) -> Agreement:
    """What there is to say of the study's metrics and votes now."""
    from evalharness import publication  # pandas, scipy: not at the command line's start

    with store_of(study) as store, progress_bar("questions", keeps=False) as show:
        validations = read_validations(data_folder() / GATES_FILE)
        return publication.agreement(study, store, meanings(), validations, show)
