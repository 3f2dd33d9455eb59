"""What people see before money is spent, and that none is spent without their word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from evalharness.adapters.remote.catalogue import Model
from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.prompts import load_suites
from evalharness.records import JobKey
from evalharness.store import Store

STUDY = """
name = "bought"
[prompts]
suites = ["own.jsonl"]
[generation]
duration_s = 5
width = 1280
height = 720
[[systems]]
name = "horse"
adapter = "dashscope"
model = "happyhorse-1.1"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-very-secret")
    monkeypatch.setenv("DASHSCOPE_BASE_URL", "http://127.0.0.1:9")  # nobody listens: sending would fail
    Image.effect_noise((640, 360), 40).convert("RGB").save(tmp_path / "start.png")
    rows = [
        {"id": "run", "task": "text_to_video", "text": "A dog runs."},
        {"id": "jump", "task": "text_to_video", "text": "A dog jumps."},
        {"id": "sit", "task": "image_to_video", "text": "It sits.", "first_frame": "start.png"},
    ]
    common = {"language": "en", "licence": "CC0-1.0"}
    (tmp_path / "own.jsonl").write_text("\n".join(json.dumps(row | common) for row in rows))
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def said(folder: Path, *options: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["generate", str(folder), *options])
    assert result.exit_code == code, result.output
    return result.output


def untouched(folder: Path) -> bool:
    with Store.open(load_study(folder).database_url) as store:
        return store.jobs() == () and store.purchases() == ()


def test_a_dry_run_shows_price_and_one_exact_request_of_each_kind(folder: Path) -> None:
    output = said(folder, "--dry-run")
    assert "In all $1.94" in output  # three clips at $0.645
    assert output.count("POST http://127.0.0.1:9/api/v1/services/aigc") == 2
    assert '"watermark": false' in output
    assert "A dog runs." in output
    assert "A dog jumps." not in output
    assert "\\n" not in output
    assert "sk-very-secret" not in output
    assert untouched(folder)


def test_as_json_a_dry_run_holds_every_request_without_keys_and_pictures(folder: Path) -> None:
    output = said(folder, "--dry-run", "--json")
    plan = json.loads(output)
    assert [row["prompt_id"] for row in plan["requests"]] == ["run", "jump", "sit"]
    assert plan["lines"][0]["cost_usd"] == pytest.approx(1.29)
    assert (plan["cost_usd"], plan["charged"]) == (pytest.approx(1.935), True)
    assert "sk-very-secret" not in output
    (media,) = plan["requests"][2]["json"]["input"]["media"]
    assert media["url"].startswith("data:image/png;base64,(")
    assert len(output) < 10_000
    assert untouched(folder)


def test_nothing_is_spent_where_nobody_can_be_asked(folder: Path) -> None:
    result = CliRunner().invoke(app, ["generate", str(folder)])
    assert isinstance(result.exception, ConfigError)
    assert "This would spend $1.94" in str(result.exception)
    assert "In all $1.94" in result.output
    assert untouched(folder)


def test_a_budget_too_small_for_one_clip_asks_for_none(folder: Path) -> None:
    output = said(folder, "--budget", "0.5", code=4)
    assert "3 clips were not begun" in output
    with Store.open(load_study(folder).database_url) as store:
        assert store.purchases() == ()
        assert {job.state.value for job in store.jobs()} == {"pending"}
    (plan,) = (folder / "plans").glob("*.json")
    assert json.loads(plan.read_text())["asked"]["width"] == 1280


def test_a_price_that_nobody_knows_is_said_and_keeps_no_budget(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "cost_usd", lambda *_asked, **_options: None)
    assert "In all $0.00, and what horse may charge (price not known)" in said(folder, "--dry-run")
    result = CliRunner().invoke(app, ["generate", str(folder), "--budget", "10"])
    assert isinstance(result.exception, ConfigError)
    assert "The price of a clip of 'horse' is not known, so a budget cannot be kept" in str(result.exception)
    with Store.open(load_study(folder).database_url) as store:
        assert store.purchases() == ()


def test_many_refusals_of_one_kind_do_not_hide_the_plan(folder: Path) -> None:
    long = [
        {"id": f"long{n}", "task": "text_to_video", "text": f"{n} " + "dog " * 1500, "language": "en",
         "licence": "CC0-1.0"}
        for n in range(5)
    ]  # fmt: skip
    with (folder / "own.jsonl").open("a") as suite:
        suite.writelines("\n" + json.dumps({**row, "text": row["text"].strip()}) for row in long)
    text = said(folder, "--dry-run")
    assert text.count("refused (1 clips of horse)") == 3
    assert "2 more t2v prompts; --json says why each." in " ".join(text.split())
    (line,) = [row for row in json.loads(said(folder, "--dry-run", "--json"))["lines"] if row["refused"]]
    assert len(line["refused"]) == 5


def test_doctor_says_where_clips_stand_that_have_not_come(folder: Path) -> None:
    study = load_study(folder)
    keys = [JobKey("horse", prompt, 1) for prompt in ("run", "jump", "sit")]
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        store.put_prompts(load_suites(study.settings.prompts, study.folder))
        store.add_jobs(keys)
        for key in keys:
            store.start_job(key)
            store.intend_purchase(key, {"model": "happyhorse-1.1-t2v"})
        for key in keys[1:]:
            store.submit_purchase(key, f"task-{key.prompt_id}", None)
        store.run_purchase(keys[2])
    result = CliRunner().invoke(app, ["doctor", str(folder), "--json"])
    found = {row["what"]: row for row in json.loads(result.output)}["clips of horse"]
    assert found["state"] == "note"
    assert found["said"].startswith(
        "1 asked for and not answered, 1 waiting at the vendor, 1 running at the vendor: 'generate' goes on"
    )


@pytest.mark.parametrize(("budget", "fits"), [("0.5", "not all of it fits"), ("50", "all of it fits")])
def test_a_dry_run_says_whether_a_budget_would_do(folder: Path, budget: str, fits: str) -> None:
    text = " ".join(said(folder, "--dry-run", "--budget", budget).split())
    assert f"${float(budget):.2f}, $0.00 are spent or promised; what is planned costs $" in text
    assert f": {fits}. Clips beyond it are not begun." in text
    assert untouched(folder)


def test_a_budget_without_end_is_none(folder: Path) -> None:
    result = CliRunner().invoke(app, ["generate", str(folder), "--budget", "inf"])
    assert isinstance(result.exception, ConfigError)
    assert "found inf; give an amount" in str(result.exception)


def test_a_vendors_system_without_a_model_is_told_where_it_stands(folder: Path) -> None:
    (folder / "study.toml").write_text(STUDY.replace('model = "happyhorse-1.1"\n', ""))
    result = CliRunner().invoke(app, ["generate", str(folder), "--dry-run"])
    assert isinstance(result.exception, ConfigError)
    assert "System 'horse': model: found nothing; say beside 'adapter'" in str(result.exception)
