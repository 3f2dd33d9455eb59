"""`evalharness simulate`: votes of simulated voters, as a file that says so in every row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from evalharness.cli.options import AsJson, out, print_json
from evalharness.config import STUDY_FILE
from evalharness.errors import ConfigError

if TYPE_CHECKING:
    from evalharness.ratings import Tally

__all__ = ["simulate"]


def simulate(
    file: Annotated[Path, typer.Option("--out", help="The CSV file to make.")],
    votes: Annotated[int, typer.Option(help="How many votes.")] = 1_000,
    systems: Annotated[
        int | None, typer.Option(help="How many systems.", show_default="2, or as --gaps needs")
    ] = None,
    gaps: Annotated[
        str, typer.Option(help="Elo from each system to the next, best first: 30, or 40,20,10.")
    ] = "30",
    voters: Annotated[int, typer.Option(help="How many voters.")] = 150,
    prompts: Annotated[int, typer.Option(help="How many prompts.")] = 80,
    voter_sd: Annotated[
        float, typer.Option(help="How far a gap differs from voter to voter, in Elo (standard deviation).")
    ] = 100.0,
    prompt_sd: Annotated[float, typer.Option(help="The same from prompt to prompt.")] = 100.0,
    ties: Annotated[float, typer.Option(help="Share of ties between equal systems, 0 to 1.")] = 0.2,
    both_bad: Annotated[float, typer.Option(help="Share of both-bad between equal systems.")] = 0.0,
    order_effect: Annotated[float, typer.Option(help="Advantage of the left side, in Elo.")] = 0.0,
    activity: Annotated[
        float, typer.Option(help="How uneven voters are: the r-th busiest votes r^-activity as often.")
    ] = 0.8,
    clickers: Annotated[int, typer.Option(help="Voters who press left or right by the toss of a coin.")] = 0,
    shills: Annotated[int, typer.Option(help="Voters who always choose the last system.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same votes.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Draw votes of simulated voters with tastes of their own into a CSV file.

    Every row is marked simulated, and no file is written into a study: real votes stay alone. Prints what
    was put in beside the ratings that ever more such votes would give.
    """
    import numpy as np  # and scipy, below: not at the command line's start

    from evalharness.ratings import ELO_PER_LOGIT
    from evalharness.ratings.long_run import long_run
    from evalharness.ratings.simulate import simulate as draw

    _refuse_real_places(file)
    steps = _steps(gaps, systems)
    strengths = -np.concatenate([[0.0], np.cumsum(steps)]) / ELO_PER_LOGIT
    strengths -= strengths.mean()
    if not (min(ties, both_bad) >= 0.0 and ties + both_bad < 1.0):
        raise ConfigError(
            f"Shares of ties and both-bad must be from 0 and leave room for decisive votes; found {ties:g} "
            f"and {both_bad:g}."
        )
    decisive = 1.0 - ties - both_bad
    tastes: dict[str, Any] = {
        "voter_spread": voter_sd / ELO_PER_LOGIT / 2**0.5,
        "prompt_spread": prompt_sd / ELO_PER_LOGIT / 2**0.5,
        "tie": 2.0 * ties / decisive,
        "both_bad": 2.0 * both_bad / decisive,
        "order_effect": order_effect / ELO_PER_LOGIT,
    }
    drawn = draw(
        strengths,
        votes=votes,
        seed=seed,
        voters=voters,
        prompts=prompts,
        activity=activity,
        clickers=clickers,
        shills=shills,
        shilled=len(strengths) - 1,
        **tastes,
    )
    fitted = long_run(strengths, **tastes)
    _write(drawn, file)
    rows = [
        {"system": name, "put_in_elo": ELO_PER_LOGIT * put_in, "long_run_elo": ELO_PER_LOGIT * later}
        for name, put_in, later in zip(drawn.systems, strengths.tolist(), fitted.tolist(), strict=True)
    ]
    if as_json:
        print_json(
            {
                "simulated": True,
                "file": str(file),
                "votes": drawn.votes,
                "voters": len(drawn.voters),
                "prompts": len(drawn.prompts),
                "seed": seed,
                "systems": rows,
            }
        )
        return
    table = Table("system", title="Simulated: no person cast any of these votes")
    table.add_column("put in, Elo", justify="right")
    table.add_column("long run, Elo", justify="right")
    for name, put_in, later in zip(drawn.systems, strengths, fitted, strict=True):
        table.add_row(name, f"{ELO_PER_LOGIT * put_in:+.1f}", f"{ELO_PER_LOGIT * later:+.1f}")
    out.print(table)
    out.print(
        f"Wrote {file}: {drawn.votes} votes of {len(drawn.voters)} simulated voters on {len(drawn.prompts)} "
        "prompts. The long run is what Davidson ratings of honest voters converge to; tastes draw them "
        "together.",
        soft_wrap=True,
    )


def _steps(gaps: str, systems: int | None) -> list[float]:
    """Elo from each system to the next."""
    try:
        steps = [float(step) for step in gaps.split(",")]
    except ValueError:
        raise ConfigError(f"--gaps takes Elo numbers such as 30 or 40,20,10; found {gaps!r}.") from None
    if len(steps) == 1 and systems is not None:
        steps *= systems - 1
    if not steps or (systems is not None and len(steps) != systems - 1):
        raise ConfigError(
            f"{systems} systems do not have {len(steps)} gaps between neighbours: give one gap for all, or "
            "one fewer than there are systems."
        )
    return steps


def _refuse_real_places(file: Path) -> None:
    """Simulated votes may not come to lie among real ones, nor replace a file."""
    place = file.absolute()
    study = next((folder for folder in place.parents if (folder / STUDY_FILE).exists()), None)
    if study is not None:
        raise ConfigError(
            f"{file} would lie in the study {study}, where real votes are kept. Simulated votes are never "
            "stored among real ones: choose a place outside."
        )
    if file.suffix.lower() != ".csv":
        raise ConfigError(
            f"Simulated votes are written as CSV only, never into a database; found {file}. Name a file that "
            "ends in .csv."
        )
    if not place.parent.is_dir():
        raise ConfigError(f"There is no folder {place.parent}. Make it first, or choose another place.")
    if file.exists():
        raise ConfigError(f"{file} exists already. Remove it first, or choose another name.")


def _write(votes: Tally, file: Path) -> None:
    import pandas as pd

    from evalharness.ratings.tally import OUTCOMES

    named = {
        "left": (votes.left, votes.systems),
        "right": (votes.right, votes.systems),
        "outcome": (votes.outcome, [outcome.value for outcome in OUTCOMES]),
        "voter": (votes.voter, votes.voters),
        "prompt": (votes.prompt, votes.prompts),
    }
    frame = pd.DataFrame(
        {column: pd.Categorical.from_codes(codes, list(names)) for column, (codes, names) in named.items()}
    )
    frame["simulated"] = "true"
    frame.to_csv(file, index=False)
