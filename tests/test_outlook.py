"""What a run would do, said beforehand: against sums made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evalharness.adapters.remote.catalogue import Model, catalogue
from evalharness.adapters.remote.common import Cell, advice, common_cells
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
LOCAL = {"name": "own", "adapter": "synthetic"}
VEO = {"name": "veo", "adapter": "vertex", "model": "veo-3.1", "concurrency": 2}
MINIMAX = {"name": "mm", "adapter": "minimax", "model": "minimax-h3", "concurrency": 2}


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


def test_systems_of_one_account_wait_for_each_other(tmp_path: Path) -> None:
    more = SEEDANCE | {"concurrency": 3}
    both = study(tmp_path, more, more | {"name": "sd-silent", "parameters": {"audio": False}})
    found = foreseen(both, TEXT)
    low_s, high_s = catalogue("ark").model("seedance-2.0").typical_s
    assert [line.takes_s for line in found.lines] == [(2 * low_s, 2 * high_s)] * 2
    assert found.takes_s == (4 * low_s, 4 * high_s)  # twelve clips, three at a time
    (note,) = found.notes
    assert note.startswith("sd, sd-silent use seedance-2.0 by one account of ark")
    assert note.endswith("together they have at most 3 clips made at a time.")
    other = more | {"name": "fast", "model": "seedance-2.0-fast"}
    apart = foreseen(study(tmp_path, more, other), TEXT)
    assert (apart.takes_s, apart.notes) == ((2 * low_s, 2 * high_s), ())


def test_clips_are_made_no_faster_than_they_may_be_asked_for(tmp_path: Path) -> None:
    many = VEO | {"concurrency": 64}
    found = foreseen(study(tmp_path, many, duration_s=6.0, seeds=list(range(1, 101))), TEXT)
    model = catalogue("vertex").model("veo-3.1")
    assert found.clips == 300
    assert model.requests_per_minute == 50
    assert 5 * model.typical_s[0] < 360
    assert found.takes_s == (360.0, 5 * model.typical_s[1])  # five rounds of 64 clips


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
    assert "rewriting" not in said
    vendors = study(tmp_path, HAPPYHORSE, SEEDANCE, VEO | {"parameters": {"duration_s": 6}})
    told = " ".join(foreseen(vendors, TEXT).differences)
    assert "watermark differs: hh none, sd none, veo a hidden one." in told
    wan = {"name": "wan", "adapter": "dashscope", "model": "wan-2.7"}
    told = " ".join(foreseen(study(tmp_path, HAPPYHORSE, wan, LOCAL), TEXT).differences)
    assert "prompt rewriting differs: hh nobody says, wan none." in told
    assert "watermark" not in told
    alike = foreseen(study(tmp_path, LOCAL, LOCAL | {"name": "other"}), TEXT)
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
    assert common.nearest(5, 720, 1280) == Cell(5, "9:16", 720)
    assert common.nearest(99, 100, 50) == Cell(15, "16:9", 720)
    assert common_cells([]).nearest(5, 720, 1280) is None
    assert [Cell(5, ratio, 720).size for ratio in ("16:9", "9:16", "1:1")] == [
        (1280, 720),
        (720, 1280),
        (720, 720),
    ]


@pytest.mark.parametrize(("asked_s", "nearest_s"), [(3, 4), (5, 6), (5.5, 6), (4.9, 4), (7, 8), (60, 8)])
def test_of_two_lengths_that_are_equally_near_the_longer_one_is_meant(
    asked_s: float, nearest_s: float
) -> None:
    common = common_cells([catalogue("vertex").model("veo-3.1"), catalogue("ark").model("seedance-2.0")])
    assert common.nearest(asked_s, 1280, 720) == Cell(nearest_s, "16:9", 720)


def test_who_stands_apart_is_named_with_what_is_nearest_to_the_others(tmp_path: Path) -> None:
    said = foreseen(study(tmp_path, HAPPYHORSE, MINIMAX, SEEDANCE), TEXT).suggestion or ""
    assert "'mm' stands apart: 'hh', 'sd' can be asked for 5 s, 1280x720" in said
    assert "minimax-h3 makes 5 to 15 whole seconds as 768P or 2K" in said
    assert "[generation]" not in said
    moved = foreseen(study(tmp_path, HAPPYHORSE, MINIMAX, VEO), TEXT).suggestion or ""
    assert moved.endswith("For the others, in [generation]: duration_s = 6, width = 1280, height = 720.")
    own = {"duration_s": 5, "resolution": "768P", "ratio": "16:9"}
    assert 'duration_s = 5, resolution = "768P", ratio = "16:9", which is 5 s, 1366x768' in said
    taken = foreseen(study(tmp_path, HAPPYHORSE, MINIMAX | {"parameters": own}, SEEDANCE), TEXT)
    assert not any(line.refused for line in taken.lines)
    assert taken.suggestion is None
    assert any("size differs" in sentence and "mm 1366x768" in sentence for sentence in taken.differences)


def test_a_system_with_a_size_of_its_own_spoils_no_advice_to_the_others(tmp_path: Path) -> None:
    own = {"resolution": "768P", "ratio": "16:9"}
    found = foreseen(study(tmp_path, MINIMAX | {"parameters": own}, VEO, SEEDANCE, duration_s=5.0), TEXT)
    assert "duration_s = 6, width = 1280, height = 720" in (found.suggestion or "")


def test_where_more_than_one_stands_apart_nobody_is_named() -> None:
    tall, wide = catalogue("minimax").model("minimax-h3"), catalogue("ark").model("seedance-2.0")
    said = advice({"a": tall, "b": tall, "c": wide, "d": wide}, 5, 1280, 720) or ""
    assert "that all of 'a', 'b', 'c', 'd' make, nor all but one of them" in said
    assert advice({"a": tall}, 5, 1280, 720) is not None
    assert advice({}, 5, 1280, 720) is None


def test_who_does_not_serve_a_task_is_no_reason_for_another_size(tmp_path: Path) -> None:
    Image.new("RGB", (480, 480)).save(tmp_path / "hat.png")
    hat = Prompt(
        "r0", Task.REFERENCE_TO_VIDEO, "[Image 1].", "en", "CC0-1.0", references=(str(tmp_path / "hat.png"),)
    )
    found = foreseen(study(tmp_path, HAPPYHORSE, VEO), [hat])
    assert [(line.system, line.clips, sum(line.refused.values())) for line in found.lines] == [
        ("hh", 2, 0),
        ("veo", 0, 2),
    ]
    assert found.suggestion is None
