"""`evalharness reveal`: a mystery model gets its name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from evalharness.cli.auditing import audit_entry
from evalharness.cli.options import out, store_of
from evalharness.config import STUDY_FILE, load_study
from evalharness.systems import write_reveal

__all__ = ["reveal"]


def reveal(
    folder: Annotated[Path, typer.Argument(help="The study's folder.")],
    codename: Annotated[str, typer.Argument(help="The codename, as boards show it.")],
    because: Annotated[str, typer.Option(help="Why now: goes on the owner's record.")] = "",
    by: Annotated[str, typer.Option(help="Your name, for the record.", show_default="your login")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Show a masked system by its name from now on, on every board, report and export made after this.

    Boards keep saying under which codename it was voted on, and until when. What was published once cannot be
    masked again, so it asks first.
    """
    study = load_study(folder)
    if not yes:
        typer.confirm(f"Reveal who {codename} is, for good?", abort=True)
    day = datetime.now(UTC).date()
    with store_of(study) as store:
        told = write_reveal(study.folder / STUDY_FILE, codename, day)
        details = {"codename": codename, "system": told.name, "because": because}
        store.note_audit(audit_entry(by, "revealed", **details))
    out.print(
        f"{codename} is {told.name}. Boards say so from now on; a running arena, after its next start.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
