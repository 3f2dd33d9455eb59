"""Errors: a sentence and a reference for the visitor, the rest for the log, ids for nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from streamlit.testing.v1 import AppTest

from arena_ui.faults import Faults, scrubbed, scrubbed_logs
from evalharness.errors import StoreError

VOTER = "5f6a9c01d2e3b4a5"
TICKET = "0123456789abcdef0123456789abcdef"
SECRET = "Zk3v9Q-1xY_8bT0aLmNpRsUwVeXc7d2fGhJkQoIyE4w"


def get(error: Exception) -> httpx.Response:
    async def fail(request: Request) -> Any:
        raise error

    app = Starlette(routes=[Route("/", fail)], middleware=[Middleware(Faults)])

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://arena.test"
        ) as client:
            return await client.get("/")

    return asyncio.run(once())


def test_a_visitor_gets_a_reference_and_the_log_the_error(caplog: pytest.LogCaptureFixture) -> None:
    reply = get(RuntimeError(f"voter {VOTER} in /srv/study"))
    assert reply.status_code == 500
    told = reply.json()
    assert "srv" not in reply.text
    assert VOTER not in reply.text
    assert told["reference"] in told["error"]
    assert told["reference"] in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_database_that_is_away_is_later_and_not_an_error() -> None:
    reply = get(StoreError("Could not read the voter: connection refused."))
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    assert json.loads(reply.text)["kind"] == "away"
    assert "refused" not in reply.text


def test_logs_name_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("some.library")
    handler = logging.StreamHandler()
    log.addHandler(handler)
    try:
        with scrubbed_logs():
            log.warning("voter %s voted from %s", VOTER, "203.0.113.77")
            try:
                raise ValueError(f"no battle {TICKET} for 2001:db8:1:2::9 at /clip/{SECRET}")
            except ValueError:
                log.exception("failed")
    finally:
        log.removeHandler(handler)
    written = capsys.readouterr().err
    for secret in (VOTER, TICKET, SECRET, "203.0.113.77", "2001:db8:1:2"):
        assert secret not in written
    assert "from 203.0.113.0/24" in written
    assert "2001:db8:1::/48" in written
    assert "ValueError" in written
    assert "test_faults.py" in written


@pytest.mark.parametrize(
    "text",
    [
        "test_a_database_that_is_away_is_later_and_not_an_error",
        "/srv/venv/lib/python3.11/site-packages/starlette/routing.py, line 12:03:41",
        "bound to 127.0.0.1:8501 and [::1]",
        "values[::2]",
        "Streamlit 1.67.0",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_a_page_that_fails_shows_a_reference_in_place_of_a_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Streamlit puts its script in the place of this process's own, which processes begun later would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def script() -> None:
        from arena_ui.faults import on_script_error

        on_script_error(ZeroDivisionError("voter 5f6a9c01d2e3b4a5"))

    page = AppTest.from_function(script).run()
    assert len(page.error) == 1
    assert "reload the page" in page.error[0].value
    assert "5f6a9c01" not in page.error[0].value
    reference = caplog.records[-1].getMessage().rsplit(" ", 1)[1].rstrip(".")
    assert reference in page.error[0].value
    assert not page.exception
