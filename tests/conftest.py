"""Fixtures every test may use: a real PostgreSQL, thrown away afterwards, and a real browser.

`EVALHARNESS_TEST_POSTGRES` names a database to use (a URL whose user may create schemas); otherwise
a server is started from Debian's programs, reachable through a Unix socket only. Where neither is there,
tests that need it skip, or fail under `EVALHARNESS_REQUIRE_SERVICES=1`.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
POSTGRES_PROGRAMS = Path("/usr/lib/postgresql")
INITDB_OPTIONS = [
    "--username=evalharness",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
]
SERVER_OPTIONS = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"]
START_TIMEOUT_S = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those in a browser first: they take longest, and would else be what all others are waited for."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A fresh Chromium."""
    if not CHROMIUM.is_file():
        _without(f"There is no {CHROMIUM}: install Debian's 'chromium' for the tests in a browser.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


def _without(reason: str) -> NoReturn:
    """Fail where services are a must, else skip."""
    if os.environ.get("EVALHARNESS_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL database to make test databases in; one server per test process."""
    given = os.environ.get("EVALHARNESS_TEST_POSTGRES")
    if given:
        yield given
        return
    newest = max(POSTGRES_PROGRAMS.glob("*/bin/initdb"), key=lambda program: program.parts[-3], default=None)
    if newest is None:
        _without("No PostgreSQL to test with: install Debian's 'postgresql' or set EVALHARNESS_TEST_POSTGRES")
    with _throwaway_cluster(newest.parent) as url:
        yield url


@pytest.fixture(scope="session")
def new_postgres(postgres_server: str) -> Callable[[], AbstractContextManager[str]]:
    """Makes empty PostgreSQL databases: each call gives a context with the URL of a new one.

    Each is a schema of its own in the server's database, which takes a hundredth of the time.
    """

    @contextmanager
    def new() -> Iterator[str]:
        name = f"evalharness_test_{secrets.token_hex(6)}"
        engine = create_engine(postgres_server)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        try:
            url = make_url(postgres_server).update_query_dict({"options": f"-csearch_path={name}"})
            yield url.render_as_string(hide_password=False)
        finally:
            with engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
            engine.dispose()

    return new


@pytest.fixture
def postgres_url(new_postgres: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """URL of a new, empty PostgreSQL database, dropped after the test."""
    with new_postgres() as url:
        yield url


@contextmanager
def _throwaway_cluster(programs: Path) -> Iterator[str]:
    """A cluster in a temporary folder, without fsync: it need not outlive the tests."""
    folder = Path(tempfile.mkdtemp(prefix="evalharness-pg-"))
    # The server refuses to run as root; it ends with us even if we are killed.
    become = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        become += [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    data = folder / "data"
    try:
        subprocess.run(
            [*become, programs / "initdb", "--pgdata", data, *INITDB_OPTIONS],
            check=True,
            capture_output=True,
        )
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*become, programs / "postgres", "-D", data, "-k", folder, *SERVER_OPTIONS],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"postgresql+psycopg://evalharness@/postgres?host={folder}"
            _wait_for(url, server, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # do not wait for clients
            server.wait(timeout=START_TIMEOUT_S)
    finally:
        shutil.rmtree(folder)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = create_engine(url)
    give_up = time.monotonic() + START_TIMEOUT_S
    try:
        while True:
            try:
                engine.connect().close()
            except OperationalError:
                if server.poll() is not None or time.monotonic() > give_up:
                    pytest.fail(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
                time.sleep(0.05)
            else:
                return
    finally:
        engine.dispose()
