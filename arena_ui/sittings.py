"""When a voter should rest: by the times at which they saw and answered pairs. Pure.

ITU-R BT.500 and ITU-T P.910 let a session last half an hour, rests included, and let a person come to
several: so who has sat for that long is shown no more pairs until they have been away for a while.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["AWAY", "Rest", "back_in", "rest_due"]

AWAY = timedelta(minutes=15)
"""Whoever did nothing for so long has rested."""


class Rest(StrEnum):
    """Whether to rest now."""

    NONE = "none"
    OFFER = "offer"
    OVER = "over"
    """No pair is shown until the voter has been away."""


def rest_due(
    seen: Iterable[datetime],
    answered: Iterable[datetime],
    now: datetime,
    break_after: timedelta,
    longest: timedelta,
) -> Rest:
    """Whether to rest, for somebody to whom pairs came, and who answered some, at these times.

    A break is offered once, from the answer that fills each `break_after` of the sitting to the next one. A
    length of 0 is never over.
    """
    answers = sorted(answered)
    start = _start({*seen, *answers}, now)
    if start is None:
        return Rest.NONE
    if longest and now - start >= longest:
        return Rest.OVER
    before, last = [start, start, *(each for each in answers if each >= start)][-2:]
    if break_after and (last - start) // break_after > (before - start) // break_after:
        return Rest.OFFER
    return Rest.NONE


def back_in(moments: Iterable[datetime], now: datetime) -> timedelta:
    """How long somebody has to stay away from `now` on until another sitting begins."""
    return max(timedelta(0), max(moments, default=now - AWAY) + AWAY - now)


def _start(moments: Iterable[datetime], now: datetime) -> datetime | None:
    """When the sitting began that goes on at `now`; None where they have rested."""
    later = now
    start = None
    for moment in sorted(moments, reverse=True):
        if later - moment > AWAY:
            break
        start = later = moment
    return start
