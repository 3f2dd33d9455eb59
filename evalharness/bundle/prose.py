"""What a bundle says in words: its methods, how to cite it, and the card of its data."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from evalharness.exports import Manifest
from evalharness.records import Leaderboard
from evalharness.reports import Refusal, Summary, numbers, wording

__all__ = ["citation", "data_card", "methods"]

SOURCES = {
    "davidson": "Davidson, R. R. (1970). On extending the Bradley-Terry model to accommodate ties in paired "
    "comparison experiments. Journal of the American Statistical Association 65, 317-328.",
    "bradley_terry": "Bradley, R. A., Terry, M. E. (1952). Rank analysis of incomplete block designs. "
    "Biometrika 39, 324-345.",
}
"""Where a model comes from; the four-way model is described in docs/methods.md of evalharness."""
SHARED = ("Estimator", "Both bad", "Scale and gauge", "Prior", "Interval", "Version")
"""Lines of a recipe that are the same for boards computed alike."""
WHOSE = {
    "open data": "Only voters who agreed that their single answers are published are in these tables, and "
    "only their votes in these ratings.",
    "everybody": "All voters are in these tables, also those who did not agree that single answers are "
    "published: for internal use.",
}
OF_A_FILE = "Votes were read from a file; every voter has a made-up name."
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (float("inf"), "n>10M"),
)
"""Votes, in the words of dataset hubs."""


def methods(summary: Summary, manifest: Manifest) -> str:
    """METHODS.md: how these numbers came about, for the methods section of a paper; from recipes alone."""
    versions = {(row.metric.partition(".")[0], row.version) for row in summary.metrics}
    return _templates().get_template("METHODS.md.j2").render(
        **_shared(summary, manifest),
        systems=sorted({row.system for board in summary.boards for row in board.ratings}),
        alike=_alike(summary.boards),
        metrics=[" ".join(each) for each in sorted(versions)],
    )  # fmt: skip


def data_card(summary: Summary, manifest: Manifest) -> str:
    """README.md: what this folder holds, with the head that dataset hubs read."""
    votes = manifest.rows.get("votes", 0)
    notes = dict.fromkeys(note for board in summary.boards for note in board.notes if "simulated" in note)
    return _templates().get_template("README.md.j2").render(
        **_shared(summary, manifest),
        size=next(name for most, name in SIZES if votes < most),
        simulated=[*notes][:1],
    )  # fmt: skip


def citation(summary: Summary, manifest: Manifest) -> str:
    """CITATION.bib: one entry, with what `[publishing]` of study.toml says."""
    told = _told(manifest)
    fields = {
        "author": " and ".join(told.get("authors", ())),
        "title": "{" + _tex(_title(summary, manifest)) + "}",
        "year": f"{summary.as_of:%Y}" if summary.as_of else "",
        "url": told.get("url", ""),
        "note": f"Report bundle, made by evalharness {summary.version}",
    }
    key = re.sub(r"[^a-z0-9]+", "-", summary.study.lower()).strip("-") or "study"
    body = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields.items() if text)
    return f"@misc{{{key},\n{body}\n}}\n"


@cache
def _templates() -> Environment:
    # Plain text: nothing is escaped.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("evalharness.bundle"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(wording=wording, numbers=numbers, sources=SOURCES, shared=SHARED)
    environment.filters["name_of"] = _name
    return environment


def _shared(summary: Summary, manifest: Manifest) -> dict[str, Any]:
    """What both texts are made of."""
    whose = WHOSE.get(str(manifest.options.get("voters")), OF_A_FILE)
    policies = ", ".join(manifest.options.get("policies", ()))
    sentences = [
        whose,
        wording.flow_line(summary.flow) if summary.flow else "",
        f"Pairs were drawn by {policies}." if policies else "",
    ]
    return {
        "summary": summary,
        "manifest": manifest,
        "title": _title(summary, manifest),
        "told": {"licence": "", **_told(manifest)},
        "blind": whose != OF_A_FILE,
        "voters": " ".join(filter(None, sentences)),
    }


def _told(manifest: Manifest) -> dict[str, Any]:
    return dict(manifest.options.get("publishing", {}))


def _title(summary: Summary, manifest: Manifest) -> str:
    return str(_told(manifest).get("title") or summary.study)


def _alike(boards: tuple[Leaderboard, ...]) -> list[list[Leaderboard]]:
    """Boards that were computed alike, together."""
    groups: dict[tuple[str, ...], list[Leaderboard]] = {}
    for board in boards:
        how = tuple(str(board.recipe.get(name)) for name in ("estimator", "interval", "confidence"))
        groups.setdefault(how, []).append(board)
    return [*groups.values()]


def _name(row: Leaderboard | Refusal) -> str:
    return f"{wording.title(row.category)}, {wording.question_title(row.question).lower()}"


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text.replace("\\", r"\textbackslash "))
