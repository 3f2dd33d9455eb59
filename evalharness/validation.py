"""Metrics x ladders of known damage -> what each gate says, on clips rendered here or brought by the user.

Renders have a known truth: seven people who speak, one a language, ten impacts, and five given pictures set
in motion, sound and picture in time. The work is cut into one job for a clip and a kind of damage, and done
by a pool of processes; the same clips and versions give the same verdicts, however many processes there are.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from evalharness.errors import ConfigError, EvalHarnessError, MediaError
from evalharness.executors import process_pool
from evalharness.gates import GateRecord, Rung, Validation
from evalharness.prompts import builtin_suites, load_suite
from evalharness.records import Prompt
from evalharness.registry import METRICS
from metrics.av import AVClip, Brief, ClipError
from metrics.base import Metric
from metrics.gates import GATES, Answer, Gate, GateResult, Specimen, judged, tried
from metrics.synthetic import DAMAGES
from metrics.synthetic.picture import recast
from metrics.synthetic.sound import swapped

__all__ = ["Source", "brought", "rendered", "validate"]

TALKERS = tuple(f"speak-{language}-01" for language in ("zh", "yue", "en", "ja", "ko", "fr", "de"))
IMPACTS = tuple(
    f"sync-{what}-01"
    for what in (
        "ball", "hammer", "drum", "door", "bell", "glass", "footsteps", "ice", "drop", "typewriter"
    )
)  # fmt: skip
"""One of every scene that the renderer has."""
STILLS = tuple(f"i2v-{what}-01" for what in ("mountain-lake", "dunes", "windmill", "sailboat", "city-night"))
QUICK = 5
"""Clips of each kind that a quick run takes: the fewest that a sensitivity can be told from."""
DURATION_S, FPS, SEED = 4.0, 25.0, 7
SIZES = {"talk": (480, 480), "impact": (480, 270), "still": (480, 270)}
VIDEO = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".ts")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a specimen comes from; light enough to be sent to a worker."""

    kind: str
    """`talk`, `impact` or `still`, rendered; empty for a file."""
    name: str
    """A built-in prompt's id, or a file's path."""
    other: str
    """The same of the clip that lends its sound, picture and prompt where they are swapped."""


@dataclass(frozen=True, slots=True)
class _Job:
    source: Source
    damage: str
    levels: tuple[float, ...]
    metrics: tuple[str, ...]


def rendered(*, quick: bool = False) -> tuple[Source, ...]:
    """The clips with a known truth."""
    return tuple(
        source
        for kind, names in (("talk", TALKERS), ("impact", IMPACTS), ("still", STILLS))
        for source in _in_a_ring(kind, names[:QUICK] if quick else names)
    )


def brought(folder: Path) -> tuple[Source, ...]:
    """The clips in the user's folder, in order of name; ConfigError where there are fewer than two."""
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}. Name one that holds at least two clips.")
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in VIDEO)
    if len(files) < 2:
        raise ConfigError(
            f"{folder} holds {len(files)} clips ({', '.join(VIDEO)}); two are the fewest that can lend "
            "each other their sound, and five the fewest that can tell a level of damage."
        )
    return _in_a_ring("", files)


def validate(
    names: Iterable[str],
    sources: Sequence[Source],
    *,
    quick: bool = False,
    progress: Callable[[int, int], None] | None = None,
    processes: int | None = None,
) -> tuple[Validation, ...]:
    """Try metrics that can run here on every ladder their gates ask for.

    A quick run climbs every second rung, the worst always. A metric without a gate has none judged.
    `progress(done, total)` counts jobs. Raises UnknownNameError for a metric nobody registered, MediaError
    for a file that cannot be decoded, EvalHarnessError where a worker dies.
    """
    metrics: dict[str, Metric] = {name: METRICS.load(name)() for name in names}
    gates = [gate for gate in GATES if gate.metric in metrics]
    jobs = [job for source in sources for job in _jobs(source, gates, quick)]
    report = progress or (lambda _done, _total: None)
    answers: list[Answer] = []
    report(0, len(jobs))
    with process_pool(processes or os.cpu_count() or 1) as pool:
        try:
            for done, found in enumerate(pool.map(_work, jobs), start=1):
                answers += found
                report(done, len(jobs))
        except ClipError as error:
            raise MediaError(str(error)) from error
        except BrokenProcessPool as error:
            raise EvalHarnessError(
                "A worker process died while metrics were tried (out of memory, or a crash in a library). "
                "Try them one by one with --metric, or with --processes 1."
            ) from error
    results = judged(gates, {name: metric.version for name, metric in metrics.items()}, answers)
    clips = _described(sources)
    return tuple(
        Validation(
            metric=name,
            version=metric.version,
            weights=metric.weights(),
            clips=clips,
            gates=tuple(_record(row, metric) for row in results if row.gate.metric == name),
        )
        for name, metric in metrics.items()
    )


def _in_a_ring(kind: str, names: Sequence[str]) -> tuple[Source, ...]:
    return tuple(Source(kind, name, other) for name, other in zip(names, [*names[1:], names[0]], strict=True))


def _jobs(source: Source, gates: Sequence[Gate], quick: bool) -> list[_Job]:
    held = [gate for gate in gates if not source.kind or not gate.kinds or source.kind in gate.kinds]
    jobs = []
    for damage in ("", *DAMAGES):
        asked = {gate.metric for gate in held if damage in ("", gate.damage)}
        if asked:
            levels = DAMAGES[damage].levels if damage else ()
            climbed = tuple(reversed(levels[::-1][::2])) if quick else levels
            jobs.append(_Job(source, damage, climbed, tuple(sorted(asked))))
    return jobs


def _work(job: _Job) -> list[Answer]:
    return tried(_specimen(job.source), job.damage, _loaded(job.metrics), job.levels)


@lru_cache(maxsize=64)
def _loaded(names: tuple[str, ...]) -> tuple[Metric, ...]:
    """Metrics, kept from job to job with the weights they have loaded."""
    return tuple(_metric(name) for name in names)


@lru_cache(maxsize=64)
def _metric(name: str) -> Metric:
    metric: Metric = METRICS.load(name)()
    return metric


@lru_cache(maxsize=1)
def _specimen(source: Source) -> Specimen:
    clip = _clip(source.kind, source.name)

    def other() -> AVClip:
        return _clip(source.kind, source.other)

    ways: dict[str, Callable[[float], AVClip]] = {
        "swapped_sound": lambda _level: swapped(clip, other()),
        "swapped_prompt": lambda _level: _with_brief(clip, other().brief),
        "recast": lambda share: recast(clip, other(), share),
    }
    if source.kind == "talk":
        ways["lip_errors"] = partial(_clip, source.kind, source.name)
    return Specimen(source.name, source.kind, clip, truth_known=bool(source.kind), brought=ways)


def _clip(kind: str, name: str, lip_errors: float = 0.0) -> AVClip:
    """The user's file, or the clip of a built-in prompt with this share of wrong lips."""
    if not kind:
        return AVClip.open(Path(name))
    # The renderer's libraries are large; only a worker that renders loads them.
    import cv2
    import numpy as np

    from evalharness.adapters.synthetic.knobs import Knobs
    from evalharness.adapters.synthetic.render import Order, render

    cv2.setNumThreads(1)
    prompt = _prompts()[name]
    made = render(Order(prompt, SEED, DURATION_S, *SIZES[kind], FPS), Knobs(lip_error_rate=lip_errors))
    return AVClip.of_pictures(
        np.stack(list(made.frames)),
        np.arange(made.count) / made.fps,
        made.samples,
        made.rate_hz,
        brief=Brief(
            prompt.text,
            prompt.language,
            prompt.spoken,
            prompt.reading,
            Path(prompt.first_frame) if prompt.first_frame else None,
        ),
    )


@lru_cache(maxsize=1)
def _prompts() -> dict[str, Prompt]:
    return {prompt.id: prompt for suite in builtin_suites() for prompt in load_suite(suite)}


def _with_brief(clip: AVClip, brief: Brief) -> AVClip:
    return replace(clip, brief=brief)


def _described(sources: Sequence[Source]) -> str:
    counts = Counter(source.kind for source in sources)
    if files := counts[""]:
        return f"{files} clips of the user's"
    kinds = {"talk": "talkers", "impact": "impact scenes", "still": "pictures set in motion"}
    said = ", ".join(f"{counts[kind]} {words}" for kind, words in kinds.items() if counts[kind])
    return f"{said}; rendered, {DURATION_S:g} s each"


def _record(result: GateResult, metric: Metric) -> GateRecord:
    damage = DAMAGES.get(result.gate.damage)
    units = {f"{metric.name}.{each.name}": each.unit for each in metric.quantities}
    return GateRecord(
        quantity=result.gate.quantity,
        unit=units[result.gate.quantity],
        damage=result.gate.damage,
        damage_unit=damage.unit if damage else "",
        asked=result.gate.rule.asked,
        verdict=str(result.judgement.verdict),
        said=result.judgement.said,
        n=result.judgement.n,
        figures=result.judgement.figures,
        curve=tuple(Rung(**asdict(point)) for point in result.curve),
    )
