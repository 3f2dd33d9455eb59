"""The labels of evalharness: strict words for what a record may say. Any other word raises ValueError.

They are stored as they stand here, in databases, exports and study files alike. Standard library only.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "Category",
    "Decision",
    "FailureKind",
    "FaultKind",
    "JobState",
    "MeasurementStatus",
    "Outcome",
    "Purpose",
    "Question",
    "Scale",
    "ScreeningKind",
    "Sorting",
    "Strength",
    "Task",
]


class Task(StrEnum):
    """What a system is asked to turn into a clip."""

    TEXT_TO_VIDEO = "text_to_video"
    IMAGE_TO_VIDEO = "image_to_video"
    REFERENCE_TO_VIDEO = "reference_to_video"
    """With pictures of what is to appear, which is not how the clip begins."""


class Category(StrEnum):
    """The slice a leaderboard is computed on."""

    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"
    REFERENCE_TO_VIDEO = "reference-to-video"
    AUDIO_SYNC = "audio-sync"


class Question(StrEnum):
    """What a voter is asked about a battle; `OVERALL` is always asked first."""

    OVERALL = "overall"
    VISUAL_QUALITY = "visual_quality"
    MOTION = "motion"
    PROMPT_ADHERENCE = "prompt_adherence"
    AV_SYNC = "av_sync"
    LIP_ACCURACY = "lip_accuracy"


class Outcome(StrEnum):
    """One voter's answer to one question. Strict: any other label raises ValueError."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Scale(StrEnum):
    """In how many steps voters answer."""

    FOUR = "four"
    """Left, right, about the same, both bad."""
    FIVE = "five"
    """Much better and slightly better on either side, about the same."""


class Sorting(StrEnum):
    """What puts systems in order on a board."""

    RATING = "rating"
    LOWER_BOUND = "lower_bound"
    """The lower end of the interval: who has few votes does not stand above who is sure."""


class Strength(StrEnum):
    """How much better the better side is, where a study asks in five steps."""

    SLIGHT = "slight"
    STRONG = "strong"


class FailureKind(StrEnum):
    """Why a clip was not delivered. The first eight are remote; the last three local."""

    AUTH = "auth"
    BILLING = "billing"
    RATE = "rate"
    MODERATION = "moderation"
    PARAMETER = "parameter"
    SERVER = "server"
    TIMEOUT = "timeout"
    EXPIRED = "expired"
    PROGRAM = "program"
    """A local program ended with an error."""
    MISSING = "missing"
    """There is no clip for this prompt and seed (folder of finished clips)."""
    MEDIA = "media"
    """A file was delivered that is not a playable video."""


class JobState(StrEnum):
    """Where one (system, prompt, seed) stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class MeasurementStatus(StrEnum):
    """The three endings of a measurement."""

    VALUE = "value"
    UNSCORABLE = "unscorable"
    FAILED = "failed"


class Purpose(StrEnum):
    """Why a voter is shown a battle. Votes on comparisons count for systems; the others test the voter."""

    COMPARISON = "comparison"
    TRAP = "trap"
    """The words ask for one answer outright."""
    REPEAT = "repeat"
    """A battle of this voter again, sides as they were."""
    SWAPPED_REPEAT = "swapped_repeat"
    """A battle of this voter again, sides exchanged."""
    GOLD = "gold"
    """One side was spoiled on purpose; the other is the right answer."""


class Decision(StrEnum):
    """What is decided on a voter: to pay them or to give their place back, to count their votes or not to.

    Paying and counting are two matters; in each the newest decision holds.
    """

    ACCEPTED = "accepted"
    RETURNED = "returned"
    USED = "used"
    EXCLUDED = "excluded"


class ScreeningKind(StrEnum):
    """What a voter's machine, ears or understanding were tried for before the first pair."""

    DEVICE = "device"
    HEADPHONES = "headphones"
    LANGUAGE = "language"
    TRAINING = "training"


class FaultKind(StrEnum):
    """What a voter reports of a pair that could not be judged. A fault is no vote."""

    PICTURE = "picture"
    """A clip showed no picture, or a broken one."""
    SOUND = "sound"
    STUTTER = "stutter"
    OTHER = "other"
