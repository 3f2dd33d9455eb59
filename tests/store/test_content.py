"""Systems and prompts: kept equal, and never changed under clips that exist."""

from dataclasses import replace

import pytest

from evalharness.errors import StoreError
from evalharness.purchases import PurchaseStage
from evalharness.records import JobKey, Prompt, System, Task

SYSTEM = System(
    "happy horse",
    "command",
    "m-1",
    "r7",
    "Mystery",
    {"steps": 30, "cfg": [1.5, None], "deep": {"é": True}},
    4,
)
PROMPT = Prompt(
    id="i2v-ko-01",
    task=Task.IMAGE_TO_VIDEO,
    text="강가의 얼음이 갈라진다",
    language="ko",
    licence="CC0-1.0",
    spoken="맘마 파파",
    reading="mamma papa",
    first_frame="/pictures/ice.png",
    tags=("audio-sync", "ice"),
)


def test_come_back_equal(scene):
    scene.store.put_systems([SYSTEM])
    scene.store.put_prompts([PROMPT])
    assert scene.store.systems() == (SYSTEM,)
    assert scene.store.prompts() == (PROMPT,)


def test_an_empty_study_has_none(scene):
    scene.store.put_systems([])
    scene.store.put_prompts([])
    assert scene.store.systems() == ()
    assert scene.store.prompts() == ()


def test_are_sorted_by_code_point_on_every_back_end(scene):
    names = ["b", "a", "Z", "é", "_x", "a b", "a-b", "ab"]
    scene.store.put_systems(System(name, "folder") for name in names)
    scene.store.put_prompts(replace(PROMPT, id=name) for name in names)
    assert [system.name for system in scene.store.systems()] == sorted(names)
    assert [prompt.id for prompt in scene.store.prompts()] == sorted(names)


def test_may_change_while_there_are_no_clips(scene):
    scene.store.put_systems([SYSTEM])
    scene.store.put_prompts([PROMPT])
    system, prompt = replace(SYSTEM, revision="r8"), replace(PROMPT, text="다른 글")
    scene.store.put_systems([system])
    scene.store.put_prompts([prompt])
    assert scene.store.systems() == (system,)
    assert scene.store.prompts() == (prompt,)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"adapter": "folder"}, "adapter"),
        ({"model": "m-2"}, "model"),
        ({"revision": ""}, "revision"),
        ({"parameters": {**SYSTEM.parameters, "steps": 31}}, "parameters"),
        ({"model": "m-2", "revision": "r8"}, "model and revision"),
    ],
)
def test_a_system_with_clips_keeps_its_identity(scene, change, named):
    scene.store.put_systems([SYSTEM])
    scene.store.put_prompts([PROMPT])
    scene.finished(SYSTEM.name, PROMPT.id)
    newcomer = System("new", "folder")
    with pytest.raises(StoreError, match=rf"'happy horse' has clips already, so its {named} cannot change"):
        scene.store.put_systems([newcomer, replace(SYSTEM, **change)])
    assert scene.store.systems() == (SYSTEM,)


@pytest.mark.parametrize("ended", [False, True])
def test_what_a_vendor_was_asked_for_is_protected_while_it_may_come(scene, ended):
    scene.store.put_systems([SYSTEM])
    scene.store.put_prompts([PROMPT])
    key = JobKey(SYSTEM.name, PROMPT.id, 1)
    scene.store.add_jobs([key])
    scene.store.intend_purchase(key, {})
    scene.store.submit_purchase(key, "task", None)
    if ended:
        scene.store.close_purchase(key, PurchaseStage.ENDED)
        scene.store.put_systems([replace(SYSTEM, model="m-9")])
        scene.store.put_prompts([replace(PROMPT, text="Another.")])
        return
    with pytest.raises(StoreError, match="such as a vendor was asked for"):
        scene.store.put_systems([replace(SYSTEM, model="m-9")])
    with pytest.raises(StoreError, match="such as a vendor was asked for"):
        scene.store.put_prompts([replace(PROMPT, text="Another.")])


def test_a_system_with_clips_may_change_what_is_not_its_identity(scene):
    scene.store.put_systems([SYSTEM])
    scene.store.put_prompts([PROMPT])
    scene.finished(SYSTEM.name, PROMPT.id)
    unmasked = replace(SYSTEM, codename=None, concurrency=1)
    scene.store.put_systems([unmasked, System("new", "folder")])
    assert scene.store.systems() == (unmasked, System("new", "folder"))


@pytest.mark.parametrize("change", [{"text": "x"}, {"spoken": None}, {"task": Task.TEXT_TO_VIDEO}])
def test_a_prompt_with_clips_keeps_its_words(scene, change):
    scene.store.put_systems([SYSTEM])
    scene.store.put_prompts([PROMPT])
    scene.finished(SYSTEM.name, PROMPT.id)
    with pytest.raises(StoreError, match=f"so its {next(iter(change))} cannot change"):
        scene.store.put_prompts([replace(PROMPT, **change)])
    moved = replace(PROMPT, first_frame="/elsewhere/ice.png", tags=("ice",))
    scene.store.put_prompts([moved])
    assert scene.store.prompts() == (moved,)


def test_a_prompt_with_clips_keeps_what_its_pictures_show(scene):
    """Of a study that an earlier version began nobody kept the hashes: today's are taken for them."""
    scene.store.put_systems([SYSTEM])
    scene.store.put_prompts([PROMPT])
    scene.finished(SYSTEM.name, PROMPT.id)
    known = replace(PROMPT, pictures=("a" * 64,))
    scene.store.put_prompts([known])
    scene.store.put_prompts([replace(known, first_frame="/moved/ice.png")])
    with pytest.raises(StoreError, match="so its pictures cannot change"):
        scene.store.put_prompts([replace(known, pictures=("b" * 64,))])


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"cfg": {"scales": [1.0, float("nan")]}}, r"parameters\.cfg\.scales\[1\] is nan; only finite"),
        ({"cfg": float("inf")}, r"parameters\.cfg is inf; only finite"),
        ({"cfg": {1: "one"}}, r"parameters\.cfg has keys that are not text"),
        ({"cfg": {"a", "b"}}, r"parameters\.cfg is a set, which cannot be stored"),
        ({"cfg": "a\x00b"}, r"parameters\.cfg holds a NUL"),
        ({"cfg": "\udc80"}, r"parameters\.cfg is '\\udc80', which is not valid Unicode"),
        ({"cfg": 2**63}, r"parameters\.cfg is 9223372036854775808, which needs more than 64 bits"),
    ],
)
def test_what_a_database_would_bend_is_refused(scene, parameters, problem):
    with pytest.raises(StoreError, match=problem):
        scene.store.put_systems([replace(SYSTEM, parameters=parameters)])
    assert scene.store.systems() == ()


def test_a_job_needs_its_system_and_prompt(scene):
    scene.content("a", "p")
    for key in (JobKey("a", "ghost", 1), JobKey("ghost", "p", 1)):
        with pytest.raises(StoreError, match="refers to something that is not stored"):
            scene.store.add_jobs([JobKey("a", "p", 1), key])
    assert scene.store.jobs() == ()
