"""`evalharness rate`: a leaderboard from a file of votes, without a study."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from evalharness import __version__
from evalharness.cli.leaderboard import Form
from evalharness.cli.options import out
from evalharness.cli.report import told_of_bundle
from evalharness.cli.votes_file import Delimiter, Outcomes, WinnerNamed, Without, votes_of

__all__ = ["rate"]


def rate(
    file: Annotated[Path, typer.Argument(help="Votes, one a row: CSV, TSV, Parquet, JSON or JSON lines.")],
    like: Annotated[
        str | None, typer.Option(help="Written as this arena writes its votes: lmarena, genai-bench.")
    ] = None,
    left: Annotated[
        str | None, typer.Option(help="Column of the system on the left.", show_default="left")
    ] = None,
    right: Annotated[
        str | None, typer.Option(help="Column of the system on the right.", show_default="right")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Column of the outcome.", show_default="outcome")
    ] = None,
    voter: Annotated[str | None, typer.Option(help="Column of who voted.", show_default="voter")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Column of what was voted on.", show_default="prompt")
    ] = None,
    outcomes: Outcomes = None,
    winner_named: WinnerNamed = False,
    without: Without = None,
    time: Annotated[str | None, typer.Option(help="Column of the time, to put votes in order.")] = None,
    count: Annotated[
        str | None, typer.Option(help="Column of how many votes a row stands for, if summed up.")
    ] = None,
    delimiter: Delimiter = None,
    estimator: Annotated[
        str | None,
        typer.Option(help="four_way, davidson or bradley_terry.", show_default="the leaderboard's own"),
    ] = None,
    interval: Annotated[
        str, typer.Option(help="two_way_jackknife, voter_jackknife, prompt_jackknife or row_sandwich.")
    ] = "two_way_jackknife",
    confidence: Annotated[float, typer.Option(help="Of intervals and ranks.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the simulation behind rank intervals.")] = 1,
    bundle: Annotated[
        Path | None,
        typer.Option(help="A new folder for a bundle: report, votes and hashes.", show_default=False),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.TERMINAL,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
) -> None:
    """Rate the systems of a file of votes; ends with code 6 where it cannot be read or rated.

    evalharness rate votes.csv is all it takes where the columns are called left, right, outcome, voter and
    prompt. Nothing is guessed: what the file does not tell is said with --without, and the board's notes
    then tell what it means for the intervals.
    """
    from evalharness import reports
    from evalharness.ratings import leaderboard
    from evalharness.ratings.fitting import DEFAULT_ESTIMATOR
    from evalharness.ratings.sources import source

    roles = {"left": left, "right": right, "outcome": outcome, "voter": voter, "prompt": prompt}
    known: Mapping[str, Any] = source(like) if like is not None else {role: role for role in roles}
    columns: dict[str, str | None] = {
        role: known[role] if given is None else given for role, given in roles.items()
    }
    columns |= {role: name for role, name in (("time", time), ("count", count)) if name is not None}
    votes = votes_of(
        file,
        columns,
        outcomes=outcomes,
        known=known.get("outcomes") if like is not None else None,
        winner_named=winner_named,
        without=without,
        delimiter=delimiter,
    )
    chosen: dict[str, Any] = {
        "estimator": estimator or DEFAULT_ESTIMATOR,
        "interval": interval,
        "confidence": confidence,
        "seed": seed,
    }
    board = leaderboard(votes, excluded=votes.left_out, **chosen)
    summary = reports.Summary(file.name, datetime.now(UTC), __version__, boards=(board,))
    match Form.JSON if as_json else form:
        case Form.TERMINAL:
            reports.render_terminal(summary, out)
        case Form.MARKDOWN:
            typer.echo(reports.render_markdown(summary), nl=False)
        case Form.CSV:
            typer.echo(reports.render_csv(summary), nl=False)
        case Form.JSON:
            typer.echo(reports.to_json(board), nl=False)
    if bundle is not None:
        from evalharness.bundle import bundle_of_file

        told_of_bundle(bundle, bundle_of_file(votes, bundle, name=file.name, chosen=chosen))
