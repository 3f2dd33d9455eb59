"""The whole metric on a rendered speaker, whose lips are known to be right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalharness.adapters.synthetic.knobs import Knobs
from evalharness.adapters.synthetic.render import Order, render
from evalharness.records import Prompt, Task
from metrics.av import AVClip, Brief
from metrics.base import Unscorable, Value
from metrics.faces import speaking
from metrics.faces.speaking import speaker
from metrics.faces.tracks import Track
from metrics.lips import accuracy
from metrics.lips.accuracy import LipAccuracy, Said, said
from metrics.lips.closure import agreement, closure_rate, mouth_of
from metrics.speech.recognition import Transcript

SUITE = Path(__file__).resolve().parents[3] / "data" / "prompts" / "audio-sync.jsonl"
needs_faces = pytest.mark.skipif(speaking.missing() is not None, reason=str(speaking.missing()))


def line(name: str) -> Prompt:
    one = next(
        one for one in map(json.loads, SUITE.read_text(encoding="utf-8").splitlines()) if one["id"] == name
    )
    return Prompt(**{**one, "task": Task(one["task"]), "tags": tuple(one["tags"])})


@pytest.fixture(scope="module")
def spoken() -> AVClip:
    prompt = line("speak-zh-02")
    rendered = render(Order(prompt, 1, 3.6, 256, 256, 25.0), Knobs())
    brief = Brief(prompt.text, prompt.language, prompt.spoken, prompt.reading)
    return AVClip.of_pictures(
        np.stack(list(rendered.frames)),
        np.arange(rendered.count) / rendered.fps,
        rendered.samples,
        rendered.rate_hz,
        brief=brief,
    )


@needs_faces
def test_right_lips_close_far_more_often_than_by_chance(spoken: AVClip) -> None:
    found = LipAccuracy().measure(spoken)
    assert set(found) == {quantity.name for quantity in LipAccuracy.quantities}
    for reading in found.values():
        assert isinstance(reading, Value), reading
        assert np.isfinite(reading.value)
        assert reading.details["low"] <= reading.details["high"]
        assert reading.details["words"] == "asked for"
    closure, gain = found["closure"], found["closure_gain"]
    assert isinstance(closure, Value)
    assert isinstance(gain, Value)
    assert closure.value >= 0.95
    assert gain.value == pytest.approx(closure.value - closure.details["chance"], abs=1e-4)
    assert gain.details["low"] < gain.value <= gain.details["high"] + 1e-4
    assert gain.value >= 0.2
    assert abs(closure.details["best_shift_s"]) <= 0.06


@needs_faces
def test_lips_lose_what_they_know_when_the_words_come_later(spoken: AVClip) -> None:
    words, face = spoken.once(said), spoken.once(speaker)
    assert isinstance(words, Said)
    assert isinstance(face, Track)
    mouth = mouth_of(face.mesh, face.times_s)
    shifts = (0.0, -0.4, -0.3, 0.3, 0.4)
    closures = [closure_rate(mouth, words.line.shifted(by_s)) for by_s in shifts]
    orders = [agreement(mouth, words.line.shifted(by_s)) for by_s in shifts]
    closed = [one.value for one in closures if one is not None]
    agreed = [one.value for one in orders if one is not None]
    assert len(closed) == len(agreed) == len(shifts)
    assert np.mean(closed[1:]) <= closed[0] - 0.15
    assert max(agreed[1:]) <= agreed[0] - 0.3


def test_sound_that_begins_later_takes_the_words_along(spoken: AVClip) -> None:
    here, later = spoken.once(said), said(replace(spoken, audio_start_s=0.25))
    assert isinstance(here, Said)
    assert isinstance(later, Said)
    assert later.line.times_s == pytest.approx(here.line.times_s + 0.25)


def test_words_that_are_not_spoken_are_found_out(spoken: AVClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy.recognition, "missing", lambda: "no Whisper")
    other = Brief(language="zh", spoken="x", reading="jin1tian1 xia4 le5 da4yu3, lu4shang4 hen3 hua2.")
    found = said(replace(spoken, brief=other))
    assert isinstance(found, Unscorable)
    assert "not what is spoken" in found.reason or "no path" in found.reason


@pytest.mark.parametrize("asked", [None, "明天不去。"])
def test_where_the_words_asked_for_do_not_serve_those_heard_do(
    spoken: AVClip, asked: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accuracy.recognition, "missing", lambda: None)
    heard = Transcript("妈妈把白色的帽子放在门边了。", "zh", 1.0, (), ())
    monkeypatch.setattr(accuracy, "transcript", lambda _: heard)
    found = said(replace(spoken, brief=Brief(language="zh", spoken=asked)))
    here = spoken.once(said)
    assert isinstance(found, Said)
    assert isinstance(here, Said)
    assert (found.words, here.words) == ("heard", "asked for")
    assert found.line.closures_s == pytest.approx(here.line.closures_s, abs=0.03)


def test_silent_words_are_a_reason(spoken: AVClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy.recognition, "missing", lambda: None)
    monkeypatch.setattr(accuracy, "transcript", lambda _: Transcript("", "", 0.0, (), ()))
    found = said(replace(spoken, brief=Brief()))
    assert isinstance(found, Unscorable)
    assert "No words are heard" in found.reason


@pytest.mark.parametrize(
    ("brief", "sentence"),
    [
        (Brief(language="zh"), "was not told what to say, and there is no Whisper"),
        (Brief(language="it", spoken="ciao"), "in it, whose sounds are unknown"),
        (Brief(language="en", spoken="你好"), "not written in English"),
    ],
)
def test_without_words_there_is_a_reason(
    spoken: AVClip, brief: Brief, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accuracy.recognition, "missing", lambda: "no Whisper")
    found = said(replace(spoken, brief=brief))
    assert isinstance(found, Unscorable)
    assert sentence in found.reason


def test_silence_is_no_speech(spoken: AVClip) -> None:
    for samples, reason in (
        (np.zeros((0, 0), np.float32), "no sound"),
        (np.zeros((2, 96000), np.float32), "Nobody speaks"),
    ):
        found = LipAccuracy().measure(replace(spoken, samples=samples))
        assert len(found) == 4
        assert all(isinstance(one, Unscorable) and reason in one.reason for one in found.values())


@needs_faces
def test_no_face_is_a_reason(spoken: AVClip) -> None:
    grey = np.full((2, 256, 256, 3), 128, np.uint8)
    blank = AVClip.of_pictures(grey, np.array([0.0, 1.8]), spoken.samples, spoken.rate_hz, brief=spoken.brief)
    found = LipAccuracy().measure(blank)["closure"]
    assert isinstance(found, Unscorable)
    assert "face" in found.reason
