"""The adapter contract (see `evalharness.adapters.base`) as tests that any adapter's test file inherits.

from evalharness.testing.adapter_contract import AdapterContract

class TestMyAdapter(AdapterContract):
    name = "my-adapter"                       # as registered

    def parameters(self, folder, prompts):    # make `prompts` servable from the study in `folder`
        return {"style": "plain"}

    def broken_parameters(self, folder, prompts):   # with these, generate must fail
        return {"style": "plain", "address": "http://127.0.0.1:9"}
"""

# ruff: noqa: S101 - assertions are what a contract is made of

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evalharness.adapters.base import Adapter, Capabilities, Generated, GenerationRequest, SeedSupport
from evalharness.adapters.maker import make_adapter
from evalharness.errors import ConfigError, GenerationError
from evalharness.media import probe
from evalharness.records import FailureKind, Prompt, System, Task

__all__ = ["AdapterContract"]

CANARY = "canary-7f3c9a5e-this-value-is-a-secret"


class AdapterContract:
    """Inherit, set `name`, and say with which parameters the adapter serves some prompts."""

    name: ClassVar[str]
    """The adapter's name in the registry."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Environment variables that hold secrets; each is set to a canary while the tests run."""
    duration_s: ClassVar[float] = 1.0
    timeout_s: ClassVar[float] = 60.0

    def parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Prepare the study in `folder` so that `prompts` can be served with seed 1, and say how."""
        raise NotImplementedError

    def broken_parameters(self, folder: Path, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Parameters that are accepted, and with which `generate` must then fail."""
        raise NotImplementedError

    def prompts(self, folder: Path) -> Sequence[Prompt]:
        """Two prompts that the adapter can serve; override where these two do not suit it."""
        del folder
        return tuple(
            Prompt(id=id_, task=Task.TEXT_TO_VIDEO, text=text, language="en", licence="CC0-1.0", tags=tags)
            for id_, text, tags in (
                ("contract-ball", "A rubber ball drops on a stone floor and bounces.", ("scene:ball",)),
                ("contract-drum", "A drummer strikes a snare drum once.", ("scene:drum",)),
            )
        )

    # -- what each test starts from -------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def _canaries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in self.secrets:
            monkeypatch.setenv(variable, CANARY)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A study's folder."""
        folder = tmp_path / "study"
        (folder / "clips").mkdir(parents=True)
        return folder

    @pytest.fixture
    def asked(self, folder: Path) -> Sequence[Prompt]:
        """The prompts to be served."""
        return self.prompts(folder)

    @pytest.fixture
    def adapter(self, folder: Path, asked: Sequence[Prompt]) -> Adapter:
        """The adapter, made ready to serve them."""
        return self._make(folder, self.parameters(folder, asked))

    def _make(self, folder: Path, parameters: Mapping[str, Any]) -> Adapter:
        system = System(name="contract", adapter=self.name, parameters=parameters)
        made: Adapter = make_adapter(system, folder=folder)
        return made

    def _request(self, prompt: Prompt, folder: Path, name: str = "clip") -> GenerationRequest:
        return GenerationRequest(
            prompt=prompt,
            seed=1,
            duration_s=self.duration_s,
            width=320,
            height=180,
            fps=24.0,
            output=folder / "clips" / f"{name}.mp4",
            timeout_s=self.timeout_s,
        )

    # -- the contract ---------------------------------------------------------------------------

    def test_declares_a_version_and_what_it_can_do(self, adapter: Adapter) -> None:
        """Both end in a clip's recipe, so both must say something."""
        assert isinstance(adapter.version, str)
        assert adapter.version.strip()
        assert isinstance(adapter.capabilities, Capabilities)
        assert adapter.capabilities.audio in {"always", "switchable", "never"}
        assert all(isinstance(task, Task) for task in adapter.capabilities.tasks)
        assert isinstance(adapter.capabilities.seed, SeedSupport)

    def test_an_unknown_parameter_is_refused_by_name(self, folder: Path, asked: Sequence[Prompt]) -> None:
        """A misspelt setting must not pass in silence."""
        parameters = {**self.parameters(folder, asked), "no_such_parameter": 1}
        with pytest.raises(ConfigError, match="no_such_parameter"):
            self._make(folder, parameters)

    def test_making_it_touches_nothing(self, folder: Path, asked: Sequence[Prompt]) -> None:
        """An adapter is made for a check as well as for work."""
        parameters = self.parameters(folder, asked)
        before = _tree(folder)
        self._make(folder, parameters)
        assert _tree(folder) == before

    def test_it_delivers_a_playable_clip_and_touches_nothing_else(
        self, adapter: Adapter, folder: Path, asked: Sequence[Prompt]
    ) -> None:
        """The clip at the output, whole; not a file more, less or changed in the study."""
        before = _tree(folder)
        request = self._request(asked[0], folder)
        assert adapter.refuse(request) is None
        adapter.generate(request)
        assert probe(request.output).duration_s > 0
        after = _tree(folder)
        assert after.pop("clips/clip.mp4")
        assert after == before

    def test_its_record_is_json_and_within_bounds(
        self, adapter: Adapter, folder: Path, asked: Sequence[Prompt]
    ) -> None:
        """What was asked survives a save and a load; cost and time are amounts or unknown."""
        generated = adapter.generate(self._request(asked[0], folder))
        assert isinstance(generated, Generated)
        recorded = dict(generated.request)
        assert recorded
        assert json.loads(json.dumps(recorded, allow_nan=False)) == recorded
        assert generated.latency_s is None or generated.latency_s >= 0
        assert generated.cost_usd is None or generated.cost_usd >= 0

    def test_its_record_holds_no_secret(
        self, adapter: Adapter, folder: Path, asked: Sequence[Prompt]
    ) -> None:
        """Secrets are named at most, never shown."""
        if not self.secrets:
            pytest.skip("This adapter names no environment variable that holds a secret.")
        generated = adapter.generate(self._request(asked[0], folder))
        assert CANARY not in json.dumps(dict(generated.request))

    def test_the_same_request_gives_the_same_bytes(
        self, adapter: Adapter, folder: Path, asked: Sequence[Prompt]
    ) -> None:
        """Promised by SeedSupport.EXACT alone."""
        if adapter.capabilities.seed is not SeedSupport.EXACT:
            pytest.skip("This adapter does not promise the same bytes for the same seed.")
        first, again = (self._request(asked[0], folder, name) for name in ("first", "again"))
        adapter.generate(first)
        adapter.generate(again)
        assert first.output.read_bytes() == again.output.read_bytes()

    def test_several_threads_may_use_it_at_once(
        self, adapter: Adapter, folder: Path, asked: Sequence[Prompt]
    ) -> None:
        """Each gets its own prompt's clip, not its neighbour's."""
        requests = [
            self._request(prompt, folder, f"{prompt.id}-{turn}") for turn in range(2) for prompt in asked
        ]
        with ThreadPoolExecutor(max_workers=len(requests)) as pool:
            list(pool.map(adapter.generate, requests))
        for request in requests:
            assert probe(request.output).duration_s > 0
        if adapter.capabilities.seed is SeedSupport.EXACT:
            for request, again in zip(requests[: len(asked)], requests[len(asked) :], strict=True):
                assert request.output.read_bytes() == again.output.read_bytes()

    def test_what_it_cannot_do_it_refuses_with_a_sentence(self, adapter: Adapter, folder: Path) -> None:
        """Before any work; a task or a language outside its capabilities is such a thing."""
        able = adapter.capabilities
        refusable = [_prompt(task=task) for task in Task if able.tasks and task not in able.tasks]
        if able.languages:
            refusable.append(_prompt(task=(able.tasks or tuple(Task))[0], language="tlh", spoken="nuqneH"))
        if not refusable:
            pytest.skip("This adapter takes every task and language.")
        before = _tree(folder)
        for prompt in refusable:
            assert _is_sentence(adapter.refuse(self._request(prompt, folder)))
        assert _tree(folder) == before

    def test_a_failure_is_a_generation_error_and_leaves_nothing_behind(
        self, folder: Path, asked: Sequence[Prompt]
    ) -> None:
        """Its kind goes into the job's record, its sentence to the person at the keyboard."""
        adapter = self._make(folder, self.broken_parameters(folder, asked))
        before = _tree(folder)
        with pytest.raises(GenerationError) as failure:
            adapter.generate(self._request(asked[0], folder))
        assert isinstance(failure.value.kind, FailureKind)
        assert len(str(failure.value).split()) > 3
        assert CANARY not in str(failure.value)
        assert _tree(folder) == before


def _prompt(*, task: Task, language: str = "en", spoken: str | None = None) -> Prompt:
    return Prompt(
        id="contract-refused",
        task=task,
        text="Something else.",
        language=language,
        licence="CC0-1.0",
        spoken=spoken,
    )


def _is_sentence(text: str | None) -> bool:
    return text is not None and len(text.split()) > 3 and text.rstrip()[-1] in ".!?"


def _tree(folder: Path) -> dict[str, str]:
    """Every file and folder under `folder` with a digest of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes() if path.is_file() else b""
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
    }
