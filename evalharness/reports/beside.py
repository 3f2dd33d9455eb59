"""What stands beside a rating: how sure it is, how often a clip was good enough, speed, price, reliability.

Nothing of it enters the rating. A column in which no system has anything is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from evalharness.records import FailureKind, Leaderboard, Rating
from evalharness.reports import numbers
from evalharness.reports.metric_grid import reading
from evalharness.reports.summary import GenerationRow, MetricRow, Profile, Summary

__all__ = ["ESTABLISHED_ELO", "USABLE_ELO", "Beside", "Figures", "beside", "figures", "status"]

ESTABLISHED_ELO, USABLE_ELO = 20.0, 50.0
"""Largest half-widths of an interval: 20 Elo are 53 wins in 100, 50 Elo are 57."""
MOST_METRICS = 3
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Figures:
    """One system beside its rating; None where nothing is on record."""

    system: str
    status: str
    acceptable: Mapping[str, float] | None
    """Share of its clips that were not "both bad": value, low, high."""
    median_latency_s: float | None
    clip_usd: float | None
    failed: float | None
    """Share of the clips asked for that came to nothing, of those that ended; refusals are among them."""
    refused: float | None
    """Share that a vendor's moderation struck."""
    metrics: tuple[MetricRow | None, ...]
    """Of the quantities that speak to the board's question and failed no gate."""
    released: date | None
    open_weights: bool | None


@dataclass(frozen=True, slots=True)
class Beside:
    """The table of a board, in words."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def status(rating: Rating) -> str:
    """`established`, `usable` or `preliminary`, by half of the interval's width."""
    half = (rating.high - rating.low) / 2
    return "established" if half <= ESTABLISHED_ELO else "usable" if half <= USABLE_ELO else "preliminary"


def figures(summary: Summary, board: Leaderboard) -> tuple[Figures, ...]:
    """What is on record of each system of the board, in the board's order."""
    made = {row.system: row for row in summary.generation}
    profiles = {row.system: row for row in summary.profiles}
    acceptable = board.recipe.get("acceptable") or {}
    quantities = _quantities(summary, board)
    measured = {(row.system, row.metric): row for row in summary.metrics if row.category == board.category}
    rows = []
    for rating in board.ratings:
        job, profile = made.get(rating.system), profiles.get(rating.system, Profile(rating.system))
        failed, refused = _shares(job)
        rows.append(
            Figures(
                system=rating.system,
                status=status(rating),
                acceptable=acceptable.get(rating.system),
                median_latency_s=job.median_latency_s if job else None,
                clip_usd=job.mean_cost_usd if job else None,
                failed=failed,
                refused=refused,
                metrics=tuple(measured.get((rating.system, name)) for name in quantities),
                released=profile.released,
                open_weights=profile.open_weights,
            )
        )
    return tuple(rows)


def beside(summary: Summary, board: Leaderboard) -> Beside:
    """The table beside a board."""
    rows = figures(summary, board)
    quantities = _quantities(summary, board)
    signed = [summary.meanings[name].better == "zero" for name in quantities]
    columns: list[tuple[str, Callable[[Figures], str | None]]] = [
        ("status", lambda row: row.status),
        ("acceptable", lambda row: _interval(row.acceptable)),
        ("median latency", lambda row: _known(row.median_latency_s, numbers.seconds)),
        ("price a clip", lambda row: _known(row.clip_usd, numbers.dollars)),
        ("failed", lambda row: _known(row.failed, numbers.percent)),
        ("refused", lambda row: _known(row.refused, numbers.percent)),
        *((name, _metric(place, signed[place])) for place, name in enumerate(quantities)),
        ("released", lambda row: _known(row.released, date.isoformat)),
        ("weights", lambda row: _known(row.open_weights, lambda open_: "open" if open_ else "closed")),
    ]
    shown = [(name, [say(row) for row in rows]) for name, say in columns]
    kept = [(name, cells) for name, cells in shown if any(cell is not None for cell in cells)]
    return Beside(
        ("system", *(name for name, _ in kept)),
        tuple(
            (row.system, *(cells[place] or numbers.NONE for _, cells in kept))
            for place, row in enumerate(rows)
        ),
    )


def _quantities(summary: Summary, board: Leaderboard) -> tuple[str, ...]:
    """The first few that speak to the board's question, failed no gate and have a value."""
    found = dict.fromkeys(
        row.metric
        for row in summary.metrics
        if row.category == board.category
        and row.metric in summary.meanings
        and summary.meanings[row.metric].question == board.question
        and not row.failed_gate
        and row.n
    )
    return tuple(found)[:MOST_METRICS]


def _shares(row: GenerationRow | None) -> tuple[float | None, float | None]:
    if row is None:
        return None, None
    failed = sum(row.failed.values())
    ended = row.done + failed
    refused = row.failed.get(FailureKind.MODERATION.value, 0)
    return (failed / ended, refused / ended) if ended else (None, None)


def _metric(place: int, signed: bool) -> Callable[[Figures], str | None]:
    def say(row: Figures) -> str | None:
        found = row.metrics[place]
        return None if found is None or not found.n else reading(found, signed)

    return say


def _interval(found: Mapping[str, float] | None) -> str | None:
    if found is None:
        return None
    low, high = (f"{100 * found[name]:.0f}" for name in ("low", "high"))
    return f"{numbers.percent(found['value'])} ({low} to {high})"


def _known(value: Value | None, say: Callable[[Value], str]) -> str | None:
    return None if value is None else say(value)
