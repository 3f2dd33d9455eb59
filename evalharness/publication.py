"""A study's database -> the `Summary` that every table and report is rendered from.

Masked systems appear under their codename, from here on: no later step knows the name behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from evalharness import __version__
from evalharness.config import Study
from evalharness.errors import ConfigError, RatingError
from evalharness.gates import Validation, gate_note, gate_verdict
from evalharness.ratings import leaderboard
from evalharness.ratings.tally import tally_codes
from evalharness.records import Category, Leaderboard, Prompt, Purpose, Question
from evalharness.reports import (
    Agreement,
    HabitRow,
    Meaning,
    MetricRow,
    Profile,
    Refusal,
    Summary,
    delivery_table,
    generation_table,
    metric_table,
    render_measurements,
    vote_flow,
)
from evalharness.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from evalharness.agreement import ClipId

__all__ = [
    "ALL",
    "Selection",
    "agreement",
    "boards",
    "facts",
    "measurements_csv",
    "publish",
    "slices",
]


EVIDENCE = ("first_heard", "first_seen", "answer_s", "seen_left", "seen_right")


@dataclass(frozen=True, slots=True)
class Selection:
    """A part of a study; None: all of it."""

    category: Category | None = None
    question: Question | None = None
    language: str | None = None
    """Only prompts in this language, an IETF tag as the prompts have it."""
    tag: str | None = None
    """Only prompts with this tag."""

    def prompts(self, store: Store) -> tuple[Prompt, ...]:
        """The prompts of this part. Raises ConfigError where there are none, and says what there is."""
        every = store.prompts()
        found = tuple(
            prompt
            for prompt in every
            if self.category in (None, prompt.category)
            and self.language in (None, prompt.language)
            and (self.tag is None or self.tag in prompt.tags)
        )
        if every and not found:
            languages = ", ".join(sorted({prompt.language for prompt in every}))
            tags = ", ".join(sorted({tag for prompt in every for tag in prompt.tags}))
            raise ConfigError(
                f"No prompt of this study is {self._told}. Its prompts are in {languages}; their tags are "
                f"{tags or 'none'}."
            )
        return found

    def name(self, category: Category) -> str:
        """What its board of a category is called, e.g. `audio-sync · ja`."""
        return " · ".join(filter(None, (category.value, self.language, self.tag)))

    @property
    def is_thin(self) -> bool:
        """Whether it has only some prompts of a category."""
        return self.language is not None or self.tag is not None

    @property
    def _told(self) -> str:
        parts = (self.category, self.language and f"in {self.language}", self.tag and f"tagged {self.tag}")
        return ", ".join(str(part) for part in parts if part)


ALL = Selection()


def publish(
    study: Study,
    store: Store,
    now: datetime,
    *,
    meanings: Mapping[str, Meaning],
    only: Selection = ALL,
    validations: Mapping[str, Validation] | None = None,
) -> Summary:
    """Everything there is to report about a study as it stands, or about a part of it.

    `meanings` says of each quantity how it is to be read, `validations` what its gates showed. A board
    that these votes do not allow is a `Refusal` with its sentence, never a gap.
    """
    rated, refused = boards(study, store, only)
    flow = vote_flow(store.battles(), store.votes(), store.exclusions(), store.rulings())
    found = facts(study, store, now, meanings=meanings, only=only, validations=validations)
    return replace(found, boards=rated, refused=refused, flow=flow)


def facts(
    study: Study,
    store: Store,
    now: datetime,
    *,
    meanings: Mapping[str, Meaning],
    only: Selection = ALL,
    validations: Mapping[str, Validation] | None = None,
) -> Summary:
    """As `publish`, but nothing that is made of votes: what was generated, delivered and measured."""
    validations = validations or {}
    categories = {prompt.id: prompt.category for prompt in only.prompts(store)}
    clips, measurements = store.clips(), store.measurements()
    by_category = {
        row: [clip for clip in clips if categories.get(clip.key.prompt_id) is row]
        for row in Category
        if row in categories.values()
    }
    labels = _labels(study)
    return Summary(
        study=study.settings.name,
        as_of=now,
        version=__version__,
        metrics=tuple(
            _judged(row, validations)
            for shown_category, shown in by_category.items()
            for row in metric_table(measurements, shown, category=only.name(shown_category), labels=labels)
        ),
        meanings=meanings,
        generation=generation_table(store.jobs(), clips, labels=labels),
        delivery=delivery_table(clips, labels=labels),
        profiles=_profiles(study),
        recompute=("python -m evalharness leaderboard <study>", "python -m evalharness report <study>"),
    )


def agreement(
    study: Study,
    store: Store,
    meanings: Mapping[str, Meaning],
    validations: Mapping[str, Validation],
    progress: Callable[[int, int], None] | None = None,
) -> Agreement:
    """How far the measurements agree with the votes that count; `progress(done, total)` counts slices."""
    from evalharness.agreement import agreement_of

    votes = _votes(study, store)
    values, versions = _values(study, store)
    failed = frozenset(
        metric
        for metric, version in versions.items()
        if gate_verdict(metric, version, validations) == "failed"
    )
    return agreement_of(votes, values, meanings, failed_gates=failed, progress=progress)


def habits(study: Study, store: Store) -> tuple[HabitRow, ...]:
    """How the votes that count were cast: towards a side or what came first, how long, how much was seen."""
    from evalharness.habits import habits_of

    return habits_of(_votes(study, store))


def _votes(study: Study, store: Store) -> pd.DataFrame:
    """The votes that count, one a row, with their evidence; systems under the names they are published by."""
    import pandas as pd

    from evalharness.agreement import VOTE_COLUMNS

    labels = _labels(study)
    return pd.DataFrame(
        (
            (
                vote.category,
                vote.question,
                vote.voter_id,
                vote.prompt_id,
                labels.get(vote.left, vote.left),
                labels.get(vote.right, vote.right),
                vote.left_seed,
                vote.right_seed,
                vote.outcome,
                *(vote.evidence.get(name) for name in EVIDENCE),
            )
            for piece in store.cast()
            for vote in piece
            if vote.purpose == Purpose.COMPARISON and not vote.vote_excluded and not vote.voter_excluded
        ),
        columns=[*VOTE_COLUMNS, *EVIDENCE],
    )


def _values(study: Study, store: Store) -> tuple[dict[str, dict[ClipId, float]], dict[str, str]]:
    """Each quantity's values by clip, in the version that most clips have, and that version."""
    from evalharness.agreement import newest

    labels = _labels(study)
    clips: dict[str, list[ClipId]] = {}
    for clip in store.clips():
        system = labels.get(clip.key.system, clip.key.system)
        clips.setdefault(clip.sha256, []).append((system, clip.key.prompt_id, clip.key.seed))
    found: dict[str, dict[str, dict[ClipId, float]]] = {}
    for row in store.measurements():
        if row.value is not None:
            of_version = found.setdefault(row.metric, {}).setdefault(row.version, {})
            of_version.update(dict.fromkeys(clips.get(row.clip_sha256, ()), row.value))
    versions = {metric: newest(each) for metric, each in found.items()}
    return {metric: found[metric][version] for metric, version in versions.items()}, versions


def measurements_csv(
    study: Study, store: Store, meanings: Mapping[str, Meaning], validations: Mapping[str, Validation]
) -> str:
    """Every measurement of every clip as CSV, with each system under the name it is published by."""
    return render_measurements(
        store.clips(), store.measurements(), meanings, validations, labels=_labels(study)
    )


def boards(
    study: Study, store: Store, only: Selection = ALL
) -> tuple[tuple[Leaderboard, ...], tuple[Refusal, ...]]:
    """The boards of all `slices`, and the refused ones."""
    rated: list[Leaderboard] = []
    refused: list[Refusal] = []
    for category, question in slices(study, store, only):
        try:
            rated.append(_board(study, store, category, question, only))
        except RatingError as error:
            refused.append(Refusal(only.name(category), question, str(error)))
    return tuple(rated), tuple(refused)


def slices(study: Study, store: Store, only: Selection = ALL) -> tuple[tuple[Category, Question], ...]:
    """Each category that has prompts with each question that is asked in it.

    Raises ConfigError for a question that the study does not ask.
    """
    asked = study.settings.arena.questions
    if only.question is not None and only.question not in asked:
        raise ConfigError(
            f"This study asks {', '.join(asked)}; '{only.question}' is not among them. "
            "Add it to [arena] questions, or choose one of these."
        )
    prompts = only.prompts(store)
    present = {prompt.category for prompt in prompts}
    spoken = {prompt.category for prompt in prompts if prompt.spoken}
    return tuple(
        (of_category, asked_of)
        for of_category in Category
        if of_category in present
        for asked_of in asked
        if only.question in (None, asked_of)
        # Lips are asked about only where somebody speaks.
        and (asked_of is not Question.LIP_ACCURACY or of_category in spoken)
    )


def _board(
    study: Study, store: Store, category: Category, question: Question, only: Selection
) -> Leaderboard:
    labels = _labels(study)
    columns = store.vote_columns(category=category, question=question)
    votes = tally_codes(**columns._asdict(), labels=labels)
    prompts = None
    if only.is_thin:
        prompts = {prompt.id for prompt in only.prompts(store)}
        of_prompt = np.array([prompt in prompts for prompt in votes.prompts], dtype=bool)
        votes = votes.where(of_prompt[votes.prompt], compact=True)
    cast = store.votes_cast(category=category, question=question, prompts=prompts)
    return leaderboard(
        votes,
        category=only.name(category),
        question=question,
        excluded=cast - votes.votes,
        systems=[system.label for system in study.systems],
        sort=study.settings.publishing.sort,
    )


def _judged(row: MetricRow, validations: Mapping[str, Validation]) -> MetricRow:
    note = gate_note(row.metric, row.version, validations)
    failed = gate_verdict(row.metric, row.version, validations) == "failed"
    return replace(row, note=note, failed_gate=failed)


def _profiles(study: Study) -> tuple[Profile, ...]:
    """What the study says of each system; of a masked one that it is masked, and nothing else."""
    return tuple(
        Profile(told.codename, masked=True)
        if told.codename is not None and told.revealed is None
        else Profile(
            told.name,
            released=told.released,
            open_weights=told.open_weights,
            formerly=told.codename,
            revealed=told.revealed,
        )
        for told in study.settings.systems
    )


def _labels(study: Study) -> dict[str, str]:
    return {system.name: system.label for system in study.systems}
