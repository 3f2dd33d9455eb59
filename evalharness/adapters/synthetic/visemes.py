"""From phonemes to lips: what the mouth does at every moment of a spoken line.

Each phoneme is one or more visemes; a viseme is a target for four mouth tracks and a weight that says
how much it insists on it. Weighted targets are smoothed together, so neighbours colour one another
(coarticulation by dominance, after Cohen and Massaro 1993). Last, and after all smoothing, the lips are
shut through every /p b m/: the gap is exactly zero for at least 60 ms around the closure.

Units: times in seconds; opening 0 (shut) to 1 (wide open); half-width as a multiple of the mouth at
rest; protrusion and teeth 0 to 1. Teeth near 1 over a small opening is the lower lip under the teeth.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from evalharness.adapters.synthetic.speech import PhonemeEvent
from evalharness.errors import GenerationError
from evalharness.records import FailureKind

__all__ = ["Closure", "MouthShape", "MouthTracks", "Viseme", "mouth_tracks", "visemes_of"]

FloatArray = npt.NDArray[np.float64]

_EASE_S = 0.16
"""Full width of the smoothing window; a step takes about half of it from 10 % to 90 %."""
_CLOSURE_EASE_S = 0.07
_SHORTEST_CLOSURE_S = 0.06
_STOP_HOLD_S = 0.045
"""Silence that espeak-ng leaves before a stop's burst: the lips are shut there."""
_BURST_S = 0.01
_VOICED_HOLD_S = 0.05
"""A /b/ at least this long has its voice bar inside its own event; a shorter one, and any /p/, begins
with the burst."""


class Viseme(StrEnum):
    """A lip shape; the letters are examples of what is spoken with it."""

    REST = "rest"
    P = "p b m"
    F = "f v"
    TH = "th"
    T = "t d l"
    K = "k g h"
    CH = "ch sh zh"
    S = "s z"
    N = "n ng"
    R = "r"
    A = "a"
    E = "e"
    UH = "uh"
    I = "i"  # noqa: E741 - the phonetic letter
    O = "o"  # noqa: E741 - the phonetic letter
    U = "u y w"


# opening, half-width, protrusion, teeth, weight
_TARGETS: dict[Viseme, tuple[float, float, float, float, float]] = {
    Viseme.REST: (0.03, 1.00, 0.00, 0.00, 1.0),
    Viseme.P: (0.00, 1.00, 0.10, 0.00, 2.0),
    Viseme.F: (0.10, 1.03, 0.00, 1.00, 2.5),
    Viseme.TH: (0.22, 1.02, 0.00, 0.65, 0.9),
    Viseme.T: (0.20, 1.03, 0.00, 0.50, 0.6),
    Viseme.K: (0.26, 1.00, 0.00, 0.30, 0.4),
    Viseme.CH: (0.20, 0.84, 0.70, 0.70, 1.5),
    Viseme.S: (0.13, 1.10, 0.00, 0.85, 1.2),
    Viseme.N: (0.18, 1.02, 0.00, 0.40, 0.5),
    Viseme.R: (0.24, 0.90, 0.35, 0.25, 0.7),
    Viseme.A: (1.00, 1.03, 0.00, 0.40, 2.0),
    Viseme.E: (0.55, 1.13, 0.00, 0.50, 1.6),
    Viseme.UH: (0.46, 1.00, 0.05, 0.30, 1.2),
    Viseme.I: (0.30, 1.20, 0.00, 0.65, 1.5),
    Viseme.O: (0.62, 0.82, 0.60, 0.10, 1.8),
    Viseme.U: (0.24, 0.64, 1.00, 0.00, 2.0),
}

# Longest first. IPA, and the mnemonics espeak-ng uses where a voice has no IPA (aa, oe, eo: Cantonese;
# a dot: Mandarin's retroflex). An h after a stop is its aspiration and moves no lips.
_SPELLINGS: dict[str, tuple[Viseme, ...]] = {
    "ts.h": (Viseme.CH,),
    "ts.": (Viseme.CH,),
    "tsh": (Viseme.S,),
    "tɕh": (Viseme.CH,),
    "ph": (Viseme.P,),
    "th": (Viseme.T,),
    "kh": (Viseme.K,),
    "pf": (Viseme.P, Viseme.F),
    "aa": (Viseme.A,),
    "oe": (Viseme.O,),
    "eo": (Viseme.O,),
    "yu": (Viseme.U,),
    "ɯᵝ": (Viseme.U,),
    "nɡ": (Viseme.N,),
    "s.": (Viseme.CH,),
    "z.": (Viseme.CH,),
    "i.": (Viseme.S,),
    "i̪": (Viseme.S,),
    **dict.fromkeys(("ts", "dz"), (Viseme.S,)),
    **dict.fromkeys(("tʃ", "dʒ", "tɕ", "dʑ"), (Viseme.CH,)),
    **dict.fromkeys("pbm", (Viseme.P,)),
    **dict.fromkeys("fvɱ", (Viseme.F,)),
    **dict.fromkeys("θð", (Viseme.TH,)),
    **dict.fromkeys("tdlɫɾɽ", (Viseme.T,)),
    **dict.fromkeys("kɡgxɣχhɦqʔħ", (Viseme.K,)),
    **dict.fromkeys("ʃʒɕʑʂʐ", (Viseme.CH,)),
    **dict.fromkeys("szc", (Viseme.S,)),
    **dict.fromkeys("nŋɲɴ", (Viseme.N,)),
    **dict.fromkeys("rɹʁʀɚɝɻ", (Viseme.R,)),
    **dict.fromkeys("aɑɐæ", (Viseme.A,)),
    **dict.fromkeys("eɛ", (Viseme.E,)),
    **dict.fromkeys("əɜʌɤɘ", (Viseme.UH,)),
    **dict.fromkeys("iɪjɯᵻɨç", (Viseme.I,)),
    **dict.fromkeys("oɔɒœɵ", (Viseme.O,)),
    **dict.fromkeys("uʊyʏwøɥɸβʉ", (Viseme.U,)),
}
_LONGEST = max(map(len, _SPELLINGS))


@dataclass(frozen=True, slots=True)
class MouthShape:
    """The mouth at one moment."""

    opening: float = 0.0
    half_width: float = 1.0
    protrusion: float = 0.0
    teeth: float = 0.0


@dataclass(frozen=True, slots=True)
class Closure:
    """Lips pressed together from `start_s` to `end_s`."""

    start_s: float
    end_s: float

    @property
    def centre_s(self) -> float:
        """The middle of the closure."""
        return (self.start_s + self.end_s) / 2


@dataclass(frozen=True, slots=True, eq=False)
class MouthTracks:
    """The mouth at each frame, and what a viewer with perfect eyes would count."""

    times_s: FloatArray
    opening: FloatArray
    half_width: FloatArray
    protrusion: FloatArray
    teeth: FloatArray
    closures: tuple[Closure, ...]
    """Where the spoken line shuts the lips: the truth, whatever was drawn."""
    drawn_closures: tuple[Closure, ...]
    """Where the drawn lips are shut for a /p b m/; differs from `closures` only by planted errors."""
    phonemes: int
    wrong: int
    """How many of the phonemes were given another's lip shape on purpose."""

    def __len__(self) -> int:
        return len(self.times_s)

    def __getitem__(self, frame: int) -> MouthShape:
        """The mouth at one frame."""
        return MouthShape(
            float(self.opening[frame]),
            float(self.half_width[frame]),
            float(self.protrusion[frame]),
            float(self.teeth[frame]),
        )


def mouth_tracks(
    events: Sequence[PhonemeEvent], times_s: FloatArray, *, error_rate: float = 0.0, seed: int = 0
) -> MouthTracks:
    """The mouth at `times_s` (ascending, seconds of the sound) while `events` are spoken.

    With probability `error_rate` (0 to 1) a phoneme gets the lips of another viseme, its closure lost
    with it; `seed` decides which. Times outside the line show the mouth at rest.
    Raises ValueError for an error rate outside 0 to 1, GenerationError for an unknown phoneme.
    """
    if not 0.0 <= error_rate <= 1.0:
        raise ValueError(f"The lip-shape error rate is a probability from 0 to 1, not {error_rate}.")
    times = np.asarray(times_s, dtype=np.float64)
    true = [(event, visemes_of(event.phoneme)) for event in events]
    drawn, wrong = _mistaken(true, error_rate, np.random.default_rng([seed, 0x71]))
    drawn_closures = _closures(drawn)
    tracks = _smoothed(drawn, times)
    shut = 1.0 - _openness(drawn_closures, times)
    opening, half_width, protrusion, teeth = tracks
    return MouthTracks(
        times_s=times,
        opening=opening * (1.0 - shut),
        half_width=half_width + (1.0 - half_width) * 0.6 * shut,
        protrusion=protrusion * (1.0 - 0.6 * shut),
        teeth=teeth * (1.0 - shut),
        closures=_closures(true),
        drawn_closures=drawn_closures,
        phonemes=sum(1 for event in events if event.phoneme),
        wrong=wrong,
    )


def visemes_of(phoneme: str) -> tuple[Viseme, ...]:
    """The lip shapes of one phoneme, in order; a pause is REST.

    Length, tone, nasal and other diacritics move no lips and are passed over. Raises GenerationError
    for a letter that is in no table, so that a new voice cannot be mouthed wrongly in silence.
    """
    if not phoneme:
        return (Viseme.REST,)
    shapes: list[Viseme] = []
    rest = phoneme
    while rest:
        taken = next((n for n in range(_LONGEST, 0, -1) if rest[:n] in _SPELLINGS), 0)
        if taken:
            shapes += _SPELLINGS[rest[:taken]]
        else:
            base = unicodedata.normalize("NFD", rest[0])
            if base[0] != rest[0]:
                rest = base + rest[1:]
                continue
            if unicodedata.category(rest[0]) not in {"Mn", "Lm", "Sk", "Nd", "Po", "Pd"}:
                raise GenerationError(
                    FailureKind.PROGRAM,
                    f"The phoneme {phoneme!r} has no lip shape: add {rest[0]!r} to the table in visemes.py.",
                )
            taken = 1
        rest = rest[taken:]
    return tuple(shapes) or (Viseme.K,)


_Spoken = tuple[PhonemeEvent, tuple[Viseme, ...]]


def _mistaken(
    true: Sequence[_Spoken], error_rate: float, rng: np.random.Generator
) -> tuple[list[_Spoken], int]:
    """Each phoneme with its own lips or, with the given odds, those of a viseme it does not have."""
    drawn: list[_Spoken] = []
    wrong = 0
    for event, shapes in true:
        if event.phoneme and rng.random() < error_rate:
            others = [viseme for viseme in Viseme if viseme not in shapes and viseme is not Viseme.REST]
            drawn.append((event, (others[rng.integers(len(others))],)))
            wrong += 1
        else:
            drawn.append((event, shapes))
    return drawn, wrong


def _segments(spoken: Sequence[_Spoken]) -> list[tuple[float, float, Viseme]]:
    """Each viseme's share of its phoneme's time."""
    return [segment for event, shapes in spoken for segment in _shares(event, shapes)]


def _shares(event: PhonemeEvent, shapes: tuple[Viseme, ...]) -> list[tuple[float, float, Viseme]]:
    step = (event.end_s - event.start_s) / len(shapes)
    return [
        (event.start_s + i * step, event.start_s + (i + 1) * step, shape) for i, shape in enumerate(shapes)
    ]


def _closures(spoken: Sequence[_Spoken]) -> tuple[Closure, ...]:
    """When the lips are shut, from what is known of espeak-ng's stops (see the constants above)."""
    closures: list[Closure] = []
    for event, shapes in spoken:
        for start, end, viseme in _shares(event, shapes):
            if viseme is not Viseme.P:
                continue
            bursts = "p" in event.phoneme or ("b" in event.phoneme and end - start < _VOICED_HOLD_S)
            shut, opened = (start - _STOP_HOLD_S, start + _BURST_S) if bursts else (start, end)
            missing = max(0.0, _SHORTEST_CLOSURE_S - (opened - shut))
            shut = max(0.0, shut - missing / 2)
            closures.append(Closure(shut, max(opened + missing / 2, shut + _SHORTEST_CLOSURE_S)))
    return tuple(closures)


def _smoothed(spoken: Sequence[_Spoken], times: FloatArray) -> FloatArray:
    """The four tracks at `times`, shape (4, n): weighted targets seen through one raised-cosine window."""
    segments = _segments(spoken)
    starts = np.array([start for start, _, _ in segments]).reshape(1, -1)
    stops = np.array([stop for _, stop, _ in segments]).reshape(1, -1)
    shares = np.maximum(_passed(times[:, None] - starts) - _passed(times[:, None] - stops), 0.0)
    shares = np.column_stack([shares, np.maximum(1.0 - shares.sum(axis=1), 0.0)])  # the rest is REST
    targets = np.array([_TARGETS[viseme] for *_, viseme in segments] + [_TARGETS[Viseme.REST]])
    weights = shares * targets[:, 4]
    return np.asarray((weights @ targets[:, :4] / weights.sum(axis=1, keepdims=True)).T)


def _passed(since_s: FloatArray) -> FloatArray:
    """How much of the window lies before a moment `since_s` seconds ago, 0 to 1 (exact, no grid)."""
    x = np.clip(since_s / _EASE_S, -0.5, 0.5)
    return np.asarray(0.5 + x + np.sin(2.0 * np.pi * x) / (2.0 * np.pi))


def _openness(closures: Sequence[Closure], times: FloatArray) -> FloatArray:
    """0 inside a closure, easing to 1 outside; shape (n,)."""
    openness = np.ones(len(times))
    for closure in closures:
        away = np.maximum(closure.start_s - times, times - closure.end_s) / _CLOSURE_EASE_S
        away = np.clip(away, 0.0, 1.0)
        openness = np.minimum(openness, away * away * (3.0 - 2.0 * away))
    return openness
