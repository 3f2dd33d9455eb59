"""What the shared suite needs: pairs of route and dialect, time that does not pass, a journal that notes."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evalharness.adapters.base import Generated, GenerationRequest, MemoryJournal
from evalharness.adapters.remote import adapter as remote_adapter
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.catalogue import Catalogue, Model, catalogue
from evalharness.adapters.remote.client import Bounds
from evalharness.adapters.remote.clock import Clock
from evalharness.adapters.remote.download import DownloadBounds
from evalharness.adapters.remote.route import Route
from evalharness.errors import GenerationError
from evalharness.records import Prompt, System, Task
from tests.adapters.remote import plain
from tests.adapters.remote.dialect import Dialect
from tests.adapters.remote.server import VendorServer

DIALECTS = Path(__file__).parent / "dialects"
BOUNDS = Bounds(connect_s=5, read_s=5, call_s=10, answer_bytes=2**22)
DOWNLOAD_BOUNDS = DownloadBounds(clip_bytes=2**22, clip_s=5)
TEXT = "A red ball rolls over a wooden floor, case 4711."


@dataclass(frozen=True)
class Case:
    """A route and the vendor it speaks to."""

    route: type[Route]
    dialect: Dialect


def all_cases() -> dict[str, Case]:
    """The vendors that have a dialect, and the plain ones."""
    cases = {
        "plain": Case(plain.PlainRoute, plain.PlainDialect()),
        "plain-handed": Case(plain.PlainHandedRoute, plain.PlainHandedDialect()),
        "plain-forgetful": Case(plain.ForgetfulRoute, plain.ForgetfulDialect()),
    }
    for file in sorted(DIALECTS.glob("*.py")):
        module = importlib.import_module(f"tests.adapters.remote.dialects.{file.stem}")
        for dialect in _classes(module, Dialect):
            routes = importlib.import_module(f"evalharness.adapters.{dialect.route}")
            route = next(route for route in _classes(routes, Route) if route.vendor == dialect.route)
            name = file.stem if dialect.__module__ == module.__name__ else dialect.__name__
            cases[name if name not in cases else dialect.__name__] = Case(route, dialect())
    return cases


def _classes(module: Any, base: type) -> list[Any]:
    """Those that the module itself defines and that can be made."""
    return [
        found
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, base)
        and found.__module__ == module.__name__
        and not getattr(found, "__abstractmethods__", None)
    ]


class FakeTime:
    """A clock on which only sleeping takes time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.sleeps: list[float] = []
        self.clock = Clock(monotonic=lambda: self.now_s, unix=time.time, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


class NotingJournal(MemoryJournal):
    """Keeps what it was told, and how many creates and questions the vendor had heard by then."""

    def __init__(self, vendor: VendorServer) -> None:
        super().__init__()
        self.vendor = vendor
        self.told: list[tuple[str, int, int]] = []

    def _note(self, verb: str) -> None:
        self.told.append((verb, self.vendor.creates(), self.vendor.questions()))

    async def intend(self, request: Mapping[str, Any]) -> None:
        json.dumps(request)
        self._note("intend")
        await super().intend(request)

    async def submitted(self, task_id: str, poll_url: str | None, *, watched: bool = True) -> None:
        self._note("submitted")
        await super().submitted(task_id, poll_url, watched=watched)

    async def running(self, *, watched: bool = True) -> None:
        self._note("running")
        await super().running(watched=watched)

    async def downloaded(self) -> None:
        self._note("downloaded")
        await super().downloaded()

    async def withdrawn(self) -> None:
        self._note("withdrawn")
        await super().withdrawn()

    async def ended(self) -> None:
        self._note("ended")
        await super().ended()

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _, _ in self.told]


@dataclass
class Stage:
    """One vendor's server, and an adapter pointed at it."""

    case: Case
    vendor: VendorServer
    folder: Path
    time: FakeTime = field(default_factory=FakeTime)
    timeout_s: float = 3600.0
    bounds: Bounds = BOUNDS
    download_bounds: DownloadBounds = DOWNLOAD_BOUNDS
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.journal = NotingJournal(self.vendor)
        self.environment = dict(self.case.dialect.secrets) | {self.case.dialect.address: self.vendor.url}

    @property
    def model(self) -> Model:
        return catalogue_of(self.case.route.vendor).model(self.case.dialect.model)

    def adapter(self) -> RemoteAdapter:
        system = System(
            name="tried",
            adapter=self.case.dialect.route,
            model=self.case.dialect.model,
            parameters={**self.case.dialect.parameters, **self.parameters},
        )
        return RemoteAdapter(
            self.case.route,
            system,
            folder=self.folder,
            environment=self.environment,
            clock=self.time.clock,
            bounds=self.bounds,
            download_bounds=self.download_bounds,
        )

    def request(self, name: str = "clip", text: str = TEXT) -> GenerationRequest:
        """One that the model can serve."""
        model = self.model
        resolution = next(iter(model.resolutions))
        ratio = "16:9" if "16:9" in model.ratios else model.ratios[0]
        width, height = model.pixels(resolution, ratio)
        return GenerationRequest(
            prompt=Prompt(id=name, task=Task.TEXT_TO_VIDEO, text=text, language="en", licence="CC0-1.0"),
            seed=5,
            duration_s=min(model.durations_s, key=lambda length: abs(length - 5)),
            width=width,
            height=height,
            fps=24.0,
            output=self.folder / f"{name}.mp4",
            timeout_s=self.timeout_s,
        )

    def make(self) -> Generated:
        """One try of the job."""
        return asyncio.run(self.adapter().make(self.request(), self.journal))

    def fail(self) -> GenerationError:
        """One try of the job that must fail; no message may give a secret away, nor anything stay behind."""
        with pytest.raises(GenerationError) as caught:
            self.make()
        self.check_secrets(str(caught.value))
        assert list(self.folder.iterdir()) == []
        return caught.value

    def check_secrets(self, text: str) -> None:
        for secret in self.case.dialect.secrets.values():
            assert secret not in text
        assert "s3cr3t" not in text


def catalogue_of(vendor: str) -> Catalogue:
    """The catalogue, also of the plain vendor."""
    return plain.CATALOGUE if vendor == "plain" else catalogue(vendor)


def install(monkeypatch: Any) -> None:
    """Let adapters know the plain vendor's catalogue, and leave the machine's proxies alone."""
    monkeypatch.setattr(remote_adapter, "catalogue", catalogue_of)
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
