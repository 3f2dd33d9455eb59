"""The synthetic systems: clips drawn and sounded here, each flaw of a known size.

Parameters are those of `knobs.Knobs`. The truth about each clip (what happens when, when it is heard)
stays out of its record; `render.render` gives it to whoever checks a measurement.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar, TypeVar

from evalharness.adapters.base import Capabilities, Generated, GenerationRequest, SeedSupport, refuse_task
from evalharness.adapters.delivery import delivery
from evalharness.adapters.parameters import read_parameters
from evalharness.errors import GenerationError, MediaError, MissingExtraError
from evalharness.records import FailureKind, System, Task

from .knobs import Knobs

__all__ = ["SyntheticAdapter"]

T = TypeVar("T")


class SyntheticAdapter:
    """Renders on the processor, faster than real time, with no model and no network."""

    version: ClassVar[str] = "1"
    capabilities = Capabilities(
        tasks=(Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO),
        seed=SeedSupport.EXACT,
        audio="switchable",
        cpu_bound=True,
    )

    def __init__(self, system: System, *, folder: Path) -> None:
        del folder
        self._name = system.name
        self._knobs = read_parameters(Knobs, system)

    def refuse(self, request: GenerationRequest) -> str | None:
        """Prompts with reference pictures, and lines in a language without a voice."""
        refusal = refuse_task(self._name, request.prompt, self.capabilities.tasks)
        if refusal is not None or request.prompt.spoken is None:
            return refusal
        from .speech import LANGUAGES

        if request.prompt.language in LANGUAGES:
            return None
        return (
            f"The synthetic voices speak {', '.join(LANGUAGES)}; prompt '{request.prompt.id}' is to "
            f"be spoken in '{request.prompt.language}'. Leave it out of the study, or use another adapter."
        )

    def generate(self, request: GenerationRequest) -> Generated:
        """Render the clip and write it.

        Raises GenerationError: PARAMETER where the line cannot be spoken, TIMEOUT where rendering takes
        longer than allowed, SERVER where `failure_rate` says so, MEDIA where it cannot be written.
        Raises MissingExtraError where the extra `synthetic` is not installed.
        """
        deadline = time.monotonic() + request.timeout_s
        try:
            import cv2

            from .render import Order, render
            from .scenes.wording import seed_of
        except ImportError as missing:
            if missing.name != "cv2":
                raise
            raise MissingExtraError(
                "Rendering synthetic clips needs OpenCV, which is not installed: "
                "pip install 'evalharness[synthetic]'."
            ) from missing
        from evalharness.media import write_video

        cv2.setNumThreads(1)
        knobs, prompt = self._knobs, request.prompt
        if seed_of(prompt, request.seed) / 2**32 < knobs.failure_rate:
            raise GenerationError(
                FailureKind.SERVER,
                f"System '{self._name}' has a failure_rate of {knobs.failure_rate:g}, and prompt "
                f"'{prompt.id}' with seed {request.seed} is among those it fails.",
            )
        order = Order(prompt, request.seed, request.duration_s, request.width, request.height, request.fps)
        try:
            rendered = render(order, knobs)
        except OSError as error:
            raise GenerationError(
                FailureKind.PARAMETER,
                f"The first frame of prompt '{prompt.id}' cannot be read as a picture: {error}.",
            ) from error
        try:
            with delivery(request.output) as unfinished:
                write_video(
                    unfinished,
                    _in_time(rendered.frames, deadline, request.timeout_s),
                    rendered.fps,
                    rendered.samples,
                    rendered.rate_hz,
                    crf=knobs.crf,
                )
        except (MediaError, OSError) as error:
            raise GenerationError(FailureKind.MEDIA, f"The clip could not be written: {error}") from error
        return Generated(
            request={
                "scene": rendered.truth.scene,
                "seed": request.seed,
                "width": rendered.width,
                "height": rendered.height,
                "fps": rendered.fps,
                "duration_s": rendered.count / rendered.fps,
                "knobs": knobs.model_dump(mode="json"),
            },
            latency_s=knobs.latency_s,
            cost_usd=knobs.cost_usd,
        )


def _in_time(items: Iterable[T], deadline: float, timeout_s: float) -> Iterator[T]:
    """The items, until the clock passes the deadline."""
    for item in items:
        if time.monotonic() > deadline:
            raise GenerationError(
                FailureKind.TIMEOUT,
                f"Rendering took longer than the {timeout_s:g} s allowed; raise timeout_s in [generation] "
                "or ask for smaller or shorter clips.",
            )
        yield item
