"""Clips you already have: a folder of files named by prompt, or a CSV manifest that says which is which.

Parameters (relative paths count from the study's folder):

- `path`: the folder of this system's clips. Without a manifest a file is matched by its name,
  `<prompt id>.mp4` or `<prompt id>__<seed>.mp4` or `<prompt id>_s<seed>.mp4` (also .webm, .mov, .mkv).
- `manifest`: a CSV with the columns system, prompt_id, file and, if you like, seed, latency_s (s, at
  least 0) and cost_usd (at least 0). Files count from `path`, or from the manifest's own folder
  without one. Rows of other systems are left to them.
- `link`: true makes hard links instead of copies where the file system can. The study's clip is then
  the same file as yours: do not edit yours in place.

A clip without a seed stands for seed 1, the first a study has by default: a clip that stood for every
seed would be counted as so many independent ones.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from evalharness.adapters.base import Capabilities, Generated, GenerationRequest, SeedSupport
from evalharness.adapters.delivery import delivery
from evalharness.adapters.manifest import Entry, read_manifest
from evalharness.adapters.parameters import Parameters, read_parameters
from evalharness.errors import ConfigError, GenerationError, MediaError
from evalharness.media import probe
from evalharness.records import FailureKind, JobKey, Prompt, System, Task

__all__ = ["FolderAdapter", "FolderSurvey", "survey"]

SUFFIXES = (".mp4", ".webm", ".mov", ".mkv")
UNSEEDED = 1
"""The seed of a clip whose name or row gives none."""

_SEEDED = re.compile(r"(?P<prompt>.+?)(?:__|_s)(?P<seed>-?\d+)")


class _FolderParameters(Parameters):
    path: str | None = None
    manifest: str | None = None
    link: bool = False


@dataclass(frozen=True, slots=True)
class FolderSurvey:
    """What a system's folder has for a study, so that nothing in it goes unnoticed."""

    matched: Mapping[JobKey, Path]
    """One playable file each."""
    missing: tuple[JobKey, ...]
    duplicates: Mapping[JobKey, tuple[Path, ...]]
    """More than one file for the same prompt and seed: none of them is taken."""
    broken: Mapping[JobKey, str]
    """A file is there (or named by the manifest) and cannot be used: why."""
    unmatched: tuple[Path, ...]
    """What lies in the folder or stands in the manifest and belongs to no prompt and seed asked for;
    the manifest itself and what it gives to other systems are not meant."""
    others: Mapping[str, int]
    """Names of other systems in the manifest, with their number of rows."""


class FolderAdapter:
    """Delivers finished clips; computes nothing."""

    version: ClassVar[str] = "1"
    capabilities = Capabilities(tasks=tuple(Task), seed=SeedSupport.EXACT)

    def __init__(self, system: System, *, folder: Path) -> None:
        parameters = read_parameters(_FolderParameters, system)
        self._name = system.name
        self._folder = folder
        self._link = parameters.link
        self.others: Mapping[str, int] = {}
        """Systems whose rows in the manifest were left to them, with the number of rows."""
        self.spoken_for: frozenset[Path] = frozenset()
        """The manifest, and the files it names for other systems."""
        self._path = self._existing(parameters.path)
        if parameters.manifest is not None:
            manifest = folder / parameters.manifest
            base = self._path or manifest.parent
            rows = read_manifest(manifest, base=base, unseeded=UNSEEDED)
            self.others = Counter(row.system for row in rows if row.system != system.name)
            self.spoken_for = frozenset(row.file for row in rows if row.system != system.name) | {manifest}
            self.entries = tuple(row for row in rows if row.system == system.name)
            self.source = parameters.manifest
            if not self.entries:
                raise ConfigError(
                    f"System '{system.name}': manifest: no row of {parameters.manifest} is for this system; "
                    f"it has rows for {', '.join(sorted(self.others)) or 'none at all'}."
                )
        elif self._path is not None and parameters.path is not None:
            self.entries = tuple(_entries_by_name(self._path, system.name))
            self.source = parameters.path
        else:
            raise ConfigError(
                f"System '{system.name}': path: found neither 'path' nor 'manifest'; give the folder of its "
                "clips, or a CSV manifest that names them."
            )

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that lies in the folder, hidden files left out; empty without a `path`."""
        return () if self._path is None else tuple(_visible(self._path))

    def refuse(self, request: GenerationRequest) -> str | None:
        """Any request may be asked; whether there is a clip for it shows in `generate`."""
        del request
        return None

    def generate(self, request: GenerationRequest) -> Generated:
        """Copy or link the clip of this prompt and seed.

        Raises GenerationError: MISSING where there is none, PARAMETER where there are several, MEDIA
        where it is not a playable video.
        """
        entry = self._only(request)
        try:
            probe(entry.file)
        except MediaError as error:
            raise GenerationError(FailureKind.MEDIA, str(error)) from error
        return Generated(
            request={"source": self._named(entry.file), "from": self.source}
            | self._deliver(entry.file, request),
            latency_s=entry.latency_s,
            cost_usd=entry.cost_usd,
        )

    def _existing(self, path: str | None) -> Path | None:
        if path is None:
            return None
        if not (self._folder / path).is_dir():
            raise ConfigError(
                f"System '{self._name}': path: found '{path}', but {(self._folder / path).resolve()} is no "
                "folder; relative paths count from the study's folder."
            )
        return self._folder / path

    def _only(self, request: GenerationRequest) -> Entry:
        asked = (request.prompt.id, request.seed)
        found = [entry for entry in self.entries if (entry.prompt_id, entry.seed) == asked]
        if len(found) > 1:
            names = " and ".join(self._named(entry.file) for entry in found)
            raise GenerationError(
                FailureKind.PARAMETER,
                f"System '{self._name}' has {len(found)} clips for prompt '{asked[0]}' with seed "
                f"{asked[1]}: {names}. Keep one of them.",
            )
        if not found or not found[0].file.exists():
            named = f"{self._named(found[0].file)} is named, but is not there" if found else "there is none"
            raise GenerationError(
                FailureKind.MISSING,
                f"System '{self._name}' has no clip for prompt '{asked[0]}' with seed {asked[1]}: {named} "
                f"in {self.source}. {self._expected(*asked)}",
            )
        return found[0]

    def _expected(self, prompt_id: str, seed: int) -> str:
        other = sorted(
            entry.seed for entry in self.entries if entry.prompt_id == prompt_id and entry.seed != seed
        )
        if other:
            return (
                f"It has seed {', '.join(map(str, other))} (a clip without one counts as seed {UNSEEDED}): "
                "set 'seeds' in [generation] to what there is."
            )
        return f"Add {prompt_id}__{seed}.mp4 or a row for it, or leave the prompt out of the study."

    def _deliver(self, source: Path, request: GenerationRequest) -> dict[str, bool | str]:
        """Put the file at the output; how it was done."""
        try:
            with delivery(request.output) as unfinished:
                if not self._link:
                    shutil.copyfile(source, unfinished)
                    return {"link": False}
                try:
                    unfinished.hardlink_to(source.resolve())
                except OSError as error:
                    shutil.copyfile(source, unfinished)
                    return {"link": False, "link_refused": f"Copied instead: {error.strerror}."}
                return {"link": True}
        except OSError as error:
            raise GenerationError(
                FailureKind.MEDIA, f"{self._named(source)} could not be copied: {error.strerror}."
            ) from error

    def _named(self, file: Path) -> str:
        """A file as its owner knows it: from the study's folder where it lies inside."""
        inside = file.is_relative_to(self._folder)
        return (file.relative_to(self._folder) if inside else file).as_posix()


def survey(system: System, folder: Path, prompts: Iterable[Prompt], seeds: Iterable[int]) -> FolderSurvey:
    """Hold what `system`, reached by the folder adapter, has against what the study asks for.

    Every file is probed. Raises ConfigError as the adapter does.
    """
    adapter = FolderAdapter(system, folder=folder)
    wanted = [JobKey(system.name, prompt.id, seed) for prompt in prompts for seed in tuple(seeds)]
    by_key: dict[JobKey, list[Path]] = {}
    for entry in adapter.entries:
        by_key.setdefault(JobKey(system.name, entry.prompt_id, entry.seed), []).append(entry.file)
    asked = set(wanted)
    single = {key: by_key[key][0] for key in wanted if len(by_key.get(key, ())) == 1}
    broken = {key: problem for key, file in single.items() if (problem := _problem(file))}
    known = adapter.spoken_for.union(*by_key.values())
    accounted = {place.resolve() for file in known for place in (file, *file.parents)}
    return FolderSurvey(
        matched={key: file for key, file in single.items() if key not in broken},
        missing=tuple(key for key in wanted if key not in by_key),
        duplicates={key: tuple(by_key[key]) for key in wanted if len(by_key.get(key, ())) > 1},
        broken=broken,
        unmatched=tuple(
            sorted(
                {file for key, files in by_key.items() if key not in asked for file in files}
                | {file for file in adapter.files if file.resolve() not in accounted}
            )
        ),
        others=adapter.others,
    )


def _problem(file: Path) -> str | None:
    if not file.exists():
        return f"{file.name} is named, but is not there."
    try:
        probe(file)
    except MediaError as error:
        return str(error)
    return None


def _entries_by_name(path: Path, system: str) -> Iterable[Entry]:
    for file in _visible(path):
        if file.suffix.lower() in SUFFIXES and file.is_file():
            seeded = _SEEDED.fullmatch(file.stem)
            if seeded:
                yield Entry(system, seeded["prompt"], int(seeded["seed"]), file)
            else:
                yield Entry(system, file.stem, UNSEEDED, file)


def _visible(path: Path) -> Sequence[Path]:
    return sorted(file for file in path.iterdir() if not file.name.startswith("."))
