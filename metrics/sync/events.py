"""Event sync: how late impacts are heard after they are seen.

Offset in seconds, positive where the sound is late, searched within ±0.55 s; nearest to zero is best.
`details` holds a 95 % interval, the correlation (`confidence`, 0..1) and every event: when it was seen and
heard, its lag and its strength; `verdict` is what ITU-R BT.1359 says of the interval
(`metrics.sync.tolerance`).

The impulse curve of the picture, less what is usual around each moment, and the onset curve of the sound
(`metrics.sync.curves`) are laid on one clock and shifted against each other; the shift that correlates best
is the offset (`metrics.sync.lag`). Where the best one is weak, stands at the edge of the search, has a rival
nearly as good (regular steps fit a step later, too) or rests on fewer than three events, which many a sound
would fit, where things slow down before they touch, or where grain hides that they do, there is no verdict:
the reading is unscorable and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.sync.curves import Curve, impulse_curve, onset_curve
from metrics.sync.lag import SEARCH_S, Lag, find_lag
from metrics.sync.tolerance import details as verdict_details

__all__ = ["Event", "EventSync", "half_interval", "meetings", "sudden"]

Array = NDArray[np.float64]

SHORTEST_S = 1.0
CONFIDENT = 0.5
"""Correlation from which on an offset counts: continuous sounds and unrelated tracks stay below it."""
RIVAL = 0.7
"""A second peak this high beside the best leaves open which of them is true."""
FEWEST_EVENTS = 3
DISTINCT = 3.0
"""How far the strongest onset must stand above the median to be an event."""
SURROUNDINGS_S = 0.25
NOTABLE = 0.2
"""An onset or a stop weaker than this share of the clip's strongest is no event of its own."""
APART_S = 0.1
"""Onsets nearer to a stronger one than this are its ringing."""
SUDDEN_S = 0.05
"""A blow stops what moves within this, either way; what stops earlier, back to BRAKE_S, has braked."""
BRAKE_S = 0.2
BRAKING = 0.25
"""Where even the most sudden quarter of the events braked by this share, none of them shows its moment. In
grainy pictures a smaller share will do, divided by 1 + grain: grain hides the slow end of a movement."""
COARSEST = 2.5
"""Grey levels of grain that hide so much of slow movement that braking is no longer seen."""
SIGHT_FRAMES = 0.6
"""Standard error, in frames, of when an impact is seen: where things brake before they touch, or splash
after, all events of a clip err alike, which their scatter cannot show. Set on rendered scenes."""


@dataclass(frozen=True, slots=True)
class Event:
    """One impact that is both seen and heard."""

    seen_s: float
    heard_s: float
    strength: float
    """Of sight and sound together (geometric mean), against the clip's strongest, 0..1."""
    braked: float = 0.0
    """Share of its stop that comes more than 50 ms before it is seen, 0..1: near 0 for a blow."""

    @property
    def lag_s(self) -> float:
        """How late it is heard after it is seen."""
        return self.heard_s - self.seen_s


class EventSync(Metric):
    """Offset between visible impacts and their sound."""

    name: ClassVar[str] = "event_sync"
    version: ClassVar[str] = "5"
    of_clip: ClassVar[tuple[str, ...]] = ("sound", "impacts")
    packages: ClassVar[tuple[str, ...]] = ("cv2", "librosa")
    question: ClassVar[str] = "av_sync"
    source: ClassVar[str] = "ours; flow after Kroeger et al. 2016, onsets after Bello et al. 2005"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "offset_s",
            "s",
            "zero",
            "How late impacts are heard after they are seen; positive: sound late; within ±0.55 s.",
            low=-SEARCH_S,
            high=SEARCH_S,
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """One offset for the clip, or why there is none."""
        return {"offset_s": _read(clip)}


def _read(clip: AVClip) -> Reading:
    if not clip.has_audio:
        return Unscorable("The clip has no sound.")
    if clip.duration_s < SHORTEST_S:
        return Unscorable(f"The clip lasts {clip.duration_s:.2f} s; events need at least {SHORTEST_S:g} s.")
    heard = onset_curve(clip.mono, clip.rate_hz, clip.audio_start_s)
    if not _stands_out(heard):
        return Unscorable("The sound is silent or continuous: nothing in it begins suddenly.")
    frame_s = float(np.median(clip.frame_durations_s))
    try:
        seen = sudden(clip.once(_impulses))
        if not np.any(seen.strength):
            return Unscorable("Nothing in the picture stops or bounces suddenly.")
        if seen.grain > COARSEST:
            return Unscorable(
                "Everything in the picture changes all the time (grain, or a restless camera): when things "
                f"stop cannot be seen ({seen.grain:.1f} grey levels, {COARSEST} at most)."
            )
        lag = find_lag(seen, heard, frame_s)
    except ValueError as error:
        return Unscorable(str(error))
    events = meetings(seen, heard, lag.offset_s, frame_s)
    details = {
        "confidence": round(lag.correlation, 4),
        "rival": round(lag.rival, 4),
        "best_guess_s": round(lag.offset_s, 4),
        "events": [
            {
                "seen_s": round(event.seen_s, 4),
                "heard_s": round(event.heard_s, 4),
                "lag_s": round(event.lag_s, 4),
                "strength": round(event.strength, 4),
                "braked": round(event.braked, 4),
            }
            for event in events
        ],
    }
    doubt = _doubt(lag, events, seen.grain)
    if doubt is not None:
        return Unscorable(doubt, details)
    half = half_interval(events, frame_s)
    interval = round(lag.offset_s - half, 4), round(lag.offset_s + half, 4)
    return Value(lag.offset_s, {**details, "interval_s": list(interval), **verdict_details(interval)})


def _doubt(lag: Lag, events: Sequence[Event], grain: float) -> str | None:
    """Why this lag is no verdict, or None where it is one."""
    if lag.correlation < CONFIDENT:
        return (
            f"What is heard does not follow what is seen at any offset (correlation {lag.correlation:.3f}, "
            f"{CONFIDENT} needed)."
        )
    if lag.at_edge:
        return f"The best offset lies at or beyond the search range of ±{SEARCH_S} s."
    if lag.rival > RIVAL * lag.correlation:
        return "Two offsets fit about equally well: the events are too regular to tell."
    if len(events) < FEWEST_EVENTS:
        found = f"{len(events)} events are both seen and heard"
        return f"{found}, {FEWEST_EVENTS} are needed: fewer fit many a sound."
    if np.quantile([event.braked for event in events], 0.25) >= BRAKING / (1 + grain):
        return "What moves slows down before it stops: the picture does not show the moment of contact."
    return None


def _impulses(clip: AVClip) -> Curve:
    return impulse_curve(clip.frame_times_s, clip.grey)


def meetings(seen: Curve, heard: Curve, lag_s: float, frame_s: float) -> tuple[Event, ...]:
    """The events that are heard about `lag_s` after they are seen, in the order of time.

    Each notable onset is held against the strongest stop within two frames of where the lag puts it; the
    centre of mass of that stop and the two pictures beside it is when it is seen.
    """
    loudest, hardest = heard.strength.max(initial=0.0), seen.strength.max(initial=0.0)
    if loudest <= 0 or hardest <= 0:
        return ()
    events = []
    for place in _onsets(heard):
        near = np.flatnonzero(np.abs(seen.times_s + lag_s - heard.times_s[place]) <= 2 * frame_s)
        if not near.size:
            continue
        top = near[np.argmax(seen.strength[near])]
        around = slice(max(0, top - 1), top + 2)
        weight = seen.strength[around]
        if seen.strength[top] < NOTABLE * hardest:
            continue
        seen_s = float((weight @ seen.times_s[around]) / weight.sum())
        events.append(
            Event(
                seen_s=seen_s,
                heard_s=float(heard.times_s[place]),
                strength=float(np.sqrt(seen.strength[top] / hardest * heard.strength[place] / loudest)),
                braked=_braked(seen, seen_s),
            )
        )
    return tuple(events)


def _braked(seen: Curve, moment_s: float) -> float:
    """Share of the stop around a moment that comes well before it."""
    apart_s = seen.times_s - moment_s
    early = seen.strength[(apart_s > -BRAKE_S) & (apart_s < -SUDDEN_S)].sum()
    at_once = seen.strength[np.abs(apart_s) <= SUDDEN_S].sum()
    return float(early / (early + at_once)) if early + at_once > 0 else 0.0


def _onsets(heard: Curve) -> list[int]:
    """Places of the notable onsets, the strongest of each cluster, in the order of time."""
    kept: list[int] = []
    for place in np.argsort(-heard.strength, kind="stable"):
        if heard.strength[place] < NOTABLE * heard.strength.max():
            break
        if all(abs(heard.times_s[place] - heard.times_s[other]) >= APART_S for other in kept):
            kept.append(int(place))
    return sorted(kept)


def half_interval(events: Sequence[Event], frame_s: float) -> float:
    """Half the length of the 95 % interval of a clip's offset, in seconds.

    From the scatter of the events' lags (standard error of the mean weighted by strength) and from what
    all of them share, `SIGHT_FRAMES` of a frame. Raises ValueError below three events.
    """
    if len(events) < FEWEST_EVENTS:
        raise ValueError(f"An interval needs {FEWEST_EVENTS} events; there are {len(events)}.")
    lags = np.array([event.lag_s for event in events])
    weight = np.array([event.strength for event in events])
    weight = weight / weight.sum()
    count = 1 / float(weight @ weight)  # as many events of equal strength say as much
    scatter = float(weight @ (lags - weight @ lags) ** 2) / max(count - 1, 0.5)
    return float(1.96 * np.sqrt(scatter + (SIGHT_FRAMES * frame_s) ** 2))


def sudden(curve: Curve) -> Curve:
    """What of a curve stands above its surroundings, the median of a quarter second either way.

    Restless pictures (grain, a hand-held camera, gravity on a flying ball) have an even share of impulse
    everywhere; this takes it off.
    """
    around = np.abs(curve.times_s[:, None] - curve.times_s[None, :]) <= SURROUNDINGS_S
    usual = np.array([np.median(curve.strength[near]) for near in around])
    strength = np.maximum(curve.strength - usual, 0.0) if usual.size else curve.strength
    return replace(curve, strength=strength)


def _stands_out(curve: Curve) -> bool:
    if not curve.strength.size or curve.strength.max() <= 0:
        return False
    return bool(curve.strength.max() > DISTINCT * np.median(curve.strength))
