"""The one pipeline that a process holds: found on this machine, loaded, put where it computes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalharness.adapters.local.families import FAMILIES
from evalharness.adapters.local.orders import Settings, Trouble, first_line
from evalharness.records import FailureKind, Task

__all__ = ["held"]


@dataclass(slots=True)
class _Held:
    settings: Settings | None = None
    pipeline: Any = None
    origin: Mapping[str, str | None] = field(default_factory=dict)


_here = _Held()


def held(settings: Settings, task: Task) -> tuple[Any, Mapping[str, str | None]]:
    """The pipeline for a task, and where it comes from; loaded unless it is the one held. Raises Trouble."""
    import diffusers

    name = FAMILIES[settings.family].pipelines[task]
    kind = getattr(diffusers, name, None)
    if kind is None:
        said = f"diffusers {diffusers.__version__} has no {name}: install a newer one."
        raise Trouble(FailureKind.PROGRAM, said)
    if _here.settings != settings:
        _here.settings = _here.pipeline = None  # the next one needs the room
        _check_device(settings.device)
        folder = _folder(settings, kind)
        _here.pipeline = _placed(_loaded(settings, kind, folder), settings)
        _here.origin = _origin(folder)
        _here.settings = settings
    elif type(_here.pipeline) is not kind:  # the other task of the family: the same parts
        if settings.offload != "none":
            _here.pipeline.remove_all_hooks()
        _here.pipeline = _placed(kind(**_here.pipeline.components), settings)
    return _here.pipeline, _here.origin


def _check_device(device: str) -> None:
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise Trouble(
            FailureKind.PROGRAM,
            f"The device is to be '{device}', and torch {torch.__version__} sees no such GPU here: look at "
            "what nvidia-smi says, and whether this torch was built for CUDA.",
        )


def _folder(settings: Settings, kind: Any) -> Path:
    """Where the pipeline lies on this machine; fetched only where that is wished."""
    if Path(settings.model).is_dir():
        return Path(settings.model)
    try:
        return Path(
            kind.download(
                settings.model,
                revision=settings.revision,
                variant=settings.variant,
                local_files_only=not settings.download,
            )
        )
    except Exception as error:  # the hub's client has a class for every kind of weather
        if settings.download:
            said = "could not be fetched: look at the id, the network, and whether its licence was accepted"
        else:
            said = f"is not in the cache here: run 'hf download {settings.model}', or set download = true"
        raise Trouble(
            FailureKind.PROGRAM, f"'{settings.model}' {said} ({type(error).__name__}: {first_line(error)})."
        ) from error


def _loaded(settings: Settings, kind: Any, folder: Path) -> Any:
    import torch

    try:
        pipeline = kind.from_pretrained(
            folder, dtype=getattr(torch, settings.dtype), variant=settings.variant, local_files_only=True
        )
    except Exception as error:  # whatever a broken folder breaks, in whichever library
        raise Trouble(
            FailureKind.PROGRAM,
            f"{folder} cannot be loaded as {kind.__name__} ({type(error).__name__}: {first_line(error)}). Is "
            f"it whole, and of the family '{settings.family}'?",
        ) from error
    if settings.tiling:
        pipeline.vae.enable_tiling()
    return pipeline


def _placed(pipeline: Any, settings: Settings) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    try:
        if settings.offload == "model":
            pipeline.enable_model_cpu_offload(device=settings.device)
        elif settings.offload == "sequential":
            pipeline.enable_sequential_cpu_offload(device=settings.device)
        else:
            pipeline.to(settings.device)
    except RuntimeError as error:
        raise Trouble.of(error, "The weights do not fit: set offload = 'model' or 'sequential'.") from error
    return pipeline


def _origin(folder: Path) -> dict[str, str | None]:
    """Which weights these are: the snapshot's commit, and a digest of all configs and all files' sizes."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        config = file.read_bytes() if file.suffix == ".json" else b""
        digest.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode() + config)
    return {
        "commit": folder.name if folder.parent.name == "snapshots" else None,
        "configs_and_sizes_sha256": digest.hexdigest(),
    }
