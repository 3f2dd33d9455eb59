"""What must stay light stays light: heavy packages are loaded by the work that needs them, not at start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch",
    "torchvision",
    "open_clip",
    "librosa",
    "numba",
    "cv2",
    "ray",
    "diffusers",
    "mediapipe",
    "sklearn",
}


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages in memory after importing `modules` in a fresh interpreter."""
    code = f"import json, sys, {', '.join(modules)}; print(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return {module.split(".")[0] for module in json.loads(run.stdout.splitlines()[-1])}


def test_the_command_line_starts_light() -> None:
    loaded = loaded_by("evalharness.cli.main")
    assert "typer" in loaded
    assert not loaded & (HEAVY | {"streamlit", "altair", "pyarrow"})


def test_the_voting_page_starts_light_and_cannot_reach_generation() -> None:
    code = (
        "import sys, arena_ui.asgi, arena_ui.serve; "
        "print([m for m in sys.modules if m.startswith(('evalharness.adapters', 'evalharness.measure', "
        "'evalharness.generate', 'metrics'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
    assert not loaded_by("arena_ui.asgi", "arena_ui.serve") & HEAVY


@pytest.mark.parametrize("module", ["evalharness.records", "evalharness.errors"])
def test_the_nouns_need_the_standard_library_only(module: str) -> None:
    outside = loaded_by(module) - loaded_by("json") - set(sys.stdlib_module_names) - {"evalharness"}
    assert not outside
