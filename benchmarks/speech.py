"""What the metrics of speech say where the truth is known: lines spoken by espeak-ng in seven languages.

    python benchmarks/speech.py [--lines 3]

Prints, by language: how well found speech agrees with the phonemes' own times, the error rate of lines read
back (and against another line of the same language), how surely the language is found; then opinions of the
English lines under more and more noise and clipping. The voice is a robot's: what is lost between it and the
listener is lost on both, and real speech is heard better.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

import numpy as np

from evalharness.adapters.synthetic.speech import speak
from evalharness.prompts import load_suite
from metrics.av import AVClip, Brief
from metrics.base import Value
from metrics.speech.accuracy import SpeechAccuracy
from metrics.speech.quality import opinions
from metrics.speech.track import RATE_HZ, WINDOW, probabilities, speech

LANGUAGES = ("en", "fr", "de", "zh", "yue", "ja", "ko")
SILENCE_S = 1.0
SNR_DB = (None, 20, 10, 5)
LADDER_SNR_DB = (40, 30, 20, 10, 0)
LADDER_GAIN_DB = (0, 10, 20, 30, 40)


def main() -> None:
    """Speak, listen, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lines", type=int, default=3, help="lines of each language")
    lines = _lines(parser.parse_args().lines)
    _found_speech(lines)
    _errors(lines)
    _opinions([sound for sound, _, brief in lines if brief.language == "en"])


def _lines(per_language: int) -> list[tuple[np.ndarray, np.ndarray, Brief]]:
    """(16 kHz samples between two seconds of nothing, whether each 32 ms are spoken, brief) of each line."""
    taken: dict[str, int] = defaultdict(int)
    lines = []
    still = np.zeros(round(SILENCE_S * RATE_HZ), np.float32)
    for prompt in load_suite("audio-sync"):
        if not prompt.spoken or taken[prompt.language] >= per_language:
            continue
        taken[prompt.language] += 1
        said = speak(prompt.spoken, prompt.language, reading=prompt.reading, rate_hz=RATE_HZ, seed=1)
        sound = np.concatenate([still, said.samples, still])
        times = (np.arange(-(-len(sound) // WINDOW)) + 0.5) * WINDOW / RATE_HZ - SILENCE_S
        spoken = np.zeros(len(times), bool)
        for event in said.events:
            spoken |= (times >= event.start_s) & (times < event.end_s) & bool(event.phoneme)
        lines.append((sound, spoken, Brief(language=prompt.language, spoken=prompt.spoken)))
    return lines


def _found_speech(lines: list[tuple[np.ndarray, np.ndarray, Brief]]) -> None:
    print("speech found where phonemes sound")
    rng = np.random.default_rng(0)
    for snr_db in SNR_DB:
        right, missed = [], []
        for sound, spoken, _ in lines:
            level = 0.0 if snr_db is None else 0.1 * 10 ** (-snr_db / 20)
            noisy = sound + level * rng.standard_normal(len(sound)).astype(np.float32)
            found = probabilities(noisy.astype(np.float32)) >= 0.5
            right.append(float((found == spoken).mean()))
            missed.append(float((~found[spoken]).mean()))
        name = "clean" if snr_db is None else f"{snr_db} dB noise"
        print(f"{name}: {np.mean(right):.3f} of 32 ms windows right, {np.mean(missed):.3f} of speech missed")


def _errors(lines: list[tuple[np.ndarray, np.ndarray, Brief]]) -> None:
    metric = SpeechAccuracy()
    print(f"\nerror rates with {metric.weights()}; against the next line of the same language in brackets")
    for language in LANGUAGES:
        own = [(sound, brief) for sound, _, brief in lines if brief.language == language]
        rates, swapped, matches = [], [], []
        for index, (sound, brief) in enumerate(own):
            clip = _clip(sound, brief)
            read = metric.measure(clip)
            other = replace(clip, brief=own[(index + 1) % len(own)][1])
            other._derived.update(clip._derived)
            for values, reading in (
                (rates, read["error_rate"]),
                (matches, read["language_match"]),
                (swapped, metric.measure(other)["error_rate"]),
            ):
                if isinstance(reading, Value):
                    values.append(reading.value)
        if rates:
            print(
                f"{language}: {np.mean(rates):.2f} ({np.mean(swapped):.2f}), language found with "
                f"{np.mean(matches):.2f}, n={len(rates)}"
            )
        else:
            print(f"{language}: unscorable")


def _opinions(voices: list[np.ndarray]) -> None:
    rng = np.random.default_rng(1)
    print("\nopinions (signal, background, overall, p808), mean of", len(voices), "English lines")
    for snr_db in LADDER_SNR_DB:
        noisy = [
            v + 0.1 * 10 ** (-snr_db / 20) * rng.standard_normal(len(v)).astype(np.float32) for v in voices
        ]
        print(f"noise {snr_db:2d} dB below: {_mean(noisy)}")
    for gain_db in LADDER_GAIN_DB:
        driven = [voice / np.abs(voice).max() * 10 ** (gain_db / 20) for voice in voices]
        print(f"driven {gain_db:2d} dB into the ceiling: {_mean(driven)}")


def _mean(voices: list[np.ndarray]) -> str:
    found = [opinions(voice.astype(np.float32)) for voice in voices]
    return " ".join(f"{np.mean([one[name] for one in found]):.2f}" for name in found[0])


def _clip(sound: np.ndarray, brief: Brief) -> AVClip:
    clip = AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=sound[None],
        rate_hz=RATE_HZ,
        last_frame_s=len(sound) / RATE_HZ,
        brief=brief,
    )
    clip.once(speech)
    return clip


if __name__ == "__main__":
    main()
