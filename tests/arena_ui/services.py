"""Services of this machine for tests and benchmarks of the arena: a PostgreSQL that can be killed.

Unlike the cluster of the other tests it has the server's own settings for durability.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from evalharness.config import Study, load_study
from evalharness.store import Store

__all__ = ["Postgres", "moved", "program", "started"]

POSTGRES_PROGRAMS = Path("/usr/lib/postgresql")


def program(name: str, found: Path | str | None) -> str:
    """Its path; without it the tests skip, or fail where services are required."""
    if found is None:
        reason = f"There is no {name} to test with: run 'make system' as root on Debian."
        if os.environ.get("EVALHARNESS_REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return str(found)


class Postgres:
    """A cluster that can be killed and started again. It ends with the test even if that is killed."""

    def __init__(self, folder: Path) -> None:
        initdb = max(POSTGRES_PROGRAMS.glob("*/bin/initdb"), key=lambda path: path.parts[-3], default=None)
        self._programs = Path(program("PostgreSQL", initdb)).parent
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._become = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:  # the server refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._become += [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        make = ["--username=evalharness", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(
            [*self._become, self._programs / "initdb", "--pgdata", folder / "data", *make],
            check=True,
            capture_output=True,
        )
        self.url = f"postgresql+psycopg://evalharness@/postgres?host={folder}"

    def start(self) -> None:
        """Start, recovering what a kill left, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._become, self._programs / "postgres", "-D", self._folder / "data", "-k", self._folder,
                 "-c", "listen_addresses="],
                stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        engine = create_engine(self.url)
        give_up = time.monotonic() + 30
        try:
            while True:
                try:
                    engine.connect().close()
                    return
                except OperationalError:
                    assert self._process.poll() is None, (self._folder / "log").read_text(errors="replace")
                    assert time.monotonic() < give_up, "PostgreSQL did not start within 30 s"
                    time.sleep(0.05)
        finally:
            engine.dispose()

    def end(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT is PostgreSQL's immediate shutdown: no transaction is finished, nothing is written out."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None


@contextmanager
def started() -> Iterator[Postgres]:
    """A new cluster, running; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="evalharness-pg-"))  # a socket's path has to be short
    server = None
    try:
        server = Postgres(folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.end()
        shutil.rmtree(folder)


def moved(study: Study, url: str) -> Study:
    """The study with its database at `url`, filled with what a study has before its first voter."""
    file = study.folder / "study.toml"
    with Store.open(study.database_url) as old, Store.open(url) as new:
        new.put_systems(old.systems())
        new.put_prompts(old.prompts())
        clips = old.clips()
        new.add_jobs([clip.key for clip in clips])
        for clip in clips:
            new.start_job(clip.key)
            new.finish_job(clip.key, clip)
        for exhibit in old.exhibits():
            new.put_exhibit(exhibit)
    text = file.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("database =")]
    file.write_text("\n".join([f'database = "{url}"', *kept]) + "\n", encoding="utf-8")
    return load_study(study.folder)
