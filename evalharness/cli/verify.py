"""`evalharness verify`: does a bundle say what its votes say?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from evalharness.cli.options import AsJson, out, print_json, status

__all__ = ["verify"]


def verify(
    folder: Annotated[
        Path, typer.Argument(help="A bundle: what `report --bundle` or `rate --bundle` wrote.")
    ],
    as_json: AsJson = False,
) -> None:
    """Compute every number of a bundle again from its votes, look at every file, and say what differs.

    Needs no study and no network. Ends with code 1 where anything differs.
    """
    from evalharness.bundle import NOT_COMPUTED, verify_bundle

    with status.status("files") as line:
        checks = verify_bundle(folder, line.update)
    if as_json:
        print_json(
            [
                {"about": each.about, "found": list(each.found), "skipped": each.skipped or None}
                for each in checks
            ]
        )
    else:
        for each in checks:
            mark = (
                "[red]differs[/]"
                if each.found
                else "[yellow]skipped[/]"
                if each.skipped
                else "[green]as said[/]"
            )
            why = f": {escape(each.skipped)}" if each.skipped else ""
            out.print(f"{mark}  {escape(each.about)}{why}", soft_wrap=True, highlight=False)
            for sentence in each.found:
                out.print(f"         {escape(sentence)}", soft_wrap=True, highlight=False)
        out.print(
            f"[dim]Only hashes speak for {', '.join(NOT_COMPUTED)}: a bundle does not hold their grounds.[/]",
            soft_wrap=True,
            highlight=False,
        )
    if any(each.found for each in checks):
        raise typer.Exit(1)
