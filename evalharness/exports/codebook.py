"""The codebook: every table of an export, every column of a table, and what it means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalharness.labels import Category, Decision, FaultKind, Outcome, Purpose, Question, Strength, Task

__all__ = ["LEFT_OUT", "TABLES", "Column", "Kind", "Table", "as_json", "as_markdown"]

LEFT_OUT = ("check", "vote excluded", "voter excluded")
"""Why a vote does not count for systems."""
OF_SIDES = ("left", "right")


HEAD = """# Codebook

Moments are UTC. In CSV an empty cell is an empty value, and a text that a spreadsheet would take for a
formula has `'` before it.
"""


class Kind(StrEnum):
    """What a column holds. Any column may be empty where its meaning says so."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: Kind
    meaning: str
    allowed: tuple[str, ...] = ()
    """The only words it may hold; empty: any."""
    empty: str = ""
    """When it is empty; "": never."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    meaning: str
    columns: tuple[Column, ...]


def _labels(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(label) for label in labels)


def _share(name: str, side: str) -> Column:
    return Column(
        name, Kind.NUMBER, f"Share of the {side} clip's moments that were played in view, 0 to 1.",
        empty="where the page did not say",
    )  # fmt: skip


def _seconds(name: str, meaning: str) -> Column:
    return Column(name, Kind.NUMBER, f"{meaning}, seconds.", empty="where the page did not say")


VOTER = Column("voter", Kind.TEXT, "The voter: a name made for this export, the same in all its tables.")
BATTLE = Column("battle", Kind.TEXT, "The pair that was shown: a name made for this export.")
SYSTEM = Column("system", Kind.TEXT, "The system as it is published: by its codename while it is masked.")
PROMPT = Column("prompt", Kind.TEXT, "The prompt's id.")

VOTES = Table(
    "votes",
    "One row an answer: every question of every pair that was answered, whether it counts or not.",
    (
        BATTLE,
        VOTER,
        PROMPT,
        Column("category", Kind.TEXT, "The board.", _labels(Category)),
        Column("language", Kind.TEXT, "The prompt's language, an IETF tag."),
        Column("question", Kind.TEXT, "What was asked.", _labels(Question)),
        Column("left", Kind.TEXT, "The system shown on the left, as it is published."),
        Column("right", Kind.TEXT, "The system shown on the right, as it is published."),
        Column("left_seed", Kind.INTEGER, "The seed of the left clip."),
        Column("right_seed", Kind.INTEGER, "The seed of the right clip."),
        Column("outcome", Kind.TEXT, "The answer.", _labels(Outcome)),
        Column(
            "strength", Kind.TEXT, "How much better.", _labels(Strength),
            empty="where no side is better, or the study asks in four answers",
        ),
        Column("purpose", Kind.TEXT, "Why the pair was shown; comparisons count.", _labels(Purpose)),
        Column(
            "expected", Kind.TEXT, "What a trap asks for, or a gold pair's right answer.", _labels(Outcome),
            empty="for all others",
        ),
        Column("repeats", Kind.TEXT, "The battle that is shown again.", empty="for all others"),
        Column("policy", Kind.TEXT, "How the pair was drawn."),
        Column("probability", Kind.NUMBER, "With which chance it was drawn, above 0, to 1."),
        Column("counts", Kind.FLAG, "Whether it counts for systems."),
        Column("left_out", Kind.TEXT, "Why it does not count.", LEFT_OUT, empty="where it counts"),
        Column("cast_at", Kind.MOMENT, "When it was stored, UTC; the day alone unless ids are exported."),
        Column("since_consent_s", Kind.NUMBER, "When it was stored, seconds after the voter's consent; by "
               "the minute unless ids are exported."),
        _share("seen_left", "left"),
        _share("seen_right", "right"),
        _seconds("heard_left_s", "For how long the left clip was the audible one"),
        _seconds("heard_right_s", "For how long the right clip was the audible one"),
        Column("first_heard", Kind.TEXT, "Whose sound came first.", (*OF_SIDES, "none"),
               empty="where the page did not say"),
        Column("first_seen", Kind.TEXT, "Which clip was played first.", (*OF_SIDES, "both"),
               empty="where the page did not say"),
        Column("last_seen", Kind.TEXT, "Which clip was played last.", (*OF_SIDES, "both"),
               empty="where the page did not say"),
        Column("plays", Kind.INTEGER, "How often playing began at the start.",
               empty="where the page did not say"),
        _seconds("answer_s", "From first picture to last answer"),
        _seconds("hidden_s", "For how long the page was in the background"),
        Column("drift_ms", Kind.NUMBER, "The largest distance in time between the two players, ms.",
               empty="where the page did not say"),
        Column("input", Kind.TEXT, "With what it was answered.", ("key", "pointer", "mixed"),
               empty="where the page did not say"),
    ),
)  # fmt: skip

TABLES: tuple[Table, ...] = (
    VOTES,
    Table(
        "voters",
        "One row a voter.",
        (
            VOTER,
            Column("languages", Kind.TEXT, "Languages they said they understand, with spaces between.",
                   empty="where they named none, or were erased"),
            Column("interface", Kind.TEXT, "Language in which they saw the pages."),
            Column("consent", Kind.TEXT, "Version of the text that they agreed to."),
            Column("consented_at", Kind.MOMENT, "When; the day alone unless ids are exported."),
            Column("open_data", Kind.FLAG, "Whether they agreed that single answers are published."),
            Column("platform", Kind.TEXT, "From where they came.", empty="where nobody sent them"),
            Column("erased", Kind.FLAG, "Whether they had themselves erased."),
        ),
    ),
    Table(
        "rulings",
        "One row a decision on a voter, in the order in which they were made; in each matter the last holds.",
        (
            VOTER,
            Column("decision", Kind.TEXT, "To pay or to count, or not to.", _labels(Decision)),
            Column("reason", Kind.TEXT, "Why, with figures; what a person wrote only where ids are exported, "
                   "else 'a person's reason'."),
            Column("author", Kind.TEXT, "The rule with its version; a person's name only where ids are "
                   "exported, else 'a person'."),
            Column("decided_at", Kind.MOMENT, "When; the day alone unless ids are exported."),
        ),
    ),
    Table(
        "exclusions",
        "One row a single vote that was taken out of the count.",
        (
            BATTLE,
            Column("question", Kind.TEXT, "Whose answer.", _labels(Question)),
            Column("reason", Kind.TEXT, "Why, as in rulings."),
            Column("author", Kind.TEXT, "The rule with its version, or who, as in rulings."),
            Column("decided_at", Kind.MOMENT, "When; the day alone unless ids are exported."),
        ),
    ),
    Table(
        "faults",
        "One row a pair that its voter put aside since it could not be judged; it has no votes.",
        (
            BATTLE,
            Column("kind", Kind.TEXT, "What was broken.", _labels(FaultKind)),
            Column("reported_at", Kind.MOMENT, "When; the day alone unless ids are exported."),
        ),
    ),
    Table(
        "systems",
        "One row a system.",
        (
            SYSTEM,
            Column("masked", Kind.FLAG, "Whether it goes by a codename."),
            Column("model", Kind.TEXT, "The model.", empty="while it is masked, or where none is named"),
            Column("revision", Kind.TEXT, "Its revision.",
                   empty="while it is masked, or where none is named"),
        ),
    ),
    Table(
        "prompts",
        "One row a prompt.",
        (
            PROMPT,
            Column("category", Kind.TEXT, "The board on which it counts.", _labels(Category)),
            Column("task", Kind.TEXT, "What is asked for.", _labels(Task)),
            Column("text", Kind.TEXT, "Its words."),
            Column("language", Kind.TEXT, "An IETF tag."),
            Column("spoken", Kind.TEXT, "What is to be said.", empty="where nothing is"),
            Column("tags", Kind.TEXT, "Its tags, with spaces between.", empty="where it has none"),
            Column("licence", Kind.TEXT, "Its licence."),
        ),
    ),
    Table(
        "clips",
        "One row a clip.",
        (
            SYSTEM,
            PROMPT,
            Column("seed", Kind.INTEGER, "Its seed."),
            Column("duration_s", Kind.NUMBER, "As delivered, seconds."),
            Column("width", Kind.INTEGER, "As delivered, pixels."),
            Column("height", Kind.INTEGER, "As delivered, pixels."),
            Column("fps", Kind.NUMBER, "As delivered, pictures a second."),
            Column("has_sound", Kind.FLAG, "Whether it has a sound track."),
            Column("latency_s", Kind.NUMBER, "From the request to the clip, seconds.",
                   empty="where nobody watched"),
            Column("cost_usd", Kind.NUMBER, "What it cost, US dollars.", empty="where it is not known"),
        ),
    ),
)  # fmt: skip


def as_json(tables: Iterable[Table] = TABLES) -> list[dict[str, Any]]:
    """The codebook of these tables for programs."""
    return [
        {
            "table": table.name,
            "meaning": table.meaning,
            "columns": [
                {
                    "name": column.name,
                    "kind": column.kind.value,
                    "meaning": column.meaning,
                    "allowed": list(column.allowed),
                    "empty": column.empty or "never",
                }
                for column in table.columns
            ],
        }
        for table in tables
    ]


def as_markdown(tables: Iterable[Table] = TABLES) -> str:
    """The codebook of these tables for people."""
    parts = [HEAD]
    for table in tables:
        rows = "\n".join(
            f"| {column.name} | {column.kind} | {_told(column)} | {column.empty or 'never'} |"
            for column in table.columns
        )
        parts.append(
            f"\n## {table.name}\n\n{table.meaning}\n\n"
            f"| column | kind | meaning | empty |\n| --- | --- | --- | --- |\n{rows}\n"
        )
    return "".join(parts)


def _told(column: Column) -> str:
    return f"{column.meaning} One of: {', '.join(column.allowed)}." if column.allowed else column.meaning
