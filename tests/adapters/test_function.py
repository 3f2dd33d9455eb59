"""An adapter that is one function: what it returns is a record, or costs its clip a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalharness.adapters.base import GenerationRequest
from evalharness.adapters.function import function_adapter
from evalharness.adapters.parameters import Parameters
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Prompt, System, Task

PROMPT = Prompt("ball-01", Task.TEXT_TO_VIDEO, "A ball.", "en", "CC0-1.0")


@pytest.fixture
def generate(tmp_path: Path, make_clip: Callable[..., Path]) -> Callable[..., Any]:
    """Runs a function adapter that writes a clip, unless told otherwise, and returns what it is told to."""
    clip = make_clip(tmp_path / "clip.mp4")

    def run(returned: object, *, writes: bool = True, raised: Exception | None = None) -> Any:
        @function_adapter(Parameters, tasks=(Task.TEXT_TO_VIDEO,))
        def tried(request: GenerationRequest, settings: Parameters) -> Any:
            if writes:
                shutil.copyfile(clip, request.output)
            if raised is not None:
                raise raised
            return returned

        output = tmp_path / "made.mp4"
        request = GenerationRequest(PROMPT, 1, 1.0, 64, 36, 24.0, output, 60.0)
        output.unlink(missing_ok=True)
        try:
            record = tried(System("alpha", "tried"), folder=tmp_path).generate(request).request
        except GenerationError:
            assert not output.exists()
            raise
        assert output.is_file()
        return record

    return run


def test_a_mapping_or_nothing_is_a_record(generate: Callable[..., Any]) -> None:
    assert generate({"seed": 1, "steps": (8, 4)}) == {"seed": 1, "steps": [8, 4]}
    assert generate(None) == {}


@pytest.mark.parametrize(
    "returned",
    [
        ["seed"],
        "seed",
        Path("clip.mp4"),
        {"value": object()},
        {"value": float("nan")},
        {"value": {1, 2}},
        {"value": b"clip"},
    ],
    ids=["list", "text", "path", "object", "nan", "set", "bytes"],
)
def test_what_is_no_record_costs_the_clip(generate: Callable[..., Any], returned: object) -> None:
    with pytest.raises(GenerationError, match="The adapter 'tried' .* returned what is none: ") as refused:
        generate(returned)
    assert refused.value.kind is FailureKind.PROGRAM


def test_a_file_that_was_not_written_costs_the_clip(generate: Callable[..., Any]) -> None:
    with pytest.raises(GenerationError, match="wrote nothing"):
        generate({}, writes=False)


def test_what_it_raises_is_told(generate: Callable[..., Any]) -> None:
    own = GenerationError(FailureKind.MODERATION, "The model refused.")
    with pytest.raises(GenerationError, match="The model refused") as refused:
        generate({}, raised=own)
    assert refused.value is own
    with pytest.raises(GenerationError, match="ended with ZeroDivisionError: by nothing"):
        generate({}, raised=ZeroDivisionError("by nothing"))
