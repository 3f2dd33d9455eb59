"""One clip from a pipeline: called, turned into arrays, written by our own encoder."""

from __future__ import annotations

import inspect
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalharness.adapters.local.families import FAMILIES, Cell
from evalharness.adapters.local.holding import held
from evalharness.adapters.local.orders import Made, Order, Settings, Trouble
from evalharness.adapters.surroundings import nvidia_gpus
from evalharness.errors import MediaError
from evalharness.media import write_video
from evalharness.records import FailureKind

__all__ = ["CRF", "make"]

CRF = 12
"""Of the clip's H.264: review copies are made from it, so it is to lose next to nothing itself."""


def make(settings: Settings, order: Order) -> Made | Trouble:
    """Make one clip, with the pipeline held from the last time where that is the one."""
    try:
        return _made(settings, order)
    except Trouble as trouble:
        return trouble


def _made(settings: Settings, order: Order) -> Made:
    import torch

    pipeline, origin = held(settings, order.task)
    family = FAMILIES[settings.family]
    parameters = inspect.signature(type(pipeline).__call__).parameters
    arguments = {
        **order.arguments,
        **family.always,
        "height": order.cell.height,
        "width": order.cell.width,
        "num_frames": order.cell.frames,
        family.fps_argument: order.cell.fps,
    }
    _check_known(pipeline, arguments, parameters)
    started = time.monotonic()
    try:
        result = pipeline(
            prompt=order.prompt,
            **({"image": _picture(order.picture, order.cell)} if order.picture else {}),
            # Drawn on the processor, so that the noise is the same whatever the device.
            generator=torch.Generator("cpu").manual_seed(order.seed),
            output_type="np",
            callback_on_step_end=_until(started + order.timeout_s, order.timeout_s),
            **arguments,
        )
    except Trouble:
        raise
    except Exception as error:  # pipelines refuse by ValueError, TypeError, AttributeError and what torch has
        size = f"{order.cell.width}x{order.cell.height} and {order.cell.frames} frames"
        raise Trouble.of(
            error, f"Ask for less than {size}, or set tiling = true or offload = 'model'."
        ) from error
    seconds = time.monotonic() - started
    pictures, sound = getattr(result, family.pictures), getattr(result, family.sound)
    if sound is None:
        raise Trouble(FailureKind.PROGRAM, f"{type(pipeline).__name__} made no sound.")
    if family.batched:
        pictures, sound = pictures[0], sound[0]
    rate_hz = int(reduce(getattr, family.rate.split("."), pipeline))
    samples = torch.as_tensor(sound).float().cpu().numpy()
    _write(order, pictures, samples, rate_hz)
    return Made(
        record={
            "pipeline": type(pipeline).__name__,
            **origin,
            "seed": order.seed,
            "prompt_rewritten": False,
            "arguments": _defaults(parameters) | arguments,
            "audio_rate_hz": rate_hz,
            "crf": CRF,
            **_surroundings(settings.device),
        },
        seconds=seconds,
    )


def _check_known(
    pipeline: Any, arguments: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]
) -> None:
    strange = sorted(set(arguments) - set(parameters))
    if strange:
        known = ", ".join(name for name in parameters if name != "self")
        said = f"{type(pipeline).__name__} takes no argument '{strange[0]}'; it takes {known}."
        raise Trouble(FailureKind.PARAMETER, said)


def _picture(file: str, cell: Cell) -> Any:
    """The first picture in the clip's size; cut at the edges, never stretched, where its shape is another."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as picture:
            return ImageOps.fit(picture.convert("RGB"), (cell.width, cell.height), Image.Resampling.LANCZOS)
    except OSError as error:
        raise Trouble(FailureKind.PARAMETER, f"{file} cannot be read as a picture: {error}.") from error


def _until(deadline: float, timeout_s: float) -> Callable[..., dict[str, Any]]:
    """Called after each step; stops where the clip's time is over."""

    def check(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if time.monotonic() > deadline:
            raise Trouble(
                FailureKind.TIMEOUT,
                f"It was stopped after step {step + 1}: it had {timeout_s:g} s, raise 'timeout_s' in "
                "[generation] if it needs longer.",
            )
        return tensors

    return check


def _write(order: Order, pictures: NDArray[np.float32], sound: NDArray[np.float32], rate_hz: int) -> None:
    fps, samples = order.cell.fps, np.clip(sound, -1.0, 1.0)
    try:
        write_video(order.output, _as_bytes(pictures), fps, samples, rate_hz, crf=CRF)
    except (MediaError, OSError) as error:
        raise Trouble(FailureKind.MEDIA, f"The clip could not be written: {error}") from error


def _as_bytes(pictures: NDArray[np.float32]) -> Iterator[NDArray[np.uint8]]:
    for picture in pictures:
        yield np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)


def _defaults(parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """What a call leaves as it is, as far as it is a number, a word or a list."""
    return {
        name: parameter.default
        for name, parameter in parameters.items()
        if isinstance(parameter.default, bool | int | float | str | list)
        and name not in {"callback_on_step_end_tensor_inputs", "output_type", "return_dict"}
    }


def _surroundings(device: str) -> dict[str, Any]:
    """On what and with what this process computes."""
    import torch

    gpu = device.startswith("cuda")
    drivers = sorted({found["driver"] for found in nvidia_gpus()}) if gpu else []
    return {
        "versions": {name: version(name) for name in ("diffusers", "torch", "transformers")},
        "hardware": torch.cuda.get_device_name(device) if gpu else platform.machine(),
        "cuda": torch.version.cuda if gpu else None,
        "driver": ", ".join(drivers) or None,
        "threads": None if gpu else torch.get_num_threads(),
    }
