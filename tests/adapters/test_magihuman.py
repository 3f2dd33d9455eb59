"""MagiHuman's adapter against a stand-in checkout: a small script that takes the same arguments, names its
file in the same way, and writes a real video of the asked length and size. The model itself was not run.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalharness.adapters.base import GenerationRequest, SeedSupport
from evalharness.adapters.magihuman import MagiHumanAdapter
from evalharness.errors import ConfigError, GenerationError
from evalharness.media import probe
from evalharness.records import FailureKind, Prompt, System, Task
from evalharness.testing.adapter_contract import AdapterContract

RequestFor = Callable[..., GenerationRequest]

ENTRY = """
import argparse, json, os, sys, time
from pathlib import Path
import numpy as np
from evalharness.media import write_video

parser = argparse.ArgumentParser(allow_abbrev=False)
for word in ("config-load-path", "prompt", "output_path"):
    parser.add_argument("--" + word, required=True)
parser.add_argument("--image_path")
for word in ("seed", "seconds", "br_width", "br_height", "sr_width", "sr_height"):
    parser.add_argument("--" + word, type=int)
asked = parser.parse_args()
if "SEEN" in os.environ:
    seen = {**vars(asked), "cwd": os.getcwd(), "environment": dict(os.environ)}
    Path(os.environ["SEEN"]).write_text(json.dumps(seen))
print("weights loaded", file=sys.stderr)
match os.environ.get("ENDS"):
    case "memory":
        sys.exit("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
    case "nothing":
        sys.exit(0)
    case "late":
        time.sleep(600)
sizes = [(asked.br_width, asked.br_height)]
config = json.loads(Path(asked.config_load_path).read_text())
if config.get("evaluation_config", {}).get("use_sr_model"):
    sizes.append((asked.sr_width, asked.sr_height))
name = "_".join(f"{width}x{height}" for width, height in sizes)
path = Path(f"{asked.output_path}_{asked.seconds}s_{name}.mp4")
if os.environ.get("ENDS") == "text":
    path.write_text("no video")
    sys.exit(0)
width, height = sizes[-1]
shades = [(asked.seed * 7 + k) % 256 for k in range(25 * asked.seconds + 1)]
frames = [np.full((height, width, 3), shade, np.uint8) for shade in shades]
sound = 0.1 * np.sin(np.arange(44100 * asked.seconds) * 0.05).astype(np.float32)
write_video(path, frames, 25, sound, 44100)
"""

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1"]
WITHOUT_TORCHRUN = f"""#!/bin/sh
[ "$1 $2 $3 $4" = "{" ".join(TORCHRUN)}" ] || exit 9
shift 4
exec "{sys.executable}" "$@"
"""
"""An interpreter that leaves torchrun out: it would add seconds to every test."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "daVinci-MagiHuman"
    (folder / "inference" / "pipeline").mkdir(parents=True)
    (folder / "inference" / "pipeline" / "entry.py").write_text(ENTRY)
    for name, settings in {
        "distill": {"evaluation_config": {"num_inference_steps": 8, "cfg_number": 1}},
        "sr": {"evaluation_config": {"use_sr_model": True}},
        "two": {"engine_config": {"cp_size": 2}},
        "zero": {"engine_config": {"cp_size": 0}},
        "list": [],
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(settings))
    (folder / "broken.json").write_text("{")
    python = folder / "python"
    python.write_text(WITHOUT_TORCHRUN)
    python.chmod(0o755)
    return folder


@pytest.fixture
def magihuman(tmp_path: Path, checkout: Path) -> Callable[..., MagiHumanAdapter]:
    """A system from a study beside the checkout."""

    def make(**parameters: Any) -> MagiHumanAdapter:
        standing = {
            "checkout": checkout.name,
            "config": "distill.json",
            "python": f"{checkout.name}/python",
            "base": [64, 64],
        }
        system = System(name="alpha", adapter="magihuman", parameters={**standing, **parameters})
        return MagiHumanAdapter(system, folder=tmp_path)

    return make


class TestContract(AdapterContract):
    name = "magihuman"

    @pytest.fixture(autouse=True)
    def _stand_in(self, checkout: Path) -> None:
        self.checkout = checkout

    def parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        return {
            "checkout": str(self.checkout),
            "config": "distill.json",
            "python": str(self.checkout / "python"),
            "base": [64, 64],
        }

    def broken_parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        return {**self.parameters(folder, prompts), "environment": {"ENDS": "nothing"}}


class TestCommandLine:
    def test_the_checkout_is_told_what_was_asked(
        self,
        magihuman: Callable[..., MagiHumanAdapter],
        prompt: Prompt,
        request_for: RequestFor,
        checkout: Path,
    ) -> None:
        seen = checkout.parent / "seen.json"
        request = request_for(prompt, seed=7)
        magihuman(environment={"SEEN": str(seen), "CPU_OFFLOAD": "true"}).generate(request)
        told = json.loads(seen.read_text())
        environment = told.pop("environment")
        assert told.pop("output_path").startswith(f"{request.output.parent}/.")
        assert told == {
            "config_load_path": str(checkout / "distill.json"),
            "prompt": "A ball.",
            "image_path": None,
            "seed": 7,
            "seconds": 3,
            "br_width": 64,
            "br_height": 64,
            "sr_width": None,
            "sr_height": None,
            "cwd": str(checkout),
        }
        assert environment["PYTHONPATH"] == str(checkout)
        assert environment["CPU_OFFLOAD"] == "true"

    def test_the_clip_is_what_was_offered(
        self, magihuman: Callable[..., MagiHumanAdapter], prompt: Prompt, request_for: RequestFor
    ) -> None:
        """2.5 s become 3 s and one frame; the second model's size is the clip's."""
        adapter = magihuman(config="sr.json", super_resolution=[128, 96])
        request = request_for(prompt)
        offer = adapter.offer(request)
        record = adapter.generate(request).request
        made = probe(request.output)
        assert (made.frames, made.fps, made.width, made.height) == (76, 25, 128, 96)
        assert (offer.duration_s, offer.fps, offer.width, offer.height) == (76 / 25, 25, 128, 96)
        assert (record["frames"], record["fps"], record["width"], record["height"]) == (76, 25, 128, 96)
        assert made.sample_rate_hz == 44100

    def test_the_record_says_how_it_was_made(
        self,
        magihuman: Callable[..., MagiHumanAdapter],
        prompt: Prompt,
        request_for: RequestFor,
        checkout: Path,
    ) -> None:
        git = ["git", "-C", str(checkout), "-c", "user.name=t", "-c", "user.email=t@example.org"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "stand-in"]):
            subprocess.run([*git, *words], check=True)
        adapter = magihuman()
        record = adapter.generate(request_for(prompt)).request
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        assert record["checkout"] == {"commit": head.stdout.strip(), "changed": False}
        assert record["prompt_rewritten"] is False
        assert record["config"]["evaluation_config"]["num_inference_steps"] == 8
        assert record["arguments"][-2:] == ["--output_path", "{output}"]
        (checkout / "distill.json").write_text("{}")
        again = adapter.generate(replace(request_for(prompt), output=checkout.parent / "again.mp4"))
        assert again.request["checkout"]["changed"] is True

    def test_a_picture_is_handed_on(
        self, magihuman: Callable[..., MagiHumanAdapter], prompt: Prompt, request_for: RequestFor
    ) -> None:
        picture = replace(prompt, task=Task.IMAGE_TO_VIDEO, first_frame="/pictures/start.png")
        arguments = magihuman().generate(request_for(picture)).request["arguments"]
        assert arguments[arguments.index("--image_path") + 1] == "/pictures/start.png"

    @pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torchrun comes with torch.")
    def test_torchrun_itself_starts_it(
        self, magihuman: Callable[..., MagiHumanAdapter], prompt: Prompt, request_for: RequestFor
    ) -> None:
        request = request_for(prompt)
        magihuman(python=sys.executable).generate(request)
        assert probe(request.output).frames == 76

    def test_its_seed_promises_no_same_bytes(self, magihuman: Callable[..., MagiHumanAdapter]) -> None:
        """Noise is drawn on the GPU, by kernels that need not agree from run to run."""
        able = magihuman().capabilities
        assert (able.seed, able.gpus) == (SeedSupport.BEST_EFFORT, 1)


class TestRefusals:
    @pytest.mark.parametrize("text", ["24/7 open", "-v", "  ", "a\0b"])
    def test_prompts_its_command_line_cannot_take(
        self, magihuman: Callable[..., MagiHumanAdapter], prompt: Prompt, request_for: RequestFor, text: str
    ) -> None:
        said = magihuman().refuse(request_for(replace(prompt, text=text)))
        assert said is not None
        assert "'alpha' cannot serve prompt 'ball-01'" in said

    def test_a_stroke_further_on_harms_nothing(
        self, magihuman: Callable[..., MagiHumanAdapter], prompt: Prompt, request_for: RequestFor
    ) -> None:
        assert magihuman().refuse(request_for(replace(prompt, text="A shop open 24/7 - with lights"))) is None

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"checkout": "gone"}, r"checkout: found 'gone', but there is no inference/pipeline/entry.py"),
            ({"config": "gone.json"}, r"config: found 'gone.json', which is a file neither in .* nor in"),
            ({"config": "broken.json"}, r"config: .*broken.json cannot be read as JSON"),
            ({"config": "list.json"}, r"config: .*list.json holds no table"),
            ({"config": "zero.json"}, r"cp_size are \[1, 1, 0\]; 1 or more is needed"),
            ({"config": "sr.json"}, r"super_resolution: sr.json names a super-resolution model .* be given"),
            ({"super_resolution": [128, 96]}, r"distill.json names no super-resolution .* be left out"),
            ({"base": [480, 272]}, r"base.1: found 272; input should be a multiple of 32"),
            ({"base": [448]}, r"base: found \[448\]"),
            ({"python": "no-such-python"}, r"python: found 'no-such-python', which is no program"),
            ({"environment": {"CPU_OFFLOAD": True}}, r"environment.CPU_OFFLOAD: found True"),
        ],
    )
    def test_parameters_that_cannot_work(
        self, magihuman: Callable[..., MagiHumanAdapter], parameters: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(ConfigError, match=sentence) as error:
            magihuman(**parameters)
        assert str(error.value).startswith("System 'alpha': ")

    def test_a_config_for_two_gpus_starts_two_processes(
        self, magihuman: Callable[..., MagiHumanAdapter], prompt: Prompt, request_for: RequestFor
    ) -> None:
        """The stand-in interpreter takes one process only, and ends with 9."""
        with pytest.raises(GenerationError, match="exit code 9"):
            magihuman(config="two.json").generate(request_for(prompt))


def test_gpus_that_are_not_here_are_missed(
    magihuman: Callable[..., MagiHumanAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalharness.adapters.magihuman.nvidia_gpus", lambda: [{"name": "NVIDIA H100"}])
    assert magihuman().lacking() is None
    assert magihuman(config="two.json").lacking() == (
        "2 GPUs are to share a clip, and nvidia-smi shows 1 here."
    )


class TestEndings:
    @pytest.mark.parametrize(
        ("ends", "kind", "sentence"),
        [
            (
                "memory",
                FailureKind.PROGRAM,
                r"exit code 1 .* The GPU has too little free memory: take smaller",
            ),
            ("nothing", FailureKind.PROGRAM, r"exit code 0 .* and wrote no clip. The end .*\nweights loaded"),
            ("text", FailureKind.MEDIA, r"what it wrote is no playable video"),
            ("late", FailureKind.TIMEOUT, r"was stopped .* it had 1.5 s, raise the system's 'timeout_s'"),
        ],
    )
    def test_each_is_told_and_leaves_nothing(
        self,
        magihuman: Callable[..., MagiHumanAdapter],
        prompt: Prompt,
        request_for: RequestFor,
        ends: str,
        kind: FailureKind,
        sentence: str,
    ) -> None:
        request = request_for(prompt)
        timeout = {"timeout_s": 1.5} if ends == "late" else {}
        with pytest.raises(GenerationError, match=sentence) as error:
            magihuman(environment={"ENDS": ends}, **timeout).generate(request)
        assert error.value.kind is kind
        assert not error.value.retry_safe
        assert not any(request.output.parent.iterdir())

    def test_an_interpreter_that_cannot_start(
        self,
        magihuman: Callable[..., MagiHumanAdapter],
        prompt: Prompt,
        request_for: RequestFor,
        checkout: Path,
    ) -> None:
        (checkout / "python").write_text("#!/no/such/interpreter\n")
        with pytest.raises(GenerationError, match="could not be started"):
            magihuman().generate(request_for(prompt))
