"""`evalharness plan`: how many votes, voters and prompts a gap needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalharness.cli.options import AsJson, out, print_json, store_of
from evalharness.cli.plan_tables import show_growth, show_plan
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
from evalharness.errors import ConfigError

if TYPE_CHECKING:
    from evalharness.ratings import Tally
    from evalharness.ratings.design_effect import DesignEffect
    from evalharness.ratings.more_votes import Growth
    from evalharness.ratings.planning import Aim, Crowd, Design

__all__ = ["plan"]


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
    column: Columns = None,
    outcomes: Outcomes = None,
    winner_named: WinnerNamed = False,
    without: Without = None,
    delimiter: Delimiter = None,
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
    from evalharness.ratings.design_effect import design_effect
    from evalharness.ratings.planning import ASSUMED, PROMPTS, VOTERS, Aim, Crowd
    from evalharness.ratings.planning import plan as designs_for

    aim = Aim((0.0 if margin is not None else 30.0) if gap is None else gap, margin, power, alpha)
    described = {
        "outcomes": outcomes,
        "winner_named": winner_named,
        "without": without,
        "delimiter": delimiter,
    }
    votes = _votes(study, votes_file, columns_of(column), described)
    if half_width is not None and votes is None:
        raise ConfigError("--half-width asks about a board: give its votes with --study or --votes-file.")
    effect = None if votes is None else design_effect(votes)
    crowd = (ASSUMED if effect is None else Crowd.measured(effect)).with_sds(voter_sd, prompt_sd)
    asked, shown = sorted(set(voters or VOTERS)), sorted(set(prompts or PROMPTS))
    designs = designs_for(aim, crowd, systems=systems, voters=asked, prompts=shown)
    checked = None if check is None else _checked(designs, aim, crowd, systems, check)
    growth = None
    if votes is not None and effect is not None and half_width is not None:
        growth = _growth(votes, effect, half_width)
    if as_json:
        print_json(_record(aim, crowd, effect, systems, designs, checked, growth))
    else:
        show_plan(aim, crowd, effect, designs, systems=systems, voters=asked, prompts=shown)
        if checked is not None:
            out.print(f"{100 * checked:.0f} % of {check} simulated studies of this design showed it.")
        if growth is not None and half_width is not None:
            show_growth(growth, half_width)
    if not designs:
        raise typer.Exit(2)


def _votes(
    study: Path | None, votes_file: Path | None, columns: dict[str, str], described: dict[str, Any]
) -> Tally | None:
    if study is not None and votes_file is not None:
        raise ConfigError("Measure on a study or on a file of votes, not on both: give one of the two.")
    if votes_file is not None:
        return votes_of(votes_file, columns, **described)
    require_no_file(columns, described)
    return None if study is None else _study_votes(load_study(study))


def _study_votes(study: Study) -> Tally:
    """The votes on the overall question, all categories together: tastes are measured, no board is made."""
    from evalharness.ratings.tally import tally_codes
    from evalharness.records import Question

    with store_of(study) as store:
        columns = store.vote_columns(question=Question.OVERALL)
    labels = {system.name: system.label for system in study.systems}
    return tally_codes(**columns._asdict(), labels=labels)


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
    aim: Aim,
    crowd: Crowd,
    effect: DesignEffect | None,
    systems: int,
    designs: tuple[Design, ...],
    checked: float | None,
    growth: dict[str, tuple[Growth, ...]] | None,
) -> dict[str, Any]:
    from evalharness.ratings.planning import independent_votes

    measured = None
    if effect is not None:
        measured = {name: getattr(effect, name) for name in ("votes", "voters", "prompts")}
        measured["design_effect"] = effect.ratio
    return {
        "aim": {**asdict(aim), "win_rate": aim.win_rate},
        "systems": systems,
        "independent_decisive_votes": independent_votes(aim),
        "crowd": asdict(crowd),
        "measured": measured,
        "designs": [asdict(design) for design in designs],
        "simulated_power": checked,
        "more_votes": None
        if growth is None
        else {system: [asdict(way) for way in ways] for system, ways in growth.items()},
    }
