"""Lip accuracy on rendered speakers, whose phones, closures and lip errors are known.

    python -m benchmarks.lip_accuracy [--lines 2] [--first 1] [--errors 0 0.5] [--languages zh yue …]

For each language and share of wrongly drawn phonemes: closure rate, its chance and the rate with the words
0.3 s late, once with the times at which the rendered lips are meant to shut and once with those of the
aligned words, which are what the metric has; contrast and agreement need all phones and are for the aligned
words. Last, how far aligned closures are from the true ones. About 10 s a clip.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalharness.adapters.synthetic.knobs import Knobs
from evalharness.adapters.synthetic.render import Order, render
from evalharness.adapters.synthetic.speech import LANGUAGES
from evalharness.records import Prompt, Task
from metrics.av import AVClip, Brief
from metrics.base import Unscorable
from metrics.faces.speaking import speaker
from metrics.lips.accuracy import said
from metrics.lips.closure import Line, Mouth, agreement, closure_rate, contrast, mouth_of
from metrics.lips.visemes import Viseme

SUITE = Path(__file__).resolve().parents[1] / "data" / "prompts" / "audio-sync.jsonl"
SECONDS, SIDE, FPS = 5.0, 384, 25.0


@dataclass(frozen=True)
class Case:
    """One rendered clip."""

    mouth: Mouth
    true: Line
    """Its closures only."""
    aligned: Line


def main() -> None:
    """Render, measure, print a table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--lines", type=int, default=2, help="spoken lines a language")
    arguments.add_argument("--first", type=int, default=1, help="number of the first line in the suite")
    arguments.add_argument("--errors", type=float, nargs="+", default=[0.0, 0.5])
    arguments.add_argument("--languages", nargs="+", default=list(LANGUAGES))
    asked = arguments.parse_args()
    print("lang | wrong | times   | closures | closure | chance | 0.3 s late | contrast | agreement")
    for language in asked.languages:
        prompts = _prompts(language)[asked.first - 1 : asked.first - 1 + asked.lines]
        for errors in asked.errors:
            cases = [case for number, prompt in enumerate(prompts) if (case := _case(prompt, number, errors))]
            for times in ("true", "aligned"):
                _print(language, errors, times, cases)
            print(f"{language} | aligned closures against the voice's: {_misses(cases)}", flush=True)


def _prompts(language: str) -> list[Prompt]:
    lines = map(json.loads, SUITE.read_text(encoding="utf-8").splitlines())
    return [
        Prompt(**{**one, "task": Task(one["task"]), "tags": tuple(one["tags"])})
        for one in lines
        if one.get("spoken") and one["language"] == language
    ]


def _case(prompt: Prompt, seed: int, errors: float) -> Case | None:
    rendered = render(Order(prompt, seed, SECONDS, SIDE, SIDE, FPS), Knobs(lip_error_rate=errors))
    clip = AVClip.of_pictures(
        np.stack(list(rendered.frames)),
        np.arange(rendered.count) / rendered.fps,
        rendered.samples,
        rendered.rate_hz,
        brief=Brief(prompt.text, prompt.language, prompt.spoken, prompt.reading),
    )
    face, words = clip.once(speaker), clip.once(said)
    if isinstance(face, Unscorable) or isinstance(words, Unscorable):
        print(f"{prompt.id}: {face.reason if isinstance(face, Unscorable) else words}")
        return None
    meant = rendered.truth.closures
    spans = np.array([(closure.start_s, closure.end_s) for closure in meant])
    return Case(mouth_of(face.mesh, face.times_s), Line((Viseme.BILABIAL,) * len(meant), spans), words.line)


def _print(language: str, errors: float, times: str, cases: list[Case]) -> None:
    pairs = [(case.mouth, case.true if times == "true" else case.aligned) for case in cases]
    here = [one for pair in pairs if (one := closure_rate(*pair))]
    late = [one for mouth, line in pairs if (one := closure_rate(mouth, line.shifted(0.3)))]
    whole = pairs if times == "aligned" else []
    swing = [one.value for pair in whole if (one := contrast(*pair))]
    order = [one.value for pair in whole if (one := agreement(*pair))]
    n = sum(one.n for one in here)
    print(
        f"{language:4} | {errors:5.2f} | {times:7} | {n:8} | {sum(e.value * e.n for e in here) / n:7.2f} | "
        f"{sum(e.chance * e.n for e in here) / n:6.2f} | {sum(e.value * e.n for e in late) / n:10.2f} | "
        f"{np.mean(swing) if swing else np.nan:8.2f} | {np.mean(order) if order else np.nan:9.2f}"
    )


def _misses(cases: list[Case]) -> str:
    """How far each true closure is from the nearest aligned one, middle to middle."""
    apart = np.concatenate(
        [
            np.abs(case.true.closures_s.mean(axis=1)[:, None] - case.aligned.closures_s.mean(axis=1)).min(
                axis=1
            )
            for case in cases
        ]
    )
    return (
        f"median {1000 * np.median(apart):.0f} ms, 90 % within {1000 * np.percentile(apart, 90):.0f} ms, "
        f"n {len(apart)}"
    )


if __name__ == "__main__":
    main()
