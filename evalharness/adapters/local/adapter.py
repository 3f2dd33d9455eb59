"""Open models that make picture and sound together, run on this machine by diffusers.

Parameters:

- `family`: ltx2 (the default), kandinsky6 or cosmos3; `model`: a folder (relative to the study's), or an id
  on the Hugging Face hub, then with `revision`. `variant`: which of its sets of weights.
- `download`: whether what this machine's cache lacks may be fetched (default: no).
- `device`: cuda (the default), cuda:1, …, or cpu; `dtype`: bfloat16 (the default), float16 or float32;
  `offload`: none (the default), model or sequential, where the weights do not fit;
  `tiling`: whether pictures are decoded piece by piece, where they do not fit (default: no).
- `steps`, `guidance`, `negative_prompt`, and in `arguments` whatever else the pipeline takes.

Length, rate and size are the nearest that the family can make; the record has them with every argument of the
call, the weights' commit, the versions, the GPU and its driver. Prompts are not rewritten. Noise is drawn on
the processor, so a seed starts from the same noise everywhere; the same bytes come of it only on the same
device with the same versions.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from evalharness.adapters.base import Capabilities, Generated, GenerationRequest, Offer, SeedSupport
from evalharness.adapters.delivery import delivery
from evalharness.adapters.local.families import FAMILIES
from evalharness.adapters.local.orders import Order, Settings, Trouble
from evalharness.adapters.parameters import Parameters, read_parameters
from evalharness.adapters.surroundings import nvidia_gpus
from evalharness.errors import ConfigError, GenerationError, MissingExtraError
from evalharness.records import System, Task

__all__ = ["DiffusersAdapter"]

PACKAGES = ("accelerate", "diffusers", "torch", "transformers")

SET_HERE = {
    "prompt": "the suite",
    "image": "the suite",
    "height": "[generation]",
    "width": "[generation]",
    "num_frames": "[generation]",
    "frame_rate": "[generation]",
    "fps": "[generation]",
    "generator": "the study's seeds",
    "num_inference_steps": "the parameter 'steps'",
    "guidance_scale": "the parameter 'guidance'",
    "negative_prompt": "the parameter 'negative_prompt'",
    "num_videos_per_prompt": "the study's seeds",
    "output_type": "the adapter",
    "return_dict": "the adapter",
    "callback_on_step_end": "the adapter",
    "enable_prompt_enhancement": "the adapter: prompts are not rewritten",
    "expand_prompts": "the adapter: prompts are not rewritten",
    "sample_audio": "the adapter",
    "enable_sound": "the adapter",
}
"""Arguments of a pipeline's call that are no `arguments`, and what sets them."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class _DiffusersParameters(Parameters):
    family: Literal["ltx2", "kandinsky6", "cosmos3"] = "ltx2"
    model: str
    revision: str | None = None
    variant: str | None = None
    download: bool = False
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")] = "cuda"
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    offload: Literal["none", "model", "sequential"] = "none"
    tiling: bool = False
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    guidance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    negative_prompt: str | None = None
    arguments: dict[str, JsonValue] = Field(default={})


class DiffusersAdapter:
    """Asks the device's own process for each clip; the pipeline stays loaded there from clip to clip."""

    version: ClassVar[str] = "1"

    def __init__(self, system: System, *, folder: Path) -> None:
        self._name = system.name
        self._given = given = read_parameters(_DiffusersParameters, system)
        self.capabilities = Capabilities(
            (Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO), SeedSupport.EXACT, gpus=int(given.device != "cpu")
        )
        for name in sorted(set(given.arguments) & set(SET_HERE)):
            raise self._wrong("arguments", f"found '{name}', which is set by {SET_HERE[name]}")
        try:
            json.dumps(given.arguments, allow_nan=False)
        except ValueError as error:
            raise self._wrong("arguments", "found a number that is none (nan or inf)") from error
        model = self._model(folder)
        missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
        if missing:
            raise MissingExtraError(
                f"System '{system.name}' needs {', '.join(missing)}: pip install 'evalharness[local]'."
            )
        self._settings = Settings(
            family=given.family,
            model=model,
            revision=given.revision,
            variant=given.variant,
            dtype=given.dtype,
            device="cuda:0" if given.device == "cuda" else given.device,
            offload=given.offload,
            tiling=given.tiling,
            download=given.download,
        )

    def refuse(self, request: GenerationRequest) -> str | None:
        """A sentence for a task that the family has no pipeline for; lengths and sizes are brought near."""
        task = request.prompt.task
        if task in FAMILIES[self._given.family].pipelines:
            return None
        return f"System '{self._name}': the family '{self._given.family}' has no pipeline for {task}."

    def lacking(self) -> str | None:
        """What this machine lacks for it, as far as that shows from outside; None where nothing does."""
        given = self._given
        if given.device != "cpu" and not nvidia_gpus():
            return f"device = '{given.device}', and nvidia-smi shows no GPU here."
        return None

    def offer(self, request: GenerationRequest) -> Offer:
        """The nearest that the family can make."""
        cell = FAMILIES[self._given.family].nearest(request)
        return Offer(cell.duration_s, cell.width, cell.height, cell.fps, audio=True)

    def generate(self, request: GenerationRequest) -> Generated:
        """Make the clip.

        Raises GenerationError: PROGRAM where the pipeline cannot be loaded, breaks off or runs out of memory,
        PARAMETER where it takes no such argument, TIMEOUT, MODERATION where its own guardrail refuses, MEDIA
        where the clip cannot be written.
        """
        from evalharness.adapters.local.seat import run  # numpy, PyAV: not where adapters are only listed

        with delivery(request.output) as unfinished:
            ending = run(self._settings, self._order(request, unfinished.absolute()))
            if isinstance(ending, Trouble):
                raise GenerationError(ending.kind, ending.said)
        given = self._given.model_dump(mode="json", exclude={"arguments", "download"}, exclude_none=True)
        return Generated(request={**given, **ending.record}, latency_s=ending.seconds)

    def _order(self, request: GenerationRequest, output: Path) -> Order:
        prompt = request.prompt
        return Order(
            task=prompt.task,
            prompt=prompt.text,
            picture=prompt.first_frame,
            cell=FAMILIES[self._given.family].nearest(request),
            seed=request.seed,
            arguments=self._arguments(),
            output=output,
            timeout_s=request.timeout_s,
        )

    def _arguments(self) -> Mapping[str, Any]:
        given = self._given
        own = {
            "num_inference_steps": given.steps,
            "guidance_scale": given.guidance,
            "negative_prompt": given.negative_prompt,
        }
        return {**given.arguments, **{name: value for name, value in own.items() if value is not None}}

    def _model(self, folder: Path) -> str:
        """The folder's path, or the id as it stands."""
        model = self._given.model
        place = (folder / model).expanduser()
        if place.is_dir():
            if not (place / "model_index.json").is_file():
                raise self._wrong("model", f"{place} is no pipeline's folder: it has no model_index.json")
            if self._given.revision is not None:
                raise self._wrong("revision", "is for models of the hub; a folder has none")
            return str(place.resolve())
        if _HUB_ID.fullmatch(model) is None or model.startswith("."):
            raise self._wrong(
                "model", f"found '{model}', which is neither a folder nor an id like owner/name"
            )
        return model

    def _wrong(self, parameter: str, problem: str) -> ConfigError:
        return ConfigError(f"System '{self._name}': {parameter}: {problem}.")
