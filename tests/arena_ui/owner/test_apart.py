"""The voters' server and the owner's pages: two processes that share no route."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from arena_ui.owner.accounts import set_password
from arena_ui.owner.doors import LOGIN
from arena_ui.owner.roles import Role
from arena_ui.owner.views import PATHS
from evalharness.config import Study
from tests.arena_ui.owner.conftest import PASSWORD

ROOT = Path(__file__).parents[3]
LOADED = """
import sys
from pathlib import Path
from arena_ui.asgi import build
build(Path(sys.argv[1]))
print(*sorted(name for name in sys.modules if name.startswith("arena_ui.owner")))
"""


@contextmanager
def owners_server(study: Study) -> Iterator[str]:
    """`python -m arena_ui.owner` in a process of its own: its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "arena_ui.owner", str(study.folder), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rsplit(" ", 1)[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()


def test_the_voters_server_has_none_of_this(
    make_study: Callable[..., Study], serve: Callable[[Study], Any]
) -> None:
    study = make_study(prompts=3, seconds=0.4)
    set_password(study.folder, "ada", Role.OWNER, PASSWORD)
    voters = serve(study).url
    for path in (LOGIN, *sorted(PATHS - {"/"})):
        assert httpx.get(voters + path).status_code == 404, path
    tried = httpx.post(
        voters + LOGIN,
        json={"name": "ada", "password": PASSWORD},
        headers={"Origin": voters, "X-Arena": "1"},
    )
    assert tried.status_code in (404, 405)
    assert "set-cookie" not in tried.headers
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED, str(study.folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert loaded.stdout.strip() == ""


def test_the_owners_server_has_no_voters_route(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=3, seconds=0.4)
    set_password(study.folder, "ada", Role.OWNER, PASSWORD)
    with (
        owners_server(study) as url,
        httpx.Client(base_url=url, headers={"Origin": url, "X-Arena": "1"}) as client,
    ):
        assert client.post(LOGIN, json={"name": "ada", "password": PASSWORD}).status_code == 200
        for path in sorted(PATHS):
            page = client.get(path)
            assert page.status_code == 200, path
            assert page.headers["x-frame-options"] == "DENY"
        assert client.post("/api/join", json={"consent": True, "languages": []}).status_code in (404, 405)
        for path in ("/vote", "/about", "/clip/x", "/_stcore/metrics"):
            assert client.get(path).status_code == 404, path
