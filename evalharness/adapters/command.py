"""Any local program: a checkpoint's sampling script, a renderer, a client of one's own.

Parameters:

- `argv`: the program and its arguments, a list; no shell sees it. Placeholders in it are replaced:
  {prompt} {prompt_id} {seed} {output} {first_frame} {spoken} {language} {duration_s} {width} {height}
  {fps}. What a prompt does not have is the empty string; write {{seed}} for the text "{seed}" itself.
  {references}, an argument of its own, becomes as many arguments as the prompt has reference pictures.
- `cwd`: where it runs, relative to the study's folder (default: that folder).
- `pass_env`: names of environment variables that it gets beside PATH, HOME and LANG; their values are
  never recorded.
- `cost_usd`: what one clip costs, if anything.

The program writes a video to {output} and ends with exit code 0. Where it needs longer than a request
allows, it is killed with all processes it started.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from evalharness.adapters.base import Capabilities, Generated, GenerationRequest, Offer, SeedSupport
from evalharness.adapters.delivery import delivery
from evalharness.adapters.parameters import Parameters, read_parameters
from evalharness.adapters.processes import Ending, run_program
from evalharness.errors import ConfigError, GenerationError, MediaError
from evalharness.media import probe
from evalharness.records import FailureKind, System, Task

__all__ = ["CommandAdapter"]

PLACEHOLDERS = (
    "prompt",
    "prompt_id",
    "seed",
    "output",
    "first_frame",
    "spoken",
    "language",
    "duration_s",
    "width",
    "height",
    "fps",
    "references",
)
REFERENCES = "{references}"
"""The one placeholder that stands for any number of arguments."""
ALWAYS_PASSED = ("PATH", "HOME", "LANG")

TAIL_LINES, TAIL_CHARACTERS = 20, 2000
SHORTEST_SECRET = 8
"""Shorter values of passed variables (a 1, a yes) are no secrets and would blot out ordinary text."""

SHOWN = {
    Task.TEXT_TO_VIDEO: None,
    Task.IMAGE_TO_VIDEO: "first_frame",
    Task.REFERENCE_TO_VIDEO: "references",
}
"""Which placeholder shows a program the pictures of a task."""

_PLACEHOLDER = re.compile(r"\{\{(?P<literal>\w+)\}\}|\{(?P<name>[A-Za-z_]\w*)\}")


class _CommandParameters(Parameters):
    argv: list[str] = Field(min_length=1)
    cwd: str = "."
    pass_env: list[str] = Field(default=[])
    cost_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class CommandAdapter:
    """Runs a program once per clip."""

    version: ClassVar[str] = "1"

    def __init__(self, system: System, *, folder: Path) -> None:
        parameters = read_parameters(_CommandParameters, system)
        self._name = system.name
        self._argv = tuple(parameters.argv)
        self._cost_usd = parameters.cost_usd
        used = self._placeholders()
        self._cwd = (folder / parameters.cwd).resolve()
        if not self._cwd.is_dir():
            raise self._wrong("cwd", f"found '{parameters.cwd}', but {self._cwd} is no folder")
        self._passed = tuple(parameters.pass_env)
        self._environment = self._read_environment()
        program = self._argv[0]
        if _PLACEHOLDER.search(program) is None and self._which(program) is None:
            place = self._cwd if "/" in program else "any folder of PATH"
            raise self._wrong(
                "argv", f"found the program '{program}', which is no executable file in {place}"
            )
        self.capabilities = Capabilities(
            tasks=tuple(task for task, shown in SHOWN.items() if shown is None or shown in used),
            seed=SeedSupport.BEST_EFFORT if "seed" in used else SeedSupport.NONE,
        )

    def refuse(self, request: GenerationRequest) -> str | None:
        """A sentence where the program would not be shown the pictures it is to work from."""
        if request.prompt.task in self.capabilities.tasks:
            return None
        return (
            f"System '{self._name}' cannot serve prompt '{request.prompt.id}' ({request.prompt.task}): "
            f"its argv has no {{{SHOWN[request.prompt.task]}}}. Add it, or leave these prompts out."
        )

    def offer(self, request: GenerationRequest) -> Offer:
        """The clip as asked for, at the price that study.toml gives."""
        return Offer(
            request.duration_s,
            request.width,
            request.height,
            request.fps,
            audio=True,
            cost_usd=self._cost_usd,
        )

    def generate(self, request: GenerationRequest) -> Generated:
        """Run the program.

        Raises GenerationError: TIMEOUT where it took longer than the request allows, PROGRAM where it
        could not start, failed or wrote nothing, MEDIA where what it wrote is not a playable video.
        """
        with delivery(request.output) as unfinished:
            ending = self._run(request, unfinished)
            last_lines = self._last_lines(ending)
            self._check(ending, unfinished, request.timeout_s, last_lines)
        return Generated(
            request={
                # The path the program was given has passed away; the placeholder says more.
                "argv": self._filled(request, "{output}"),
                "environment": list(self._environment),
                "exit_code": ending.exit_code,
                "duration_s": round(ending.duration_s, 3),
                "stderr_tail": last_lines,
            },
            latency_s=ending.duration_s,
            cost_usd=self._cost_usd,
        )

    def _placeholders(self) -> frozenset[str]:
        """The names used in argv, all of them known and {output} among them."""
        named = [{found["name"] for found in _PLACEHOLDER.finditer(part)} - {None} for part in self._argv]
        used = frozenset[str]().union(*named)
        for name in sorted(used.difference(PLACEHOLDERS)):
            allowed = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise self._wrong(
                "argv",
                f"found the placeholder {{{name}}}; allowed: {allowed}, and {{{{{name}}}}} for the bare text",
            )
        if any(
            "references" in names and part != REFERENCES
            for names, part in zip(named, self._argv, strict=True)
        ):
            raise self._wrong("argv", f"found {REFERENCES} inside an argument; let it be one of its own")
        if "output" not in used:
            raise self._wrong("argv", "found no {output}; the program must be told where to write its clip")
        return used

    def _read_environment(self) -> Mapping[str, str]:
        for name in self._passed:
            if name not in os.environ:
                raise self._wrong(
                    "pass_env", f"found '{name}', which is not set in the environment; set it or take it off"
                )
        names = dict.fromkeys((*ALWAYS_PASSED, *self._passed))
        return {name: os.environ[name] for name in names if name in os.environ}

    def _which(self, program: str) -> str | None:
        # As a shell does it: a path counts from where the program runs, a bare name is looked up.
        place = str(self._cwd / program) if "/" in program else program
        return shutil.which(place, path=self._environment.get("PATH"))

    def _wrong(self, parameter: str, problem: str) -> ConfigError:
        return ConfigError(f"System '{self._name}': {parameter}: {problem}.")

    def _filled(self, request: GenerationRequest, output: str) -> list[str]:
        values, filled = _values(request, output), list[str]()
        for part in self._argv:
            filled += request.prompt.references if part == REFERENCES else [_fill(part, values)]
        return filled

    def _run(self, request: GenerationRequest, output: Path) -> Ending:
        argv = self._filled(request, str(output))
        try:
            return run_program(
                argv,
                executable=self._which(argv[0]) or argv[0],
                cwd=self._cwd,
                environment=self._environment,
                timeout_s=request.timeout_s,
            )
        except OSError as error:
            raise GenerationError(
                FailureKind.PROGRAM, f"The program '{argv[0]}' could not be started: {error.strerror}."
            ) from error
        except ValueError as error:
            raise GenerationError(
                FailureKind.PARAMETER,
                f"Prompt '{request.prompt.id}' cannot be handed to the program '{argv[0]}': {error}.",
            ) from error

    def _check(self, ending: Ending, clip: Path, timeout_s: float, last_lines: str) -> None:
        """Raise what stands between this ending and a clip."""
        said = f"The end of its standard error:\n{last_lines}" if last_lines else "It said nothing on stderr."
        program = f"The program '{self._argv[0]}' {ending.how}"
        if ending.exit_code is None:
            raise GenerationError(
                FailureKind.TIMEOUT,
                f"{program} after {ending.duration_s:.1f} s; it had {timeout_s:g} s, raise 'timeout_s' in "
                f"[generation] if it needs longer. {said}",
            )
        if ending.exit_code != 0:
            raise GenerationError(FailureKind.PROGRAM, f"{program} after {ending.duration_s:.1f} s. {said}")
        if not clip.is_file():
            raise GenerationError(FailureKind.PROGRAM, f"{program} but wrote nothing to {{output}}. {said}")
        try:
            probe(clip)
        except MediaError as error:
            raise GenerationError(
                FailureKind.MEDIA, f"{program} but what it wrote is no playable video: {error} {said}"
            ) from error

    def _last_lines(self, ending: Ending) -> str:
        """The end of stderr as it may be recorded: values of passed variables are blotted out."""
        text = ending.stderr
        for name in self._passed:
            if len(self._environment[name]) >= SHORTEST_SECRET:
                text = text.replace(self._environment[name], f"<{name}>")
        return "\n".join(text.strip().splitlines()[-TAIL_LINES:])[-TAIL_CHARACTERS:]


def _values(request: GenerationRequest, output: str) -> Mapping[str, str]:
    """What each placeholder stands for."""
    prompt = request.prompt
    return {
        "prompt": prompt.text,
        "prompt_id": prompt.id,
        "seed": str(request.seed),
        "output": output,
        "first_frame": prompt.first_frame or "",
        "spoken": prompt.spoken or "",
        "language": prompt.language,
        "duration_s": _number(request.duration_s),
        "width": str(request.width),
        "height": str(request.height),
        "fps": _number(request.fps),
    }


def _fill(part: str, values: Mapping[str, str]) -> str:
    """One argument with its placeholders replaced, in one pass: braces in a prompt stay what they are."""
    return _PLACEHOLDER.sub(
        lambda found: f"{{{found['literal']}}}" if found["literal"] else values[found["name"]], part
    )


def _number(value: float) -> str:
    """24.0 as "24", since many programs take whole numbers only."""
    return str(int(value)) if float(value).is_integer() else repr(value)
