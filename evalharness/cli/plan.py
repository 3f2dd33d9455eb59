"""`evalharness plan`: how many votes, voters and prompts a gap needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.options import AsJson, out, print_json, store_of
from evalharness.config import Study, load_study
from evalharness.errors import ConfigError

if TYPE_CHECKING:
    from evalharness.ratings import Tally
    from evalharness.ratings.design_effect import DesignEffect
    from evalharness.ratings.more_votes import Growth
    from evalharness.ratings.planning import Aim, Crowd, Design

__all__ = ["plan"]

_ROLES = ("left", "right", "outcome", "voter", "prompt")


def plan(
    gap: Annotated[
        float | None,
        typer.Option(help="The true gap to be shown, in Elo.", show_default="30, or 0 with --margin"),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="Show instead that the first system is worse by less than this, in Elo."),
    ] = None,
    power: Annotated[float, typer.Option(help="Chance to show it if it is true.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="Chance to show it if it is not.")] = 0.05,
    systems: Annotated[int, typer.Option(help="Systems on the board that share the votes.")] = 2,
    voters: Annotated[
        list[int] | None, typer.Option(help="So many voters; may be given again.", show_default="20 to 800")
    ] = None,
    prompts: Annotated[
        list[int] | None, typer.Option(help="So many prompts; may be given again.", show_default="20 to 320")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="Measure the design effect on this study's votes.")
    ] = None,
    votes_file: Annotated[Path | None, typer.Option(help="Measure it on this file of votes.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Name of a column of that file: voter=worker; may be given again."),
    ] = None,
    voter_sd: Annotated[
        float | None,
        typer.Option(
            help="How far a gap differs from voter to voter, in Elo.", show_default="measured, or 100"
        ),
    ] = None,
    prompt_sd: Annotated[
        float | None, typer.Option(help="The same from prompt to prompt.", show_default="measured, or 100")
    ] = None,
    half_width: Annotated[
        float | None, typer.Option(help="Also: votes until each system's rating is known to +- so many Elo.")
    ] = None,
    check: Annotated[int | None, typer.Option(help="Check the plan on so many simulated studies.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how many votes, by how many voters on how many prompts, show a gap; ends with code 2 if none do.

    Votes of one voter resemble each other, and so do votes on one prompt. By how much is measured on the
    votes of a study or a file; where it is assumed, the plan says so.
    """
    from evalharness.ratings.planning import PROMPTS, VOTERS, Aim
    from evalharness.ratings.planning import plan as designs_for

    aim = Aim((0.0 if margin is not None else 30.0) if gap is None else gap, margin, power, alpha)
    votes = _votes(study, votes_file, column)
    if half_width is not None and votes is None:
        raise ConfigError("--half-width asks about a board: give its votes with --study or --votes-file.")
    basis = _basis(votes, voter_sd, prompt_sd)
    tried = _Tried(sorted(set(voters or VOTERS)), sorted(set(prompts or PROMPTS)))
    designs = designs_for(aim, basis.crowd, systems=systems, voters=tried.voters, prompts=tried.prompts)
    checked = None if check is None else _checked(designs, aim, basis.crowd, systems, check)
    growth = (
        None
        if votes is None or basis.effect is None or half_width is None
        else _growth(votes, basis.effect, half_width)
    )
    if as_json:
        record = _record(aim, basis, systems, designs, checked)
        if growth is not None:
            record["more_votes"] = {name: [asdict(way) for way in ways] for name, ways in growth.items()}
        print_json(record)
    else:
        _show(aim, basis, systems, tried, designs)
        if checked is not None:
            out.print(f"{100 * checked:.0f} % of {check} simulated studies of this design showed it.")
        if growth is not None and half_width is not None:
            _show_growth(growth, half_width)
    if not designs:
        raise typer.Exit(2)


@dataclass(frozen=True, slots=True)
class _Basis:
    """What the plan rests on."""

    crowd: Crowd
    effect: DesignEffect | None


@dataclass(frozen=True, slots=True)
class _Tried:
    """The numbers a plan was made for."""

    voters: list[int]
    prompts: list[int]


def _votes(study: Path | None, votes_file: Path | None, column: list[str] | None) -> Tally | None:
    if study is not None and votes_file is not None:
        raise ConfigError("Measure on a study or on a file of votes, not on both: give one of the two.")
    if study is not None:
        return _study_votes(load_study(study))
    if votes_file is None:
        if column:
            raise ConfigError("--column names a column of a file of votes: give the file with --votes-file.")
        return None
    from evalharness.ratings.reading import read_votes

    return read_votes(votes_file, **_columns(column or []))


def _columns(named: list[str]) -> dict[str, Any]:
    """Which column of a file holds what, from words such as voter=worker."""
    columns: dict[str, Any] = {}
    for word in named:
        role, _, name = word.partition("=")
        if role not in _ROLES or not name:
            raise ConfigError(
                f"--column takes role=name, the role one of {', '.join(_ROLES)}; found {word!r}."
            )
        columns[role] = name
    return columns


def _study_votes(study: Study) -> Tally:
    from evalharness.ratings import tally
    from evalharness.records import Question

    with store_of(study) as store:
        ballots = store.ballots(question=Question.OVERALL)
    return tally(ballots, labels={system.name: system.label for system in study.systems})


def _basis(votes: Tally | None, voter_sd: float | None, prompt_sd: float | None) -> _Basis:
    from evalharness.ratings.design_effect import design_effect
    from evalharness.ratings.planning import ASSUMED, Crowd

    effect = None if votes is None else design_effect(votes)
    crowd = ASSUMED if effect is None else Crowd.measured(effect)
    return _Basis(crowd.with_sds(voter_sd, prompt_sd), effect)


def _checked(designs: tuple[Design, ...], aim: Aim, crowd: Crowd, systems: int, boards: int) -> float:
    from evalharness.ratings.power_check import simulated_power

    if len(designs) != 1:
        raise ConfigError(
            f"--check simulates one design, and here are {len(designs)}: give one --voters and one --prompts "
            "with which the gap can be shown."
        )
    if boards < 1:
        raise ConfigError(f"--check needs one simulated study or more; found {boards}.")
    return simulated_power(designs[0], aim, crowd, systems=systems, boards=boards)


def _growth(votes: Tally, effect: DesignEffect, half_width: float) -> dict[str, tuple[Growth, ...]]:
    from evalharness.ratings import estimate
    from evalharness.ratings.more_votes import more_votes

    found, _ = estimate(votes)
    return {system: more_votes(found, effect, votes, system, half_width) for system in votes.systems}


def _record(
    aim: Aim, basis: _Basis, systems: int, designs: tuple[Design, ...], checked: float | None
) -> dict[str, Any]:
    from evalharness.ratings.planning import independent_votes

    effect = basis.effect
    return {
        "aim": {**asdict(aim), "win_rate": aim.win_rate},
        "systems": systems,
        "independent_decisive_votes": independent_votes(aim),
        "crowd": asdict(basis.crowd),
        "measured": None
        if effect is None
        else {
            "design_effect": effect.ratio,
            "votes": effect.votes,
            "voters": effect.voters,
            "prompts": effect.prompts,
        },
        "designs": [asdict(design) for design in designs],
        "simulated_power": checked,
    }


def _show(aim: Aim, basis: _Basis, systems: int, tried: _Tried, designs: tuple[Design, ...]) -> None:
    from evalharness.ratings.planning import independent_votes

    shown = (
        f"A gap of {abs(aim.gap_elo):g} Elo, {100 * aim.win_rate:.1f} % of decisive votes"
        if aim.margin_elo is None
        else f"At most {aim.margin_elo:g} Elo worse, the truth being {aim.gap_elo:+g}"
    )
    out.print(
        f"{shown}, shown with power {aim.power:g} at alpha {aim.alpha:g}: {independent_votes(aim):,.0f} "
        "decisive votes on this pair, if no two votes had anything in common.",
        soft_wrap=True,
    )
    for sentence in _sources(basis):
        out.print(sentence, soft_wrap=True)
    if not designs:
        out.print(
            "None of these numbers of voters and prompts shows it, with however many votes: take more of "
            "them, or aim at a wider gap.",
            soft_wrap=True,
        )
        return
    found = {(design.voters, design.prompts): design for design in designs}
    table = Table("voters", title=f"Votes needed, ties included, on a board of {systems} systems")
    for number in tried.prompts:
        table.add_column(f"{number} prompts", justify="right")
    for number in tried.voters:
        cells = [found.get((number, shown_prompts)) for shown_prompts in tried.prompts]
        table.add_row(str(number), *("-" if cell is None else _cell(cell) for cell in cells))
    out.print(table)
    widest = max(design.half_width for design in designs)
    out.print(
        "Below the votes: how many that is a voter, and what more of would help most. The gap is then known "
        f"to about ±{widest:.0f} Elo. A dash: too few voters or prompts, so no number of votes is enough.",
        soft_wrap=True,
    )


def _cell(design: Design) -> str:
    return f"{design.votes:,}\n[dim]{design.votes / design.voters:.0f} each\n{design.limited_by}[/]"


def _sources(basis: _Basis) -> list[str]:
    """Where the numbers behind a plan come from."""
    crowd, effect = basis.crowd, basis.effect
    sentences = list(crowd.assumed.values())
    if effect is not None:
        known = [
            f"{getattr(crowd, name):.0f} Elo from {name[:-3]} to {name[:-3]}"
            for name in ("voter_sd", "prompt_sd")
            if name not in crowd.assumed
        ]
        sentences.insert(
            0,
            f"Measured on {effect.votes:,} votes of {effect.voters} voters on {effect.prompts} prompts: "
            f"design effect {effect.ratio:.1f}, {100 * effect.tie_share:.0f} % ties, voters so uneven that "
            f"{effect.voters} serve as {effect.voters * effect.voter_evenness:.0f} equally active ones would"
            + (f"; a gap differs by {' and '.join(known)}." if known else "."),
        )
    return sentences


def _show_growth(growth: dict[str, tuple[Growth, ...]], half_width: float) -> None:
    ways = [way.more for way in next(iter(growth.values()))]
    table = Table(
        "system", title=f"Further votes with a system until its rating is known to ±{half_width:g} Elo"
    )
    for way in ways:
        table.add_column(f"more {way}", justify="right")
    for system, options in growth.items():
        table.add_row(
            escape(system), *("-" if option.votes is None else f"{option.votes:,}" for option in options)
        )
    out.print(table)
    out.print(
        "More votes: by the same voters on the same prompts. More voters, or prompts: as many votes on each "
        "as now. A dash: no number is enough.",
        soft_wrap=True,
    )
