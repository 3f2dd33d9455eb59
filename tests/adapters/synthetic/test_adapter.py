"""The synthetic adapter against every adapter's contract, and what it promises beyond."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalharness.adapters.base import GenerationRequest
from evalharness.adapters.synthetic import SyntheticAdapter
from evalharness.errors import GenerationError, MissingExtraError
from evalharness.media import probe, read_frames, read_sound
from evalharness.records import FailureKind, Prompt, System, Task
from evalharness.testing.adapter_contract import AdapterContract

RequestFor = Callable[..., GenerationRequest]


class TestSynthetic(AdapterContract):
    name = "synthetic"

    def parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        return {"blur": 1.0, "noise": 3.0, "sound_offset_s": 0.1}

    def broken_parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        return {"failure_rate": 1.0}


def adapter(**parameters: Any) -> SyntheticAdapter:
    return SyntheticAdapter(
        System(name="rendered", adapter="synthetic", parameters=parameters), folder=Path("unused")
    )


def spoken(prompt: Prompt, text: str, language: str, reading: str | None = None) -> Prompt:
    return replace(prompt, spoken=text, language=language, reading=reading)


def test_the_clip_has_the_native_form_and_the_record_says_so(prompt: Prompt, request_for: RequestFor) -> None:
    request = request_for(prompt)
    generated = adapter(fps=12.5, scale=2.0, latency_s=40.0, cost_usd=0.25).generate(request)
    streams = probe(request.output)
    assert (streams.width, streams.height, streams.fps) == (128, 72, 12.5)
    assert streams.has_audio
    assert streams.duration_s == pytest.approx(2.5, abs=0.1)
    recorded = dict(generated.request)
    assert (recorded["scene"], recorded["seed"]) == ("ball", 1)
    assert (recorded["width"], recorded["height"], recorded["fps"]) == (128, 72, 12.5)
    assert recorded["knobs"]["scale"] == 2.0
    assert (generated.latency_s, generated.cost_usd) == (40.0, 0.25)


def test_a_mute_system_s_clip_has_no_sound_track(prompt: Prompt, request_for: RequestFor) -> None:
    request = request_for(prompt)
    adapter(mute=True).generate(request)
    assert not probe(request.output).has_audio
    assert read_sound(request.output) is None


def test_lost_frames_stay_in_the_file_as_repeats(prompt: Prompt, request_for: RequestFor) -> None:
    request = request_for(prompt)
    adapter(frame_drop_rate=0.4, crf=10).generate(request)
    assert len(list(read_frames(request.output))) == 60


def test_other_seeds_give_other_clips(prompt: Prompt, request_for: RequestFor) -> None:
    clips = []
    for seed in (1, 2):
        request = request_for(prompt, seed)
        adapter().generate(request)
        clips.append(request.output.read_bytes())
        request.output.unlink()
    assert clips[0] != clips[1]


def test_a_language_without_a_voice_is_refused(prompt: Prompt, request_for: RequestFor) -> None:
    sentence = adapter().refuse(request_for(spoken(prompt, "nuqneH", "tlh")))
    assert sentence is not None
    assert "tlh" in sentence
    assert "yue" in sentence
    assert adapter().refuse(request_for(spoken(prompt, "Hello.", "en"))) is None
    assert adapter().refuse(request_for(replace(prompt, language="tlh"))) is None


@pytest.mark.parametrize(
    ("text", "language", "reading"),
    [("My mum baked a plum pie.", "en", None), ("我和爸爸买面包。", "zh", "wo3 he2 ba4ba5 mai3 mian4bao1.")],
)
def test_spoken_words_are_said_by_a_head(
    prompt: Prompt, request_for: RequestFor, text: str, language: str, reading: str | None
) -> None:
    pytest.importorskip("espeakng_loader", reason="Speech needs the extra 'synthetic'.")
    request = request_for(spoken(prompt, text, language, reading))
    generated = adapter().generate(request)
    assert generated.request["scene"] == "talk"
    sound = read_sound(request.output)
    assert sound is not None
    lead, line = sound.samples[:, :12_000], sound.samples[:, 24_000:72_000]
    assert line.std() > 20 * lead.std()


def test_a_line_longer_than_the_clip_is_a_parameter_failure(prompt: Prompt, request_for: RequestFor) -> None:
    pytest.importorskip("espeakng_loader", reason="Speech needs the extra 'synthetic'.")
    request = request_for(spoken(prompt, "One word after another, without an end. " * 4, "en"))
    with pytest.raises(GenerationError) as failure:
        adapter().generate(request)
    assert failure.value.kind is FailureKind.PARAMETER
    assert not request.output.exists()


def test_a_first_frame_that_is_no_picture_is_a_parameter_failure(
    prompt: Prompt, request_for: RequestFor, tmp_path: Path
) -> None:
    text = tmp_path / "note.png"
    text.write_text("not a picture")
    shown = replace(prompt, task=Task.IMAGE_TO_VIDEO, first_frame=str(text))
    with pytest.raises(GenerationError, match="ball-01") as failure:
        adapter().generate(request_for(shown))
    assert failure.value.kind is FailureKind.PARAMETER


def test_rendering_stops_when_its_time_is_over(prompt: Prompt, request_for: RequestFor) -> None:
    request = request_for(prompt, timeout_s=0.0)
    with pytest.raises(GenerationError, match="timeout_s") as failure:
        adapter().generate(request)
    assert failure.value.kind is FailureKind.TIMEOUT
    assert list(request.output.parent.iterdir()) == []


def test_the_failure_rate_fails_its_share_always_the_same(prompt: Prompt, request_for: RequestFor) -> None:
    flaky = adapter(failure_rate=0.5, scale=0.5, fps=2.0, mute=True)
    endings = []
    for _ in range(2):
        for seed in range(12):
            request = request_for(prompt, seed)
            try:
                flaky.generate(request)
            except GenerationError as error:
                endings.append(error.kind)
            else:
                endings.append(None)
                request.output.unlink()
    assert endings[:12] == endings[12:]
    assert 2 <= endings[:12].count(FailureKind.SERVER) <= 10


def test_without_opencv_the_sentence_says_what_to_install(
    prompt: Prompt, request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'evalharness\[synthetic\]'"):
        adapter().generate(request_for(prompt))


def test_naming_the_adapter_loads_nothing_heavy() -> None:
    """The command line imports the demo's systems; that must stay cheap."""
    code = (
        "import sys, json, evalharness.adapters.synthetic.demo, evalharness.adapters.synthetic;"
        "print(json.dumps(sorted({'cv2', 'scipy', 'av', 'PIL'} & sys.modules.keys())))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []
