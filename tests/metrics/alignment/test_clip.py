"""CLIP's cosines on a small random model, recomputed step by step; what is brought and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from metrics.alignment import openclip
from metrics.alignment.clip import ClipAlignment, ClipFirstFrame, adjacent_cosine, spread, text_cosine
from metrics.av import AVClip, Brief
from metrics.base import Reading, Unscorable, Value
from metrics.weights import WeightsError

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")

PROMPT = "a red ball on a table"
CONFIG = {
    "model_cfg": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    },
    "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3], "interpolation": "bicubic"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as open_clip keeps it: a config and weights, these random."""
    made = tmp_path_factory.mktemp("clip")
    (made / "open_clip_config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(5)
    model = open_clip.CLIP(
        embed_dim=24,
        vision_cfg=open_clip.CLIPVisionCfg(**CONFIG["model_cfg"]["vision_cfg"]),
        text_cfg=open_clip.CLIPTextCfg(**CONFIG["model_cfg"]["text_cfg"]),
    )
    torch.save(model.state_dict(), made / "open_clip_model.pth")
    (made / "small.json").write_text(json.dumps(CONFIG["model_cfg"]))
    open_clip.add_model_config(made / "small.json")
    return made


@pytest.fixture
def brought(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(openclip.VARIABLE, f"local-dir:{folder}")
    return folder


ASKED = Brief(text=PROMPT, language="en")


def clip_of(brief: Brief = ASKED, count: int = 50) -> AVClip:
    noise = np.random.default_rng(1).integers(0, 256, (count, 40, 64, 3), np.uint8)
    return AVClip.of_pictures(noise, np.arange(count) / 25, brief=brief)


def value(reading: Reading) -> float:
    assert isinstance(reading, Value), reading
    return reading.value


def by_hand(folder: Path, picture: np.ndarray) -> np.ndarray:
    """The picture's point through open_clip alone."""
    from PIL import Image

    model, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    with torch.no_grad():
        point = model.eval().encode_image(prepare(Image.fromarray(picture))[None])[0].numpy()
    return point / np.sqrt((point**2).sum())


def test_both_cosines_are_those_of_the_model_asked_step_by_step(brought: Path) -> None:
    clip = clip_of()
    chosen = [3, 9, 15, 21, 28, 34, 40, 46]  # the middles of eight quarters of a second
    points = [by_hand(brought, clip.picture(frame)) for frame in chosen]
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{brought}")
    with torch.no_grad():
        text = model.eval().encode_text(open_clip.tokenize([PROMPT]))[0].numpy()
    text = text / np.sqrt((text**2).sum())
    read = ClipAlignment().measure(clip)
    assert value(read["text"]) == pytest.approx(np.mean([point @ text for point in points]), abs=1e-5)
    neighbours = [points[i] @ points[i + 1] for i in range(7)]
    assert value(read["temporal"]) == pytest.approx(np.mean(neighbours), abs=1e-5)
    assert ClipAlignment().measure(clip_of()) == read, "the same numbers twice"


def test_pictures_are_prepared_as_the_model_says(brought: Path) -> None:
    """Grey 128 of any shape becomes (0.502 - mean) / std everywhere, 32 x 32."""
    from PIL import Image

    grey = Image.fromarray(np.full((50, 90, 3), 128, np.uint8))
    prepared = openclip.brought().prepare(grey)
    assert prepared.shape == (3, 32, 32)
    for channel, mean, std in zip(prepared, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), strict=True):
        assert channel.numpy() == pytest.approx((128 / 255 - mean) / std, abs=1e-5)


def test_worked_examples() -> None:
    points = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    assert text_cosine(points, np.array([1.0, 0.0])) == pytest.approx(1.6 / 3)
    assert adjacent_cosine(points) == pytest.approx((0.6 + 0.8) / 2)


def test_pictures_are_spread_over_time_not_over_frames() -> None:
    """Thirty frames in the first second and one that is held for three: it stands for most of the clip."""
    times = np.r_[np.arange(30) / 30, 1.0]
    assert spread(times, 4.0).tolist() == [7, 22, 30]
    assert spread(np.zeros(1), 0.0).tolist() == [0]


def test_a_still_clip_has_a_temporal_cosine_of_one_and_a_single_picture_none(brought: Path) -> None:
    still = np.repeat(np.random.default_rng(2).integers(0, 256, (1, 40, 64, 3), np.uint8), 30, axis=0)
    clip = AVClip.of_pictures(still, np.arange(30) / 25)
    assert value(ClipAlignment().measure(clip)["temporal"]) == pytest.approx(1.0)
    single = ClipAlignment().measure(clip_of(count=1))["temporal"]
    assert isinstance(single, Unscorable)


def test_a_prompt_the_model_cannot_read_is_said(brought: Path) -> None:
    for brief, why in ((Brief(), "No prompt"), (Brief(text="ein Hund", language="de"), "reads English")):
        read = ClipAlignment().measure(clip_of(brief))
        assert isinstance(read["text"], Unscorable)
        assert why in read["text"].reason
        assert isinstance(read["temporal"], Value)


def test_the_first_picture_is_held_against_the_one_asked_for(brought: Path, tmp_path: Path) -> None:
    from PIL import Image

    clip = clip_of()
    first = clip.picture(0)
    wide = np.concatenate([np.full((40, 30, 3), 9, np.uint8), first, np.full((40, 30, 3), 9, np.uint8)], 1)
    other = np.random.default_rng(9).integers(0, 256, first.shape, np.uint8)
    for picture, expected in ((first, 1.0), (wide, 1.0), (other, None)):
        path = tmp_path / "first.png"
        Image.fromarray(picture).save(path)
        given = clip_of(Brief(first_frame=path))
        cosine = value(ClipFirstFrame().measure(given)["cosine"])
        naive = by_hand(brought, first) @ by_hand(brought, other) if expected is None else expected
        assert cosine == pytest.approx(naive, abs=1e-5)
    assert isinstance(ClipFirstFrame().measure(clip)["cosine"], Unscorable)


def test_weights_by_a_name_and_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As users of ViT-B-32 and a checkpoint do, with a small model entered in open_clip's list."""
    monkeypatch.setenv(openclip.VARIABLE, f"small:{folder / 'open_clip_model.pth'}")
    assert openclip.missing() is None
    assert openclip.said() == "small:open_clip_model.pth"
    words = openclip.brought().text(PROMPT)
    assert words == pytest.approx(openclip.load(f"local-dir:{folder}", "").text(PROMPT))


def test_what_is_not_here_is_said_and_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for name, why in (
        ("", f"set {openclip.VARIABLE}"),
        ("ViT-B-32", f"set {openclip.VARIABLE}"),
        ("ViT-B-32:no_such_tag", "neither such a file nor such a tag"),
        ("ViT-B-32:laion2b_s34b_b79k", "not in this machine's cache"),
        (f"local-dir:{tmp_path}", "no open_clip_config.json"),
    ):
        monkeypatch.setenv(openclip.VARIABLE, name)
        assert why in str(openclip.missing())
        assert ClipAlignment.missing() == openclip.missing()
    assert constants.HF_HUB_OFFLINE is False


def test_another_file_is_refused_and_none_is_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, running = tmp_path / "wrong.pt", tmp_path / "running.pt"
    torch.save({"a": torch.ones(2)}, wrong)
    torch.save({"a": Path("/")}, running)
    for path in (wrong, running, tmp_path / "gone.pt"):
        monkeypatch.setenv(openclip.VARIABLE, f"small:{path}")
        with pytest.raises(WeightsError, match="cannot be loaded from this machine"):
            openclip.brought()
