"""`evalharness demo --releases`: a worked example of a release gate, on clips whose flaw is known.

Three releases of one synthetic system; the second is 120 ms late in sound, the third is not. Votes are those
of simulated raters, and say so wherever they appear.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from evalharness.adapters.synthetic.demo import DEMO_RELEASES
from evalharness.cli.blind import run_blinding
from evalharness.cli.generate import run_generation
from evalharness.cli.measure import run_measurement
from evalharness.cli.options import out, progress_bar, store_of
from evalharness.cli.regress import evidence_of, write_page
from evalharness.config import STUDY_FILE, load_study
from evalharness.errors import GenerationError, MediaError
from evalharness.scaffold import write_study

__all__ = ["judge_releases"]

PROMPTS = (
    *(f"sync-{what}-01" for what in ("ball", "bell", "drum", "hammer")),
    *(f"t2v-{what}-01" for what in ("dominoes", "drone-coast", "heron", "neon-rain", "tea-zh", "tram-yue")),
    "t2v-two-chess-01",
)
"""Impacts that can be seen and heard, often enough to be timed."""
METRICS = ("black", "clipping", "container", "event_sync", "freeze", "judder")
"""Quick ones that decide, and the one that sees the flaw."""
DURATION_S = 4.0
SIZE = (256, 144)
RATERS, PAIRS = 90, 18
REGRESSION = """
[regression]                            # a gate on releases: docs/regressions.md
releases = [{releases}]
votes_per_score = 3                     # a voter sees few pairs of each two releases here
"""


def judge_releases(folder: Path) -> None:
    """Make the study where there is none, let simulated raters vote, and hold each release against the last.

    Raises GenerationError and MediaError where a clip or an exhibit is lacking, ConfigError where the folder
    is another study.
    """
    if not (folder / STUDY_FILE).exists():
        names = [system.name for system in DEMO_RELEASES]
        file = write_study(
            folder,
            DEMO_RELEASES,
            name="releases",
            prompt_ids=PROMPTS,
            duration_s=DURATION_S,
            leaderboard="always",
            size=SIZE,
        )
        listed = ", ".join(f'"{name}"' for name in names)
        with file.open("a", encoding="utf-8") as settings:
            settings.write(REGRESSION.format(releases=listed))
    study = load_study(folder)
    generated = run_generation(study)
    if generated.failures:
        reason = next(iter(generated.failures.values()))
        raise GenerationError(reason.kind, f"The example lacks a clip. {reason.message}")
    blinded = run_blinding(study)
    if blinded.failures:
        raise MediaError(f"The example lacks an exhibit. {blinded.failures[0].message}")
    run_measurement(study, list(METRICS))
    # numpy, scipy: not at the command line's start
    from evalharness.regression.terminal import show_comparison, show_history
    from evalharness.releases import history_of
    from evalharness.simulated import cast_simulated_votes

    off_s = {system.name: float(system.parameters["sound_offset_s"]) for system in study.systems}
    with store_of(study) as store:
        with progress_bar("simulated votes", keeps=False) as show:
            cast_simulated_votes(
                store,
                off_s,
                study.settings.arena.questions,
                raters=RATERS,
                pairs=PAIRS,
                progress=lambda done: show(done, RATERS * PAIRS),
            )
        evidence = evidence_of(study, store)
        past = history_of(evidence)
        for step in past.steps:
            show_comparison(step, out)
        show_history(past, out)
        page = study.folder / "reports" / "releases.html"
        write_page(evidence, past.steps[-1], past, page, datetime.now(UTC), out)
