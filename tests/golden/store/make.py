"""Makes `<version>.sql`, a small study as the schema of that version keeps it.

Run once when a version is new, from the project's root: `python tests/golden/store/make.py`.
It writes only the newest version's file; files of older versions stay as they were made then.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evalharness.labels import FaultKind, ScreeningKind
from evalharness.people import Arrival, AuditEntry, Fault, Screening
from evalharness.records import (
    Battle,
    Category,
    Clip,
    Decision,
    Exclusion,
    Exhibit,
    FailureKind,
    JobKey,
    Measurement,
    MeasurementStatus,
    Outcome,
    Prompt,
    Question,
    Ruling,
    Streams,
    Strength,
    System,
    Task,
    Vote,
    Voter,
)
from evalharness.store import Store

START = datetime(2026, 11, 22, 16, 30, 0, 250000, tzinfo=UTC)
STREAMS = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p", audio_codec="aac", sample_rate_hz=48000)
DONE = (JobKey("harbour", "ice", 1), JobKey("lighthouse", "ice", 1), JobKey("harbour", "boat", 1))
FAILED, RUNNING, PENDING = (
    JobKey("lighthouse", "boat", 1),
    JobKey("harbour", "ice", 2),
    JobKey("lighthouse", "ice", 2),
)


def fill(store: Store) -> None:
    """Put at least one row of each kind."""
    store.put_systems(
        [
            System("harbour", "command", "h-1", "r2", "Mystery A", {"steps": 30, "cfg": 1.5}, 2),
            System("lighthouse", "folder"),
        ]
    )
    store.put_prompts(
        [
            Prompt(
                "ice", Task.TEXT_TO_VIDEO, "川の氷が割れる。", "ja", "CC0-1.0", "氷が割れる", tags=("ice",)
            ),
            Prompt("boat", Task.IMAGE_TO_VIDEO, "A boat leaves.", "en", "CC0-1.0", first_frame="/boat.png"),
        ]
    )
    store.add_jobs([*DONE, FAILED, RUNNING, PENDING])
    for key in (*DONE, FAILED, RUNNING):
        store.start_job(key)
    store.intend_purchase(RUNNING, {"model": "h-1", "seed": 2})
    store.intend_purchase(DONE[0], {"model": "h-1", "seed": 1})
    store.submit_purchase(DONE[0], "task-1", None)
    store.run_purchase(DONE[0])
    store.receive_purchase(DONE[0])
    store.intend_purchase(FAILED, {"model": "l-1", "seed": 1})
    store.submit_purchase(FAILED, "task-2", None)
    store.run_purchase(FAILED)
    store.fail_job(FAILED, FailureKind.MODERATION, "The vendor refused the prompt; change its words.")
    for number, key in enumerate(DONE):
        sha256 = f"{number + 1:064x}"
        clip = Clip(
            sha256, key, f"clips/{sha256}.mp4", 4096, STREAMS, START, "command", "1", {"seed": key.seed}
        )
        store.finish_job(key, clip)
        silent = number == 2
        store.put_exhibit(
            Exhibit(
                id=f"exhibit{number}",
                clip=key,
                clip_sha256=sha256,
                prompt_id=key.prompt_id,
                path=f"exhibits/{number}.mp4",
                sha256=sha256,
                bytes=2048,
                streams=STREAMS,
                silent=silent,
                loudness_lufs=None if silent else -23.4,
                recipe={"fps": 24.0},
            )
        )
    first = f"{1:064x}"
    store.put_measurements(
        [
            Measurement(first, "loudness.lufs", "1", MeasurementStatus.VALUE, -21.7, "LUFS"),
            Measurement(first, "lips.error", "1", MeasurementStatus.UNSCORABLE, reason="No face was found."),
            Measurement(
                first, "event_sync.offset_s", "1", MeasurementStatus.FAILED, reason="It did not decode."
            ),
        ]
    )
    asked = (Question.OVERALL, Question.AV_SYNC)
    sides = (DONE[0], DONE[1], "exhibit0", "exhibit1")
    mirrored = (DONE[1], DONE[0], "exhibit1", "exhibit0")
    for name, voter, shown in (("answered", "ada", sides), ("open", "bo", mirrored)):
        store.put_voter(Voter(voter, ("ja", "en"), START, "2026-11", f"token of {voter}"))
        store.open_battle(
            Battle(name, voter, "ice", Category.TEXT_TO_VIDEO, *shown, asked, 0.5, "balanced", START)
        )
    moment = START + timedelta(seconds=12.5)
    store.commit_votes(
        [
            Vote(
                "answered", "ada", Question.OVERALL, Outcome.LEFT, moment, {"plays": [1, 2]}, Strength.SLIGHT
            ),
            Vote("answered", "ada", Question.AV_SYNC, Outcome.BOTH_BAD, moment),
        ]
    )
    store.exclude(Exclusion("answered", Question.OVERALL, "answered in 0.2 s", "speed/1", moment))
    store.put_arrival(Arrival("ada", "prolific", "key of ada", "5f1", {"study": "s1"}, START))
    store.add_screening(Screening("ada", ScreeningKind.DEVICE, True, START, {"width": 1920}))
    store.report_fault(Fault("open", FaultKind.SOUND, moment))
    store.note_audit(AuditEntry("owner", "owner", "accept", {"voter": "ada"}, moment))
    store.rule(Ruling("ada", Decision.ACCEPTED, "finished the session", "owner", moment))


def main() -> None:
    """Write the newest version's file beside this script."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.db"
        with Store.open(f"sqlite:///{file}") as store:
            fill(store)
        with closing(sqlite3.connect(file)) as connection:
            (version,) = connection.execute("SELECT version_num FROM schema_version").fetchone()
            dump = "\n".join(connection.iterdump())
    (Path(__file__).parent / f"{version}.sql").write_text(dump + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
