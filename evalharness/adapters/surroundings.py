"""What a clip made on this machine was made on and with, as far as the machine will say."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["checkout_of", "nvidia_gpus"]

PATIENCE_S = 20.0


def nvidia_gpus() -> list[dict[str, str]]:
    """Name, driver and memory of each NVIDIA GPU, in the driver's order; empty where there is none."""
    fields = ("name", "driver_version", "memory.total")
    said = _said(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"])
    names = ("name", "driver", "memory")
    return [
        dict(zip(names, (value.strip() for value in line.split(",")), strict=False))
        for line in (said or "").splitlines()
        if line.strip()
    ]


def checkout_of(folder: Path) -> dict[str, str | bool | None]:
    """The git commit that `folder` stands at, and whether tracked files differ from it; None: not known."""
    git = ["git", "-C", str(folder)]
    commit = _said([*git, "rev-parse", "HEAD"])
    changes = _said([*git, "status", "--porcelain", "--untracked-files=no"])
    return {
        "commit": commit.strip() if commit else None,
        "changed": None if commit is None or changes is None else bool(changes.strip()),
    }


def _said(argv: Sequence[str]) -> str | None:
    """What a program wrote to its standard output; None where it is not there, failed or took too long."""
    program = shutil.which(argv[0])
    if program is None:
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - two fixed programs with fixed arguments
            [program, *argv[1:]],
            capture_output=True,
            timeout=PATIENCE_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout.decode("utf-8", errors="replace")
