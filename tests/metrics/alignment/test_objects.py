"""Prompt objects: the combination on made points, the sentence model against plain arithmetic, real clips."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from metrics.alignment import objects, sentences
from metrics.alignment.objects import PromptObjects, class_names, conse, surest
from metrics.av import AVClip, Brief
from metrics.base import Unscorable, Value

REASON = PromptObjects.missing()
carried = pytest.mark.skipif(REASON is not None, reason=str(REASON))

POINTS = {"drum": np.array([1.0, 0.0]), "cup": np.array([0.0, 1.0])}


def test_a_picture_lies_between_what_it_may_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "embedded", POINTS.__getitem__)
    assert conse(np.array([0.6, 0.0]), ["drum", "cup"]) == pytest.approx([1, 0])
    assert conse(np.array([0.3, 0.4]), ["drum", "cup"]) == pytest.approx([0.6, 0.8])


def test_only_the_ten_surest_classes_count() -> None:
    scores = np.arange(12, dtype=np.float32) / 66
    weights, names = surest(scores, [f"class {index}" for index in range(12)])
    assert names == [f"class {index}" for index in range(11, 1, -1)]
    assert weights == pytest.approx(np.arange(11, 1, -1) / 66)


def test_the_reading_is_the_mean_cosine_over_eight_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first half of the clip shows a drum, the second a cup; the prompt asks for the drum."""
    monkeypatch.setattr(objects, "class_names", lambda: ("drum", "cup"))
    monkeypatch.setattr(
        objects.lite0, "class_scores", lambda picture: np.eye(2)[int(picture.mean() > 128)].astype(np.float32)
    )
    monkeypatch.setattr(sentences, "embedded", {**POINTS, "a drum": np.array([0.8, 0.6])}.__getitem__)
    pictures = np.concatenate([np.zeros((24, 32, 32, 3), np.uint8), np.full((24, 32, 32, 3), 255, np.uint8)])
    clip = AVClip.of_pictures(pictures, np.arange(48) / 24, brief=Brief(text="a drum", language="en"))
    read = PromptObjects().measure(clip)["cosine"]
    assert isinstance(read, Value)
    assert read.value == pytest.approx((0.8 + 0.6) / 2)


def test_prompts_that_cannot_be_read_are_said() -> None:
    for brief, why in ((Brief(), "No prompt"), (Brief(text="Ein Hund.", language="de"), "English only")):
        clip = AVClip.of_pictures(np.zeros((2, 32, 32, 3), np.uint8), np.arange(2) / 24, brief=brief)
        read = PromptObjects().measure(clip)["cosine"]
        assert isinstance(read, Unscorable)
        assert why in read.reason


@pytest.mark.skipif(find_spec("timm") is None, reason="timm, which carries the names, is not installed")
def test_the_thousand_classes_have_their_names_in_the_usual_order() -> None:
    names = class_names()
    assert len(names) == 1000
    assert [names[index] for index in (207, 541, 587, 763)] == [
        "golden retriever",
        "drum",
        "hammer",
        "revolver",
    ]


@carried
def test_sentences_that_mean_alike_lie_near() -> None:
    dog, retriever, volcano = map(sentences.embedded, ("a dog", "golden retriever", "volcano"))
    assert np.linalg.norm(dog) == pytest.approx(1)
    assert dog @ retriever > 0.5 > 0.2 > dog @ volcano


@carried
@pytest.mark.realclips
def test_swapped_prompts_fit_less(real_clips: Path) -> None:
    """A gunshot, a hammer on an anvil and congas: each prompt fits its own clip best."""
    asked = {
        "fc_av1": "A man fires a revolver at a shooting range.",
        "fc_av2": "A hammer strikes a piece of metal on an anvil.",
        "fc_vs0": "A musician plays conga drums.",
    }
    read = {}
    for name in asked:
        clip = AVClip.open(real_clips / f"{name}.mp4")
        for whose, text in asked.items():
            clip = replace(clip, brief=Brief(text=text, language="en"))
            cosine = PromptObjects().measure(clip)["cosine"]
            assert isinstance(cosine, Value)
            read[name, whose] = cosine.value
    for name in asked:
        assert read[name, name] > max(read[name, other] for other in asked if other != name)
