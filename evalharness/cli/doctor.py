"""`evalharness doctor`: what works here, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Literal

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.adapters.base import Adapter
from evalharness.adapters.maker import make_adapter
from evalharness.adapters.surroundings import nvidia_gpus
from evalharness.cli.adapters import WITHOUT_VENDOR, key_missing, route_of
from evalharness.cli.options import AsJson, StudyFolder, out, print_json, store_of
from evalharness.config import STUDY_FILE, Study, load_study
from evalharness.errors import ConfigError, EvalHarnessError
from evalharness.prompts import load_suites
from evalharness.purchases import PurchaseStage
from evalharness.records import System
from evalharness.registry import ADAPTERS, METRICS

__all__ = ["Finding", "doctor", "examine"]

OUR_PACKAGES = ("evalharness", "metrics", "arena_ui")

EXTRAS = {
    "synthetic": ("cv2", "espeakng_loader", "pypinyin"),
    "metrics": ("cv2", "faster_whisper", "librosa", "onnxruntime", "soxr", "speechmos"),
    "local": ("accelerate", "diffusers", "torch", "transformers"),
    "postgres": ("psycopg",),
    "ray": ("ray",),
    "s3": ("s3fs",),
    "vertex": ("google.auth",),
}
"""Modules by which an extra is recognised as installed."""

NEEDED_EXTRA = {"diffusers": "local", "synthetic": "synthetic"}
WANT_GPU = {"diffusers", "magihuman"}
"""Of the adapters that ask no vendor."""

STANDS = {
    PurchaseStage.INTENDED: "asked for and not answered",
    PurchaseStage.SUBMITTED: "waiting at the vendor",
    PurchaseStage.RUNNING: "running at the vendor",
    PurchaseStage.DOWNLOADED: "downloaded and not verified",
}
"""Where clips that were asked for stand, in words."""

FREE_DISK_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    state: Literal["ok", "note", "bad"]
    """`note` is worth knowing, `bad` will make a command fail."""
    said: str


def doctor(folder: StudyFolder = Path(), as_json: AsJson = False) -> None:
    """Say what is usable here and what is missing; ends with code 1 if something will fail."""
    findings = list(examine(folder))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        colours = {"ok": "green", "note": "yellow", "bad": "red"}
        table = Table("", "what", "found")
        for finding in findings:
            table.add_row(
                f"[{colours[finding.state]}]{finding.state}[/]", escape(finding.what), escape(finding.said)
            )
        out.print(table)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


def examine(folder: Path) -> Iterator[Finding]:
    """Look at the installation, and at the study in `folder` if there is one."""
    yield Finding("python", "ok", f"{sys.version.split()[0]}, evalharness {version('evalharness')}")
    yield from _names()
    yield _media()
    yield from _extras()
    yield from _metrics()
    yield from _adapters()
    yield from _plugins()
    yield _gpu()
    free = shutil.disk_usage(folder if folder.is_dir() else Path()).free
    yield Finding(
        "disk",
        "ok" if free > FREE_DISK_BYTES else "note",
        f"{free / 1024**3:.1f} GiB free; clips and exhibits need about 2 MiB per 5 s clip.",
    )
    secret = bool(os.environ.get("EVALHARNESS_SECRET"))
    yield Finding(
        "EVALHARNESS_SECRET",
        "ok" if secret else "note",
        "set"
        if secret
        else "not set: the arena keeps a key in the study; set it where several machines serve one.",
    )
    if (folder / STUDY_FILE).exists():
        yield from _study(folder)
    else:
        yield Finding(
            "study", "note", f"{folder.resolve()} holds no {STUDY_FILE}; only the installation was examined."
        )


def _names() -> Iterator[Finding]:
    """A foreign distribution that ships one of our top-level names would shadow it."""
    owners = packages_distributions()
    for name in OUR_PACKAGES:
        foreign = sorted(set(owners.get(name, [])) - {"evalharness"})
        spec = importlib.util.find_spec(name)
        place = spec.origin if spec else None
        if foreign:
            said = f"{', '.join(foreign)} ships a package of this name too: uninstall it, it can shadow ours."
            yield Finding(f"package {name}", "bad", said)
        else:
            yield Finding(f"package {name}", "ok", f"from {place}")


def _media() -> Finding:
    """Every clip is opened by PyAV, which can be installed and yet lack what it is made of."""
    try:
        import av
    except Exception as error:  # a broken package raises what it likes
        said = f"cannot be imported, so that no clip can be opened: {error}. Install it anew."
        return Finding("package av", "bad", said)
    return Finding("package av", "ok", av.__version__)


def _extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if not _installed(module)]
        if missing:
            said = f"lacks {', '.join(missing)}: pip install 'evalharness[{extra}]'"
            yield Finding(f"extra {extra}", "note", said)
        else:
            yield Finding(f"extra {extra}", "ok", "installed")


def _metrics() -> Iterator[Finding]:
    """Which metrics cannot run, and why; and whether two OpenCVs lie over each other."""
    from evalharness.usable import lacking  # numpy, PyAV: not at the command line's start

    names = tuple(METRICS)
    sentences = {name: said for name in names if (said := lacking(name)) is not None}
    yield Finding("metrics", "ok", f"{len(names) - len(sentences)} of {len(names)} can run here")
    for name, said in sentences.items():
        yield Finding(f"metric {name}", "note", said)
    owners = packages_distributions().get("cv2", [])
    if len(set(owners)) > 1:
        said = (
            f"{' and '.join(sorted(set(owners)))} are both installed and overwrite each other: uninstall all "
            "of them, then pip install opencv-python-headless."
        )
        yield Finding("package cv2", "bad", said)


def _adapters() -> Iterator[Finding]:
    """Which of our adapters can be used here, and what the others lack."""
    from evalharness.adapters.remote.catalogue import catalogue  # pydantic models of every vendor

    taken = ADAPTERS.outside().keys() | ADAPTERS.problems().keys()
    for name in (name for name in ADAPTERS if name not in taken):
        # Those without a vendor open clips themselves: their package may be what is broken.
        route = None if name in WITHOUT_VENDOR else route_of(name)
        if route is not None:
            lack = key_missing(route(route.parameters(), os.environ))
            made = f"the key is set; {len(catalogue(route.vendor).models)} models"
        else:
            lack, made = _lacks(name), WITHOUT_VENDOR[name]
        yield Finding(f"adapter {name}", "note" if lack else "ok", lack or made)


def _lacks(adapter: str) -> str | None:
    """What an adapter that asks no vendor lacks on this machine."""
    extra = NEEDED_EXTRA.get(adapter)
    missing = [module for module in EXTRAS[extra] if not _installed(module)] if extra else []
    if missing:
        return f"lacks {', '.join(missing)}: pip install 'evalharness[{extra}]'"
    if adapter in WANT_GPU and not nvidia_gpus():
        return "nvidia-smi shows no GPU here."
    return None


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it
        return False


def _plugins() -> Iterator[Finding]:
    """What other packages bring, and what stands in its way."""
    for registry in (ADAPTERS, METRICS):
        for name, origin in registry.outside().items():
            try:
                registry.load(name)
                yield Finding(f"{registry.kind} {name}", "ok", f"plugin: {origin}")
            except ConfigError as error:
                yield Finding(f"{registry.kind} {name}", "bad", str(error))
        for name in registry.problems().keys() - registry.outside().keys():
            yield Finding(f"{registry.kind} {name}", "bad", registry.problems()[name])


def _gpu() -> Finding:
    gpus = nvidia_gpus()
    if not gpus:
        return Finding("GPU", "note", "none by nvidia-smi: open models ('diffusers', 'magihuman') want one.")
    return Finding("GPU", "ok", "; ".join(f"{gpu['name']}, {gpu['memory']}" for gpu in gpus))


def _study(folder: Path) -> Iterator[Finding]:
    try:
        study = load_study(folder)
    except EvalHarnessError as error:
        yield Finding("study", "bad", str(error))
        return
    yield Finding("study", "ok", f"'{study.settings.name}' with {len(study.systems)} systems")
    try:
        prompts = load_suites(study.settings.prompts, study.folder)
        yield Finding("prompts", "ok", f"{len(prompts)} prompts")
    except EvalHarnessError as error:
        yield Finding("prompts", "bad", str(error))
    yield from _database(study)
    for system in study.systems:
        try:
            yield _reached(system, make_adapter(system, folder=study.folder))
        except (EvalHarnessError, ImportError) as error:
            yield Finding(f"system {system.name}", "bad", str(error))


def _reached(system: System, adapter: Adapter) -> Finding:
    from evalharness.adapters.remote.adapter import RemoteAdapter  # pydantic models of every vendor

    unset = key_missing(adapter.route) if isinstance(adapter, RemoteAdapter) else None
    if unset is not None:
        return Finding(f"system {system.name}", "bad", unset)
    lacking: Callable[[], str | None] | None = getattr(adapter, "lacking", None)
    lack = lacking() if lacking is not None else None
    if lack is not None:
        return Finding(f"system {system.name}", "note", lack)
    return Finding(f"system {system.name}", "ok", f"reached by the adapter '{system.adapter}'")


def _database(study: Study) -> Iterator[Finding]:
    recorded: dict[str, list[str]] = {}
    standing: Mapping[str, Mapping[PurchaseStage, int]] = {}
    try:
        with store_of(study) as store:
            counts = ", ".join(f"{count} {what}" for what, count in store.progress().items())
            recorded["clips"] = [clip.path for clip in store.clips()]
            recorded["exhibits"] = [exhibit.path for exhibit in store.exhibits()]
            standing = store.standing_purchases()
        yield Finding("database", "ok", counts)
    except EvalHarnessError as error:
        yield Finding("database", "bad", str(error))
    for system, stages in standing.items():
        stand = ", ".join(f"{count} {STANDS[stage]}" for stage, count in stages.items())
        said = f"{stand}: 'generate' goes on with them (of failed jobs with --retry-failed)."
        yield Finding(f"clips of {system}", "note", said)
    yield from _storage(study, recorded)


def _storage(study: Study, recorded: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Whether the storage answers, and holds the clips and exhibits that are on record."""
    try:
        study.storage.check()
        missing = {what: study.storage.missing(paths) for what, paths in recorded.items()}
    except EvalHarnessError as error:
        yield Finding("storage", "bad", str(error))
        return
    if study.settings.storage.url:
        yield Finding("storage", "ok", f"{study.settings.storage.url} takes, gives and removes files")
    for what, lost in missing.items():
        if lost:
            many = f"{len(lost)} of {len(recorded[what])} recorded {what} have lost their file"
            said = f"{many}, {lost[0]} for one. Put them back; exhibits 'blind' can make anew."
            yield Finding(what, "bad", said)
