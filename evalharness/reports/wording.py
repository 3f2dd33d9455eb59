"""What reports say in words, the same in every form: headings, recipes, and what a number leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evalharness.records import Leaderboard
from evalharness.reports import numbers
from evalharness.reports.summary import Meaning, MetricRow, Quantiles, Summary, VoteFlow

__all__ = [
    "HEADLINE",
    "as_of_line",
    "board_counts",
    "board_lines",
    "flow_line",
    "headline",
    "interval_line",
    "mask_lines",
    "middle",
    "not_scored",
    "question_title",
    "tied_with",
    "tied_words",
    "title",
    "unit_line",
    "unit_word",
]


def title(category: str) -> str:
    """A category as a heading."""
    return category.replace("_", " ").replace("-", " ").capitalize()


def question_title(question: str) -> str:
    """A question as a heading."""
    return {"av_sync": "Sound in sync"}.get(question, question.replace("_", " ").capitalize())


def tied_with(board: Leaderboard, system: str) -> tuple[str, ...]:
    """Systems that the votes cannot tell from this one, best first; empty where the recipe is silent."""
    tied: Mapping[str, Sequence[str]] = board.recipe.get("tied_with", {})
    names = set(tied.get(system, ()))
    return tuple(row.system for row in board.ratings if row.system in names)


def tied_words(board: Leaderboard, system: str) -> str:
    """`tied_with` at a length that a table cell bears; JSON and CSV hold the whole list."""
    tied = tied_with(board, system)
    if not tied:
        return numbers.NONE
    if len(tied) > 3 and len(tied) == len(board.ratings) - 1:
        return "all others"
    return _listed(tied, 4)


def board_lines(board: Leaderboard) -> tuple[tuple[str, str], ...]:
    """The recipe as pairs of label and sentence, for a reader who would compute the board again."""
    recipe = board.recipe
    lines = [
        ("Votes", board_counts(board)),
        ("Estimator", f"{recipe.get('estimator', 'not stated')}: {recipe.get('model', 'not stated')}"),
        ("Both bad", recipe.get("both_bad")),
        ("Scale and gauge", "; ".join(str(recipe[key]) for key in ("scale", "gauge") if key in recipe)),
        ("Prior", recipe.get("prior")),
        ("Interval", interval_line(recipe)),
        ("Ranks", _rank_line(recipe)),
        ("Order effect", _estimate_line(recipe.get("order_effect_elo"), " Elo for being shown on the left")),
        (
            "Tie parameter",
            _estimate_line(recipe.get("tie_parameter"), " (2: equal systems tie half the time)"),
        ),
        ("Fit", _fit_line(recipe)),
        ("Data", f"SHA-256 {recipe['data_sha256']}" if "data_sha256" in recipe else None),
        ("Version", recipe.get("version")),
    ]
    return tuple((label, str(line)) for label, line in lines if line)


def not_scored(row: MetricRow) -> str:
    """What a mean leaves out, with the reasons; a dash where nothing.

    Reasons that differ in their figures alone are one, the first of them standing for all.
    """
    parts = [f"{said} unscorable: {reason}" for said, reason in _alike(row.unscorable)]
    parts += [f"{said} failed: {reason}" for said, reason in _alike(row.failed)]
    parts += [f"{row.unmeasured} not measured"] if row.unmeasured else []
    return "; ".join(parts) or numbers.NONE


def _alike(reasons: Mapping[str, int]) -> list[tuple[int, str]]:
    """(count, sentence) of reasons, those that differ only in numbers under the first of them."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for reason, count in reasons.items():
        groups.setdefault(re.sub(r"\d+(\.\d+)?", "#", reason), []).append((reason, count))
    return [
        (sum(count for _, count in group), ("such as " if len(group) > 1 else "") + group[0][0].rstrip("."))
        for group in groups.values()
    ]


def as_of_line(summary: Summary) -> str:
    """To which moment votes are in it, and what made it."""
    by = f"evalharness {summary.version}"
    return f"As of {summary.as_of:%Y-%m-%d %H:%M} UTC, by {by}" if summary.as_of else f"By {by}"


def mask_lines(summary: Summary) -> tuple[str, ...]:
    """Which names are codenames, and which were."""
    masked = [row.system for row in summary.profiles if row.masked]
    lines = []
    if len(masked) == 1:
        lines.append(f"{masked[0]} is a codename: who stands behind it is not told yet.")
    elif masked:
        lines.append(f"{', '.join(masked)} are codenames: who stands behind them is not told yet.")
    lines += [
        f"{row.system} was shown as {row.formerly} until {row.revealed:%Y-%m-%d}."
        for row in summary.profiles
        if row.formerly is not None and row.revealed is not None
    ]
    return tuple(lines)


def board_counts(board: Leaderboard) -> str:
    """How many votes, voters and prompts stand behind a board; 0 of either means that none is on record."""
    voters = numbers.many(board.voters, "voter") if board.voters else "voters not on record"
    prompts = numbers.many(board.prompts, "prompt") if board.prompts else "prompts not on record"
    excluded = f", {board.excluded:,} excluded" if board.excluded else ""
    return f"{numbers.many(board.votes, 'vote')} from {voters} on {prompts}{excluded}"


def interval_line(recipe: Mapping[str, Any]) -> str | None:
    """How intervals were found; None where the recipe is silent."""
    if "confidence" not in recipe:
        return None
    freedom = recipe.get("degrees_of_freedom")
    tail = f", t with {numbers.many(round(freedom), 'degree')} of freedom" if freedom is not None else ""
    form = recipe.get("interval_form") or recipe.get("interval")
    return f"{numbers.percent(recipe['confidence'])} by {form}{tail}"


def _rank_line(recipe: Mapping[str, Any]) -> str | None:
    if "rank_rule" not in recipe:
        return None
    return (
        f"{recipe['rank_rule']}, critical value {recipe.get('rank_critical', 0.0):.2f} "
        f"from {recipe.get('rank_draws', 0):,} draws, seed {recipe.get('seed')}"
    )


def _estimate_line(found: Mapping[str, float] | None, tail: str) -> str | None:
    if found is None:
        return None
    value, low, high = (numbers.figure(found[key]) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high}){tail}"


def _fit_line(recipe: Mapping[str, Any]) -> str | None:
    if "converged" not in recipe:
        return None
    state = "converged" if recipe["converged"] else "NOT converged"
    return f"{state} after {recipe.get('iterations')} Newton steps"


def middle(found: Quantiles | None, say: Callable[[float], str]) -> str:
    """A median with where nine of ten lie; a dash where nothing is known."""
    if found is None:
        return numbers.NONE
    return f"{say(found[2])} ({say(found[0])} to {say(found[4])})"


def flow_line(flow: VoteFlow) -> str:
    """From battles drawn to votes counted, in one sentence."""
    excluded = sum(flow.excluded.values())
    reasons = "; ".join(f"{count} {reason}" for reason, count in flow.excluded.items())
    left_out = f"{excluded:,} excluded" + (f" ({reasons})" if reasons else "")
    battles = (
        f"{numbers.many(flow.answered, 'battle')} answered"
        if flow.drawn is None
        else f"{numbers.many(flow.drawn, 'battle')} drawn, {flow.answered:,} answered"
    )
    return f"{battles}, {numbers.many(flow.votes, 'vote')} cast, {left_out}, {flow.counted:,} counted."


HEADLINE: Mapping[str, str] = {
    "alone": "{first} leads, and the votes tell it from every other system.",
    "nobody_told": "{first} has the highest rating, but the votes tell it from no other system yet.",
    "tied": "{first} has the highest rating; the votes do not yet tell it from {others}.",
    "more": "{names} and {number} more",
}
"""The sentences of `headline`; a page in another language brings its own under the same names."""


def headline(board: Leaderboard, sentences: Mapping[str, str] = HEADLINE) -> str:
    """The board's answer in a sentence, as strong as the evidence and no stronger."""
    best = min(board.ratings, key=lambda row: row.rank)
    first = best.system
    tied = tied_with(board, first)
    if len(board.ratings) > 1 and not tied and best.rank_high == 1:
        return sentences["alone"].format(first=first)
    if len(tied) == len(board.ratings) - 1:
        return sentences["nobody_told"].format(first=first)
    return sentences["tied"].format(first=first, others=_listed(tied, 3, sentences["more"]))


def unit_line(unit: str, meaning: Meaning) -> str:
    """A quantity's unit and direction."""
    ways = {"lower": "lower is better", "higher": "higher is better", "zero": "zero is best"}
    way = ways.get(meaning.better)
    said = unit_word(unit, meaning.low, meaning.high)
    return f"{said}, {way}" if way else said


def unit_word(unit: str, low: float | None, high: float | None) -> str:
    """The unit; for a number without one, the range it lies in (`0..1`), or `no unit`."""
    if unit:
        return unit
    return f"{low:g}..{high:g}".replace("-", "−") if low is not None and high is not None else "no unit"


def _listed(names: Sequence[str], most: int, more: str = HEADLINE["more"]) -> str:
    """The first `most` names, and how many more there are."""
    shown = ", ".join(names[:most])
    return more.format(names=shown, number=len(names) - most) if len(names) > most else shown
