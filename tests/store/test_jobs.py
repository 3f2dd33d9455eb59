"""Generation jobs: each made once, none lost."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from evalharness.errors import NotFoundError, StoreError
from evalharness.records import FailureKind, JobKey, JobState

KEY = JobKey("a", "p", 1)


@pytest.fixture
def job(scene):
    """The only job of a study, as it stands."""
    scene.content()
    scene.store.add_jobs([KEY])

    def stands():
        (found,) = scene.store.jobs()
        return found

    return stands


def test_new_jobs_are_pending_and_known_ones_untouched(scene):
    scene.content()
    keys = [JobKey("b", "q", 2), KEY, JobKey("a", "p", -(2**63)), KEY]
    assert scene.store.add_jobs(keys) == 3
    assert scene.store.start_job(KEY)
    assert scene.store.add_jobs([*keys, JobKey("a", "q", 1)]) == 1
    assert scene.store.add_jobs([]) == 0
    jobs = scene.store.jobs()
    assert [job.key for job in jobs] == sorted({*keys, JobKey("a", "q", 1)})
    assert [job.key for job in jobs if job.state is JobState.RUNNING] == [KEY]
    assert [job.attempts for job in jobs] == [0, 1, 0, 0]


def test_the_way_of_a_job_that_succeeds(scene, job):
    before = datetime.now(UTC)
    assert job().state is JobState.PENDING
    assert scene.store.start_job(KEY)
    assert not scene.store.start_job(KEY)
    assert (job().state, job().attempts, job().clip_sha256) == (JobState.RUNNING, 1, None)
    clip = scene.clip(
        KEY, request={"steps": 3, "tags": []}, provider_task_id="t-1", latency_s=1.5, cost_usd=0.01
    )
    scene.store.finish_job(KEY, clip)
    assert (job().state, job().attempts, job().clip_sha256) == (JobState.DONE, 1, clip.sha256)
    assert before <= job().updated_at <= datetime.now(UTC)
    assert not scene.store.start_job(KEY)
    assert scene.store.clips() == (clip,)


def test_the_way_of_a_job_that_fails_and_is_tried_again(scene, job):
    assert scene.store.start_job(KEY)
    scene.store.fail_job(KEY, FailureKind.RATE, "The vendor asks for patience; wait a minute.")
    assert (job().state, job().failure) == (JobState.FAILED, FailureKind.RATE)
    assert job().message == "The vendor asks for patience; wait a minute."
    assert scene.store.start_job(KEY)
    assert (job().state, job().attempts, job().failure, job().message) == (JobState.RUNNING, 2, None, None)


def test_a_failure_is_recorded_whatever_a_program_printed(scene, job):
    assert scene.store.start_job(KEY)
    scene.store.fail_job(KEY, FailureKind.PROGRAM, "It said: \x00\udcff氷")
    assert job().message == "It said: \ufffd?氷"


def test_a_killed_run_is_released_with_its_attempts(scene):
    scene.content()
    keys = [JobKey("a", "p", seed) for seed in range(4)]
    scene.store.add_jobs(keys)
    for key in keys[:3]:
        scene.store.start_job(key)
    scene.store.finish_job(keys[0], scene.clip(keys[0]))
    assert scene.store.release_jobs() == 2
    assert scene.store.release_jobs() == 0
    assert [job.state for job in scene.store.jobs()] == ["done", "pending", "pending", "pending"]
    assert [job.attempts for job in scene.store.jobs()] == [1, 1, 1, 0]
    scene.store.finish_job(keys[1], scene.clip(keys[1]))  # the run was not dead after all
    assert [job.key for job in scene.store.jobs(JobState.DONE)] == keys[:2]


def test_done_is_final(scene, job):
    scene.store.start_job(KEY)
    clip = scene.clip(KEY)
    scene.store.finish_job(KEY, clip)
    with pytest.raises(StoreError, match="is done already; its clip was kept"):
        scene.store.finish_job(KEY, replace(clip, sha256="other"))
    with pytest.raises(StoreError, match="is done already"):
        scene.store.fail_job(KEY, FailureKind.SERVER, "late")
    assert job().state is JobState.DONE
    assert scene.store.clips() == (clip,)


def test_clip_and_done_are_one_step(scene, job):
    scene.store.start_job(KEY)
    for broken in (scene.clip(KEY, bytes=0), scene.clip(KEY, latency_s=float("nan"))):
        with pytest.raises(StoreError, match=r"ck_clips_bytes|latency_s is nan"):
            scene.store.finish_job(KEY, broken)
        assert job().state is JobState.RUNNING
    with pytest.raises(StoreError, match="a time without a time zone"):
        scene.store.finish_job(KEY, scene.clip(KEY, created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the mistake under test
    assert scene.store.clips() == ()


def test_two_jobs_may_deliver_the_same_bytes(scene):
    scene.content()
    other = JobKey("b", "p", 1)
    scene.store.add_jobs([KEY, other])
    for key in (KEY, other):
        scene.store.start_job(key)
        scene.store.finish_job(key, scene.clip(key, sha256="same"))
    assert [(clip.key, clip.sha256) for clip in scene.store.clips()] == [(KEY, "same"), (other, "same")]


def test_a_clip_of_another_key_finishes_nothing(scene, job):
    scene.store.start_job(KEY)
    with pytest.raises(StoreError, match="cannot finish the job"):
        scene.store.finish_job(KEY, scene.clip(replace(KEY, seed=2)))
    assert job().state is JobState.RUNNING


def test_unknown_jobs_are_not_found(scene):
    for act in (
        lambda: scene.store.start_job(KEY),
        lambda: scene.store.finish_job(KEY, scene.clip(KEY)),
        lambda: scene.store.fail_job(KEY, FailureKind.SERVER, "x"),
    ):
        with pytest.raises(NotFoundError, match=r"no job \(a, p, seed 1\); add it first"):
            act()


def test_progress_counts_everything_once(scene):
    scene.arena("ab", "p", "v")
    scene.store.put_exhibit(scene.exhibit(scene.clip(KEY), id="newer"))
    scene.store.add_jobs([JobKey("a", "p", seed) for seed in (2, 3)])
    scene.store.start_job(JobKey("a", "p", 2))
    scene.store.fail_job(JobKey("a", "p", 2), FailureKind.MEDIA, "It does not play.")
    scene.store.commit_votes(scene.answers(scene.opened("one")))
    assert scene.store.progress() == {
        "jobs_pending": 1,
        "jobs_running": 0,
        "jobs_done": 2,
        "jobs_failed": 1,
        "systems": 2,
        "prompts": 1,
        "clips": 2,
        "exhibits": 2,
        "measurements": 0,
        "voters": 1,
        "battles": 1,
        "votes": 2,
        "exclusions": 0,
    }
