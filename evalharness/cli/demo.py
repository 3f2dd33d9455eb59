"""`evalharness demo`: from nothing to a page where one can vote, on four synthetic systems."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from evalharness.adapters.synthetic.demo import DEMO_SYSTEMS
from evalharness.cli.arena import Host, Port, open_arena
from evalharness.cli.blind import run_blinding
from evalharness.cli.demo_releases import judge_releases
from evalharness.cli.generate import run_generation
from evalharness.cli.measure import run_measurement
from evalharness.cli.options import out
from evalharness.config import STUDY_FILE, load_study
from evalharness.errors import GenerationError, MediaError
from evalharness.scaffold import write_study

__all__ = ["demo"]

DEMO_PROMPTS: tuple[str, ...] = (
    "t2v-blacksmith-01",
    "t2v-cat-shelf-01",
    "t2v-ice-river-01",
    "t2v-noir-stairs-01",
    "i2v-mountain-lake-01",
    "i2v-paper-boat-01",
    "i2v-teacup-01",
    "i2v-lighthouse-01",
    "sync-ball-01",
    "sync-drum-01",
    "sync-door-01",
    "speak-en-01",
    "speak-zh-01",
    "speak-de-01",
)
"""Visible impacts in every category, and speech in three languages."""

DEMO_DURATION_S = 4.0

DEMO_METRICS = (
    "black",
    "clipping",
    "container",
    "event_sync",
    "freeze",
    "judder",
    "lip_sync",
    "loudness",
    "sharpness",
    "silence",
)
"""Quick ones that see the flaws of the demo's systems; `measure` adds all the others."""


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to make the demo study.")] = Path("evalharness-demo"),
    host: Host = None,
    port: Port = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Open the arena at the end.")] = True,
    releases: Annotated[
        bool,
        typer.Option("--releases", help="Instead, judge three releases of one system by simulated votes."),
    ] = False,
) -> None:
    """Make a study of four synthetic systems whose flaws are known, then open its arena.

    init, generate, blind and measure (the quick metrics) in one; a second call goes on where the first one
    stopped. With --releases: a system whose second release is late in sound, and whose third mends that, held
    against each other as `regress` does it.
    """
    if releases:
        judge_releases(folder)
        return
    if not (folder / STUDY_FILE).exists():
        write_study(
            folder,
            DEMO_SYSTEMS,
            name="demo",
            prompt_ids=DEMO_PROMPTS,
            duration_s=DEMO_DURATION_S,
            leaderboard="always",
        )
    study = load_study(folder)
    started = time.monotonic()
    with _timed("generate"):
        generated = run_generation(study)
        if generated.failures:
            reason = next(iter(generated.failures.values()))
            raise GenerationError(reason.kind, f"The demo lacks a clip. {reason.message}")
    with _timed("blind"):
        blinded = run_blinding(study)
        if blinded.failures:
            raise MediaError(f"The demo lacks an exhibit. {blinded.failures[0].message}")
    from evalharness.usable import lacking  # metrics: not at the command line's start

    with _timed("measure"):
        usable = [name for name in DEMO_METRICS if lacking(name) is None]
        measured = run_measurement(study, usable)
    out.print(
        f"{generated.planned} clips of {len(study.systems)} systems, {measured.values} measurements, "
        f"ready in {time.monotonic() - started:.0f} s."
    )
    if serve:
        open_arena(study.folder, host, port)


@contextmanager
def _timed(step: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    out.print(f"{step}: {time.monotonic() - started:.1f} s")
