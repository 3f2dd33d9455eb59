"""`evalharness rate`: a leaderboard from a file of votes, without a study."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evalharness import __version__
from evalharness.cli.leaderboard import Form
from evalharness.cli.options import out
from evalharness.errors import ConfigError

__all__ = ["rate"]

_MEANING = re.compile(r"(?P<label>.*?)=(?P<meaning>left|right|tie|both_bad|skip)(?:,|$)")


class Silent(StrEnum):
    """What a file may not tell."""

    VOTER = "voter"
    PROMPT = "prompt"
    SIDES = "sides"
    OUTCOME = "outcome"


def rate(
    file: Annotated[Path, typer.Argument(help="Votes, one a row: CSV, TSV, Parquet, JSON or JSON lines.")],
    left: Annotated[str, typer.Option(help="Column of the system on the left.")] = "left",
    right: Annotated[str, typer.Option(help="Column of the system on the right.")] = "right",
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")] = "outcome",
    voter: Annotated[str, typer.Option(help="Column of who voted.")] = "voter",
    prompt: Annotated[str, typer.Option(help="Column of what was voted on.")] = "prompt",
    outcomes: Annotated[
        list[str] | None,
        typer.Option(
            help="What labels mean: model_a=left,model_b=right,draw=tie,bad=both_bad,unsure=skip. "
            "left, right, tie and both_bad mean themselves; =tie speaks for empty cells."
        ),
    ] = None,
    winner_named: Annotated[
        bool, typer.Option("--winner-named", help="The outcome is the winning system's name.")
    ] = False,
    without: Annotated[
        list[Silent] | None,
        typer.Option(
            help="What the file does not tell; may be given again. sides: left and right are no places on "
            "a screen. outcome: the left column holds the winner."
        ),
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of the time, to put votes in order.")] = None,
    count: Annotated[
        str | None, typer.Option(help="Column of how many votes a row stands for, if summed up.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates the cells of a text file.")] = None,
    estimator: Annotated[
        str | None,
        typer.Option(help="four_way, davidson or bradley_terry.", show_default="the leaderboard's own"),
    ] = None,
    interval: Annotated[
        str, typer.Option(help="two_way_jackknife, voter_jackknife, prompt_jackknife or row_sandwich.")
    ] = "two_way_jackknife",
    confidence: Annotated[float, typer.Option(help="Of intervals and ranks.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the simulation behind rank intervals.")] = 1,
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
    from evalharness.ratings.reading import read_votes

    untold = set(without or ())
    votes = read_votes(
        file,
        left=left,
        right=right,
        outcome=None if Silent.OUTCOME in untold else outcome,
        voter=None if Silent.VOTER in untold else voter,
        prompt=None if Silent.PROMPT in untold else prompt,
        outcomes=_meanings(outcomes or []),
        winner_named=winner_named,
        sides=Silent.SIDES not in untold,
        time=time,
        count=count,
        delimiter=delimiter,
    )
    board = leaderboard(
        votes,
        estimator=estimator or DEFAULT_ESTIMATOR,
        interval=interval,
        confidence=confidence,
        seed=seed,
        excluded=votes.left_out,
    )
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


def _meanings(given: list[str]) -> dict[str, str]:
    """Labels and what they mean, from words such as a=left,b=right; a label may hold commas and signs."""
    meanings = {}
    for words in given:
        found = list(_MEANING.finditer(words))
        if "".join(part.group() for part in found) != words or not found:
            raise ConfigError(
                f"--outcomes {words} cannot be read. Write label=meaning, separated by commas; a meaning "
                "is left, right, tie, both_bad or skip: model_a=left,model_b=right,draw=tie."
            )
        meanings.update({part["label"]: part["meaning"] for part in found})
    return meanings
