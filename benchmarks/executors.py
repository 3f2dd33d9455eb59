"""The same clips made and measured here, by a pool of processes and on a Ray cluster of this machine.

    python benchmarks/executors.py [--clips N] [--rounds N] [--workers N]

Synthetic clips of one second, measured by a few metrics. Startup is timed apart: until every worker has made
and measured its first clip. The executors take turns, so that what else the machine does meets them alike.
Ends with an error where their results differ.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TypeVar

from evalharness.config import Study, StudySettings
from evalharness.executors import Executor, Here, Processes
from evalharness.executors.cluster import Cluster
from evalharness.measure import Order as Measuring
from evalharness.measure import measure_clip
from evalharness.production import Order, produce
from evalharness.prompts import load_suites
from evalharness.records import Clip
from metrics.av import Brief

T = TypeVar("T")
R = TypeVar("R")

METRICS = ("black", "container", "event_sync", "flicker", "loudness", "motion", "sharpness")
SETTINGS = {
    "name": "executors",
    "generation": {"duration_s": 1.0, "width": 426, "height": 240},
    "systems": [{"name": "plain", "adapter": "synthetic"}],
}


def main() -> None:
    """Time the executors in turn and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--clips", type=int, default=12, help="clips a round")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        study = Study(Path(folder), StudySettings.model_validate(SETTINGS))
        executors: dict[str, Executor] = {
            "here": Here(),
            "processes": Processes(given.workers),
            "ray": Cluster(study.storage, address="local", workers=given.workers),
        }
        startup = {}
        for name, executor in executors.items():
            stack.enter_context(executor)
            times, _ = _made_and_measured(study, executor, range(-given.workers, 0))
            startup[name] = sum(times)
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in executors}
        for number in range(given.rounds):
            seeds = range(number * given.clips, (number + 1) * given.clips)
            found = {}
            for name, executor in executors.items():
                times, found[name] = _made_and_measured(study, executor, seeds)
                rounds[name].append(times)
            if any(each != found["here"] for each in found.values()):
                raise SystemExit("The executors' results differ.")
    rates = {
        name: [60 * given.clips / median(times) for times in zip(*rounds[name], strict=True)]
        for name in executors
    }
    print(f"Clips a minute, median of {given.rounds} rounds of {given.clips} clips; {given.workers} workers.")
    print("| executor | startup | made | against processes | measured | against processes |")
    print("|---|---|---|---|---|---|")
    for name, row in rates.items():
        pairs = zip(row, rates["processes"], strict=True)
        shown = " | ".join(f"{rate:.0f} | {rate / base:.2f}" for rate, base in pairs)
        print(f"| `{name}` | {startup[name]:.1f} s | {shown} |")


def _made_and_measured(
    study: Study, executor: Executor, seeds: Sequence[int]
) -> tuple[tuple[float, float], object]:
    """(seconds for making and for measuring), and the clips' hashes with their measurements."""
    prompt = load_suites(study.settings.prompts, study.folder)[0]
    began = time.monotonic()
    made = _all(executor, produce, [Order.of(study, study.systems[0], prompt, seed) for seed in seeds])
    making = time.monotonic() - began
    hashes = []
    orders = []
    for clip in made:
        assert isinstance(clip, Clip), clip
        hashes.append(clip.sha256)
        orders.append(Measuring(clip.sha256, Path(clip.path), Brief(prompt.text), METRICS, study.storage))
    began = time.monotonic()
    rows = _all(executor, measure_clip, orders)
    return (making, time.monotonic() - began), (hashes, rows)


def _all(executor: Executor, work: Callable[[T], R], orders: Sequence[T]) -> list[R]:
    """The results in the orders' order, with no more out than the executor asks for."""
    futures: list[Future[R]] = []
    for order in orders:
        while sum(not future.done() for future in futures) >= executor.capacity:
            wait([future for future in futures if not future.done()], return_when=FIRST_COMPLETED)
        futures.append(executor.submit(work, order))
    return [future.result() for future in futures]


if __name__ == "__main__":
    main()
