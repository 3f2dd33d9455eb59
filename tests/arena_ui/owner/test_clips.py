"""Clips: what came in and failed, and a blinding report that unmasks nobody."""

from __future__ import annotations

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person, Role
from arena_ui.owner.services.clips import blinding, intake
from evalharness.blinding import AuditReport
from evalharness.records import FailureKind, JobKey


def test_failures_are_listed_and_masked_systems_words_are_not(
    office: Office, people: dict[Role, Person]
) -> None:
    prompt = office.store.prompts()[0].id
    for system in ("glacier-xl", "ember-nine"):
        key = JobKey(system, prompt, 7)
        office.store.add_jobs([key])
        office.store.start_job(key)
        office.store.fail_job(key, FailureKind.MODERATION, f"{system} does not make this.")
    found = intake(office, people[Role.ANALYST])
    assert [(row.system, row.clips, row.exhibits, row.failed) for row in found.systems] == [
        ("ember-nine", 3, 3, 1),
        ("mellow-otter", 3, 3, 1),
        ("quartz-turbo", 3, 3, 0),
    ]
    said = {row.system: row.message for row in found.failures}
    assert said == {"ember-nine": "ember-nine does not make this.", "mellow-otter": ""}


def test_the_blinding_report_unmasks_nobody_and_is_made_once(
    office: Office, people: dict[Role, Person]
) -> None:
    exhibit = next(each for each in office.store.exhibits() if each.clip.system == "glacier-xl")
    path = office.study.storage.root / exhibit.path
    path.write_bytes(path.read_bytes() + b"\0\0\0\x18freeGlacier-XL made.")
    counted: list[int] = []
    report = blinding(office, people[Role.ANALYST], lambda done, of: counted.append(done))
    assert isinstance(report, AuditReport)
    assert set(report.systems) == {"mellow-otter", "ember-nine", "quartz-turbo"}
    words = next(each for each in report.leaks if each.feature == "file.words")
    assert "mellow-otter" in words.sentence
    assert "glacier" not in str(report).lower()
    before = len(counted)
    assert blinding(office, people[Role.ANALYST]) is report
    assert len(counted) == before == 9
