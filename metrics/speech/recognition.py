"""What is said in a clip, as Whisper hears it, with the time of each word.

Beam search of width 5 at temperature 0, without the crutch of what was said before: the same sound gives the
same words. Only the sound from the first spoken stretch to the last is heard, since Whisper invents words
for silence. The language asked for is taken unless another one is plainly heard: told to write English,
Whisper translates French into it. Figures are written out in words ("three", not "3") unless the line
that was to be spoken has figures itself.

Word times are Whisper's own, from its attention (dynamic time warping), cut to where somebody speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from metrics.av import AVClip
from metrics.speech import track, whisper
from metrics.speech.track import RATE_HZ, Speech, speech

__all__ = ["Transcript", "Word", "knows", "missing", "transcript"]

BEAM = 5
PLAINLY = 0.98
"""Probability from which on another language than the one asked for is believed; real speech mostly reaches
0.99, a robot's Mandarin passed for Thai with 0.95."""
TOKENS_A_SECOND = 25
"""More than anybody says; a listener that repeats itself without end is cut off there."""
AROUND_S = 0.3
"""Seconds of sound kept before the first and after the last spoken stretch."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word (in Chinese and Japanese: a character or a few), its punctuation with it."""

    text: str
    start_s: float
    """On the clip's clock."""
    end_s: float
    probability: float
    """Whisper's own, 0..1."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said; empty where nobody speaks."""

    text: str
    language: str
    """It was written down in: the one asked for, or the one plainly heard instead."""
    probability: float
    """That this language is spoken, 0..1, by the model's own account."""
    chances: tuple[tuple[str, float], ...]
    """(language, probability that it is spoken) of every language the model knows, the likeliest first."""
    words: tuple[Word, ...]


SILENT = Transcript("", "", 0.0, (), ())


def missing() -> str | None:
    """What must be installed or brought before `transcript` can run; None if nothing."""
    return track.missing() or whisper.missing()


def knows(language: str) -> bool:
    """Whether the model in use was taught `language` (base was not taught Cantonese)."""
    model = whisper.loaded()
    return language in model.supported_languages and bool(model.hf_tokenizer.token_to_id(f"<|{language}|>"))


def transcript(clip: AVClip) -> Transcript:
    """What is said in the clip; use as `clip.once(transcript)`. Depends on the language of `clip.brief`.

    Cantonese is written down as Mandarin by models that were not taught it.
    Raises WeightsError where `missing` has something to say.
    """
    heard = clip.once(speech)
    if not heard.spoken:
        return SILENT
    asked = clip.brief.language
    figures = any(character.isdigit() for character in clip.brief.spoken or "")
    return _transcribed(heard, "zh" if asked == "yue" and not knows("yue") else asked, figures)


def _transcribed(heard: Speech, asked: str, figures: bool) -> Transcript:
    model = whisper.loaded()
    samples, start_s = _spoken_part(heard)
    chances = _languages(model, samples)
    likeliest, chance = chances[0]
    language = likeliest if not asked or (chance >= PLAINLY and likeliest != asked) else asked
    segments, _ = model.transcribe(
        samples,
        language=language,
        beam_size=BEAM,
        temperature=0.0,
        condition_on_previous_text=False,
        word_timestamps=True,
        max_new_tokens=min(224, 16 + round(TOKENS_A_SECOND * len(samples) / RATE_HZ)),
        suppress_tokens=[-1] if figures else [-1, *_figures(model)],
    )
    segments = list(segments)
    return Transcript(
        text="".join(segment.text for segment in segments).strip(),
        language=language,
        probability=dict(chances).get(language, 0.0),
        chances=chances,
        words=tuple(
            Word(
                word.word.strip(),
                *_sounding(start_s + word.start, start_s + word.end, heard),
                word.probability,
            )
            for segment in segments
            for word in segment.words
        ),
    )


def _languages(model: Any, samples: track.Samples) -> tuple[tuple[str, float], ...]:
    """(language, probability), the likeliest first; English where the model knows no other."""
    if len(model.supported_languages) == 1:
        return (("en", 1.0),)
    _, _, chances = model.detect_language(samples)
    return tuple(sorted(((name, float(p)) for name, p in chances), key=lambda pair: (-pair[1], pair[0])))


@cache
def _figures(model: Any) -> tuple[int, ...]:
    """The tokens with which the model writes a figure."""
    vocabulary = model.hf_tokenizer.get_vocab()
    return tuple(
        sorted(
            number
            for token, number in vocabulary.items()
            if not token.startswith("<|") and any(character.isdigit() for character in token)
        )
    )


def _sounding(start_s: float, end_s: float, heard: Speech) -> tuple[float, float]:
    """The part of a word's time in which somebody speaks: Whisper begins words in the pause before them."""
    overlapping = [(a, b) for a, b in heard.spoken if a < end_s and b > start_s]
    if not overlapping:
        return float(start_s), float(end_s)
    return float(max(start_s, overlapping[0][0])), float(min(end_s, overlapping[-1][1]))


def _spoken_part(heard: Speech) -> tuple[track.Samples, float]:
    """(samples, when they begin) from a little before the first spoken stretch to a little after the last."""
    first = max(0, round((heard.spoken[0][0] - AROUND_S - heard.start_s) * RATE_HZ))
    last = round((heard.spoken[-1][1] + AROUND_S - heard.start_s) * RATE_HZ)
    return np.ascontiguousarray(heard.samples[first:last]), heard.start_s + first / RATE_HZ
