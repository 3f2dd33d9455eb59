"""Lip accuracy: whether lips make the shapes of the words, when the words call for them.

The words are those the clip was asked to speak, or, where it was not asked or plainly says something else,
those Whisper hears; `details["words"]` says which. Their phones are laid over the speech
(`metrics.lips.alignment`) and held against the mouth of the face that speaks (`metrics.lips.closure`).

Figures are for the clip as it plays: lips in the right shape at the wrong time are wrong. How late they are
is a metric of its own; `closure_at_best` in the details is the closure rate at the shift, within ±0.4 s, at
which mouth and words agree best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.faces import speaking
from metrics.faces.speaking import speaker
from metrics.lips import alignment
from metrics.lips import phones as pronunciation
from metrics.lips.alignment import FITS, Alignment, AlignmentError, align
from metrics.lips.closure import (
    Estimate,
    Line,
    Mouth,
    agreement,
    best_shift_s,
    closure_rate,
    contrast,
    mouth_of,
)
from metrics.lips.phones import LANGUAGES, PronunciationError, phones
from metrics.lips.visemes import Viseme, viseme_of
from metrics.speech import recognition, whisper
from metrics.speech.recognition import transcript
from metrics.speech.track import RATE_HZ, Speech, speech

__all__ = ["LipAccuracy", "Said", "said"]

AROUND_S = 0.3
"""Sound kept before the first and after the last spoken stretch."""
SHORTEST_S = 1.0
"""Of a line: below, no shift takes words far enough from their place to tell chance."""


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a clip, laid over its speech."""

    line: Line
    text: str
    language: str
    words: str
    """Where they come from: `asked for` or `heard`."""
    fit: float
    """See `metrics.lips.alignment.Alignment.fit`."""


class LipAccuracy(Metric):
    """How well the lips of the speaker show what is said."""

    name: ClassVar[str] = "lip_accuracy"
    version: ClassVar[str] = "3"
    of_clip: ClassVar[tuple[str, ...]] = ("speech", "face")
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("closure", "", "higher", "Share of p, b, m at which the lips come together.", 0, 1),
        Quantity(
            "closure_gain",
            "",
            "higher",
            "The same less what it is by chance; 0 knows nothing of words.",
            -1,
            1,
        ),
        Quantity("contrast", "", "higher", "Gap at open vowels less gap at p, b, m, in swings of the mouth."),
        Quantity(
            "agreement", "", "higher", "Rank correlation of the gap with what each phone calls for.", -1, 1
        ),
    )
    question: ClassVar[str] = "lip_accuracy"
    source: ClassVar[str] = "ours; visemes of MPEG-4, forced alignment with CMU Sphinx"
    needs: ClassVar[str] = "metrics; Whisper where no words were asked for"
    uses_brief: ClassVar[bool] = True

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed; Whisper is only needed for clips that were not told what to say."""
        return pronunciation.missing() or alignment.missing() or speaking.missing()

    @classmethod
    def weights(cls) -> str:
        """The Whisper that hears words where none were asked for."""
        return whisper.weights()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """All four, or why there is none; each says on how many phones it rests, its chance and interval."""
        found = clip.once(said)
        if isinstance(found, Unscorable):
            return dict.fromkeys((quantity.name for quantity in self.quantities), found)
        face = clip.once(speaker)
        if isinstance(face, Unscorable):
            return dict.fromkeys((quantity.name for quantity in self.quantities), face)
        return _readings(found, mouth_of(face.mesh, face.times_s))


def said(clip: AVClip) -> Said | Unscorable:
    """What the clip says and when, phone by phone; use as `clip.once(said)`."""
    heard = clip.once(speech)
    silent = heard.unscorable(SHORTEST_S)
    if silent is not None:
        return silent
    brief = clip.brief
    asked: Said | Unscorable | None = None
    if brief.spoken:
        asked = _laid(brief.spoken, brief.language, brief.reading, "asked for", heard)
        if isinstance(asked, Said):
            return asked
    if recognition.missing() is not None:
        return asked or Unscorable(
            "The clip was not told what to say, and there is no Whisper here to hear what it says."
        )
    words = clip.once(transcript)
    if not words.text:
        return Unscorable("No words are heard in this clip.")
    language = "yue" if brief.language == "yue" and words.language == "zh" else words.language
    return _laid(words.text, language, None, "heard", heard)


def _laid(text: str, language: str, reading: str | None, words: str, heard: Speech) -> Said | Unscorable:
    """The words over the speech, or why they are not the ones spoken in it."""
    if language not in LANGUAGES:
        return Unscorable(
            f"The words {words} are in {language or 'an unknown language'}, whose sounds are unknown."
        )
    first = max(0, round((heard.spoken[0][0] - AROUND_S - heard.start_s) * RATE_HZ))
    last = round((heard.spoken[-1][1] + AROUND_S - heard.start_s) * RATE_HZ)
    details: dict[str, Any] = {"words": words, "language": language, "text": text}
    try:
        line = phones(text, language, reading)
        found: Alignment = align(line, heard.samples[first:last])
    except (PronunciationError, AlignmentError) as error:
        return Unscorable(str(error), details)
    if found.fit < FITS:
        return Unscorable(
            f"The words {words} are not what is spoken: they fit the sound by {found.fit:.1f} nats a frame, "
            f"{FITS:g} needed.",
            details,
        )
    times = found.times_s + heard.start_s + first / RATE_HZ
    lasts_s = float(times[-1, 1] - times[0, 0])
    if lasts_s < SHORTEST_S:
        return Unscorable(f"The words last {lasts_s:.2f} s; {SHORTEST_S:g} s are needed.", details)
    return Said(Line(tuple(viseme_of(one.ipa) for one in line), times), text, language, words, found.fit)


def _readings(found: Said, mouth: Mouth) -> dict[str, Reading]:
    line = found.line
    details: dict[str, Any] = {
        "words": found.words,
        "language": found.language,
        "text": found.text,
        "fit": round(min(found.fit, 99.0), 2),
    }
    closure = closure_rate(mouth, line)
    if closure is None:
        count = len(line.closures_s)
        reason = Unscorable(
            "The words have no p, b or m, at which lips would have to close."
            if count == 0
            else f"Fewer than three closures (of {count} in the words) could be seen: too few to tell.",
            details,
        )
        shut: dict[str, Reading] = {"closure": reason, "closure_gain": reason}
    else:
        best_s = best_shift_s(mouth, line)
        moved = None if best_s is None else closure_rate(mouth, line.shifted(-best_s))
        if best_s is not None and moved is not None:
            details |= {"best_shift_s": round(best_s, 3), "closure_at_best": round(moved.value, 4)}
        told = _value(closure, details)
        shut = {"closure": told, "closure_gain": _above_chance(closure, details)}
    swing = contrast(mouth, line)
    order = agreement(mouth, line)
    others = {name: agreement(mouth, line, name) for name in ("width", "protrusion")}
    shapes = {name: None if one is None else round(one.value, 4) for name, one in others.items()}
    vowels = sum(viseme is Viseme.OPEN for viseme in line.visemes)
    return {
        **shut,
        "contrast": Unscorable(
            f"A contrast needs three open vowels and three closures in view; the words have {vowels} and "
            f"{len(line.closures_s)}.",
            details,
        )
        if swing is None
        else _value(swing, details),
        "agreement": Unscorable("The mouth does not move, or the words ask for one shape only.", details)
        if order is None
        else _value(order, details | shapes),
    }


def _above_chance(closure: Estimate, details: Mapping[str, Any]) -> Value:
    """Chance rests on a hundred shifts and more; only the rate itself is uncertain."""
    gain, low, high = (end - closure.chance for end in (closure.value, closure.low, closure.high))
    return _value(Estimate(gain, 0.0, low, high, closure.n), details)


def _value(estimate: Estimate, details: Mapping[str, Any]) -> Value:
    figures = {
        "n": estimate.n,
        "chance": round(estimate.chance, 4),
        "low": round(estimate.low, 4),
        "high": round(estimate.high, 4),
    }
    return Value(estimate.value, figures | dict(details))
