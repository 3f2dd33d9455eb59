"""The nouns of evalharness: frozen records every stage takes and returns.

Times are timezone-aware UTC, durations are seconds (`_s`), money is US dollars (`_usd`), paths inside a
study are POSIX strings relative to its folder. Labels come from `labels` and may be had from here too.
Standard library only: any module may import this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from evalharness.labels import (
    Category,
    Decision,
    FailureKind,
    JobState,
    MeasurementStatus,
    Outcome,
    Purpose,
    Question,
    Strength,
    Task,
)

__all__ = [
    "Ballot",
    "Battle",
    "BlindPair",
    "Category",
    "Clip",
    "Decision",
    "Exclusion",
    "Exhibit",
    "FailureKind",
    "Job",
    "JobKey",
    "JobState",
    "Leaderboard",
    "Measurement",
    "MeasurementStatus",
    "Outcome",
    "Prompt",
    "Purpose",
    "Question",
    "Rating",
    "Ruling",
    "Streams",
    "Strength",
    "System",
    "Task",
    "Vote",
    "Voter",
]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What every system of a study is asked for."""

    id: str
    """Unique within a study, e.g. `t2v-ice-river-01`."""
    task: Task
    text: str
    language: str
    """Language of the text and of the words to be spoken: zh, yue, en, ja, ko, fr, de, …"""
    licence: str
    """SPDX identifier, e.g. CC0-1.0."""
    spoken: str | None = None
    """The words to be spoken, if any."""
    reading: str | None = None
    """How `spoken` is pronounced where the script does not say: pinyin with tone digits (zh), kana (ja)."""
    first_frame: str | None = None
    """Absolute path of the first picture (image_to_video only)."""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    """Absolute paths of the pictures that `text` calls [Image 1], [Image 2], … (reference_to_video only)."""
    pictures: tuple[str, ...] = ()
    """SHA-256 of each picture, of the first frame or of the references in their order."""

    @property
    def category(self) -> Category:
        """The board this prompt counts for: the tag `audio-sync` wins over the task."""
        if Category.AUDIO_SYNC in self.tags:
            return Category.AUDIO_SYNC
        return Category(self.task.replace("_", "-"))


@dataclass(frozen=True, slots=True)
class System:
    """A model reached by one route at fixed settings."""

    name: str
    adapter: str
    """Registry name of the adapter that reaches it."""
    model: str = ""
    """The route's own model id, where it has one."""
    revision: str = ""
    codename: str | None = None
    """Shown instead of the name while the system is masked ("mystery model")."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Adapter settings that are part of the system's identity; JSON values only."""
    concurrency: int = 1
    """How many of its clips may be generated at the same time."""

    @property
    def label(self) -> str:
        """The name to publish: the codename while there is one."""
        return self.codename or self.name


@dataclass(frozen=True, slots=True, order=True)
class JobKey:
    """What is generated once and only once."""

    system: str
    prompt_id: str
    seed: int


@dataclass(frozen=True, slots=True)
class Job:
    """One generation and where it stands."""

    key: JobKey
    state: JobState
    attempts: int = 0
    failure: FailureKind | None = None
    message: str | None = None
    """The failure's finished sentence, or None."""
    clip_sha256: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Streams:
    """What a probe found in a media file."""

    container: str
    duration_s: float
    width: int
    height: int
    fps: float
    frames: int
    video_codec: str
    pixel_format: str
    video_bit_rate: int | None = None
    rotation_deg: int = 0
    audio_codec: str | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    audio_duration_s: float | None = None

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track at all (it may still be silent)."""
        return self.audio_codec is not None


@dataclass(frozen=True, slots=True)
class Clip:
    """The file a system returned, untouched, with its full recipe."""

    sha256: str
    key: JobKey
    path: str
    """Relative to the study's folder, named by the content hash."""
    bytes: int
    streams: Streams
    created_at: datetime
    adapter: str
    adapter_version: str
    request: Mapping[str, Any] = field(default_factory=dict)
    """The exact request, secrets left out; JSON values only."""
    provider_task_id: str | None = None
    latency_s: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """The blinded review copy of a clip: the only thing that is ever shown."""

    id: str
    """Opaque and random: tells nothing of the system or the clip."""
    clip: JobKey
    clip_sha256: str
    prompt_id: str
    path: str
    sha256: str
    bytes: int
    streams: Streams
    silent: bool
    """True where the clip had no sound, or only silence; it stays silent."""
    loudness_lufs: float | None
    """Integrated loudness of the clip before normalisation; None where silent or unmeasurable."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Settings it was made with; same clip and same recipe make the same exhibit."""
    flaw: str | None = None
    """What was spoiled on purpose, to see whether voters look; None where it stands for its clip."""


@dataclass(frozen=True, slots=True)
class Voter:
    """A person who votes, known by an opaque id alone."""

    id: str
    languages: tuple[str, ...]
    """Languages they say they understand; lip questions are asked in these only."""
    consented_at: datetime
    consent_version: str
    token_hash: str = ""
    """SHA-256 of the random secret in their cookie."""
    open_data: bool = False
    """Whether they agreed that their answers, without their id, may be published one by one."""
    interface: str = "en"
    """Language in which they saw the pages."""
    erased_at: datetime | None = None
    """When what could name them was taken away, at their wish."""


@dataclass(frozen=True, slots=True)
class Battle:
    """Two exhibits of one prompt from two systems, sides drawn and stored when it was made."""

    id: str
    """Random, unguessable: it doubles as the ticket for voting."""
    voter_id: str
    prompt_id: str
    category: Category
    left: JobKey
    right: JobKey
    left_exhibit: str
    right_exhibit: str
    questions: tuple[Question, ...]
    probability: float
    """Probability with which this unordered pair on this prompt was drawn, in (0, 1]."""
    policy: str
    created_at: datetime
    purpose: Purpose = Purpose.COMPARISON
    expected: Outcome | None = None
    """What a trap asks for."""
    repeats: str | None = None
    """The battle that this one shows again."""


@dataclass(frozen=True, slots=True)
class BlindPair:
    """A battle as the voting page sees it. There is no field for a system, on purpose."""

    battle_id: str
    prompt_text: str
    prompt_language: str
    spoken: str | None
    first_frame: str | None
    """Token for the first picture, if the task has one."""
    references: tuple[str, ...]
    """Tokens for the reference pictures, in the order of the words' [Image 1], [Image 2], …"""
    left: str
    """Per-showing clip token."""
    right: str
    questions: tuple[Question, ...]
    duration_s: float
    silent: bool
    """True where neither side has sound."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One voter's answer to one question about one battle. Append only."""

    battle_id: str
    voter_id: str
    question: Question
    outcome: Outcome
    created_at: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the page observed: share of each side seen, plays, time to answer; JSON values only."""
    strength: Strength | None = None
    """How much better, where the study asks in five steps and a side is better."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """A counted vote joined with its battle: one row of what ratings are computed from."""

    battle_id: str
    voter_id: str
    prompt_id: str
    category: Category
    language: str
    question: Question
    left: str
    """Name of the system shown on the left."""
    right: str
    outcome: Outcome
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a vote does not count. Votes are never deleted."""

    battle_id: str
    question: Question
    reason: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision on a voter. Append only: a newer one on the same matter overrules it, and both stay."""

    voter_id: str
    decision: Decision
    reason: str
    author: str
    """Who decided: a person, or a rule with its version."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Measurement:
    """One metric on one clip: a value, unscorable with a reason, or failed with an error."""

    clip_sha256: str
    metric: str
    """`<metric>.<quantity>`, e.g. `event_sync.offset_s`."""
    version: str
    status: MeasurementStatus
    value: float | None = None
    unit: str = ""
    reason: str | None = None
    """Why there is no value; None where there is one."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rating:
    """A system's strength on the Elo scale, with its uncertainty and its evidence."""

    system: str
    rating: float
    low: float
    high: float
    rank: int
    rank_low: int
    """Best rank the evidence allows."""
    rank_high: int
    """Worst rank the evidence allows."""
    votes: int
    wins: int
    losses: int
    ties: int
    both_bad: int
    voters: int
    prompts: int
    win_rate: float
    """Mean win probability against the other systems of the board, ties half."""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Ratings of one slice, best first, and how to compute them again."""

    category: str
    question: Question
    ratings: tuple[Rating, ...]
    votes: int
    voters: int
    prompts: int
    excluded: int
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Estimator, gauge, interval, iterations, converged, data hash, package version."""
    notes: tuple[str, ...] = ()
    """Sentences a reader must know, e.g. that the intervals use few clusters."""
