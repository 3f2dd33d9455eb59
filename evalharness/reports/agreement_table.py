"""Agreement of metrics with voters in words: sentences, and tables of text."""

from __future__ import annotations

from collections.abc import Iterator

from evalharness.reports import numbers
from evalharness.reports.agreement import Agreement, AgreementRow, CombinedRow, PeopleRow, Spread
from evalharness.reports.agreement_plot import by_accuracy
from evalharness.reports.wording import question_title, title

__all__ = [
    "COLUMNS",
    "NARROW",
    "agreement_tables",
    "combined_line",
    "correlation",
    "interval",
    "people_line",
    "share",
]

COLUMNS = ("quantity", "agrees", "interval", "votes", "unscored", "Kendall", "Spearman", "remarks")
NARROW = ("quantity", "agrees", "interval", "votes", "remarks")
"""What a narrow terminal shows of them."""


def agreement_tables(found: Agreement) -> Iterator[tuple[str, list[str], list[tuple[str, ...]]]]:
    """(heading, sentences, rows) of each category and question, those that agree most often first."""
    for people in found.people:
        here = (people.category, people.question)
        rows = by_accuracy([row for row in found.rows if (row.category, row.question) == here])
        if not rows:
            continue
        combined = [row for row in found.combined if (row.category, row.question) == here]
        heading = f"Metrics and voters · {title(people.category)} · {question_title(people.question)}"
        yield heading, [people_line(people), *map(combined_line, combined)], [_cells(row) for row in rows]


def people_line(row: PeopleRow) -> str:
    """How far voters agree with one another, in a sentence."""
    ties = f"{row.undecided:,} of {numbers.many(row.votes, 'vote')} name no side and are left out."
    if row.agree is None:
        return f"{ties} No pair was judged by two voters for a side, so how far voters agree is not known."
    return f"{ties} Another voter on the same clips agrees in {share(row.agree)}."


def combined_line(row: CombinedRow) -> str:
    """What several quantities together foretell, in a sentence."""
    return (
        f"{len(row.metrics)} quantities together foretell {share(row.accuracy)} of "
        f"{numbers.many(row.votes, 'vote')} on prompts that they had not seen; the best alone, {row.best}, "
        f"{share(row.best_accuracy)}. A predictor of votes, and no rating."
    )


def interval(found: Spread) -> str:
    """A share's interval."""
    return f"{numbers.percent(found.low)} to {numbers.percent(found.high)}"


def correlation(found: Spread | None) -> str:
    """A correlation with its interval."""
    if found is None:
        return numbers.NONE
    value, low, high = (f"{each:.2f}".replace("-", "−") for each in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def _remarks(row: AgreementRow) -> tuple[str, ...]:
    """What to know of a quantity here."""
    said = (("meant for this", row.speaks), ("failed a gate", row.failed_gate))
    return tuple(words for words, holds in said if holds)


def share(found: Spread | None) -> str:
    """A share with its interval; a dash where there is none."""
    return numbers.NONE if found is None else f"{numbers.percent(found.value)} ({interval(found)})"


def _cells(row: AgreementRow) -> tuple[str, ...]:
    return (
        row.metric,
        numbers.percent(row.accuracy.value),
        interval(row.accuracy),
        f"{row.votes:,}",
        f"{row.unscored:,}",
        correlation(row.kendall),
        correlation(row.spearman),
        ", ".join(_remarks(row)) or numbers.NONE,
    )
