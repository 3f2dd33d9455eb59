"""The adapters that bring clips in from outside, against the one contract."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalharness.records import Prompt
from evalharness.testing.adapter_contract import AdapterContract


class TestFolder(AdapterContract):
    name = "folder"

    @pytest.fixture(autouse=True)
    def _clips(self, make_clip: Callable[..., Path]) -> None:
        self.make_clip = make_clip

    def parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        for shade, prompt in enumerate(prompts, start=60):
            self.make_clip(folder / "incoming" / f"{prompt.id}.mp4", shade)
        return {"path": "incoming"}

    def broken_parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        (folder / "incoming").mkdir()
        (folder / "incoming" / f"{prompts[0].id}.mp4").write_bytes(b"not a video")
        return {"path": "incoming"}


class TestCommand(AdapterContract):
    name = "command"
    secrets = ("CONTRACT_TOKEN",)

    @pytest.fixture(autouse=True)
    def _clips(self, make_clip: Callable[..., Path], tmp_path: Path) -> None:
        self.clip = make_clip(tmp_path / "made-elsewhere.mp4")

    def parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        code = (
            "import os, shutil, sys; print(os.environ['CONTRACT_TOKEN'], file=sys.stderr); "
            "shutil.copy(*sys.argv[1:])"
        )
        return {
            "argv": [sys.executable, "-c", code, str(self.clip), "{output}"],
            "pass_env": ["CONTRACT_TOKEN"],
        }

    def broken_parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        code = (
            "import os, sys; open(sys.argv[1], 'w').write('half a clip'); "
            "sys.exit(os.environ['CONTRACT_TOKEN'])"
        )
        return {"argv": [sys.executable, "-c", code, "{output}"], "pass_env": ["CONTRACT_TOKEN"]}
