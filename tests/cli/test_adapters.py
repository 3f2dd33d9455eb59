"""`evalharness adapters`: what the catalogues say, and whether keys are set, never what they hold."""

from __future__ import annotations

import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from evalharness.adapters.remote.catalogue import catalogue
from evalharness.cli.main import app
from evalharness.errors import UnknownNameError

KEY = "sk-canary-91f0"


def shown(*words: str, **environment: str) -> str:
    result = CliRunner().invoke(app, ["adapters", *words], env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_model_of_every_catalogue_is_listed_with_its_price() -> None:
    rows = {(row["adapter"], row["name"]): row for row in json.loads(shown("--json"))}
    for route in ("dashscope", "ark", "kling", "minimax", "openrouter", "fal", "replicate", "vertex"):
        for model in catalogue(route).models:
            assert rows[route, model.name]["durations_s"] == list(model.durations_s)
    # 5 s of 1280x720 are 108,000 tokens at 10.7 dollars a million.
    assert rows["ark", "seedance-2.5"]["clip_usd"]["720p"] == pytest.approx(1.1556)
    assert not any(row["verified_live"] for row in rows.values())


def test_a_key_is_missing_until_it_is_set_and_is_never_shown() -> None:
    without = json.loads(shown("--json", DASHSCOPE_API_KEY=""))
    (said,) = {row["key_missing"] for row in without if row["adapter"] == "dashscope"}
    assert "set DASHSCOPE_API_KEY in the environment" in said
    for words in (("--json",), (), ("--model", "happyhorse-1.1")):
        assert KEY not in shown(*words, DASHSCOPE_API_KEY=KEY)
    found = json.loads(shown("--json", DASHSCOPE_API_KEY=KEY))
    assert {row["key_missing"] for row in found if row["adapter"] == "dashscope"} == {None}


def test_a_person_reads_what_a_model_makes_and_that_nobody_tried_it() -> None:
    text = " ".join(shown("--model", "happyhorse-1.1").split())
    assert "seconds 3..15" in text
    assert "watermark switched off" in text
    assert "prompt rewriting nobody says; no switch" in text
    assert "verified live no; documentation read 2026-11-22" in text
    table = " ".join(shown(COLUMNS="150").split())
    assert "negative prompt" not in table
    assert "Unverified live, written from documentation alone: Alibaba Model Studio (DashScope)" in table


def test_a_wide_terminal_shows_every_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalharness.cli.adapters.out", Console(width=320))
    text = " ".join(shown().split())
    assert "negative prompt" in text
    assert "16:9 9:16 1:1 4:3 3:4" in text


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    result = CliRunner().invoke(app, ["adapters", "--model", "sora-3"])
    assert isinstance(result.exception, UnknownNameError)
    known = "Known: davinci-magihuman, happyhorse-1.0, happyhorse-1.1, kling-3.0"
    assert f"There is no model 'sora-3' here. {known}" in str(result.exception)
