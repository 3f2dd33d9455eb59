"""daVinci-MagiHuman, driven through its own checkout by its own Python.

Parameters:

- `checkout`: the folder of its repository. `config`: its JSON file of checkpoints and steps, looked for in
  the checkout first and then from the study's folder. It also says how many GPUs share one clip.
- `python`: the interpreter that has its packages (it needs Python 3.12 and torch 2.10).
- `base`: width and height of what the base model draws. `super_resolution`: of what a second model makes of
  it, where the config names one. Multiples of 32: the checkout would cut others down without a word.
- `environment`: variables set for it, recorded with each clip (no place for secrets). Its 1080p model wants
  SR2_1080 and CPU_OFFLOAD to be "true".
- `timeout_s`: in place of the study's, since every clip loads 15 billion weights anew.

It makes whole seconds at 25 frames a second, and one frame more. Its authors rewrite every prompt into a
layout of their own before the model sees it; here the model gets the prompt as it stands, and the record
says so. Written from its repository and not run on a GPU.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, StrictStr

from evalharness.adapters.base import (
    Capabilities,
    Generated,
    GenerationRequest,
    Offer,
    SeedSupport,
    refuse_task,
)
from evalharness.adapters.delivery import delivery
from evalharness.adapters.parameters import Parameters, read_parameters
from evalharness.adapters.processes import Ending, run_program
from evalharness.adapters.surroundings import checkout_of, nvidia_gpus
from evalharness.errors import ConfigError, GenerationError, MediaError
from evalharness.media import probe
from evalharness.records import FailureKind, System, Task

__all__ = ["MagiHumanAdapter"]

ENTRY = "inference/pipeline/entry.py"
FPS = 25
NAMED_AFTER = 10
"""It names its working files after that many first characters of the prompt."""

PASSED = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "HF_HOME")
ITS_SCRIPTS_SET = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "NCCL_ALGO": "^NVLS"}

OUT_OF_MEMORY = ("CUDA out of memory", "OutOfMemoryError")
TAIL_LINES, TAIL_CHARACTERS = 20, 2000

_Side = Annotated[int, Field(ge=64, le=4096, multiple_of=32)]
_Size = Annotated[list[_Side], Field(min_length=2, max_length=2)]


class _MagiHumanParameters(Parameters):
    checkout: str
    config: str
    python: str
    base: _Size = Field(default=[448, 256])
    super_resolution: _Size | None = None
    environment: dict[str, StrictStr] = Field(default={})
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class MagiHumanAdapter:
    """Runs the checkout's command line once per clip."""

    version: ClassVar[str] = "1"

    def __init__(self, system: System, *, folder: Path) -> None:
        self._name = system.name
        self._given = given = read_parameters(_MagiHumanParameters, system)
        self._checkout = (folder / given.checkout).resolve()
        if not (self._checkout / ENTRY).is_file():
            raise self._wrong("checkout", f"found '{given.checkout}', but there is no {ENTRY} in it")
        self._config = self._found_config(folder)
        self._settings = self._read_config()
        self._processes = self._sharing()
        self.capabilities = Capabilities(
            (Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO), SeedSupport.BEST_EFFORT, gpus=self._processes
        )
        second = bool(_table(self._settings, "evaluation_config").get("use_sr_model"))
        if second != (given.super_resolution is not None):
            raise self._wrong(
                "super_resolution",
                f"{self._config.name} {'names a' if second else 'names no'} super-resolution model "
                f"(use_sr_model), so this must {'be given' if second else 'be left out'}",
            )
        python = str((folder / given.python).absolute()) if "/" in given.python else given.python
        self._python = shutil.which(python) or ""
        if not self._python:
            raise self._wrong("python", f"found '{given.python}', which is no program that can be run")

    def refuse(self, request: GenerationRequest) -> str | None:
        """A sentence for the prompts that its command line cannot take."""
        refusal = refuse_task(self._name, request.prompt, self.capabilities.tasks)
        if refusal is not None:
            return refusal
        text = request.prompt.text
        if text.strip() and "/" not in text[:NAMED_AFTER] and "\0" not in text and not text.startswith("-"):
            return None
        return (
            f"System '{self._name}' cannot serve prompt '{request.prompt.id}': MagiHuman takes no prompt "
            f"that is empty or begins with '-', and none with '/' among its first {NAMED_AFTER} characters, "
            "which become the name of its working files. Reword it, or leave it out."
        )

    def lacking(self) -> str | None:
        """What this machine lacks for it, as far as that shows from outside; None where nothing does."""
        here = len(nvidia_gpus())
        if here >= self._processes:
            return None
        return f"{self._processes} GPUs are to share a clip, and nvidia-smi shows {here} here."

    def offer(self, request: GenerationRequest) -> Offer:
        """The nearest whole second, at the size and rate that it has."""
        width, height = self._given.super_resolution or self._given.base
        return Offer(_seconds(request) + 1 / FPS, width, height, FPS, audio=True)

    def generate(self, request: GenerationRequest) -> Generated:
        """Run it.

        Raises GenerationError: TIMEOUT where it took too long, PROGRAM where it could not start, failed, ran
        out of GPU memory or wrote nothing, MEDIA where what it wrote is not a playable video.
        """
        timeout_s = self._given.timeout_s or request.timeout_s
        with delivery(request.output) as unfinished:
            # It makes a file name of this by adding the length and the sizes.
            prefix = unfinished.absolute().with_suffix("")
            ending = self._run(request, prefix, timeout_s)
            written = sorted(prefix.parent.glob(f"{prefix.name}_*.mp4"))
            _check(ending, written, timeout_s)
            written[0].replace(unfinished)
        offer = self.offer(request)
        return Generated(
            request={
                "arguments": self._arguments(request, "{output}"),
                "prompt_rewritten": False,
                "seed": request.seed,
                "frames": _seconds(request) * FPS + 1,
                "fps": FPS,
                "width": offer.width,
                "height": offer.height,
                "config": self._settings,
                "checkout": checkout_of(self._checkout),
                "environment": dict(self._given.environment),
                "gpus": nvidia_gpus(),
                "processes": self._processes,
            },
            latency_s=ending.duration_s,
        )

    def _found_config(self, folder: Path) -> Path:
        for beside in (self._checkout, folder):
            file = (beside / self._given.config).resolve()
            if file.is_file():
                return file
        raise self._wrong(
            "config",
            f"found '{self._given.config}', which is a file neither in {self._checkout} nor in {folder}",
        )

    def _read_config(self) -> Mapping[str, Any]:
        try:
            settings = json.loads(self._config.read_text("utf-8"), parse_constant=_no_number)
        except (OSError, ValueError) as error:
            raise self._wrong("config", f"{self._config} cannot be read as JSON: {error}") from error
        if not isinstance(settings, dict):
            raise self._wrong("config", f"{self._config} holds no table of settings")
        return settings

    def _sharing(self) -> int:
        """How many processes the config wants for one clip, each with a GPU."""
        engine = _table(self._settings, "engine_config")
        degrees = [engine.get(name, 1) for name in ("tp_size", "pp_size", "cp_size")]
        if not all(type(degree) is int and degree > 0 for degree in degrees):
            raise self._wrong("config", f"tp_size, pp_size and cp_size are {degrees}; 1 or more is needed")
        return prod(degrees)

    def _wrong(self, parameter: str, problem: str) -> ConfigError:
        return ConfigError(f"System '{self._name}': {parameter}: {problem}.")

    def _arguments(self, request: GenerationRequest, output: str) -> list[str]:
        """What its entry point is told; `--output_path` is the beginning of a file name."""
        given, picture = self._given, request.prompt.first_frame
        sizes = {"br": given.base} | ({"sr": given.super_resolution} if given.super_resolution else {})
        return [
            *("--config-load-path", str(self._config)),
            *("--prompt", request.prompt.text),
            *(("--image_path", picture) if picture else ()),
            *("--seconds", str(_seconds(request))),
            *(
                word
                for stage, (width, height) in sizes.items()
                for word in (f"--{stage}_width", str(width), f"--{stage}_height", str(height))
            ),
            *("--seed", str(request.seed)),
            *("--output_path", output),
        ]

    def _run(self, request: GenerationRequest, prefix: Path, timeout_s: float) -> Ending:
        # torchrun by its module's name, so that it is this interpreter's; standalone picks a free port.
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={self._processes}"]
        passed = {name: os.environ[name] for name in PASSED if name in os.environ}
        try:
            return run_program(
                [self._python, *torchrun, ENTRY, *self._arguments(request, str(prefix))],
                executable=self._python,
                cwd=self._checkout,
                environment={
                    **passed,
                    **ITS_SCRIPTS_SET,
                    "PYTHONPATH": str(self._checkout),
                    **self._given.environment,
                },
                timeout_s=timeout_s,
            )
        except (OSError, ValueError) as error:
            raise GenerationError(
                FailureKind.PROGRAM, f"'{self._given.python}' could not be started: {error}."
            ) from error


def _check(ending: Ending, written: list[Path], timeout_s: float) -> None:
    """Raise what stands between this ending and a clip."""
    last = "\n".join(ending.stderr.strip().splitlines()[-TAIL_LINES:])[-TAIL_CHARACTERS:]
    said = f"The end of its standard error:\n{last}" if last else "It said nothing on stderr."
    ended = f"MagiHuman {ending.how} after {ending.duration_s:.1f} s"
    if ending.exit_code is None:
        raise GenerationError(
            FailureKind.TIMEOUT, f"{ended}; it had {timeout_s:g} s, raise the system's 'timeout_s'. {said}"
        )
    if any(sign in ending.stderr for sign in OUT_OF_MEMORY) and not written:
        advice = (
            "The GPU has too little free memory: take smaller sizes, or more GPUs (cp_size in the config)."
        )
        raise GenerationError(FailureKind.PROGRAM, f"{ended}. {advice} {said}")
    if ending.exit_code != 0 or not written:
        lack = "" if written else " and wrote no clip"
        raise GenerationError(FailureKind.PROGRAM, f"{ended}{lack}. {said}")
    try:
        probe(written[0])
    except MediaError as error:
        raise GenerationError(
            FailureKind.MEDIA, f"{ended}, but what it wrote is no playable video: {error} {said}"
        ) from error


def _seconds(request: GenerationRequest) -> int:
    """The nearest whole number of seconds, at least one."""
    return max(1, int(request.duration_s + 0.5))


def _table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One table of the config; empty where it has none."""
    table = settings.get(name)
    return table if isinstance(table, dict) else {}


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")
