"""A study's database -> the `Summary` that every table and report is rendered from.

Masked systems appear under their codename, from here on: no later step knows the name behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from evalharness import __version__
from evalharness.config import Study
from evalharness.errors import ConfigError, RatingError
from evalharness.gates import Validation, gate_note, gate_verdict
from evalharness.ratings import leaderboard
from evalharness.ratings.tally import tally_codes
from evalharness.records import Category, Leaderboard, Question
from evalharness.reports import (
    Meaning,
    MetricRow,
    Refusal,
    Summary,
    delivery_table,
    generation_table,
    metric_table,
    render_measurements,
    vote_flow,
)
from evalharness.store import Store

__all__ = ["boards", "facts", "measurements_csv", "publish", "slices"]


def publish(
    study: Study,
    store: Store,
    now: datetime,
    *,
    meanings: Mapping[str, Meaning],
    category: Category | None = None,
    question: Question | None = None,
    validations: Mapping[str, Validation] | None = None,
) -> Summary:
    """Everything there is to report about a study as it stands, or only one category or question of it.

    `meanings` says of each quantity how it is to be read, `validations` what its gates showed. A board
    that these votes do not allow is a `Refusal` with its sentence, never a gap.
    """
    rated, refused = boards(study, store, category=category, question=question)
    flow = vote_flow(store.battles(), store.votes(), store.exclusions(), store.rulings())
    found = facts(study, store, now, meanings=meanings, category=category, validations=validations)
    return replace(found, boards=rated, refused=refused, flow=flow)


def facts(
    study: Study,
    store: Store,
    now: datetime,
    *,
    meanings: Mapping[str, Meaning],
    category: Category | None = None,
    validations: Mapping[str, Validation] | None = None,
) -> Summary:
    """As `publish`, but nothing that is made of votes: what was generated, delivered and measured."""
    validations = validations or {}
    categories = {prompt.id: prompt.category for prompt in store.prompts()}
    clips, measurements = store.clips(), store.measurements()
    by_category = {
        row: [clip for clip in clips if categories[clip.key.prompt_id] is row]
        for row in Category
        if row in categories.values() and category in (None, row)
    }
    labels = _labels(study)
    return Summary(
        study=study.settings.name,
        as_of=now,
        version=__version__,
        metrics=tuple(
            _judged(row, validations)
            for shown_category, shown in by_category.items()
            for row in metric_table(measurements, shown, category=shown_category, labels=labels)
        ),
        meanings=meanings,
        generation=generation_table(store.jobs(), clips, labels=labels),
        delivery=delivery_table(clips, labels=labels),
        recompute=("python -m evalharness leaderboard <study>", "python -m evalharness report <study>"),
    )


def measurements_csv(
    study: Study, store: Store, meanings: Mapping[str, Meaning], validations: Mapping[str, Validation]
) -> str:
    """Every measurement of every clip as CSV, with each system under the name it is published by."""
    return render_measurements(
        store.clips(), store.measurements(), meanings, validations, labels=_labels(study)
    )


def boards(
    study: Study, store: Store, *, category: Category | None = None, question: Question | None = None
) -> tuple[tuple[Leaderboard, ...], tuple[Refusal, ...]]:
    """The boards of all `slices`, and the refused ones."""
    rated: list[Leaderboard] = []
    refused: list[Refusal] = []
    for each in slices(study, store, category=category, question=question):
        try:
            rated.append(_board(study, store, *each))
        except RatingError as error:
            refused.append(Refusal(*each, str(error)))
    return tuple(rated), tuple(refused)


def slices(
    study: Study, store: Store, *, category: Category | None = None, question: Question | None = None
) -> tuple[tuple[Category, Question], ...]:
    """Each category that has prompts with each question that is asked in it.

    Raises ConfigError for a question that the study does not ask.
    """
    asked = study.settings.arena.questions
    if question is not None and question not in asked:
        raise ConfigError(
            f"This study asks {', '.join(asked)}; '{question}' is not among them. "
            "Add it to [arena] questions, or choose one of these."
        )
    prompts = store.prompts()
    present = {prompt.category for prompt in prompts}
    spoken = {prompt.category for prompt in prompts if prompt.spoken}
    return tuple(
        (of_category, asked_of)
        for of_category in Category
        if of_category in present and category in (None, of_category)
        for asked_of in asked
        if question in (None, asked_of)
        # Lips are asked about only where somebody speaks.
        and (asked_of is not Question.LIP_ACCURACY or of_category in spoken)
    )


def _board(study: Study, store: Store, category: Category, question: Question) -> Leaderboard:
    labels = _labels(study)
    columns = store.vote_columns(category=category, question=question)
    votes = tally_codes(**columns._asdict(), labels=labels)
    cast = store.votes_cast(category=category, question=question)
    return leaderboard(
        votes,
        category=category,
        question=question,
        excluded=cast - votes.votes,
        systems=[system.label for system in study.systems],
    )


def _judged(row: MetricRow, validations: Mapping[str, Validation]) -> MetricRow:
    note = gate_note(row.metric, row.version, validations)
    failed = gate_verdict(row.metric, row.version, validations) == "failed"
    return replace(row, note=note, failed_gate=failed)


def _labels(study: Study) -> dict[str, str]:
    return {system.name: system.label for system in study.systems}
