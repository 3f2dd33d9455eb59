"""Clips by diffusers, from a tiny random pipeline on the processor (see conftest). Nothing ran on a GPU."""

from __future__ import annotations

import inspect
import os
import pickle
import platform
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="The extra 'local' is not installed.")

import diffusers
import torch
from PIL import Image

from evalharness import production
from evalharness.adapters.base import GenerationRequest
from evalharness.adapters.local import DiffusersAdapter, holding, seat
from evalharness.adapters.local import adapter as adapter_module
from evalharness.adapters.local.families import FAMILIES, Cell
from evalharness.adapters.local.making import make
from evalharness.adapters.local.orders import Made, Order, Settings
from evalharness.config import GenerationSettings
from evalharness.errors import ConfigError, GenerationError, MissingExtraError
from evalharness.media import probe, read_sound
from evalharness.records import Clip, FailureKind, JobKey, Prompt, System, Task
from evalharness.storage import Folder
from evalharness.testing.adapter_contract import AdapterContract

RequestFor = Callable[..., GenerationRequest]
MakeAdapter = Callable[..., DiffusersAdapter]

QUICK: Mapping[str, Any] = {
    "device": "cpu",
    "dtype": "float32",
    "steps": 1,
    "guidance": 1.0,
    "arguments": {
        "stg_scale": 0.0,
        "audio_stg_scale": 0.0,
        "modality_scale": 1.0,
        "audio_modality_scale": 1.0,
        "audio_guidance_scale": 1.0,
        "max_sequence_length": 16,
    },
}
"""One pass through the network a clip."""


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the seconds that another process needs to import torch; turns are taken as ever."""
    monkeypatch.setattr(seat._Seat, "_run", lambda _seat, settings, order: make(settings, order))
    monkeypatch.setattr(seat, "LINGER_S", 0.01)


@pytest.fixture
def ltx2(tiny_ltx2: Path, tmp_path: Path) -> MakeAdapter:
    """A system that uses the tiny pipeline."""

    def adapter(**parameters: Any) -> DiffusersAdapter:
        system = System(
            name="alpha", adapter="diffusers", parameters={**QUICK, "model": str(tiny_ltx2), **parameters}
        )
        return DiffusersAdapter(system, folder=tmp_path)

    return adapter


@pytest.fixture
def brief(request_for: RequestFor) -> RequestFor:
    """A request for nine small pictures."""

    def make_request(prompt: Prompt, name: str = "clip", **changes: Any) -> GenerationRequest:
        request = request_for(prompt)
        output = request.output.with_name(f"{name}.mp4")
        return replace(request, **{"duration_s": 0.4, "width": 60, "height": 70, "output": output, **changes})

    return make_request


@pytest.mark.usefixtures("in_this_process")
class TestContract(AdapterContract):
    name = "diffusers"
    duration_s = 0.3

    @pytest.fixture(autouse=True)
    def _tiny(self, tiny_ltx2: Path) -> None:
        self.model = tiny_ltx2

    def parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        return {**QUICK, "model": str(self.model)}

    def broken_parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        (folder / "model").mkdir()
        (folder / "model" / "model_index.json").write_text("{")
        return {**QUICK, "model": "model"}


@pytest.mark.usefixtures("in_this_process")
class TestClips:
    def test_a_clip_is_what_was_offered(self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor) -> None:
        """0.4 s of 60x70 at 24 frames a second become 9 pictures of 64x64; sound keeps its own rate."""
        adapter, request = ltx2(), brief(prompt)
        offer = adapter.offer(request)
        record = adapter.generate(request).request
        streams = probe(request.output)
        assert (streams.frames, streams.fps, streams.width, streams.height) == (9, 24, 64, 64)
        assert (offer.duration_s, offer.fps, offer.width, offer.height) == (9 / 24, 24, 64, 64)
        assert streams.sample_rate_hz == record["audio_rate_hz"] == 24000
        sound = read_sound(request.output)
        latent_s = 4 * 160 / 16000
        assert sound.samples.shape[-1] / sound.rate_hz == pytest.approx(9 / 24, abs=latent_s)
        assert np.abs(sound.samples).max() > 0

    def test_the_record_says_how_it_was_made(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        record = ltx2(negative_prompt="a drum").generate(brief(prompt, seed=5)).request
        arguments = record["arguments"]
        assert record["pipeline"] == "LTX2Pipeline"
        assert record["seed"] == 5
        assert record["versions"]["diffusers"] == diffusers.__version__
        assert (record["device"], record["dtype"], record["driver"]) == ("cpu", "float32", None)
        assert record["hardware"] == platform.machine()
        assert (arguments["num_frames"], arguments["frame_rate"]) == (9, 24.0)
        assert (arguments["num_inference_steps"], arguments["guidance_scale"]) == (1, 1.0)
        assert arguments["negative_prompt"] == "a drum"
        assert arguments["enable_prompt_enhancement"] is False
        assert arguments["motion_speed"] == 1.0, "what nobody set is on record too"
        assert len(record["configs_and_sizes_sha256"]) == 64

    def test_pictures_may_be_decoded_in_tiles(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        record = ltx2(tiling=True).generate(brief(prompt)).request
        assert record["tiling"] is True
        assert holding._here.pipeline.vae.use_tiling

    def test_a_model_in_the_cache_is_found_with_its_commit(
        self,
        ltx2: MakeAdapter,
        prompt: Prompt,
        brief: RequestFor,
        tiny_ltx2: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Laid out as the hub's client lays it out."""
        commit = "0123456789abcdef0123456789abcdef01234567"
        repository = tmp_path / "models--somebody--tiny"
        shutil.copytree(tiny_ltx2, repository / "snapshots" / commit)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(commit)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        record = ltx2(model="somebody/tiny", revision="main").generate(brief(prompt)).request
        assert (record["model"], record["revision"], record["commit"]) == ("somebody/tiny", "main", commit)

    def test_another_seed_or_prompt_is_another_clip(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        adapter = ltx2()
        requests = [
            brief(prompt, "one", seed=1),
            brief(prompt, "two", seed=2),
            brief(replace(prompt, text="a drum"), "three", seed=1),
        ]
        for request in requests:
            adapter.generate(request)
        assert len({request.output.read_bytes() for request in requests}) == 3

    def test_a_clip_may_start_from_a_picture(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor, tmp_path: Path
    ) -> None:
        """Another picture is another clip, and both tasks share one set of weights."""
        adapter = ltx2()
        adapter.generate(brief(prompt, "text"))
        weights = holding._here.pipeline.vae
        requests = []
        for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
            Image.new("RGB", (90, 50), colour).save(tmp_path / f"{name}.png")
            shown = replace(prompt, task=Task.IMAGE_TO_VIDEO, first_frame=str(tmp_path / f"{name}.png"))
            requests.append(brief(shown, name))
            assert adapter.generate(requests[-1]).request["pipeline"] == "LTX2ImageToVideoPipeline"
        assert requests[0].output.read_bytes() != requests[1].output.read_bytes()
        assert holding._here.pipeline.vae is weights

    def test_a_picture_is_cut_and_not_stretched(self, tmp_path: Path) -> None:
        """A square in the middle of a wide picture stays a square."""
        from evalharness.adapters.local.making import _picture

        picture = np.zeros((100, 300, 3), np.uint8)
        picture[25:75, 125:175] = 255
        Image.fromarray(picture).save(tmp_path / "square.png")
        seen = np.asarray(_picture(str(tmp_path / "square.png"), Cell(9, 24.0, 64, 64)))[..., 0] > 127
        assert seen.any(axis=0).sum() == seen.any(axis=1).sum() == 32


@pytest.mark.usefixtures("in_this_process")
class TestFailures:
    def fail(self, adapter: DiffusersAdapter, request: GenerationRequest) -> GenerationError:
        with pytest.raises(GenerationError) as error:
            adapter.generate(request)
        assert not error.value.retry_safe
        assert not any(request.output.parent.iterdir())
        return error.value

    @pytest.mark.parametrize("lost", ["transformer/diffusion_pytorch_model.safetensors", "vae/config.json"])
    def test_a_folder_with_a_hole(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor, tiny_ltx2: Path, tmp_path: Path, lost: str
    ) -> None:
        shutil.copytree(tiny_ltx2, tmp_path / "model")
        (tmp_path / "model" / lost).unlink()
        error = self.fail(ltx2(model="model"), brief(prompt))
        assert error.kind is FailureKind.PROGRAM
        assert f"{tmp_path / 'model'} cannot be loaded as LTX2Pipeline (" in str(error)
        assert str(error).endswith("Is it whole, and of the family 'ltx2'?")

    def test_an_id_that_is_not_in_the_cache_is_not_fetched(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        error = self.fail(ltx2(model="nobody/no-such-model-4711"), brief(prompt))
        assert "is not in the cache here: run 'hf download nobody/no-such-model-4711', or set" in str(error)

    def test_an_argument_the_pipeline_does_not_take(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        error = self.fail(ltx2(arguments={"stg_skale": 1.0}), brief(prompt))
        assert error.kind is FailureKind.PARAMETER
        assert "LTX2Pipeline takes no argument 'stg_skale'; it takes prompt, " in str(error)

    def test_what_the_pipeline_says_is_told(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        error = self.fail(
            ltx2(arguments={"stg_scale": 1.0, "spatio_temporal_guidance_blocks": None}), brief(prompt)
        )
        assert error.kind is FailureKind.PROGRAM
        assert "The pipeline broke off with ValueError: " in str(error)

    def test_its_time_is_over_between_two_steps(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        error = self.fail(ltx2(steps=3), brief(prompt, timeout_s=1e-6))
        assert error.kind is FailureKind.TIMEOUT
        assert "stopped after step 1: it had 1e-06 s, raise 'timeout_s'" in str(error)

    def test_no_memory_left(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def call(*_: Any, generator: Any, **arguments: Any) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

        adapter = ltx2()
        real = inspect.signature(diffusers.LTX2Pipeline.__call__)
        call.__signature__ = real  # type: ignore[attr-defined]  # what the adapter reads
        monkeypatch.setattr(diffusers.LTX2Pipeline, "__call__", call)
        error = self.fail(adapter, brief(prompt))
        assert str(error) == (
            "The GPU ran out of memory. Ask for less than 64x64 and 9 frames, or set tiling = true or "
            "offload = 'model'."
        )

    def test_no_gpu_here(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        error = self.fail(ltx2(device="cuda"), brief(prompt))
        assert "The device is to be 'cuda:0', and torch" in str(error)

    def test_a_picture_that_is_none(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor, tmp_path: Path
    ) -> None:
        (tmp_path / "start.png").write_text("no picture")
        shown = replace(prompt, task=Task.IMAGE_TO_VIDEO, first_frame=str(tmp_path / "start.png"))
        error = self.fail(ltx2(), brief(shown))
        assert error.kind is FailureKind.PARAMETER
        assert "start.png cannot be read as a picture" in str(error)


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"model": "gone"}, r"model: found 'gone', which is neither a folder nor an id like owner/name"),
            ({"model": "../gone"}, r"model: found '../gone', which is neither"),
            ({"model": "."}, r"model: .* is no pipeline's folder: it has no model_index.json"),
            ({"revision": "main"}, r"revision: is for models of the hub; a folder has none"),
            ({"family": "ovi"}, r"family: found 'ovi'"),
            ({"device": "gpu"}, r"device: found 'gpu'"),
            ({"guidance": float("nan")}, r"guidance: found nan"),
            ({"arguments": {"prompt": "x"}}, r"arguments: found 'prompt', which is set by the suite"),
            ({"arguments": {"enable_prompt_enhancement": True}}, r"prompts are not rewritten"),
            ({"arguments": {"stg_scale": float("nan")}}, r"arguments: found a number that is none"),
        ],
    )
    def test_what_cannot_work_is_said_first(
        self, ltx2: MakeAdapter, parameters: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(ConfigError, match=sentence) as error:
            ltx2(**parameters)
        assert str(error.value).startswith("System 'alpha': ")

    def test_a_gpu_that_is_not_here_is_missed(
        self, ltx2: MakeAdapter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(adapter_module, "nvidia_gpus", list)
        assert ltx2().lacking() is None
        assert ltx2(device="cuda").lacking() == "device = 'cuda', and nvidia-smi shows no GPU here."

    def test_the_extra_is_named(self, ltx2: MakeAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(adapter_module, "PACKAGES", ("torch", "no_such_package_4711"))
        with pytest.raises(
            MissingExtraError, match=r"needs no_such_package_4711: pip install 'eval.*\[local\]'"
        ):
            ltx2()


class TestFamilies:
    @pytest.mark.parametrize("name", FAMILIES)
    def test_diffusers_has_it_and_takes_what_is_sent(self, name: str) -> None:
        family = FAMILIES[name]
        sent = {family.fps_argument, *family.always, "prompt", "height", "width", "num_frames", "generator"}
        sent |= {"output_type", "callback_on_step_end", "num_inference_steps", "guidance_scale"}
        for task, pipeline in family.pipelines.items():
            taken = set(inspect.signature(getattr(diffusers, pipeline).__call__).parameters)
            assert sent | ({"image"} if task is Task.IMAGE_TO_VIDEO else set()) <= taken

    @pytest.mark.parametrize(
        ("name", "asked", "made"),
        [
            ("ltx2", (5.0, 1280, 720, 25.0), Cell(129, 25.0, 1280, 704)),
            ("ltx2", (5.0, 768, 512, 24.0), Cell(121, 24.0, 768, 512)),
            ("ltx2", (0.01, 10, 10, 24.0), Cell(9, 24.0, 32, 32)),
            ("kandinsky6", (5.0, 768, 512, 25.0), Cell(121, 24.0, 768, 512)),
            ("cosmos3", (8.0, 1280, 720, 24.0), Cell(193, 24.0, 1280, 720)),
        ],
    )
    def test_the_nearest_clip(
        self, prompt: Prompt, brief: RequestFor, name: str, asked: tuple[float, int, int, float], made: Cell
    ) -> None:
        duration_s, width, height, fps = asked
        request = brief(prompt, duration_s=duration_s, width=width, height=height, fps=fps)
        assert FAMILIES[name].nearest(request) == made


class TestOwnProcess:
    @pytest.fixture(autouse=True)
    def _own_seat(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        seats: dict[str, Any] = {}
        monkeypatch.setattr(seat, "_seats", seats)
        yield
        for taken in seats.values():
            if taken._process is not None:
                taken._process.shutdown()

    def test_one_process_holds_the_pipeline_until_it_dies(
        self, ltx2: MakeAdapter, prompt: Prompt, brief: RequestFor
    ) -> None:
        adapter = ltx2()
        requests = [brief(prompt, name) for name in ("first", "again")]
        for request in requests:
            adapter.generate(request)
            (worker,) = seat._seats["cpu"]._process._processes
        assert requests[0].output.read_bytes() == requests[1].output.read_bytes()
        gone = replace(prompt, task=Task.IMAGE_TO_VIDEO, first_frame="/gone.png")
        with pytest.raises(GenerationError, match="gone.png cannot be read"):
            adapter.generate(brief(gone, "refused"))
        assert list(seat._seats["cpu"]._process._processes) == [worker], "a refused clip costs no loading"
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(GenerationError, match="The process that held the pipeline died"):
            adapter.generate(brief(prompt, "lost"))
        assert seat._seats["cpu"]._process is None, "the next clip gets a new one"

    def test_a_loaded_pipeline_makes_its_clips_before_another_is_loaded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []

        def work(_seat: Any, settings: Settings, _order: Order) -> Made:
            made.append(settings.model)
            return Made({}, 0.0)

        monkeypatch.setattr(seat._Seat, "_run", work)
        monkeypatch.setattr(seat, "LINGER_S", 0.3)
        order = Order(Task.TEXT_TO_VIDEO, "", None, Cell(9, 24.0, 32, 32), 1, {}, Path(), 1.0)

        def clips(model: str) -> None:
            settings = Settings(
                "ltx2", model, None, None, "float32", "cpu", "none", tiling=False, download=False
            )
            for _ in range(5):
                seat.run(settings, order)

        systems = [threading.Thread(target=clips, args=(model,)) for model in ("a", "b")]
        for system in systems:
            system.start()
        for system in systems:
            system.join()
        assert made in (["a"] * 5 + ["b"] * 5, ["b"] * 5 + ["a"] * 5)


@pytest.mark.gpu
def test_the_real_model_on_a_gpu(tmp_path: Path, prompt: Prompt, request_for: RequestFor) -> None:
    """Same seed, same bytes, on the device that is here. Not run where this was written."""
    model = os.environ.get("EVALHARNESS_TEST_LTX2")
    if model is None or not torch.cuda.is_available():
        pytest.skip(
            "Needs a CUDA GPU, and EVALHARNESS_TEST_LTX2: the folder or cached id of LTX-2's weights."
        )
    parameters = {"model": model, "offload": "model", "steps": 4}
    adapter = DiffusersAdapter(System("ltx2", "diffusers", parameters=parameters), folder=tmp_path)
    request = replace(request_for(prompt, timeout_s=1800.0), duration_s=1.0, width=512, height=320)
    again = replace(request, output=request.output.with_name("again.mp4"))
    record = adapter.generate(request).request
    adapter.generate(again)
    assert record["driver"]
    assert probe(request.output).has_audio
    assert request.output.read_bytes() == again.output.read_bytes()


ON_RAY = """
import pickle, sys
from pathlib import Path

import ray

from evalharness.executors.cluster import Cluster
from evalharness.production import produce
from evalharness.storage import Folder

ray.init("local", num_cpus=1, num_gpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
         object_store_memory=80_000_000, _node_ip_address="127.0.0.2")
order = pickle.loads(Path(sys.argv[1]).read_bytes())
with Cluster(order.storage) as cluster:
    print(cluster.submit_on_gpus(1, order.system.name, produce, order).result().sha256)
"""


@pytest.mark.usefixtures("in_this_process")
def test_a_worker_of_a_cluster_makes_the_same_clip(tiny_ltx2: Path, tmp_path: Path, prompt: Prompt) -> None:
    """Ray counts a GPU where there is none, and the pipeline computes on the processor."""
    pytest.importorskip("ray", reason="The extra 'ray' is not installed.")
    system = System("alpha", "diffusers", parameters={**QUICK, "model": str(tiny_ltx2)})
    settings = GenerationSettings(duration_s=0.4, width=64, height=64, timeout_s=300)

    def order(folder: Path) -> production.Order:
        folder.mkdir()
        return production.Order(
            JobKey("alpha", prompt.id, 7), system, prompt, settings, folder, Folder(folder)
        )

    here = production.produce(order(tmp_path / "here"))
    assert isinstance(here, Clip), here
    (tmp_path / "order").write_bytes(pickle.dumps(order(tmp_path / "there")))
    shown = subprocess.run(
        [sys.executable, "-c", ON_RAY, str(tmp_path / "order")],
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert shown.returncode == 0, shown.stderr[-3000:]
    assert shown.stdout.split()[-1] == here.sha256
    assert (tmp_path / "there" / here.path).read_bytes() == (tmp_path / "here" / here.path).read_bytes()
