"""An adapter that is one function: what `@function_adapter` makes of it holds the whole contract.

    class Settings(Parameters):
        shade: int = 40

    @function_adapter(Settings, tasks=(Task.TEXT_TO_VIDEO,), seed=SeedSupport.EXACT)
    def clay(request, settings):
        write_a_video(request.output, ...)
        return {"shade": settings.shade}

The function writes its clip to `request.output` and returns what is to be recorded of how it was made, as
JSON values without secrets. It may raise GenerationError; anything else it raises is recorded as a failure of
the program. A half-written file is swept away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from evalharness.adapters.base import Capabilities, Generated, GenerationRequest, SeedSupport
from evalharness.adapters.delivery import delivery
from evalharness.adapters.parameters import Parameters, read_parameters
from evalharness.errors import GenerationError, in_a_line
from evalharness.records import FailureKind, System, Task

__all__ = ["FunctionAdapter", "function_adapter"]

P = TypeVar("P", bound=Parameters)
Generate = Callable[[GenerationRequest, P], Mapping[str, Any] | None]


class FunctionAdapter:
    """One function as an adapter."""

    def __init__(
        self,
        function: Generate[Any],
        version: str,
        capabilities: Capabilities,
        parameters: Parameters,
        system: System,
    ) -> None:
        self._function = function
        self.version = version
        self.capabilities = capabilities
        self._parameters = parameters
        self._system = system

    def refuse(self, request: GenerationRequest) -> str | None:
        """A sentence where the function does not serve this task or language."""
        prompt, able = request.prompt, self.capabilities
        for served, asked in ((able.tasks, prompt.task), (able.languages, prompt.language)):
            if served and asked not in served:
                return (
                    f"System '{self._system.name}' serves {', '.join(served)} alone, and prompt "
                    f"'{prompt.id}' is '{asked}': leave such prompts out of the study."
                )
        return None

    def generate(self, request: GenerationRequest) -> Generated:
        """Call the function. Raises GenerationError: its own, else of kind PROGRAM."""
        with delivery(request.output) as unfinished:
            try:
                said = self._function(replace(request, output=unfinished), self._parameters)
            except GenerationError:
                raise
            except Exception as error:
                raise GenerationError(
                    FailureKind.PROGRAM,
                    f"The adapter '{self._system.adapter}' ended with {type(error).__name__}: "
                    f"{in_a_line(error)}",
                ) from error
            if not unfinished.is_file():
                raise GenerationError(
                    FailureKind.PROGRAM,
                    f"The adapter '{self._system.adapter}' wrote nothing to the output it was given.",
                )
            record = self._checked(said)
        return Generated(request=record)

    def _checked(self, said: object) -> Mapping[str, Any]:
        """What the function returned, as it can be stored: None is an empty record."""
        try:
            if not isinstance(said, Mapping | None):
                raise TypeError(f"a {type(said).__name__}")
            record: dict[str, Any] = json.loads(json.dumps(dict(said or {}), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise GenerationError(
                FailureKind.PROGRAM,
                f"The adapter '{self._system.adapter}' is to return a mapping of JSON values that says how "
                f"the clip was made, and returned what is none: {error}.",
            ) from error
        return record


def function_adapter(
    parameters: type[P],
    *,
    tasks: tuple[Task, ...],
    seed: SeedSupport = SeedSupport.NONE,
    audio: str = "always",
    languages: tuple[str, ...] = (),
    cpu_bound: bool = False,
    version: str = "1",
) -> Callable[[Generate[P]], Callable[..., FunctionAdapter]]:
    """Make a function `(request, parameters) -> record` an adapter.

    `parameters` is what `[systems.parameters]` may say (`Parameters` itself: nothing), the other arguments
    are `Capabilities`; `version` changes whenever the same request could give another clip.
    """
    capabilities = Capabilities(tasks, seed, audio, languages, cpu_bound)

    def decorate(function: Generate[P]) -> Callable[..., FunctionAdapter]:
        def adapter(system: System, *, folder: Path) -> FunctionAdapter:
            del folder
            return FunctionAdapter(
                function, version, capabilities, read_parameters(parameters, system), system
            )

        adapter.capabilities = capabilities  # type: ignore[attr-defined]  # as on adapters that are classes
        return adapter

    return decorate
