"""A study's database -> comparisons of its releases: what `regression` judges, read and named for
publication.

Masked systems appear under their codename, from here on, as in `publication`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from evalharness.config import Study
from evalharness.errors import ConfigError, RatingError, UnknownNameError
from evalharness.gates import Validation
from evalharness.people import SIMULATED
from evalharness.ratings.tally import Tally, tally_codes
from evalharness.records import Category, Clip, Job, Measurement, Prompt, Question
from evalharness.regression import (
    Comparison,
    Effects,
    History,
    VoteBoard,
    common_prompts,
    corroborated,
    first_breaks,
    judge_metrics,
    judge_service,
    judge_votes,
    paired_quantities,
)
from evalharness.reports import Meaning
from evalharness.store import Store
from evalharness.tolerances import Part

__all__ = ["Evidence", "compare_releases", "history_of", "system_named"]


@dataclass(frozen=True)
class Evidence:
    """What a study has of its systems, read once for all comparisons."""

    study: Study
    store: Store
    effects: Effects
    meanings: Mapping[str, Meaning]
    validations: Mapping[str, Validation]
    _tallies: dict[tuple[Category, Question], Tally | None] = field(default_factory=dict)

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """All clips of the study."""
        return self.store.clips()

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs of the study."""
        return self.store.jobs()

    @cached_property
    def measurements(self) -> tuple[Measurement, ...]:
        """All measurements of the study."""
        return self.store.measurements()

    @cached_property
    def prompts(self) -> Mapping[str, Prompt]:
        """The study's prompts by id."""
        return {prompt.id: prompt for prompt in self.store.prompts()}

    @property
    def labels(self) -> dict[str, str]:
        """By system: the name to publish."""
        return {system.name: system.label for system in self.study.systems}

    def file(self, label: str, prompt: str) -> Path:
        """The clip of the first seed, on this machine. Raises what the storage raises."""
        name = system_named(self.study, label)
        own = [clip for clip in self.clips if (clip.key.system, clip.key.prompt_id) == (name, prompt)]
        clip = min(own, key=lambda each: each.key.seed)
        return self.study.storage.local(clip.path, clip.sha256)

    def tally(self, category: Category, question: Question) -> Tally | None:
        """The votes that count on this board, systems under their published names; None where there
        is none."""
        if (category, question) not in self._tallies:
            columns = self.store.vote_columns(category=category, question=question)
            votes = tally_codes(**columns._asdict(), labels=self.labels) if len(columns.left) else None
            self._tallies[category, question] = votes
        return self._tallies[category, question]


def system_named(study: Study, asked: str) -> str:
    """The system that goes by this name or codename. Raises UnknownNameError, which names none that is
    masked."""
    for system in study.systems:
        if asked in (system.name, system.label):
            return system.name
    labels = [system.label for system in study.systems]
    near = difflib.get_close_matches(asked, labels, n=3)
    tail = f" Did you mean {near[0]}?" if near else ""
    raise UnknownNameError(
        f"No system of this study is called {asked!r}; there are {', '.join(labels)}.{tail}"
    )


def compare_releases(evidence: Evidence, baseline: str, candidate: str) -> Comparison:
    """Hold the candidate against the baseline, both given by name or codename.

    Raises UnknownNameError for a system that is none, ConfigError for one against itself, RatingError where
    there is no prompt that both have a clip of.
    """
    study, settings = evidence.study, evidence.study.settings.regression
    old, new = system_named(study, baseline), system_named(study, candidate)
    shown = evidence.labels
    if old == new:
        raise ConfigError(
            f"{shown[old]} cannot be compared with itself. Name the release before it as --baseline."
        )
    prompts = common_prompts(evidence.clips, old, new)
    if not prompts:
        raise RatingError(_nothing_common(evidence, old, new))
    boards = _boards(evidence, prompts)
    pairs = paired_quantities(evidence.clips, evidence.measurements, old, new, evidence.meanings)
    checks = (
        *judge_votes(boards, shown[old], shown[new], settings),
        *judge_metrics(
            pairs,
            evidence.effects,
            evidence.validations,
            alpha=settings.alpha,
            decide=Part.METRICS in settings.decide_by,
        ),
        *judge_service(evidence.clips, evidence.jobs, old, new, settings),
    )
    return Comparison(
        study.settings.name,
        shown[old],
        shown[new],
        corroborated(checks),
        len(prompts),
        _notes(boards, shown[old], shown[new]),
    )


def history_of(evidence: Evidence) -> History:
    """Every release of `[regression] releases` against the one before it, and where something broke first.

    Raises ConfigError where the study names none; else what `compare_releases` raises.
    """
    study = evidence.study
    names = study.settings.regression.releases
    if not names:
        systems = ", ".join(system.label for system in study.systems)
        raise ConfigError(
            "study.toml names no releases. Add to it, oldest first: [regression] releases = [...]; "
            f"the systems are {systems}."
        )
    made: dict[tuple[str, str], Comparison] = {}
    of_label = {evidence.labels[name]: name for name in names}

    def compared(baseline: str, candidate: str) -> Comparison:
        if (baseline, candidate) not in made:
            made[baseline, candidate] = compare_releases(evidence, of_label[baseline], of_label[candidate])
        return made[baseline, candidate]

    labels = tuple(of_label)
    return History(
        study.settings.name,
        labels,
        tuple(compared(before, since) for before, since in pairwise(labels)),
        compared(labels[0], labels[-1]),
        first_breaks(labels, lambda before, since: compared(before, since).checks),
    )


def _nothing_common(evidence: Evidence, old: str, new: str) -> str:
    of = {
        name: len({clip.key.prompt_id for clip in evidence.clips if clip.key.system == name})
        for name in (old, new)
    }
    numbers = ", ".join(f"{evidence.labels[name]} has clips of {count} prompts" for name, count in of.items())
    return (
        f"There is no prompt that both have a clip of, so nothing can be compared: {numbers}. "
        "Make the missing ones with 'python -m evalharness generate'."
    )


def _boards(evidence: Evidence, prompts: tuple[str, ...]) -> tuple[VoteBoard, ...]:
    """The boards of the categories that both have clips in; overall of each first."""
    both = [evidence.prompts[prompt] for prompt in prompts]
    present = {prompt.category for prompt in both}
    spoken = {prompt.category for prompt in both if prompt.spoken}
    asked = evidence.study.settings.arena.questions
    return tuple(
        VoteBoard(category, question, evidence.tally(category, question))
        for question in sorted(asked, key=lambda each: each is not Question.OVERALL)
        for category in Category
        if category in present and (question is not Question.LIP_ACCURACY or category in spoken)
    )


def _notes(boards: tuple[VoteBoard, ...], baseline: str, candidate: str) -> tuple[str, ...]:
    """What a reader must know: votes on this pair that no person cast."""
    pretended = 0
    for votes in (board.votes for board in boards if board.votes is not None):
        if {baseline, candidate} <= set(votes.systems):
            pair = [votes.systems.index(baseline), votes.systems.index(candidate)]
            of_pair = np.isin(votes.left, pair) & np.isin(votes.right, pair)
            feigned = np.array([voter.startswith(SIMULATED) for voter in votes.voters])
            pretended += int(feigned[votes.voter[of_pair]].sum())
    if not pretended:
        return ()
    return (f"{pretended:,} of the votes on this pair are simulated: no person cast them.",)
