"""Blind a whole study: its clips become exhibits in the study's folder and records in its store.

Works prompt by prompt, since all clips of a prompt are brought to one form together. A prompt whose
clips and recipe have not changed keeps its exhibits; a prompt that gained a clip is made anew, under
new ids, and battles already drawn keep the files they were drawn with. Killed at any moment it leaves
whole files and whole records; the next run makes what is missing.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalharness.blinding import BlindingRecipe, MadeExhibit, make_exhibits
from evalharness.config import Study
from evalharness.errors import BlindingError, MediaError
from evalharness.executors import process_pool
from evalharness.locks import only_run
from evalharness.records import Clip, Exhibit, JobKey
from evalharness.storage import Storage
from evalharness.store import Store

__all__ = ["BlindingFailure", "BlindingSummary", "blind_study"]

PROCESSES = 2
MUCH_CUT = 0.2
"""A clip that loses more than this share of its length to a shorter rival is worth a sentence."""
MUCH_LIMITED_DB = 6.0


@dataclass(frozen=True, slots=True)
class BlindingFailure:
    """A clip that could not become an exhibit."""

    clip: JobKey
    message: str


@dataclass(frozen=True, slots=True)
class BlindingSummary:
    """What blinding a study came to."""

    made: int
    reused: int
    silent: int
    """Exhibits, made now or before, whose clip has no sound."""
    failures: tuple[BlindingFailure, ...]
    notes: tuple[str, ...]
    """Sentences the study's owner should know."""


@dataclass(frozen=True, slots=True)
class _Group:
    """One prompt's clips and the recipe record their exhibits must carry."""

    prompt_id: str
    clips: tuple[Clip, ...]
    form: Mapping[str, Any]


def blind_study(
    study: Study,
    store: Store,
    *,
    progress: Callable[[int, int], None] | None = None,
    processes: int = PROCESSES,
) -> BlindingSummary:
    """Make every exhibit that is missing or out of date.

    `progress(done, total)` is called in this process with numbers of clips. A clip that cannot be
    blinded is in `failures` with its sentence, and its rivals are blinded without it. Raises ConfigError
    where another run blinds this study at the same time.
    """
    with only_run(study.folder, "blind"):
        return _blind(study, store, progress, processes)


def _blind(
    study: Study, store: Store, progress: Callable[[int, int], None] | None, processes: int
) -> BlindingSummary:
    study.storage.check()
    recipe = BlindingRecipe.of(study.settings.blinding)
    groups = _groups(store.clips(), recipe)
    known = {exhibit.clip: exhibit for exhibit in store.exhibits()}
    lost = set(study.storage.missing(exhibit.path for exhibit in known.values()))
    stale = [group for group in groups if not _is_current(group, known, lost)]
    total = sum(len(group.clips) for group in groups)
    done = total - sum(len(group.clips) for group in stale)
    study.exhibits.mkdir(parents=True, exist_ok=True)
    _sweep(study, store)
    made = 0
    failed: dict[JobKey, str] = {}
    if progress:
        progress(done, total)
    for group, outputs, answers in _make(study, stale, recipe, processes):
        refused = [
            (clip, str(answer))
            for clip, answer in zip(group.clips, answers, strict=True)
            if isinstance(answer, MediaError)
        ]
        failed.update((clip.key, message) for clip, message in refused)
        # A clip whose file is missing may come back; only what the file itself is to blame for is kept.
        final = {clip.sha256: message for clip, message in refused if study.path(clip.path).is_file()}
        for clip, output, answer in zip(group.clips, outputs, answers, strict=True):
            if isinstance(answer, MadeExhibit):
                store.put_exhibit(_record(group, clip, output, answer, final))
                made += 1
        done += len(group.clips)
        if progress:
            progress(done, total)
    current = store.exhibits()
    before = {sha256: message for e in current for sha256, message in e.recipe["refused"].items()}
    failures = tuple(
        BlindingFailure(clip.key, message)
        for group in groups
        for clip in group.clips
        if (message := failed.get(clip.key) or before.get(clip.sha256)) is not None
    )
    return BlindingSummary(
        made=made,
        reused=total - made - len(failures),
        silent=sum(exhibit.silent for exhibit in current),
        failures=failures,
        notes=_notes(current),
    )


def _groups(clips: Sequence[Clip], recipe: BlindingRecipe) -> list[_Group]:
    by_prompt: dict[str, list[Clip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.key):
        by_prompt[clip.key.prompt_id].append(clip)
    return [
        _Group(prompt_id, tuple(members), {**recipe.record(), "clips": sorted(c.sha256 for c in members)})
        for prompt_id, members in sorted(by_prompt.items())
    ]


def _is_current(group: _Group, known: Mapping[JobKey, Exhibit], lost: Set[str]) -> bool:
    """Whether each clip of the group has its exhibit of this form, or was refused when they were made."""
    mine = [known[clip.key] for clip in group.clips if clip.key in known]
    if any(e.recipe["form"] != group.form or e.path in lost for e in mine):
        return False
    blinded = {exhibit.clip_sha256 for exhibit in mine}
    refused = {sha256 for exhibit in mine for sha256 in exhibit.recipe["refused"]}
    return all(clip.sha256 in blinded | refused for clip in group.clips)


def _make(
    study: Study, groups: Sequence[_Group], recipe: BlindingRecipe, processes: int
) -> Iterator[tuple[_Group, list[Path], list[MadeExhibit | MediaError]]]:
    """Make the groups' exhibits, several prompts at a time, as they get ready."""
    work = [
        (group, [study.exhibits / f"{secrets.token_hex(16)}.mp4" for _ in group.clips]) for group in groups
    ]
    if processes < 2 or len(work) < 2:
        for group, outputs in work:
            yield group, outputs, _exhibits(study.storage, group.clips, outputs, recipe)
        return
    with process_pool(min(processes, len(work))) as pool:
        pending = {
            pool.submit(_exhibits, study.storage, group.clips, outputs, recipe): (group, outputs)
            for group, outputs in work
        }
        unfinished = {group.prompt_id for group in groups}
        try:
            for future in as_completed(pending):
                group, outputs = pending[future]
                answers = future.result()
                unfinished.remove(group.prompt_id)
                yield group, outputs, answers
        except BrokenProcessPool as error:
            raise BlindingError(
                "A worker that makes exhibits was killed, by a lack of memory or by a file that breaks the "
                f"decoder. Unfinished are the prompts {', '.join(sorted(unfinished)[:5])}"
                f"{' and more' if len(unfinished) > 5 else ''}. Free some memory and blind again (what is "
                "finished is kept), or look at these prompts' clips."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _exhibits(
    storage: Storage, clips: Sequence[Clip], outputs: Sequence[Path], recipe: BlindingRecipe
) -> list[MadeExhibit | MediaError]:
    """Fetch a group's clips, make their exhibits, have them stored; a clip that is gone is a MediaError."""
    found: dict[int, Path] = {}
    answers: dict[int, MadeExhibit | MediaError] = {}
    for index, clip in enumerate(clips):
        try:
            found[index] = storage.local(clip.path, clip.sha256)
        except MediaError as error:
            answers[index] = error
    made = make_exhibits(list(found.values()), [outputs[index] for index in found], recipe)
    for index, answer in zip(found, made, strict=True):
        if isinstance(answer, MadeExhibit):
            storage.put(answer.path, _place(answer.path))
        answers[index] = answer
    return [answers[index] for index in range(len(clips))]


def _place(output: Path) -> str:
    """An exhibit's path in the storage."""
    return f"exhibits/{output.name}"


def _sweep(study: Study, store: Store) -> None:
    """Remove what killed runs left: half files, and whole ones that never got their record.

    Exhibits that were current once stay while a battle was drawn with them.
    """
    named = {exhibit.id for exhibit in store.exhibits()}
    for battle in store.battles():
        named.update((battle.left_exhibit, battle.right_exhibit))
    for file in study.exhibits.iterdir():
        if file.suffix == ".part" or (file.suffix == ".mp4" and file.stem not in named):
            study.storage.remove(_place(file))


def _record(
    group: _Group, clip: Clip, output: Path, made: MadeExhibit, refused: Mapping[str, str]
) -> Exhibit:
    return Exhibit(
        id=output.stem,
        clip=clip.key,
        clip_sha256=clip.sha256,
        prompt_id=group.prompt_id,
        path=_place(output),
        sha256=made.sha256,
        bytes=made.bytes,
        streams=made.streams,
        silent=made.silent,
        loudness_lufs=made.loudness_lufs,
        recipe={
            "form": dict(group.form),
            "refused": dict(refused),
            "reached_lufs": made.reached_lufs,
            "peak_db": made.peak_db,
            "gain_db": made.gain_db,
            "limited_db": made.limited_db,
            "cut_s": made.cut_s,
            "placement": asdict(made.placement),
        },
    )


def _notes(exhibits: Sequence[Exhibit]) -> tuple[str, ...]:
    notes: list[str] = []
    cut = [e for e in exhibits if e.recipe["cut_s"] > MUCH_CUT * (e.recipe["cut_s"] + e.streams.duration_s)]
    if cut:
        most = max(float(exhibit.recipe["cut_s"]) for exhibit in cut)
        notes.append(
            f"{len(cut)} of {len(exhibits)} exhibits lost more than {MUCH_CUT:.0%} of their clip to a "
            f"shorter clip of their prompt, the most {most:.1f} s."
        )
    limited = sum(exhibit.recipe["limited_db"] > MUCH_LIMITED_DB for exhibit in exhibits)
    if limited:
        notes.append(
            f"{limited} of {len(exhibits)} exhibits had peaks turned down by over {MUCH_LIMITED_DB:.0f} dB "
            "to be as loud as the rest; a lower loudness_lufs in [blinding] spares them."
        )
    return tuple(notes)
