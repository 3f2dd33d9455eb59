"""Where a voter stands on the way from consent to voting. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from arena_ui.exits import is_screened_out
from evalharness.labels import ScreeningKind
from evalharness.people import Screening
from evalharness.settings import ScreeningSettings

__all__ = ["Step", "next_step", "untried"]


class Step(StrEnum):
    """What a voter does next."""

    DEVICE = "device"
    HEADPHONES = "headphones"
    LANGUAGE = "language"
    TRAINING = "training"
    VOTING = "voting"
    SCREENED_OUT = "screened_out"


def next_step(
    settings: ScreeningSettings, trials: Sequence[Screening], *, sounds: bool, languages: Collection[str]
) -> Step:
    """The first step that these trials of one voter leave open.

    `sounds`: whether the study's clips have sound; `languages`: those that the voter has yet to show they
    know. A device that need only play clips is looked at with the first other trial: where there is none, the
    voting page says itself that it cannot play.
    """
    if is_screened_out(trials):
        return Step.SCREENED_OUT
    passed = {each.kind for each in trials if each.passed}
    due = {
        Step.HEADPHONES: settings.headphones and sounds and ScreeningKind.HEADPHONES not in passed,
        Step.LANGUAGE: settings.languages and bool(languages),
        Step.TRAINING: settings.training > 0 and ScreeningKind.TRAINING not in passed,
    }
    if settings.device and ScreeningKind.DEVICE not in passed and (settings.has_limits or any(due.values())):
        return Step.DEVICE
    return next((step for step, is_due in due.items() if is_due), Step.VOTING)


def untried(
    languages: Sequence[str], spoken: Collection[str], trials: Sequence[Screening]
) -> tuple[str, ...]:
    """Of the languages that a voter says they know, those that clips speak and they were not tried in."""
    tried = {each.details.get("language") for each in trials if each.kind is ScreeningKind.LANGUAGE}
    return tuple(each for each in languages if each in spoken and each not in tried)
