"""What the adapters' tests share: a tiny real clip and the request for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evalharness.adapters.base import GenerationRequest
from evalharness.media import write_video
from evalharness.records import Prompt, Task


@pytest.fixture(scope="session")
def make_clip() -> Callable[[Path, int], Path]:
    """Write a playable clip of a quarter of a second; `shade` (0 to 255) makes it another one."""

    def make(path: Path, shade: int = 90) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((36, 64, 3), shade, np.uint8)
        whole = path.with_name(f".{path.name}.mp4")
        write_video(whole, [picture] * 6, 24.0)
        whole.replace(path)
        return path

    return make


@pytest.fixture
def prompt() -> Prompt:
    return Prompt(id="ball-01", task=Task.TEXT_TO_VIDEO, text="A ball.", language="en", licence="CC0-1.0")


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., GenerationRequest]:
    """A request for a prompt, its output in a folder of its own."""

    def make(prompt: Prompt, seed: int = 1, timeout_s: float = 60.0) -> GenerationRequest:
        output = tmp_path / "clips" / ".partial" / f"{prompt.id}.mp4"
        output.parent.mkdir(parents=True, exist_ok=True)
        return GenerationRequest(
            prompt=prompt,
            seed=seed,
            duration_s=2.5,
            width=64,
            height=36,
            fps=24.0,
            output=output,
            timeout_s=timeout_s,
        )

    return make
