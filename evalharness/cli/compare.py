"""`evalharness compare`: two systems, their rating difference and what their own votes decide."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from evalharness.cli.options import AsJson, out, print_json, store_of
from evalharness.cli.votes_file import (
    Columns,
    Delimiter,
    Outcomes,
    WinnerNamed,
    Without,
    columns_of,
    require_no_file,
    votes_of,
)
from evalharness.config import Study, load_study
from evalharness.errors import ConfigError, RatingError
from evalharness.ratings.closed_scores import Ties, Unit
from evalharness.records import Category, Question

if TYPE_CHECKING:
    from evalharness.ratings import Tally
    from evalharness.ratings.scale import Gap
    from evalharness.ratings.sequential import HeadToHead

__all__ = ["compare"]

First = Annotated[str, typer.Argument(metavar="A", help="The system asked about, e.g. the candidate.")]
Second = Annotated[str, typer.Argument(metavar="B", help="The system it is held against.")]
Folder = Annotated[Path | None, typer.Argument(help="The study's folder.", show_default="this folder")]


def compare(
    first: First,
    second: Second,
    folder: Folder = None,
    votes_file: Annotated[
        Path | None, typer.Option(help="Take the votes of this file, oldest first.")
    ] = None,
    column: Columns = None,
    outcomes: Outcomes = None,
    winner_named: WinnerNamed = False,
    without: Without = None,
    delimiter: Delimiter = None,
    category: Annotated[
        Category | None, typer.Option(help="The board to compare on.", show_default="the only one")
    ] = None,
    question: Annotated[Question, typer.Option(help="The question to compare on.")] = Question.OVERALL,
    margin: Annotated[
        float | None, typer.Option(help="Ask instead whether A is worse than B by so many Elo.")
    ] = None,
    unit: Annotated[
        Unit, typer.Option(help="One score a voter, a prompt (say with one voter), or a vote.")
    ] = Unit.VOTER,
    ties: Annotated[
        Ties, typer.Option(help="Count a tie or both-bad as half a win, or leave it out.")
    ] = Ties.HALF,
    alpha: Annotated[
        float, typer.Option(help="Chance of ever deciding wrongly, however often you look.")
    ] = 0.05,
    planned: Annotated[
        int | None, typer.Option(help="Scores at which voting ends anyway: says when going on is futile.")
    ] = None,
    votes_per_score: Annotated[
        int | None,
        typer.Option(help="Votes that close a score.", show_default="20 a voter, 1 a prompt"),
    ] = None,
    silence: Annotated[
        int, typer.Option(help="Votes of others, on any pair, after which a voter counts as gone.")
    ] = 50,
    ended: Annotated[
        bool, typer.Option("--ended", help="Voting is over, as planned: count unfinished voters too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say which of two systems is better, as far as votes between them decide; safe to ask after every vote.

    Ends with code 0 when there is a reason to stop (a verdict, or futility with --planned), and with code 6
    when it is undecided or these votes allow no comparison. Settle the options before looking.
    """
    from evalharness.ratings.sequential import head_to_head

    described = {
        "outcomes": outcomes,
        "winner_named": winner_named,
        "without": without,
        "delimiter": delimiter,
    }
    votes = _votes(folder, votes_file, columns_of(column), described, category, question)
    try:
        found = head_to_head(
            votes,
            first,
            second,
            unit=unit,
            alpha=alpha,
            margin_elo=margin,
            ties=ties,
            planned=planned,
            votes_per_score=votes_per_score,
            silence=silence,
            ended=ended,
        )
    except RatingError:
        if first != second and not as_json:
            _say(_rated(votes, first, second).sentence)  # what is known by way of other systems
        raise
    rated = _rated(votes, first, second)
    met = _met(votes, first, second)
    if as_json:
        print_json(_record(found, rated, met))
    else:
        _show(found, rated, met)
    if not found.decided:
        raise typer.Exit(6)


@dataclass(frozen=True, slots=True)
class _Rated:
    """The rating difference by way of all votes of the board, or why there is none."""

    gap: Gap | None
    sentence: str
    notes: tuple[str, ...] = ()


def _votes(
    folder: Path | None,
    votes_file: Path | None,
    columns: dict[str, str],
    described: dict[str, Any],
    category: Category | None,
    question: Question,
) -> Tally:
    if votes_file is None:
        require_no_file(columns, described)
        return _study_votes(load_study(folder or Path()), category, question)
    if folder is not None or category is not None:
        raise ConfigError(
            "A file of votes is compared on as it is: leave out the study's folder and --category, or leave "
            "out --votes-file."
        )
    return votes_of(votes_file, columns, **described)


def _study_votes(study: Study, category: Category | None, question: Question) -> Tally:
    from evalharness.ratings import tally

    asked = study.settings.arena.questions
    if question not in asked:
        raise ConfigError(
            f"This study asks {', '.join(asked)}; '{question}' is not among them. "
            "Add it to [arena] questions, or choose one of these."
        )
    with store_of(study) as store:
        ballots = store.ballots(category=category, question=question)
    boards = sorted({ballot.category.value for ballot in ballots})
    if not boards:
        where = "" if category is None else f" on the board {category}"
        raise RatingError(f"There are no votes{where} yet. Collect some with 'python -m evalharness arena'.")
    if len(boards) > 1:
        raise ConfigError(
            f"There are votes on {len(boards)} boards ({', '.join(boards)}), each with its own scale. "
            "Choose one with --category."
        )
    return tally(ballots, labels={system.name: system.label for system in study.systems})


def _rated(votes: Tally, first: str, second: str) -> _Rated:
    from evalharness.ratings import estimate
    from evalharness.ratings.scale import Gap, ShareOf

    try:
        found, notes = estimate(votes)
    except RatingError as refusal:
        return _Rated(None, f"No rating difference: {refusal}")
    gap = Gap(found.difference(first, second), ShareOf.DECISIVE)
    return _Rated(gap, f"By the ratings of all {len(votes.systems)} systems, {first} is at {gap}.", notes)


def _met(votes: Tally, first: str, second: str) -> dict[str, int]:
    """How many votes, voters and prompts there are on the pair."""
    one, other = votes.systems.index(first), votes.systems.index(second)
    rows = ((votes.left == one) & (votes.right == other)) | ((votes.left == other) & (votes.right == one))
    return {
        "votes": int(rows.sum()),
        "voters": len(set(votes.voter[rows].tolist())),
        "prompts": len(set(votes.prompt[rows].tolist())),
    }


def _show(found: HeadToHead, rated: _Rated, met: dict[str, int]) -> None:
    style = "yellow" if not found.decided else "green"
    _say(found.sentence, style)
    boundary = f"{100 * found.rules.boundary:.1f} %"
    out.print(
        f"Evidence that its rate is above {boundary}: {found.e_first:.3g}; below: {found.e_second:.3g}; "
        f"{found.rules.threshold:g} decides.",
        soft_wrap=True,
    )
    if found.gap_elo is not None and math.isfinite(found.gap_elo.value):
        gap = found.gap_elo
        out.print(
            f"{found.rules.rate_of.capitalize()}, that is {gap.value:+.0f} Elo ({gap.low:+.0f} to "
            f"{gap.high:+.0f}) between these two.",
            soft_wrap=True,
        )
    _say(rated.sentence)
    out.print(", ".join(f"{count:,} {noun}" for noun, count in met.items()) + " on this pair.")
    for note in (*found.notes, *rated.notes):
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)


def _say(sentence: str, style: str | None = None) -> None:
    out.print(escape(sentence), style=style, highlight=False, soft_wrap=True)


def _record(found: HeadToHead, rated: _Rated, met: dict[str, int]) -> dict[str, Any]:
    gap, rate = found.gap_elo, found.win_rate
    return {
        "first": found.first,
        "second": found.second,
        "verdict": found.verdict.value,
        "sentence": found.sentence,
        "rules": asdict(found.rules),
        "boundary": found.rules.boundary,
        "evidence": {
            "first": found.e_first,
            "second": found.e_second,
            "decides": found.rules.threshold,
        },
        "win_rate": None if rate is None else asdict(rate),
        "rate_of": found.rules.rate_of,
        "gap_elo": None if gap is None else {end: _finite(value) for end, value in asdict(gap).items()},
        "scores": len(found.scores.values),
        "votes_in_scores": found.scores.votes,
        "decided_at_scores": found.decided_at,
        "more_scores_needed": found.more_scores_needed,
        "on_this_pair": met,
        "ratings": {
            "difference_elo": None if rated.gap is None else asdict(rated.gap.interval),
            "win_rate": None if rated.gap is None else asdict(rated.gap.win_rate),
            "rate_of": None if rated.gap is None else "of decisive votes",
            "sentence": rated.sentence,
            "notes": list(rated.notes),
        },
        "notes": list(found.notes),
    }


def _finite(value: float) -> float | None:
    """JSON knows no infinity: an end that is infinitely far is null."""
    return value if math.isfinite(value) else None
