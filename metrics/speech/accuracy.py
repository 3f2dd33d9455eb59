"""Speech accuracy: whether the words asked for are said, in the language asked for.

`error_rate`: WER (English, French, German) or CER by sound (Chinese, Japanese, Korean; see
`metrics.speech.wording`) of what Whisper hears against the line of the prompt; 0 and up, lower is better.
`language_match`: the probability, by Whisper's account, that the language spoken is the one asked for; 0..1.

The rate holds the listener's own mistakes, too: compare systems heard by the same model, and expect even
perfect speech above 0. Whisper base was never taught Cantonese: without a model that was, Cantonese is
unscorable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.speech import recognition, whisper, wording
from metrics.speech.recognition import Transcript, knows, transcript
from metrics.speech.track import speech
from metrics.speech.wording import COUNTED, difference, sounded

__all__ = ["SpeechAccuracy"]

NO_SOUND = Unscorable("The clip has no sound track.")
NO_LINE = Unscorable("The prompt asks for no words to be spoken.")
NO_LANGUAGE = Unscorable("The prompt does not say which language is to be spoken.")

LANGUAGES = {
    "en": "English",
    "fr": "French",
    "de": "German",
    "zh": "Mandarin",
    "yue": "Cantonese",
    "ja": "Japanese",
    "ko": "Korean",
}


class SpeechAccuracy(Metric):
    """Errors in what is said against what was to be said."""

    name: ClassVar[str] = "speech_accuracy"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound", "prompt")
    question: ClassVar[str] = "prompt_adherence"
    source: ClassVar[str] = "Radford et al. 2023 (Whisper); WER and CER by Levenshtein distance"
    needs: ClassVar[str] = "metrics, Whisper base (packages) or EVALHARNESS_WHISPER"
    uses_brief: ClassVar[bool] = True
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "error_rate",
            "",
            "lower",
            "Word or character errors for each word or character of the line to be spoken; 0: word for word.",
            low=0.0,
        ),
        Quantity(
            "language_match",
            "",
            "higher",
            "Probability that the language spoken is the one asked for.",
            low=0.0,
            high=1.0,
        ),
    )

    @classmethod
    def missing(cls) -> str | None:
        """The listening program, its model, and what reads Chinese and Japanese aloud."""
        return recognition.missing() or wording.missing()

    @classmethod
    def weights(cls) -> str:
        """The Whisper in use."""
        return whisper.weights()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """A clip with sound in which nobody speaks has lost every word of its line: error rate 1."""
        if not clip.has_audio:
            return {"error_rate": NO_SOUND, "language_match": NO_SOUND}
        asked = clip.brief.language
        if asked and not knows(asked):
            untaught = Unscorable(
                f"The Whisper in use was never taught {LANGUAGES.get(asked, asked)}; "
                f"set {whisper.VARIABLE} to one that was."
            )
            return {"error_rate": untaught, "language_match": untaught}
        return {"error_rate": _errors(clip), "language_match": _language(clip)}


def _errors(clip: AVClip) -> Reading:
    if not clip.brief.spoken:
        return NO_LINE
    said = clip.once(transcript)
    language = clip.brief.language or said.language
    wanted = sounded(clip.brief.spoken, language)
    if not wanted:
        return NO_LINE
    found = difference(wanted, sounded(said.text, language))
    return Value(
        found.rate,
        {
            **_heard(said),
            "counted": COUNTED.get(language, "words"),
            "reference_length": found.length,
            "substitutions": found.substitutions,
            "deletions": found.deletions,
            "insertions": found.insertions,
        },
    )


def _language(clip: AVClip) -> Reading:
    if not clip.brief.language:
        return NO_LANGUAGE
    silent = clip.once(speech).unscorable()
    if silent is not None:
        return silent
    said = clip.once(transcript)
    if len(said.chances) == 1:
        return Unscorable("The Whisper in use knows one language and cannot tell it from others.")
    return Value(dict(said.chances).get(clip.brief.language, 0.0), _heard(said))


def _heard(said: Transcript) -> dict[str, Any]:
    return {
        "heard": said.text,
        "written_in": said.language,
        "likeliest": {language: round(chance, 4) for language, chance in said.chances[:3]},
    }
