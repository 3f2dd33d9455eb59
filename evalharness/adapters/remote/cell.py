"""From what a study asks for to what one model is asked for: exactly that, or a refusal.

A clip of another length or shape than its rivals' could not be compared with them, so nothing is rounded in
silence. Where a model cannot do what the study asks, its `[systems.parameters]` may say what it is to be
asked instead, which is then part of the system's identity.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import Field

from evalharness.adapters.base import GenerationRequest, SeedSupport
from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.catalogue import Model
from evalharness.adapters.remote.exchange import Ask
from evalharness.errors import ConfigError
from evalharness.mentions import spelled
from evalharness.records import Prompt, System, Task

__all__ = ["CellParameters", "Refusal", "ask_for", "check_parameters", "lengths"]

SHAPE_TOLERANCE = 0.01
"""854x480 is 16:9: even numbers of pixels cannot always hit a ratio."""

SIZE_TOLERANCE = 0.05
"""How far a vendor's own pixels may be from the size asked for: 864x496 passes for 480p."""

PICTURE_BYTES = 50_000_000
"""No vendor takes a larger picture."""

CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


class CellParameters(Parameters):
    """What `[systems.parameters]` may say for every remote system, in place of `[generation]`."""

    duration_s: float | None = Field(default=None, gt=0)
    resolution: str | None = None
    """The vendor's word, e.g. `720P`."""
    ratio: str | None = None
    """Width to height, e.g. `16:9`."""
    negative_prompt: str | None = Field(default=None, min_length=1)
    audio: bool | None = None
    """False asks for silent clips."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request cannot be served."""

    sentence: str


def check_parameters(system: System, model: Model, given: CellParameters) -> None:
    """Raise ConfigError where the model could never do what its parameters say."""
    problem = None
    if given.duration_s is not None and given.duration_s not in model.durations_s:
        problem = f"duration_s: found {given.duration_s:g}; {model.name} makes {lengths(model.durations_s)}"
    elif given.resolution is not None and given.resolution not in model.resolutions:
        problem = f"resolution: found '{given.resolution}'; {model.name} makes {', '.join(model.resolutions)}"
    elif given.ratio is not None and given.ratio not in model.ratios:
        problem = f"ratio: found '{given.ratio}'; {model.name} makes {', '.join(model.ratios)}"
    elif given.negative_prompt is not None and not model.negative_prompt:
        problem = f"negative_prompt: {model.name} takes none; leave the line out"
    elif given.audio is False and model.audio == "always":
        problem = f"audio: {model.name} always makes sound; leave the line out"
    elif given.audio is True and model.audio == "never":
        problem = f"audio: {model.name} makes no sound; leave the line out"
    if problem is not None:
        raise ConfigError(f"System '{system.name}': {problem}.")


def ask_for(
    system: System, model: Model, given: CellParameters, request: GenerationRequest, external_id: str
) -> Ask | Refusal:
    """What the model is asked for, or why it cannot be."""
    prompt = request.prompt
    shown = prompt.task is Task.REFERENCE_TO_VIDEO
    words = spelled(prompt.text, model.references_called) if shown else prompt.text
    refused = _refused_prompt(model, prompt, words)
    if refused is not None:
        return refused
    duration_s = request.duration_s if given.duration_s is None else given.duration_s
    if duration_s not in model.durations_s:
        return Refusal(
            f"{model.name} makes clips of {lengths(model.durations_s)}, and {duration_s:g} s are asked for: "
            f"change duration_s in [generation], or give '{system.name}' its own duration_s in "
            "[systems.parameters]."
        )
    cell = _cell(system, model, given, request)
    if isinstance(cell, Refusal):
        return cell
    resolution, ratio = cell
    pictures = _pictures(prompt)
    if isinstance(pictures, Refusal):
        return pictures
    begins = prompt.task is Task.IMAGE_TO_VIDEO
    width, height = model.pixels(resolution, ratio)
    return Ask(
        model=model.ids[prompt.task],
        task=prompt.task,
        prompt=words,
        duration_s=duration_s,
        resolution=resolution,
        ratio=ratio,
        width=width,
        height=height,
        audio=model.audio == "always" or (model.audio == "switchable" and given.audio is not False),
        seed=None if model.seed is SeedSupport.NONE else request.seed,
        first_frame=pictures[0] if begins else None,
        references=() if begins else pictures,
        negative_prompt=given.negative_prompt,
        external_id=external_id,
    )


def _refused_prompt(model: Model, prompt: Prompt, words: str) -> Refusal | None:
    if prompt.task not in model.ids:
        served = ", ".join(task.value for task in model.ids)
        return Refusal(
            f"{model.name} serves {served}, and prompt '{prompt.id}' is {prompt.task.value}: take the system "
            "out of this study, or prompts of that kind out of its suites."
        )
    if len(prompt.references) > model.references:
        return Refusal(
            f"{model.name} takes at most {model.references} reference pictures, and prompt '{prompt.id}' has "
            f"{len(prompt.references)}: leave some out, or the system."
        )
    cjk = len(CJK.findall(words))
    others = len(words) - cjk
    most, most_cjk = model.prompt_characters, model.prompt_characters_cjk
    # Where both are limited they share one budget: half of each is a full prompt.
    filled = (others / most if most else 0.0) + (cjk / (most_cjk or most or float("inf")))
    if filled > 1:
        limits = [f"{most} characters"] if most else []
        limits += [f"{most_cjk} Chinese, Japanese or Korean ones"] if most_cjk else []
        return Refusal(
            f"{model.name} reads {' or '.join(limits)} and may drop the rest in silence, and prompt "
            f"'{prompt.id}' has {len(words)}: shorten it."
        )
    return None


def _cell(
    system: System, model: Model, given: CellParameters, request: GenerationRequest
) -> tuple[str, str] | Refusal:
    """Resolution and ratio, each as overridden, else as the asked pixels say."""
    asked = f"{request.width}x{request.height}"
    if given.resolution is not None and given.ratio is not None:
        return given.resolution, given.ratio
    if given.resolution is None:
        for resolution in model.resolutions:
            for ratio in model.ratios if given.ratio is None else (given.ratio,):
                if _fits(model, resolution, ratio, request):
                    return resolution, ratio
    else:
        for ratio in model.ratios:
            if any(_fits_shape(model, resolution, ratio, request) for resolution in model.resolutions):
                return given.resolution, ratio
    made = "; ".join(
        f"{resolution} as "
        + ", ".join("{}x{}".format(*model.pixels(resolution, ratio)) for ratio in model.ratios)
        for resolution in model.resolutions
    )
    return Refusal(
        f"{model.name} cannot make {asked}; it makes {made}: change width and height in [generation], or "
        f"give '{system.name}' its own resolution and ratio in [systems.parameters]."
    )


def _fits(model: Model, resolution: str, ratio: str, request: GenerationRequest) -> bool:
    """Whether a cell is what the asked pixels mean: by the vendor's own size, or by its names."""
    width, height = model.pixels(resolution, ratio)
    if (request.width, request.height) == (width, height):
        return True
    nominal = model.resolutions[resolution]
    return (
        _has_shape(request.width, request.height, ratio)
        and abs(min(request.width, request.height) / nominal - 1) <= SHAPE_TOLERANCE
        and abs(width / request.width - 1) <= SIZE_TOLERANCE
        and abs(height / request.height - 1) <= SIZE_TOLERANCE
    )


def _fits_shape(model: Model, resolution: str, ratio: str, request: GenerationRequest) -> bool:
    """Whether the asked pixels have this ratio, in fact or as the vendor rounds it."""
    own = (request.width, request.height) == model.pixels(resolution, ratio)
    return own or _has_shape(request.width, request.height, ratio)


def _has_shape(width: int, height: int, ratio: str) -> bool:
    across, down = (int(part) for part in ratio.split(":"))
    return abs(width * down / (height * across) - 1) <= SHAPE_TOLERANCE


def lengths(durations_s: Sequence[float]) -> str:
    """Lengths as people say them: `3 to 15 whole seconds`, `4, 6 or 8 s`."""
    if len(durations_s) > 3 and all(after - before == 1 for before, after in pairwise(durations_s)):
        return f"{durations_s[0]:g} to {durations_s[-1]:g} whole seconds"
    *rest, last = (f"{length:g}" for length in durations_s)
    return f"{', '.join(rest)} or {last} s" if rest else f"{last} s"


def _pictures(prompt: Prompt) -> tuple[str, ...] | Refusal:
    """The prompt's pictures as data URIs, in their order; none for a text-to-video prompt."""
    named = {f"Reference picture {place}": path for place, path in enumerate(prompt.references, start=1)}
    if prompt.task is Task.IMAGE_TO_VIDEO:
        if prompt.first_frame is None:
            return Refusal(f"Prompt '{prompt.id}' is image_to_video without a first_frame: name its picture.")
        named = {"The first frame": prompt.first_frame}
    read = []
    for name, path in named.items():
        picture = _picture(f"{name} of prompt '{prompt.id}'", Path(path))
        if isinstance(picture, Refusal):
            return picture
        read.append(picture)
    return tuple(read)


def _picture(name: str, file: Path) -> str | Refusal:
    """One picture as a data URI."""
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= PICTURE_BYTES else b""
    except OSError as error:
        return Refusal(
            f"{name} cannot be read ({error.strerror}): put a picture at {file}, or correct the prompt."
        )
    if size > PICTURE_BYTES:
        return Refusal(
            f"{name} has {size / 1e6:.0f} MB; vendors take at most {PICTURE_BYTES / 1e6:.0f} MB: save it "
            "smaller."
        )
    kind = _picture_kind(content)
    if kind is None:
        return Refusal(f"{name}, {file}, is no picture: save it as PNG or JPEG.")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _picture_kind(content: bytes) -> str | None:
    """What the picture is, by its content: names lie."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as picture:
            return Image.MIME.get(picture.format or "")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
