"""What a run would do, said beforehand: against sums made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evalharness.adapters.remote.catalogue import Model, catalogue
from evalharness.adapters.remote.common import common_cells
from evalharness.config import Study, StudySettings
from evalharness.outlook import Outlook, outlook
from evalharness.purchases import PurchaseStage
from evalharness.records import FailureKind, JobKey, Prompt, Task
from evalharness.store import Store

TEXT = [
    Prompt(id=f"t{n}", task=Task.TEXT_TO_VIDEO, text="A dog runs.", language="en", licence="CC0-1.0")
    for n in range(3)
]
HAPPYHORSE = {"name": "hh", "adapter": "dashscope", "model": "happyhorse-1.1", "concurrency": 2}
SEEDANCE = {"name": "sd", "adapter": "ark", "model": "seedance-2.0", "concurrency": 2}


def study(folder: Path, *systems: dict[str, Any], **generation: Any) -> Study:
    asked = {"duration_s": 5.0, "width": 1280, "height": 720, "seeds": [1, 2]} | generation
    settings = {"name": "test", "generation": asked, "systems": list(systems)}
    return Study(folder.resolve(), StudySettings.model_validate(settings))


def foreseen(
    wanted: Study, prompts: list[Prompt], *, failed: tuple[JobKey, ...] = (), **options: Any
) -> Outlook:
    with Store.open(wanted.database_url) as store:
        if failed:
            store.put_systems(wanted.systems)
            store.put_prompts(prompts)
            store.add_jobs(failed)
        for key in failed:
            store.start_job(key)
            store.fail_job(key, FailureKind.SERVER, "It fell.")
        return outlook(wanted, store, prompts, **options)


def test_clips_price_and_time_of_each_system(tmp_path: Path) -> None:
    found = foreseen(study(tmp_path, HAPPYHORSE, SEEDANCE), TEXT)
    first, second = found.lines
    assert (first.system, first.clips, first.charged, first.standing) == ("hh", 6, True, 0)
    assert first.cost_usd == pytest.approx(6 * 0.645)
    model = catalogue("dashscope").model("happyhorse-1.1")
    assert first.takes_s == (3 * model.typical_s[0], 3 * model.typical_s[1])  # six clips, two at a time
    assert found.clips == 12
    assert found.cost_usd == pytest.approx(6 * 0.645 + (second.cost_usd or 0))
    assert found.takes_s is not None
    assert second.takes_s is not None
    assert found.takes_s[1] == max(first.takes_s[1], second.takes_s[1])
    assert found.charged
    assert found.unpriced == ()


def test_failed_clips_count_only_where_they_are_tried_again(tmp_path: Path) -> None:
    wanted = study(tmp_path, HAPPYHORSE)
    failed = (JobKey("hh", "t0", 1), JobKey("hh", "t2", 2))
    assert foreseen(wanted, TEXT, failed=failed).clips == 4
    assert foreseen(wanted, TEXT, retry_failed=True).clips == 6


def test_a_clip_that_stands_at_its_vendor_is_not_priced_again(tmp_path: Path) -> None:
    wanted = study(tmp_path, HAPPYHORSE)
    with Store.open(wanted.database_url) as store:
        store.put_systems(wanted.systems)
        store.put_prompts(TEXT)
        store.add_jobs([JobKey("hh", "t0", 1)])
        store.intend_purchase(JobKey("hh", "t0", 1), {"cell": {}})
        store.submit_purchase(JobKey("hh", "t0", 1), "task", None)
        (line,) = outlook(wanted, store, TEXT).lines
    assert (line.clips, line.standing) == (6, 1)
    assert line.cost_usd == pytest.approx(5 * 0.645)


def test_a_standing_task_hides_the_price_of_no_other_clip(tmp_path: Path) -> None:
    """Its seed is another one, or its job failed and is not taken up."""
    wanted = study(tmp_path, HAPPYHORSE)
    key = JobKey("hh", "t0", 1)
    with Store.open(wanted.database_url) as store:
        store.put_systems(wanted.systems)
        store.put_prompts(TEXT)
        store.add_jobs([key])
        store.start_job(key)
        store.intend_purchase(key, {"cell": {}})
        store.submit_purchase(key, "task", None)
        store.fail_job(key, FailureKind.TIMEOUT, "It takes long.")
        found = outlook(wanted, store, TEXT)
        assert (found.lines[0].clips, found.lines[0].standing) == (5, 0)
        assert found.cost_usd == pytest.approx(5 * 0.645)
        assert "--retry-failed fetches them" in found.notes[0]
        retried = outlook(wanted, store, TEXT, retry_failed=True)
        assert (retried.lines[0].clips, retried.lines[0].standing, retried.notes) == (6, 1, ())
        again = outlook(wanted, store, TEXT, retry_failed=True, given_up=set(PurchaseStage))
        assert (again.lines[0].standing, again.cost_usd) == (0, pytest.approx(6 * 0.645))
        renamed = study(tmp_path, HAPPYHORSE | {"name": "other"})
        assert "put them back to fetch" in outlook(renamed, store, TEXT).notes[0]


def test_a_paid_task_is_fetched_where_the_prompt_is_refused_now(tmp_path: Path) -> None:
    wanted = study(tmp_path, SEEDANCE, duration_s=3.0)
    with Store.open(wanted.database_url) as store:
        store.put_systems(wanted.systems)
        store.put_prompts(TEXT)
        store.add_jobs([JobKey("sd", "t0", 1)])
        store.intend_purchase(JobKey("sd", "t0", 1), {"cell": {}})
        store.submit_purchase(JobKey("sd", "t0", 1), "task", None)
        (line,) = outlook(wanted, store, TEXT).lines
    assert (line.clips, line.standing, sum(line.refused.values())) == (1, 1, 5)


def test_a_systems_tasks_share_its_places(tmp_path: Path) -> None:
    picture = tmp_path / "start.png"
    Image.new("RGB", (640, 360)).save(picture)
    still = Prompt("i0", Task.IMAGE_TO_VIDEO, "It moves.", "en", "CC0-1.0", first_frame=str(picture))
    found = foreseen(study(tmp_path, HAPPYHORSE | {"concurrency": 5}), [*TEXT, still])
    low_s = catalogue("dashscope").model("happyhorse-1.1").typical_s[0]
    assert [line.takes_s[0] for line in found.lines if line.takes_s] == [2 * low_s, low_s]
    assert found.takes_s is not None
    assert found.takes_s[0] == 2 * low_s  # eight clips, five at a time


def test_what_cannot_be_asked_for_is_refused_with_a_cell_that_all_can_make(tmp_path: Path) -> None:
    found = foreseen(study(tmp_path, HAPPYHORSE, SEEDANCE, duration_s=3.0), TEXT)
    first, second = found.lines
    assert (first.clips, second.clips) == (6, 0)
    assert sum(second.refused.values()) == 6
    assert found.suggestion is not None
    assert "duration_s = 4, width = 1280, height = 720" in found.suggestion
    mended = foreseen(study(tmp_path, HAPPYHORSE, SEEDANCE, duration_s=4.0), TEXT)
    assert all(not line.refused for line in mended.lines)
    assert mended.suggestion is None


def test_a_prompt_that_only_one_system_refuses_needs_no_other_cell(tmp_path: Path) -> None:
    picture = tmp_path / "start.png"
    Image.new("RGB", (640, 360)).save(picture)
    long = Prompt(id="long", task=Task.TEXT_TO_VIDEO, text="x" * 9000, language="en", licence="CC0-1.0")
    found = foreseen(study(tmp_path, HAPPYHORSE), [*TEXT, long])
    assert list(found.lines[0].refused.values()) == [2]
    assert found.suggestion is None


def test_what_still_differs_is_said(tmp_path: Path) -> None:
    other = SEEDANCE | {"parameters": {"duration_s": 6.0, "audio": False}}
    said = " ".join(foreseen(study(tmp_path, HAPPYHORSE, other), TEXT).differences)
    assert "length differs: hh 5 s, sd 6 s." in said
    assert "sound differs: hh yes, sd no." in said
    local = {"name": "own", "adapter": "synthetic"}
    alike = foreseen(study(tmp_path, local, local | {"name": "other"}), TEXT)
    assert alike.differences == ()
    assert (alike.charged, alike.takes_s, alike.cost_usd) == (False, None, 0.0)


def test_common_cells_are_those_of_a_plain_search() -> None:
    models = [
        catalogue("dashscope").model("happyhorse-1.1"),
        catalogue("ark").model("seedance-2.0"),
        catalogue("kling").models[0],
    ]

    def makes(model: Model, duration_s: float, ratio: str, side: int) -> bool:
        sides = model.resolutions.values()
        return duration_s in model.durations_s and ratio in model.ratios and side in sides

    common = common_cells(models)
    for duration_s in range(1, 31):
        for ratio in ("16:9", "9:16", "1:1", "21:9", "4:3"):
            for side in (480, 720, 768, 1080, 2160):
                all_make = all(makes(model, duration_s, ratio, side) for model in models)
                found = duration_s in common.durations_s and (ratio, side) in common.frames
                assert found == all_make, (duration_s, ratio, side)
    assert common.nearest(5, 720, 1280) == (5, 720, 1280)
    assert common.nearest(99, 100, 50) == (15, 1280, 720)
    assert common_cells([]).nearest(5, 720, 1280) is None
