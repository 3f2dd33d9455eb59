"""What the machine says about itself, told by stand-in programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalharness.adapters.surroundings import checkout_of, nvidia_gpus


def say(folder: Path, program: str, script: str) -> None:
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_each_gpu_is_named(programs: Path) -> None:
    say(programs, "nvidia-smi", "echo 'NVIDIA H100, 590.1, 81559 MiB'; echo 'NVIDIA L4, 590.1, 23034 MiB'")
    assert nvidia_gpus() == [
        {"name": "NVIDIA H100", "driver": "590.1", "memory": "81559 MiB"},
        {"name": "NVIDIA L4", "driver": "590.1", "memory": "23034 MiB"},
    ]


def test_without_a_driver_there_is_none(programs: Path) -> None:
    assert nvidia_gpus() == []
    say(programs, "nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9")
    assert nvidia_gpus() == []


def test_a_folder_that_is_no_checkout_has_no_commit(programs: Path, tmp_path: Path) -> None:
    assert checkout_of(tmp_path) == {"commit": None, "changed": None}
    say(programs, "git", "exit 128")
    assert checkout_of(tmp_path) == {"commit": None, "changed": None}
