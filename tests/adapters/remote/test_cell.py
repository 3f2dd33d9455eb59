"""What a study asks for against what a model can do: exactly that, or a sentence that helps."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evalharness.adapters.base import GenerationRequest
from evalharness.adapters.remote import cell as cells
from evalharness.adapters.remote.cell import CellParameters, Refusal, ask_for, check_parameters
from evalharness.adapters.remote.exchange import Ask
from evalharness.errors import ConfigError
from evalharness.records import Prompt, System, Task
from tests.adapters.remote.plain import CATALOGUE

PLAIN, MUTE = CATALOGUE.model("plain-1"), CATALOGUE.model("plain-mute")
SYSTEM = System(name="tried", adapter="plain", model="plain-1")


def asked(
    *,
    model: Any = PLAIN,
    given: CellParameters | None = None,
    width: int = 1280,
    height: int = 720,
    duration_s: float = 5.0,
    **prompt: Any,
) -> Ask | Refusal:
    values = {"task": Task.TEXT_TO_VIDEO, "text": "A ball.", "language": "en"} | prompt
    request = GenerationRequest(
        prompt=Prompt(id="ball-01", licence="CC0-1.0", **values),
        seed=9,
        duration_s=duration_s,
        width=width,
        height=height,
        fps=24.0,
        output=Path("clip.mp4"),
        timeout_s=60.0,
    )
    return ask_for(SYSTEM, model, given or CellParameters(), request, "abc")


def served(**values: Any) -> Ask:
    ask = asked(**values)
    assert isinstance(ask, Ask), ask
    return ask


def refused(**values: Any) -> str:
    refusal = asked(**values)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.sentence.endswith(".")
    return refusal.sentence


def test_everything_reaches_the_ask() -> None:
    ask = served()
    assert (ask.model, ask.prompt, ask.duration_s, ask.seed) == ("plain-1-t2v", "A ball.", 5.0, 9)
    assert (ask.resolution, ask.ratio, ask.width, ask.height) == ("720p", "16:9", 1280, 720)
    assert (ask.audio, ask.external_id, ask.first_frame) == (True, "abc", None)


@pytest.mark.parametrize(
    ("width", "height", "resolution", "ratio", "made"),
    [
        (854, 480, "480p", "16:9", (864, 496)),
        (852, 480, "480p", "16:9", (864, 496)),
        (864, 496, "480p", "16:9", (864, 496)),
        (480, 854, "480p", "9:16", (480, 854)),
        (480, 480, "480p", "1:1", (480, 480)),
        (960, 960, "720p", "1:1", (960, 960)),
        (720, 1280, "720p", "9:16", (720, 1280)),
    ],
)
def test_pixels_name_a_cell(
    width: int, height: int, resolution: str, ratio: str, made: tuple[int, int]
) -> None:
    ask = served(width=width, height=height)
    assert (ask.resolution, ask.ratio, (ask.width, ask.height)) == (resolution, ratio, made)


@pytest.mark.parametrize("size", [(1024, 768), (1920, 1080), (720, 720), (880, 480), (854, 470)])
def test_other_pixels_are_refused_with_what_there_is(size: tuple[int, int]) -> None:
    said = refused(width=size[0], height=size[1])
    assert "{}x{}".format(*size) in said
    assert "1280x720" in said
    assert "width and height in [generation]" in said
    assert "[systems.parameters]" in said


def test_other_lengths_are_refused_with_what_there_is() -> None:
    said = refused(duration_s=4.0)
    assert "3, 5 or 6 s" in said
    assert "4 s" in said
    assert "duration_s" in said
    assert "2 to 8 whole seconds" in refused(model=MUTE, duration_s=2.5)


def test_parameters_take_the_place_of_the_studys_settings() -> None:
    given = CellParameters(
        duration_s=6.0, resolution="480p", ratio="9:16", negative_prompt="blur", audio=False
    )
    ask = served(given=given, width=1920, height=1080, duration_s=4.0)
    assert (ask.duration_s, ask.resolution, ask.ratio) == (6.0, "480p", "9:16")
    assert (ask.negative_prompt, ask.audio) == ("blur", False)


def test_a_resolution_of_its_own_keeps_the_studys_shape() -> None:
    assert served(given=CellParameters(resolution="480p")).ratio == "16:9"
    assert "cannot make 1024x768" in refused(given=CellParameters(resolution="480p"), width=1024, height=768)


def test_a_ratio_of_its_own_does_not_change_the_asked_pixels() -> None:
    assert served(given=CellParameters(ratio="16:9")).ratio == "16:9"
    refused(given=CellParameters(ratio="9:16"))


@pytest.mark.parametrize(
    ("model", "given", "named"),
    [
        (PLAIN, {"duration_s": 4.0}, "3, 5 or 6 s"),
        (PLAIN, {"resolution": "4k"}, "480p, 720p"),
        (PLAIN, {"ratio": "2:1"}, "16:9, 9:16, 1:1"),
        (MUTE, {"negative_prompt": "blur"}, "takes none"),
        (MUTE, {"audio": True}, "no sound"),
        (PLAIN.model_copy(update={"audio": "always"}), {"audio": False}, "always makes sound"),
    ],
)
def test_impossible_parameters_are_refused_at_once(model: Any, given: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        check_parameters(SYSTEM, model, CellParameters(**given))
    assert "'tried'" in str(caught.value)
    assert next(iter(given)) in str(caught.value)


def test_what_a_model_does_not_know_is_not_asked() -> None:
    ask = served(model=MUTE)
    assert (ask.seed, ask.audio) == (None, False)


def test_a_task_that_is_not_served_is_refused() -> None:
    said = refused(model=MUTE, task=Task.IMAGE_TO_VIDEO)
    assert "text_to_video" in said
    assert "image_to_video" in said


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 400, True),
        ("a" * 401, False),
        ("河" * 200, True),
        ("河" * 201, False),
        ("a" * 200 + "河" * 100, True),
        ("a" * 202 + "河" * 100, False),
    ],
)
def test_prompts_are_not_cut_in_silence(text: str, fits: bool) -> None:
    assert isinstance(asked(text=text), Ask) is fits
    if not fits:
        assert str(len(text)) in refused(text=text)
        assert "400 characters or 200 Chinese" in refused(text=text)


def test_a_first_frame_goes_along_as_what_it_is(tmp_path: Path) -> None:
    # Its name says PNG, its content JPEG: vendors look at the content.
    file = tmp_path / "frame.png"
    Image.new("RGB", (64, 36)).save(file, "JPEG")
    ask = served(task=Task.IMAGE_TO_VIDEO, first_frame=str(file))
    assert ask.model == "plain-1-i2v"
    assert ask.first_frame == "data:image/jpeg;base64," + base64.b64encode(file.read_bytes()).decode()


def test_reference_pictures_are_called_as_the_vendor_calls_them(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("hat.png", "cat.png")]
    for shade, file in enumerate(files):
        Image.new("RGB", (64, 36), (shade, 0, 0)).save(file)
    asking = {
        "task": Task.REFERENCE_TO_VIDEO,
        "text": "[Image 2] under [Image 1].",
        "references": tuple(map(str, files)),
    }
    ask = served(**asking)
    assert (ask.model, ask.prompt, ask.first_frame) == ("plain-1-r2v", "@2 under @1.", None)
    assert [base64.b64decode(uri.partition(",")[2]) for uri in ask.references] == [
        file.read_bytes() for file in files
    ]
    assert ask.pictures == ask.references
    assert "at most 2 reference pictures" in refused(**asking | {"references": ("a", "b", "c")})
    files[1].write_text("no picture")
    assert refused(**asking).startswith("Reference picture 2 of prompt 'ball-01'")
    assert "serves text_to_video, and prompt 'ball-01'" in refused(**asking, model=MUTE)


def test_words_of_other_tasks_are_sent_as_they_are() -> None:
    assert served(text="A sign says [Image 1].").prompt == "A sign says [Image 1]."


def test_first_frames_that_cannot_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "without a first_frame" in refused(task=Task.IMAGE_TO_VIDEO)
    missing = tmp_path / "missing.png"
    assert str(missing) in refused(task=Task.IMAGE_TO_VIDEO, first_frame=str(missing))
    text = tmp_path / "text.png"
    text.write_text("no picture")
    assert "no picture" in refused(task=Task.IMAGE_TO_VIDEO, first_frame=str(text))
    monkeypatch.setattr(cells, "PICTURE_BYTES", 5)
    assert "smaller" in refused(task=Task.IMAGE_TO_VIDEO, first_frame=str(text))
