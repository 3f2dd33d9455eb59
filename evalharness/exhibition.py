"""Blind a whole study: its clips become exhibits in the study's folder and records in its store.

Works prompt by prompt, since all clips of a prompt are brought to one form together. A prompt whose
clips and recipe have not changed keeps its exhibits; a prompt that gained a clip is made anew, under
new ids, and battles already drawn keep the files they were drawn with. Killed at any moment it leaves
whole files and whole records; the next run makes what is missing.

Where sessions hold gold pairs, one clip of every prompt that has two systems gets a second exhibit that is
spoiled on purpose. It is made with the others of its prompt, so turning gold pairs on makes these anew.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from evalharness.blinding import BlindingRecipe, Flaw, MadeExhibit, flaws_for, make_exhibits
from evalharness.blinding.flaws import VERSION as FLAWS_VERSION
from evalharness.config import Study
from evalharness.errors import BlindingError, MediaError
from evalharness.executors import process_pool
from evalharness.locks import only_run
from evalharness.records import Category, Clip, Exhibit, JobKey, Question
from evalharness.storage import Storage
from evalharness.store import Store

__all__ = ["BlindingFailure", "BlindingSummary", "blind_study"]

PROCESSES = 2
FLAWS = "flaws"
"""What the form of exhibits says, besides, where a copy was spoiled with them."""
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
    spoiled: int
    """Copies for gold pairs, made now or before; not among the others."""
    failures: tuple[BlindingFailure, ...]
    notes: tuple[str, ...]
    """Sentences the study's owner should know."""


@dataclass(frozen=True, slots=True)
class _Group:
    """One prompt's clips and the recipe record their exhibits must carry."""

    prompt_id: str
    clips: tuple[Clip, ...]
    form: Mapping[str, Any]
    to_spoil: Clip | None = None
    """Which of them gets a spoiled copy, too."""
    flaws: tuple[Flaw, ...] = ()
    """What is tried on it, one after the other."""

    @property
    def to_make(self) -> tuple[Clip, ...]:
        """The clip behind each exhibit; the spoiled copy's comes last."""
        return self.clips if self.to_spoil is None else (*self.clips, self.to_spoil)


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
    groups = _groups(study, store, recipe)
    known = {exhibit.clip: exhibit for exhibit in store.exhibits()}
    spoiled = store.flawed_exhibits()
    lost = set(study.storage.missing(exhibit.path for exhibit in (*known.values(), *spoiled)))
    stale = [group for group in groups if not _is_current(group, known, spoiled, lost)]
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
            for clip, answer in zip(group.clips, answers[: len(group.clips)], strict=True)
            if isinstance(answer, MediaError)
        ]
        failed.update((clip.key, message) for clip, message in refused)
        # A clip whose file is missing may come back; only what the file itself is to blame for is kept.
        about = {
            "refused": {clip.sha256: message for clip, message in refused if study.path(clip.path).is_file()},
            "not_spoiled": [
                str(each) for each in answers[len(group.clips) :] if isinstance(each, MediaError)
            ],
        }
        for clip, output, answer in zip(group.to_make, outputs, answers, strict=True):
            if isinstance(answer, MadeExhibit):
                store.put_exhibit(_record(group, clip, output, answer, about))
                made += answer.flaw is None
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
        spoiled=len(_of_form(store.flawed_exhibits(), groups)),
        failures=failures,
        notes=_notes(current),
    )


def _groups(study: Study, store: Store, recipe: BlindingRecipe) -> list[_Group]:
    """The clips by prompt, both in order, and where sessions hold gold pairs what is spoiled of each."""
    golds, asks_sync = study.settings.checks.golds, Question.AV_SYNC in study.settings.arena.questions
    categories = {prompt.id: prompt.category for prompt in store.prompts()}
    by_prompt: dict[str, list[Clip]] = defaultdict(list)
    for clip in sorted(store.clips(), key=lambda clip: clip.key):
        by_prompt[clip.key.prompt_id].append(clip)
    groups = []
    for prompt_id, clips in sorted(by_prompt.items()):
        form = {**recipe.record(), "clips": sorted(clip.sha256 for clip in clips)}
        if not golds or len({clip.key.system for clip in clips}) < 2:
            groups.append(_Group(prompt_id, tuple(clips), form))
            continue
        to_spoil = Random(f"to spoil/{prompt_id}").choice(clips)
        is_about_sync = categories[prompt_id] is Category.AUDIO_SYNC and to_spoil.streams.has_audio
        flaws = flaws_for(prompt_id, heard=asks_sync and is_about_sync)
        form[FLAWS] = {
            "version": FLAWS_VERSION,
            "clip": to_spoil.sha256,
            "tried": [each.name for each in flaws],
        }
        groups.append(_Group(prompt_id, tuple(clips), form, to_spoil, flaws))
    return groups


def _is_current(
    group: _Group, known: Mapping[JobKey, Exhibit], spoiled: Iterable[Exhibit], lost: Set[str]
) -> bool:
    """Whether each clip of the group has its exhibit of this form, or was refused when they were made."""
    mine = [known[clip.key] for clip in group.clips if clip.key in known]
    if any(not _is_of_form(e, group) or e.path in lost for e in mine):
        return False
    blinded = {exhibit.clip_sha256 for exhibit in mine}
    refused = {sha256 for exhibit in mine for sha256 in exhibit.recipe["refused"]}
    if not all(clip.sha256 in blinded | refused for clip in group.clips):
        return False
    copies = [each for each in _of_form(spoiled, [group]) if each.path not in lost]
    return group.to_spoil is None or bool(copies) or any(each.recipe["not_spoiled"] for each in mine)


def _is_of_form(exhibit: Exhibit, group: _Group) -> bool:
    """Whether it has the group's form; that a copy was spoiled with it is no matter where none is wanted."""
    form = exhibit.recipe["form"]
    if group.to_spoil is None:
        form = {name: value for name, value in form.items() if name != FLAWS}
    return bool(form == group.form)


def _of_form(spoiled: Iterable[Exhibit], groups: Iterable[_Group]) -> list[Exhibit]:
    """Of spoiled copies those that the groups ask for."""
    forms = {group.prompt_id: group.form for group in groups}
    return [each for each in spoiled if each.recipe["form"] == forms.get(each.prompt_id)]


def _make(
    study: Study, groups: Sequence[_Group], recipe: BlindingRecipe, processes: int
) -> Iterator[tuple[_Group, list[Path], list[MadeExhibit | MediaError]]]:
    """Make the groups' exhibits, several prompts at a time, as they get ready."""
    work = [
        (group, [study.exhibits / f"{secrets.token_hex(16)}.mp4" for _ in group.to_make]) for group in groups
    ]
    if processes < 2 or len(work) < 2:
        for group, outputs in work:
            yield group, outputs, _exhibits(study.storage, group, outputs, recipe)
        return
    with process_pool(min(processes, len(work))) as pool:
        pending = {
            pool.submit(_exhibits, study.storage, group, outputs, recipe): (group, outputs)
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
    storage: Storage, group: _Group, outputs: Sequence[Path], recipe: BlindingRecipe
) -> list[MadeExhibit | MediaError]:
    """Fetch a group's clips, make their exhibits, have them stored; a clip that is gone is a MediaError."""
    found: dict[int, Path] = {}
    answers: dict[int, MadeExhibit | MediaError] = {}
    for index, clip in enumerate(group.to_make):
        try:
            found[index] = storage.local(clip.path, clip.sha256)
        except MediaError as error:
            answers[index] = error
    flaws = {place: group.flaws for place, index in enumerate(found) if index >= len(group.clips)}
    made = make_exhibits(list(found.values()), [outputs[index] for index in found], recipe, flaws)
    for index, answer in zip(found, made, strict=True):
        if isinstance(answer, MadeExhibit):
            storage.put(answer.path, _place(answer.path))
        answers[index] = answer
    return [answers[index] for index in range(len(outputs))]


def _place(output: Path) -> str:
    """An exhibit's path in the storage."""
    return f"exhibits/{output.name}"


def _sweep(study: Study, store: Store) -> None:
    """Remove what killed runs left: half files, and whole ones that never got their record.

    Exhibits that were current once stay while a battle was drawn with them.
    """
    named = {exhibit.id for exhibit in (*store.exhibits(), *store.flawed_exhibits())}
    for battle in store.battles():
        named.update((battle.left_exhibit, battle.right_exhibit))
    for file in study.exhibits.iterdir():
        if file.suffix == ".part" or (file.suffix == ".mp4" and file.stem not in named):
            study.storage.remove(_place(file))


def _record(group: _Group, clip: Clip, output: Path, made: MadeExhibit, about: Mapping[str, Any]) -> Exhibit:
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
            **about,
            "reached_lufs": made.reached_lufs,
            "peak_db": made.peak_db,
            "gain_db": made.gain_db,
            "limited_db": made.limited_db,
            "cut_s": made.cut_s,
            "placement": asdict(made.placement),
        },
        flaw=made.flaw,
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
    plain = {e.prompt_id: said for e in exhibits for said in e.recipe.get("not_spoiled", ())}
    if plain:
        notes.append(f"Prompts without a spoiled copy for gold pairs: {len(plain)}. {min(plain.values())}")
    return tuple(notes)
