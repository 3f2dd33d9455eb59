"""Two arenas behind nginx on one PostgreSQL database: each dies again and again, and no vote is lost.

The nginx is Debian's, run with docs/deploy/nginx.conf itself; its paths and ports are put in place of the
page's. PostgreSQL is a cluster of this test's own, with the server's own settings for durability.
EVALHARNESS_KILLS=20 kills a replica and the database twenty times each and restarts both replicas as often;
once each is what every run of the tests does.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from arena_ui.serve import KEEP_ALIVE_S
from evalharness.config import Study, load_study
from evalharness.store import Store
from tests.arena_ui.crowd import Ledger, Voter, voting
from tests.arena_ui.services import Postgres, moved, program, started

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "docs" / "deploy" / "nginx.conf"
KILLS = int(os.environ.get("EVALHARNESS_KILLS", "1"))
VOTERS = 12
WHOLE = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log crit; {user}
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/arena.conf;
}}
"""

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(200 + 40 * KILLS)]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with started() as server:
        yield server


class Nginx:
    """The shipped configuration before two arenas, at https://localhost:PORT."""

    def __init__(
        self, folder: Path, ports: tuple[int, int], https: int, http: int, put: Mapping[str, str]
    ) -> None:
        """`put`: texts of the shipped file and what stands in their place, beside paths and ports."""
        folder.mkdir()
        self.url = f"https://localhost:{https}"
        self._certify(folder)
        put = {
            **put,
            "listen 443": f"listen {https}",
            "listen [::]:443": f"listen [::]:{https}",
            "listen 80": f"listen {http}",
            "listen [::]:80": f"listen [::]:{http}",
            "study.example.org": "localhost",
            "/etc/ssl/arena": str(folder),
            "/var/cache/nginx/arena": str(folder / "cache"),
            "/var/log/nginx": str(folder),
            "127.0.0.1:8501": f"127.0.0.1:{ports[0]}",
            "127.0.0.1:8502": f"127.0.0.1:{ports[1]}",
        }
        site = SHIPPED.read_text(encoding="utf-8")
        for shipped, here in put.items():
            assert shipped in site, f"{shipped} is no longer in {SHIPPED}"
            site = site.replace(shipped, here)
        (folder / "arena.conf").write_text(site, encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        whole = folder / "nginx.conf"
        whole.write_text(WHOLE.format(folder=folder, user=user), encoding="utf-8")
        nginx = program("nginx", shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"))
        command = [nginx, "-p", str(folder), "-c", str(whole)]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr, checked.stderr
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "QUIT", *command])
        self.log = folder / "arena.log"

    def _certify(self, folder: Path) -> None:
        """A certificate for localhost that only this test believes."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
            check=True,
            capture_output=True,
        )  # fmt: skip
        self.tls = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))

    def end(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=10)


@pytest.fixture
def site(
    make_study: Callable[..., Study], serve: Callable[[Study], Any], postgres: Postgres, tmp_path: Path,
    free_ports: tuple[int, int], request: pytest.FixtureRequest,
) -> Iterator[tuple[Nginx, list[Any], Study]]:  # fmt: skip
    """nginx, the two arenas behind it, and their study."""
    study = moved(
        make_study(
            prompts=12, seconds=0.5, watch_share=0.0, votes_per_voter=2000, votes_per_minute=0, drain_s=0.5
        ),
        postgres.url,
    )
    file = study.folder / "study.toml"
    trusted = '[arena]\ntrusted_proxies = ["127.0.0.1"]\nallowed_hosts = ["localhost"]'
    file.write_text(file.read_text(encoding="utf-8").replace("[arena]", trusted, 1), encoding="utf-8")
    study = load_study(study.folder)
    replicas = [serve(study), serve(study)]
    nginx = Nginx(
        tmp_path / "nginx", (replicas[0].port, replicas[1].port), *free_ports, getattr(request, "param", {})
    )
    try:
        give_up = time.monotonic() + 10
        while time.monotonic() < give_up:
            try:
                httpx.get(f"{nginx.url}/vote", verify=nginx.tls)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield nginx, replicas, study
    finally:
        nginx.end()


@pytest.fixture
def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    import socket

    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def test_nothing_is_lost_whoever_dies(site: tuple[Nginx, list[Any], Study], postgres: Postgres) -> None:
    nginx, replicas, study = site
    rng, ledger, events = random.Random(20261123), Ledger(), Counter[str]()

    def breathe() -> None:
        time.sleep(rng.uniform(0.3, 0.9))

    began = time.monotonic()
    with voting([Voter(nginx.url, ledger, seed, tls=nginx.tls) for seed in range(VOTERS)]):
        time.sleep(1.0)
        for _ in range(KILLS):
            doomed = rng.choice(replicas)
            doomed.kill()  # SIGKILL, in the midst of whatever it does
            breathe()
            doomed.start()
            events["replica killed"] += 1
            breathe()
            postgres.end()
            breathe()
            postgres.start()
            events["database killed"] += 1
            breathe()
            for replica in replicas:  # a rolling restart
                replica.kill(signal.SIGTERM)
                replica.start()
                events["replica restarted"] += 1
        time.sleep(1.0)
    lasted = time.monotonic() - began

    with Store.open(study.database_url) as store:
        rows = store.votes()
        battles = {battle.id: battle for battle in store.battles()}
    stored: dict[str, dict[str, str]] = {}
    for row in rows:
        stored.setdefault(row.battle_id, {})[row.question.value] = row.outcome.value
    sys.stdout.write(
        f"\n{dict(events)} in {lasted:.0f} s: {len(ledger.acknowledged)} votes acknowledged, "
        f"{len(stored)} stored, {ledger.repeated} acknowledged twice and stored once, "
        f"sent again {dict(ledger.put_off)}\n"
    )
    assert ledger.surprises == []
    assert len(ledger.acknowledged) > 20 * KILLS
    assert {battle: stored.get(battle) for battle in ledger.acknowledged} == ledger.acknowledged
    assert max(Counter((row.battle_id, row.question) for row in rows).values()) == 1
    assert all(set(answers) == set(battles[battle].questions) for battle, answers in stored.items())
    # Only the test's end can leave a vote stored and unacknowledged, one a voter.
    assert len(stored) - len(ledger.acknowledged) <= VOTERS


def test_a_rolling_restart_is_not_noticed(site: tuple[Nginx, list[Any], Study]) -> None:
    """Told to stop, a replica drains; nginx finds the other one, and no reply tells a voter to wait."""
    nginx, replicas, _ = site
    ledger = Ledger()

    # Without a pause a quick machine's voters pass nginx's limit of 50 votes a second.
    with voting([Voter(nginx.url, ledger, seed, tls=nginx.tls, think_s=0.1) for seed in range(4)]):
        time.sleep(0.5)
        for _ in range(KILLS):
            for replica in replicas:
                replica.kill(signal.SIGTERM)
                replica.start()
                time.sleep(1.2)  # until nginx asks it again
    sys.stdout.write(
        f"\n{2 * KILLS} restarts, {len(ledger.acknowledged)} votes, sent again {dict(ledger.put_off)}\n"
    )
    assert ledger.surprises == []
    assert ledger.put_off.total() == 0
    assert len(ledger.acknowledged) > 20


def test_the_shipped_nginx_does_what_it_says(site: tuple[Nginx, list[Any], Study]) -> None:
    nginx, replicas, _ = site
    with httpx.Client(base_url=nginx.url, verify=nginx.tls) as client:
        page = client.get("/", headers={"Accept-Encoding": "gzip"})
        assert page.status_code == 200
        assert page.headers["content-encoding"] == "gzip"
        assert page.headers["strict-transport-security"].startswith("max-age=")
        assert all("Secure" in cookie for cookie in page.headers.get_list("set-cookie"))
        script = page.text.split('src="./', 1)[1].split('"', 1)[0]
        for _ in range(2):
            reply = client.get(f"/{script}", headers={"Accept-Encoding": "gzip"})
            assert reply.headers["content-encoding"] == "gzip"
            assert "immutable" in reply.headers["cache-control"]
        for hidden in ("/_stcore/metrics", "/_stcore/agent/mcp", "/readyz", "/healthz"):
            assert client.get(hidden).status_code == 404, hidden
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
        # What a visitor says of their address is not believed, and the arena learns the one nginx saw.
        origin = {"Origin": nginx.url, "X-Arena": "1", "X-Forwarded-For": "198.51.100.9"}
        joined = client.post("/api/join", json={"consent": True, "languages": ["en"]}, headers=origin)
        assert joined.status_code == 201
        cookie = joined.headers["set-cookie"]
        assert all(flag in cookie for flag in ("HttpOnly", "Secure", "SameSite=lax"))
        pair = client.post("/api/next", json={}, headers=origin).json()["pairs"][0]
        clip = client.get(f"/clip/{pair['left']}")
        assert "content-encoding" not in clip.headers
        assert not {"etag", "last-modified", "x-cache"} & set(clip.headers)
        with client.stream("POST", "/api/vote", content=b"x" * 70_000, headers=origin) as large:
            assert large.status_code == 413

        replies = [client.post("/api/vote", json={}, headers=origin) for _ in range(3)]
        assert {reply.status_code for reply in replies} == {422}
        for replica in replicas:
            replica.kill()
        away = client.post("/api/vote", json={}, headers=origin)
        assert (away.status_code, away.json()["kind"], away.json()["retry_after_s"]) == (503, "away", 2)
    written = nginx.log.read_text()
    assert "127.0.0.0/24 [" in written
    assert pair["left"] not in written
    assert "127.0.0.1" not in written


def test_nginx_never_sends_on_a_connection_that_an_arena_is_closing() -> None:
    kept = re.search(r"^    keepalive_timeout (\d+)s;", SHIPPED.read_text(encoding="utf-8"), re.MULTILINE)
    assert kept is not None
    assert int(kept[1]) < KEEP_ALIVE_S


@pytest.mark.parametrize("site", [{"rate=50r/s": "rate=2r/s", "burst=200": "burst=20"}], indirect=True)
def test_nginx_puts_a_flood_off(site: tuple[Nginx, list[Any], Study]) -> None:
    """With narrower limits than are shipped: a slow machine could not send enough for those."""
    nginx, _, _ = site
    with httpx.Client(
        base_url=nginx.url, verify=nginx.tls, headers={"Origin": nginx.url, "X-Arena": "1"}
    ) as client:
        began = time.monotonic()
        replies = [client.post("/api/vote", json={}) for _ in range(80)]
        lasted = time.monotonic() - began
    refused = [reply for reply in replies if reply.status_code == 429]
    assert 80 - len(refused) <= 22 + 2 * lasted
    assert refused[0].headers["retry-after"] == "2"
    assert refused[0].json()["kind"] == "limit"
