"""Everything evalharness raises on purpose.

    EvalHarnessError            what was asked, what was found, what to do next
    ├── ConfigError             study.toml or the environment says something impossible      exit 2
    ├── SuiteError              a prompt suite does not validate                             exit 2
    ├── UnknownNameError        no adapter, metric or policy goes by that name               exit 2
    ├── MissingExtraError       an optional package is needed and not installed              exit 3
    ├── MediaError              a file is not the playable video it should be                exit 4
    ├── GenerationError         an adapter could not deliver a clip (see FailureKind)        exit 4
    │   └── AmbiguousCreate     nobody knows whether a vendor made, and bills, a clip
    ├── StoreError              the database refused                                         exit 5
    │   ├── AlreadyAnswered     the battle has its votes; nothing was changed
    │   └── NotFoundError       no such row
    ├── StorageError            what holds the clips refused                                 exit 5
    ├── RatingError             these votes allow no rating                                  exit 6
    │   └── DisconnectedError   the systems fall into groups never compared with each other
    ├── BlindingError           something still tells systems apart                          exit 7
    └── RegressionError         a release is worse than the one it is held against           exit 8

Each message is a finished sentence for the person at the keyboard. `evalharness.cli.main` turns
the class into the exit code above; the arena page turns it into a notice.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalharness.records import FailureKind

__all__ = [
    "AlreadyAnswered",
    "AmbiguousCreate",
    "BlindingError",
    "ConfigError",
    "DisconnectedError",
    "EvalHarnessError",
    "GenerationError",
    "MediaError",
    "MissingExtraError",
    "NotFoundError",
    "RatingError",
    "RegressionError",
    "StorageError",
    "StoreError",
    "SuiteError",
    "UnknownNameError",
    "in_a_line",
]


class EvalHarnessError(Exception):
    """The root: catching it catches everything evalharness raises on purpose."""

    exit_code = 1


class ConfigError(EvalHarnessError):
    """study.toml or the environment says something impossible."""

    exit_code = 2


class SuiteError(EvalHarnessError):
    """A prompt suite does not validate; the message names the file and the line."""

    exit_code = 2


class UnknownNameError(EvalHarnessError):
    """No adapter, metric or policy goes by that name; the message lists the nearest."""

    exit_code = 2


class MissingExtraError(EvalHarnessError):
    """An optional package is needed and not installed; the message says what to install."""

    exit_code = 3


class MediaError(EvalHarnessError):
    """A file is not the playable video it should be."""

    exit_code = 4


class GenerationError(EvalHarnessError):
    """An adapter could not deliver a clip.

    `kind` is the class of failure, kept in the job's record. `retry_safe` is true only where
    asking again cannot be billed twice and has a chance to end differently.
    """

    exit_code = 4

    def __init__(self, kind: FailureKind, message: str, *, retry_safe: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_safe = retry_safe


class AmbiguousCreate(GenerationError):
    """A clip was asked for, and nobody knows whether the vendor makes it: it is not asked for again.

    Asking again could pay twice, so that is left to a person who has looked into the vendor's account.
    """

    def __init__(self, message: str) -> None:
        super().__init__(FailureKind.SERVER, message)


class StoreError(EvalHarnessError):
    """The database refused; the cause is chained."""

    exit_code = 5


class AlreadyAnswered(StoreError):
    """The battle has its votes already; nothing was changed."""


class NotFoundError(StoreError):
    """No such row."""


class StorageError(EvalHarnessError):
    """What holds the study's clips and exhibits refused; the message says which place and why."""

    exit_code = 5


class RatingError(EvalHarnessError):
    """These votes allow no rating; the message says what is missing."""

    exit_code = 6


class DisconnectedError(RatingError):
    """The systems fall into groups that were never compared with each other."""

    def __init__(self, components: Sequence[Sequence[str]]) -> None:
        self.components = tuple(tuple(component) for component in components)
        groups = "; ".join("{" + ", ".join(component) + "}" for component in self.components)
        super().__init__(
            f"{len(self.components)} groups of systems were never compared with one another: {groups}. "
            "Ratings across them would be invented: collect battles between the groups, or rate each alone."
        )


class BlindingError(EvalHarnessError):
    """Something a voter receives still tells systems apart; the message names it."""

    exit_code = 7


class RegressionError(EvalHarnessError):
    """A release is worse than the one it is held against; the message says in what."""

    exit_code = 8


def in_a_line(error: BaseException) -> str:
    """What somebody else's exception says, to stand within a sentence."""
    return " ".join(str(error).split())
