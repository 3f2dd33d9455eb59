"""A spoken line with the moment of every phoneme, in seven languages, offline.

libespeak-ng speaks and stamps its phonemes to the millisecond. What its voices can read differs:

    zh   pinyin with tone digits (`reading`, else pypinyin guesses); neutral tone is 5
    yue  Chinese characters, or jyutping with tone digits in `reading`
    ja   kana only (`reading`, else the text if it is kana)
    en, ko, fr, de   the text itself

Times are seconds from the first sample. A stop's event (/p t k/, short /b d g/) marks the burst; the
40-50 ms of silence while the lips are shut lie before it.
"""

from __future__ import annotations

import ctypes.util
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evalharness.adapters.synthetic import espeak_line
from evalharness.adapters.synthetic.persona import persona
from evalharness.errors import GenerationError, MissingExtraError
from evalharness.records import FailureKind

__all__ = ["LANGUAGES", "PhonemeEvent", "Speech", "speak"]

LANGUAGES = ("zh", "yue", "en", "ja", "ko", "fr", "de")

_VOICES = {
    "zh": "cmn-latn-pinyin",
    "yue": "yue",
    "en": "en-us",
    "ja": "ja",
    "ko": "ko",
    "fr": "fr",
    "de": "de",
}
# Words per minute at which each voice sounds unhurried (espeak counts a syllable script differently).
_PACE = {"zh": 155, "yue": 150, "en": 155, "ja": 160, "ko": 150, "fr": 160, "de": 150}
_FASTEST = 1.6
_FEMININE = ("+f2", "+f3", "+f4")
_MASCULINE = ("", "+m3", "+m7")
_LOUDNESS_RMS, _PEAK = 0.1, 0.89
_TIMEOUT_S = 60

_NOT_KANA = re.compile(r"[^\W\d_぀-ヿㇰ-ㇿｦ-ﾟ]")


@dataclass(frozen=True, slots=True)
class PhonemeEvent:
    """One phoneme of a line; `phoneme` is IPA without stress marks, "" for a pause."""

    start_s: float
    end_s: float
    phoneme: str


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """A spoken line: mono float32 samples in [-1, 1] and when each phoneme sounds."""

    samples: npt.NDArray[np.float32]
    rate_hz: int
    events: tuple[PhonemeEvent, ...]
    voice: str
    """The espeak voice and variant that spoke."""

    @property
    def duration_s(self) -> float:
        """Length of the sound in seconds."""
        return len(self.samples) / self.rate_hz


def speak(
    text: str,
    language: str,
    *,
    reading: str | None = None,
    rate_hz: int = 48_000,
    seed: int = 0,
    within_s: float | None = None,
) -> Speech:
    """Speak `text` as the person of `seed` would; the same arguments give the same samples.

    `reading` says how the text is pronounced where its script does not (pinyin with tone digits,
    jyutping, kana). `within_s`, if given, hurries a line that would last longer, up to 1.6 times
    the normal pace. Safe in threads and processes.

    Raises GenerationError (PARAMETER) for a language, script or length that cannot be spoken, and
    (PROGRAM) if the voice breaks; MissingExtraError where libespeak-ng is not installed.
    """
    if language not in _VOICES:
        raise _refused(f"The synthetic voice speaks {', '.join(LANGUAGES)}; it was asked for {language!r}.")
    words, voice = _pronounceable(text, language, reading)
    rng = np.random.default_rng([seed, 0x50])
    variants = _FEMININE if persona(seed).feminine else _MASCULINE
    voice += variants[rng.integers(len(variants))]
    order: dict[str, object] = {
        "voice": voice,
        "text": words,
        "words_per_minute": round(_PACE[language] * rng.uniform(0.94, 1.06)),
        "pitch": int(rng.integers(42, 60)),
        "pitch_range": int(rng.integers(45, 65)),
    }
    pcm, native_hz, events = _spoken(order)
    if within_s is not None and len(pcm) / native_hz > within_s:
        pcm, native_hz, events = _hurried(order, len(pcm) / native_hz, within_s)
    return Speech(_levelled(_resampled(pcm, native_hz, rate_hz)), rate_hz, events, voice)


def _refused(sentence: str) -> GenerationError:
    return GenerationError(FailureKind.PARAMETER, sentence)


def _pronounceable(text: str, language: str, reading: str | None) -> tuple[str, str]:
    """The words as the voice can read them, and the voice."""
    voice = _VOICES[language]
    if not (reading or text).strip():
        raise _refused("There are no words to speak: give the prompt's `spoken` some text.")
    if language == "zh":
        return _toned(reading or _pinyin(text)), voice
    if language == "yue" and reading:
        return reading, "yue-latn-jyutping"
    if language == "ja":
        kana = reading or text
        found = _NOT_KANA.search(kana)
        if found:
            raise _refused(
                f"The Japanese voice reads kana only and found {found.group()!r} in {kana!r}: "
                "give the prompt a `reading` in hiragana or katakana."
            )
        return kana, voice
    return reading or text, voice


def _pinyin(text: str) -> str:
    try:
        from pypinyin import Style, lazy_pinyin
    except ImportError as missing:
        raise MissingExtraError(
            "Speaking Chinese characters without a `reading` needs pypinyin: "
            "pip install 'evalharness[synthetic]', or give the prompt its pinyin."
        ) from missing
    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))


def _toned(pinyin: str) -> str:
    """Pinyin as the voice wants it: every syllable with a tone, the neutral one as 5, ü as v."""
    pinyin = pinyin.lower().replace("u:", "v").replace("ü", "v").replace("'", " ")
    pinyin = re.sub(r"(?<=[a-z])0", "5", pinyin)
    return re.sub(r"([a-z])(?![a-z0-9])", r"\g<1>5", pinyin)


def _libraries() -> list[tuple[str, str | None]]:
    """Each libespeak-ng at hand with its data folder (None: the one it was built with)."""
    found: list[tuple[str, str | None]] = []
    try:
        import espeakng_loader
    except ImportError:
        pass
    else:
        found.append((espeakng_loader.get_library_path(), espeakng_loader.get_data_path()))
    system = ctypes.util.find_library("espeak-ng")
    if system:
        found.append((system, None))
    return found


def _spoken(order: dict[str, object]) -> tuple[npt.NDArray[np.int16], int, tuple[PhonemeEvent, ...]]:
    """Samples, their rate and the phonemes, from the first library that has the voice."""
    libraries = _libraries()
    if not libraries:
        raise MissingExtraError(
            "Speech needs libespeak-ng, and none was found: pip install 'evalharness[synthetic]'."
        )
    said = ""
    for library, data in libraries:
        child = subprocess.run(  # noqa: S603 - our own file, no shell, the order goes over stdin
            [sys.executable, "-I", "-S", espeak_line.__file__],
            input=json.dumps({**order, "library": library, "data": data}).encode(),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if child.returncode == 0:
            return _read(child.stdout, str(order["text"]))
        said = (
            f"it has no voice {order['voice']!r}"
            if child.returncode == espeak_line.NO_SUCH_VOICE
            else child.stderr.decode(errors="replace").strip() or f"it ended with {child.returncode}"
        )
    raise GenerationError(
        FailureKind.PROGRAM,
        f"libespeak-ng ({Path(libraries[-1][0]).name}) could not speak {order['text']!r}: {said}. "
        "Reinstall it with pip install --force-reinstall espeakng-loader.",
    )


def _read(output: bytes, text: str) -> tuple[npt.NDArray[np.int16], int, tuple[PhonemeEvent, ...]]:
    header, _, pcm = output.partition(b"\n")
    spoken = json.loads(header)
    samples = np.frombuffer(pcm, dtype=np.int16)
    named = [
        (start, name) for start, name in spoken["events"] if not name.startswith("(")
    ]  # "(en)": a switch
    ends = [start for start, _ in named[1:]] + [spoken["end_s"]]
    events = tuple(
        PhonemeEvent(start, end, name.strip("ˈˌ-"))
        for (start, name), end in zip(named, ends, strict=True)
        if end > start
    )
    if not any(event.phoneme for event in events):
        raise _refused(f"The voice found nothing to pronounce in {text!r}: check its script and language.")
    return samples, int(spoken["rate_hz"]), events


def _hurried(
    order: dict[str, object], normal_s: float, within_s: float
) -> tuple[npt.NDArray[np.int16], int, tuple[PhonemeEvent, ...]]:
    """The same line spoken just fast enough to fit, or a refusal."""
    normal = float(str(order["words_per_minute"]))
    for margin in (1.03, 1.15, 1.3):  # pauses shrink less than words, so the first guess may fall short
        haste = min(_FASTEST, margin * normal_s / within_s)
        pcm, native_hz, events = _spoken({**order, "words_per_minute": round(normal * haste)})
        if len(pcm) / native_hz <= within_s:
            return pcm, native_hz, events
    raise _refused(
        f"The line {order['text']!r} takes {normal_s:.1f} s at a normal pace; it does not fit "
        f"{within_s:.1f} s even {_FASTEST} times as fast: ask for a longer clip or fewer words."
    )


def _resampled(pcm: npt.NDArray[np.int16], native_hz: int, rate_hz: int) -> npt.NDArray[np.float32]:
    from scipy.signal import resample_poly

    samples = pcm.astype(np.float32) / 32768.0
    if native_hz == rate_hz:
        return samples
    common = gcd(native_hz, rate_hz)
    return np.asarray(resample_poly(samples, rate_hz // common, native_hz // common), dtype=np.float32)


def _levelled(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """One level for every voice: -20 dBFS RMS, peaks no higher than -1 dBFS."""
    rms = float(np.sqrt(np.mean(np.square(samples))))
    peak = float(np.abs(samples).max())
    gain = min(_LOUDNESS_RMS / rms, _PEAK / peak)
    return np.asarray(samples * gain, dtype=np.float32)
