"""A study whose votes, clips and measurements are known, and bundles of it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from pathlib import Path

import pytest

from evalharness.bundle import bundle_of_study
from evalharness.config import load_study
from evalharness.people import Arrival
from evalharness.records import (
    Battle,
    Category,
    Clip,
    Decision,
    Exclusion,
    Exhibit,
    JobKey,
    Measurement,
    MeasurementStatus,
    Outcome,
    Prompt,
    Purpose,
    Question,
    Ruling,
    Streams,
    System,
    Task,
    Vote,
    Voter,
)
from evalharness.reports import Meaning, Summary
from evalharness.scaffold import write_study
from evalharness.store import Store

NOON = datetime(2026, 5, 1, 12, 0, 30, 250000, tzinfo=UTC)
SYSTEMS = (
    System("glacier", "folder", model="glacier-9", codename="otter"),
    System("ember", "folder", model="ember-2"),
    System("willow", "folder"),
)
STREAMS = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p", audio_codec="aac")
STRENGTH = {"glacier": 0.7, "ember": 0.5, "willow": 0.3}
LAG = {"glacier": 0.03, "ember": 0.02, "willow": 0.05}
PROMPTS = 8
OPEN = tuple(f"open-{number}" for number in range(7))
PRIVATE = ("private-0", "private-1")
EXCLUDED = "open-6"
MEANINGS = {"sync.lag": Meaning("zero", "av_sync")}
SECRETS = ("open-0", "open-6", "private-", "glacier", "ada-of-prolific", "battle-", "Grace")
"""What no file of a bundle may hold."""
QUESTIONS = (Question.OVERALL, Question.AV_SYNC)


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven voters who agreed to be published, one of them excluded, and two who did not."""
    folder = tmp_path_factory.mktemp("bundle") / "study"
    write_study(folder, SYSTEMS, name="Harbour and sea")
    file = folder / "study.toml"
    told = '\n[publishing]\ntitle = "Harbour: a study"\nauthors = ["Lovelace, Ada"]\nlicence = "CC-BY-4.0"\n'
    file.write_text(file.read_text(encoding="utf-8") + told, encoding="utf-8")
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        store.put_prompts(
            [Prompt(f"p{n}", Task.TEXT_TO_VIDEO, f"a boat, {n}", "en", "CC0-1.0") for n in range(PROMPTS)]
        )
        for system in SYSTEMS:
            for number in range(PROMPTS):
                _deliver(store, system.name, f"p{number}", number)
        for number, voter in enumerate((*OPEN, *PRIVATE)):
            store.put_voter(Voter(voter, ("en",), NOON, "2-en", f"token {number}", open_data=voter in OPEN))
        store.put_arrival(Arrival("open-0", "prolific", "key", "ada-of-prolific", {}, NOON))
        _vote(store, random.Random(5))
        store.rule(Ruling(EXCLUDED, Decision.EXCLUDED, "prefers glacier always", "Grace", NOON))
        store.exclude(Exclusion("battle-open-0-0", Question.OVERALL, "0.2 s", "speed/1", NOON))
    return folder


def _deliver(store: Store, system: str, prompt: str, number: int) -> None:
    key = JobKey(system, prompt, 1)
    sha = f"{system[::-1]}-{prompt}"
    store.add_jobs([key])
    store.start_job(key)
    clip = Clip(sha, key, f"clips/{sha}.mp4", 9, STREAMS, NOON, "folder", "1")
    store.finish_job(key, replace(clip, latency_s=10.0 + number, cost_usd=None if number == 2 else 0.25))
    store.put_exhibit(
        Exhibit(f"x-{sha}", key, sha, prompt, f"exhibits/{sha}.mp4", "e", 9, STREAMS, False, -23.0)
    )
    ended = (
        Measurement(sha, "sync.lag", "2", MeasurementStatus.UNSCORABLE, unit="s", reason="no speech")
        if number == 3
        else Measurement(sha, "sync.lag", "2", MeasurementStatus.VALUE, 0.01 * number - LAG[system], "s")
    )
    store.put_measurements([ended])


def _vote(store: Store, rng: random.Random) -> None:
    for voter in (*OPEN, *PRIVATE):
        pairs = [*product(combinations(STRENGTH, 2), range(PROMPTS))]
        for place, (pair, number) in enumerate(rng.sample(pairs, len(pairs))):
            left, right = rng.sample(pair, 2)
            prompt, trap = f"p{number}", place == 11
            moment = NOON + timedelta(minutes=place)
            battle = Battle(
                f"battle-{voter}-{place}",
                voter,
                prompt,
                Category.TEXT_TO_VIDEO,
                JobKey(left, prompt, 1),
                JobKey(right, prompt, 1),
                f"x-{left[::-1]}-{prompt}",
                f"x-{right[::-1]}-{prompt}",
                QUESTIONS,
                0.5,
                "balanced",
                moment,
                Purpose.TRAP if trap else Purpose.COMPARISON,
                expected=Outcome.LEFT if trap else None,
            )
            store.open_battle(battle)
            store.commit_votes(
                [
                    Vote(battle.id, voter, question, _answer(rng, left, right), moment, {"plays": 1})
                    for question in QUESTIONS
                ]
            )


def _answer(rng: random.Random, left: str, right: str) -> Outcome:
    if rng.random() < 0.2:
        return rng.choice([Outcome.TIE, Outcome.BOTH_BAD])
    wins = rng.random() < 0.5 + STRENGTH[left] - STRENGTH[right]
    return Outcome.LEFT if wins else Outcome.RIGHT


def bundled(study_folder: Path, to: Path, *, everybody: bool = False) -> Summary:
    study = load_study(study_folder)
    with Store.open(study.database_url) as store:
        return bundle_of_study(
            study,
            store,
            to,
            meanings=MEANINGS,
            validations={},
            everybody=everybody,
        )


@pytest.fixture(scope="session")
def bundle(study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle to look at; copy it to change it."""
    folder = tmp_path_factory.mktemp("made") / "bundle"
    bundled(study_folder, folder)
    return folder
