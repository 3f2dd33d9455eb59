"""What `evalharness plan` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from evalharness.cli.options import out

if TYPE_CHECKING:
    from evalharness.ratings.design_effect import DesignEffect
    from evalharness.ratings.more_votes import Growth
    from evalharness.ratings.planning import Aim, Crowd, Design

__all__ = ["show_growth", "show_plan"]


def show_plan(
    aim: Aim,
    crowd: Crowd,
    effect: DesignEffect | None,
    designs: tuple[Design, ...],
    *,
    systems: int,
    voters: list[int],
    prompts: list[int],
) -> None:
    """Print what is aimed at, what it rests on, and the votes for each number of voters and prompts."""
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
    for sentence in _sources(crowd, effect):
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
    for number in prompts:
        table.add_column(f"{number} prompts", justify="right")
    for number in voters:
        cells = [found.get((number, number_shown)) for number_shown in prompts]
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


def _sources(crowd: Crowd, effect: DesignEffect | None) -> list[str]:
    """Where the numbers behind a plan come from."""
    sentences = list(crowd.assumed.values())
    if effect is None:
        return sentences
    from evalharness.ratings import ELO_PER_LOGIT

    differ = [
        f"{getattr(crowd, name):.0f} Elo from {who} to {who} "
        f"(under {ELO_PER_LOGIT * floor:.0f} would not show)"
        for name, who, floor in (
            ("voter_sd", "voter", effect.voter_floor),
            ("prompt_sd", "prompt", effect.prompt_floor),
        )
        if name not in crowd.assumed and floor is not None
    ]
    measured = [
        f"{100 * effect.tie_share:.0f} % ties",
        f"voters so uneven that {effect.voters * effect.voter_evenness:.0f} equally active ones would serve",
    ]
    if differ:
        measured = [
            f"design effect {effect.ratio:.1f}",
            *measured,
            f"a gap differs by {' and '.join(differ)}",
        ]
    base = f"Measured on {effect.votes:,} votes of {effect.voters} voters on {effect.prompts} prompts"
    return [f"{base}: {'; '.join(measured)}.", *sentences]


def show_growth(growth: dict[str, tuple[Growth, ...]], half_width: float) -> None:
    """Print how many further votes each system needs."""
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
