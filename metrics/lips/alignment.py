"""When each phone of a known line is spoken: forced alignment, in seven languages with one acoustic model.

The hidden Markov models of CMU Sphinx (US English; they come inside the pocketsphinx wheel) are laid over the
sound. A line in another language is spelt in the English phones nearest to its own, as DiCanio et al. 2013
(Journal of the Acoustical Society of America 134) did for Mixtec: where one sound ends and another begins is
mostly a matter of manner, which languages share. The error by language is stated in the methods.
Between two words there may be silence, breath or noise. Stops include the silence while they are shut.

Sphinx reckons in frames of 25.6 ms every 10 ms; a boundary between two frames lies half-way between their
centres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.lips.phones import Phone
from metrics.lips.visemes import bare

__all__ = ["FITS", "Alignment", "AlignmentError", "align", "english", "missing"]

RATE_HZ = 16000
STEP_S = 0.01
BOUNDARY_S = 0.0256 / 2 - STEP_S / 2
"""From where a frame begins to the boundary between it and the one before."""
PADDING_S = 0.3
"""Silence put before and after, so that the line may begin and end with the sound."""
DITHER = 1e-3
"""Noise in digital silence, whose logarithm would be minus infinity."""
SHORTEST_S = 0.03
"""A phone has three states and lasts at least three frames."""
WIDE = 1e-200
"""Beams so wide that nothing is pruned: the line is known, speed is not needed."""

NATS = 1024 * np.log(1.0001)
"""Sphinx's scores are logarithms to the base 1.0001, of which it drops ten bits."""
FITS = 1.8
"""Between the worst fit of words to their own sound and the best fit of others, in seven languages."""
NO_PATH = "The words cannot be laid over this sound: no path through it fits them."

_NEAREST = {
    "P": "p̚ pʰ p", "B": "b β ɓ", "M": "m", "F": "f ɸ", "V": "v ʋ", "T": "t ʔ", "D": "d ɾ ɽ", "K": "k q c",
    "G": "ɡ ɟ", "N": "n", "N Y": "ɲ", "NG": "ŋ ɴ", "TH": "θ", "DH": "ð", "S": "s", "Z": "z", "SH": "ʃ ʂ ɕ ç",
    "ZH": "ʒ ʐ ʑ", "HH": "h x χ ɦ", "R": "ʁ ʀ r ɹ ɻ", "L": "l ɫ", "CH": "tʃ tɕ ʈʂʰ", "JH": "dʒ dʑ ʈʂ",
    "T S": "ts", "D Z": "dz", "P F": "pf", "Y": "j ɥ", "W": "w", "AA": "a ɐ ɑ ɒ", "AE": "æ", "EH": "ɛ e",
    "AH": "ə ʌ ɜ ɤ ɘ", "IY": "i", "IH": "ɪ ɨ ᵻ ɹ̩ ɻ̩", "UW": "u y ʏ ɯ ʉ", "UH": "ʊ", "OW": "o oʊ", "AO": "ɔ",
    "ER": "ø œ ɵ ɚ ɝ", "AY": "aɪ", "EY": "eɪ", "OY": "ɔɪ ɔø", "AW": "aʊ",
}  # fmt: skip
_ENGLISH = {ipa: arpabet for arpabet, row in _NEAREST.items() for ipa in row.split()}
_LONGEST = max(map(len, _ENGLISH))


class AlignmentError(ValueError):
    """The words cannot be laid over the sound; the message is a finished sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """When each phone sounds."""

    times_s: NDArray[np.float64]
    """(n, 2) start and end of each phone, seconds from the first sample; gaps where words pause."""
    fit: float
    """How much likelier the sound is given the words than given them backwards, in nats a frame: above
    FITS these are the words, about 0 they are others; infinite where they cannot be laid backwards at all."""


def missing() -> str | None:
    """What must be installed before `align` can run; None if nothing."""
    if find_spec("pocketsphinx") is None:
        return "Laying words over speech needs CMU Sphinx: pip install pocketsphinx"
    return None


def align(phones: Sequence[Phone], samples: NDArray[np.float32]) -> Alignment:
    """Lay the phones over (m,) samples at 16 kHz in which exactly they are spoken, once and in order.

    Raises AlignmentError where there is less sound than the phones need at their shortest, or no path
    through it; ValueError for a phone that no English one is near to.
    """
    if not phones:
        raise AlignmentError("There are no phones to lay over the sound.")
    words = [list(word) for _, word in groupby(phones, key=lambda phone: phone.word_index)]
    spelt = [[english(phone.ipa).split() for phone in word] for word in words]
    least_s = sum(len(states) for word in spelt for states in word) * SHORTEST_S
    if len(samples) < least_s * RATE_HZ:
        raise AlignmentError(
            f"The words take at least {least_s:.2f} s; the sound lasts {len(samples) / RATE_HZ:.2f} s."
        )
    pcm = _pcm(samples)
    found = _sphinx(spelt, pcm)
    times: list[tuple[float, float]] = []
    for word, states in zip(spelt, found, strict=True):
        first = 0
        for own in word:
            start, stop = states[first].start, states[first + len(own) - 1].stop
            times.append((start * STEP_S + BOUNDARY_S - PADDING_S, stop * STEP_S + BOUNDARY_S - PADDING_S))
            first += len(own)
    return Alignment(np.array(times), _likelihood(found) - _backwards(spelt, pcm))


def english(ipa: str) -> str:
    """The English phones (ARPAbet) that sound most like one of any language: ʈʂ is JH, ts is T S.

    Raises ValueError where none does.
    """
    for spelling in (ipa, bare(ipa)):
        if spelling in _ENGLISH:
            return _ENGLISH[spelling]
    parts: list[str] = []
    rest = bare(ipa)
    while rest:
        length = next((n for n in range(_LONGEST, 0, -1) if rest[:n] in _ENGLISH), 0)
        if not length:
            raise ValueError(f"No English phone is near to {ipa!r}: add it to the table in alignment.py.")
        parts.append(_ENGLISH[rest[:length]])
        rest = rest[length:]
    if not parts:
        raise ValueError(f"{ipa!r} is no phone.")
    return " ".join(parts)


def _pcm(samples: NDArray[np.float32]) -> bytes:
    """16-bit samples at one level for every voice, silence before and after."""
    silence = np.zeros(round(PADDING_S * RATE_HZ))
    sound = np.concatenate([silence, samples, silence])
    sound /= max(float(np.abs(sound).max()), 1e-9)
    sound += DITHER * np.random.default_rng(0).standard_normal(len(sound))
    return bytes((np.clip(0.9 * sound, -1, 1) * 32767).astype("<i2").tobytes())


@dataclass(frozen=True, slots=True)
class _Found:
    """An English phone where it was found."""

    start: int
    """Frames."""
    stop: int
    score: float
    """Log likelihood of the sound in it, in Sphinx's unit."""


def _likelihood(words: list[list[_Found]]) -> float:
    """Nats a frame."""
    phones = [phone for word in words for phone in word]
    return (
        float(NATS) * sum(phone.score for phone in phones) / sum(phone.stop - phone.start for phone in phones)
    )


def _backwards(spelt: list[list[list[str]]], pcm: bytes) -> float:
    """Likelihood of the same phones in the opposite order: nothing else differs."""
    try:
        return _likelihood(_sphinx([word[::-1] for word in reversed(spelt)], pcm))
    except AlignmentError:
        return -np.inf


def _sphinx(spelt: list[list[list[str]]], pcm: bytes) -> list[list[_Found]]:
    """Every English phone of each word, in order. A word is a list of phones, each one or more English ones.

    Two passes, as Sphinx does it: first the words, then the phones within them.
    """
    from pocketsphinx import Decoder

    decoder = Decoder(
        lm=None, dict=None, loglevel="FATAL", bestpath=False,
        beam=WIDE, wbeam=WIDE, pbeam=WIDE, maxhmmpf=-1, maxwpf=-1,
    )  # fmt: skip
    words = [" ".join(english for phone in word for english in phone) for word in spelt]
    names = {spelling: f"word{number}" for number, spelling in enumerate(dict.fromkeys(words))}
    for spelling, name in names.items():
        decoder.add_word(name, spelling, True)
    decoder.set_align_text(" ".join(names[spelling] for spelling in words))
    try:
        _hear(decoder, pcm)
        if decoder.hyp() is None:
            raise AlignmentError(NO_PATH)
        decoder.set_alignment()
        _hear(decoder, pcm)
    except RuntimeError as error:
        raise AlignmentError(NO_PATH) from error
    alignment = decoder.get_alignment()  # kept while it is read: its entries point into it
    found = [
        [_Found(phone.start, phone.start + phone.duration, float(phone.score)) for phone in entry]
        for entry in alignment or ()
        if entry.name.startswith("word")  # the others are fillers: <sil>, [NOISE]
    ]
    if len(found) != len(words):
        raise AlignmentError(NO_PATH)
    return found


def _hear(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
