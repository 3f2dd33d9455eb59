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

__all__ = ["boards", "measurements_csv", "publish"]


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
        generated_at=now,
        version=__version__,
        boards=rated,
        refused=refused,
        metrics=tuple(
            _judged(row, validations)
            for shown_category, shown in by_category.items()
            for row in metric_table(measurements, shown, category=shown_category, labels=labels)
        ),
        meanings=meanings,
        generation=generation_table(store.jobs(), clips, labels=labels),
        delivery=delivery_table(clips, labels=labels),
        flow=vote_flow(store.battles(), store.votes(), store.exclusions(), store.rulings()),
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
    """The boards of each category and question that is asked and has prompts, and the refused ones."""
    asked = study.settings.arena.questions
    if question is not None and question not in asked:
        raise ConfigError(
            f"This study asks {', '.join(asked)}; '{question}' is not among them. "
            "Add it to [arena] questions, or choose one of these."
        )
    prompts = store.prompts()
    present = {prompt.category for prompt in prompts}
    spoken = {prompt.category for prompt in prompts if prompt.spoken}
    rated: list[Leaderboard] = []
    refused: list[Refusal] = []
    for slice_category in (row for row in Category if row in present and category in (None, row)):
        for slice_question in (row for row in asked if question in (None, row)):
            if slice_question is Question.LIP_ACCURACY and slice_category not in spoken:
                continue  # never asked: nobody speaks in this category
            try:
                rated.append(_board(study, store, slice_category, slice_question))
            except RatingError as error:
                refused.append(Refusal(slice_category, slice_question, str(error)))
    return tuple(rated), tuple(refused)


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
