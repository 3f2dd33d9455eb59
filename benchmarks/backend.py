"""A hundred thousand clips from a vendor on this machine: how fast, in how much memory, and how fast again.

    python benchmarks/backend.py [--jobs 1000 10000 100000] [--systems 4] [--concurrency 16]

A server on loopback speaks OpenRouter's dialect and finishes every task at once, so what is measured is this
side alone: jobs, journal, requests, download, probe, hash, database. For each number of jobs a fresh process
runs a fresh study (SQLite) to its end, and another one runs the finished study again: that is the restart.
Beside it the script that people write instead: asyncio and httpx, the same requests, clips written to files;
no database, no probe, nothing kept of a run that dies. Half an hour or more for 100 000 on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A neighbour of this script has the name of the package it measures: out of the way.
sys.path = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent.resolve()]

import httpx  # noqa: E402 - after sys.path is mended
import numpy as np  # noqa: E402 - after sys.path is mended

SEEDS = 5
PROMPTS_FILE = "prompts.jsonl"


def serve(port: int, clip: Path) -> None:
    """The vendor: every task is done at the first question."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    content, tasks = clip.read_bytes(), 0

    async def create(request: Request) -> Response:
        nonlocal tasks
        await request.body()
        tasks += 1
        return JSONResponse({"id": f"task-{tasks}", "status": "pending"}, status_code=202)

    async def poll(request: Request) -> Response:
        task = request.path_params["task"]
        url = f"http://127.0.0.1:{port}/api/v1/videos/{task}/content?index=0"
        return JSONResponse(
            {"id": task, "status": "completed", "unsigned_urls": [url], "usage": {"cost": 0.5}}
        )

    async def deliver(_request: Request) -> Response:
        return Response(content, media_type="video/mp4")

    async def made(_request: Request) -> Response:
        return JSONResponse(tasks)

    routes = [
        Route("/api/v1/videos", create, methods=["POST"]),
        Route("/api/v1/videos/{task}", poll),
        Route("/api/v1/videos/{task}/content", deliver),
        Route("/made", made),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="error")


def study(folder: Path, jobs: int, systems: int, concurrency: int) -> None:
    """A study that wants so many clips."""
    prompts = jobs // (systems * SEEDS)
    rows = (
        {
            "id": f"p{n}",
            "task": "text_to_video",
            "text": f"Scene {n}.",
            "language": "en",
            "licence": "CC0-1.0",
        }
        for n in range(prompts)
    )
    (folder / PROMPTS_FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    entries = "".join(
        f'[[systems]]\nname = "s{n}"\nadapter = "openrouter"\nmodel = "happyhorse-1.1"\n'
        f"concurrency = {concurrency}\n"
        for n in range(systems)
    )
    (folder / "study.toml").write_text(
        f'name = "bench"\n[prompts]\nsuites = ["{PROMPTS_FILE}"]\n'
        f"[generation]\nduration_s = 5\nwidth = 1280\nheight = 720\nseeds = {list(range(1, SEEDS + 1))}\n"
        f"{entries}"
    )


def run(folder: Path) -> None:
    """One run in this process; its figures as JSON."""
    from evalharness.config import load_study
    from evalharness.generate import generate_study
    from evalharness.prompts import load_suites
    from evalharness.store import Store

    started = time.monotonic()
    wanted = load_study(folder)
    with Store.open(wanted.database_url) as store:
        summary = generate_study(wanted, store, load_suites(wanted.settings.prompts, folder))
    figures = {
        "planned": summary.planned,
        "made": summary.made,
        "failed": len(summary.failures),
        "seconds": time.monotonic() - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(figures))


async def plain(url: str, jobs: int, at_once: int, folder: Path) -> float:
    """The script that people write instead; seconds."""
    places = asyncio.Semaphore(at_once)

    async def one(client: httpx.AsyncClient, number: int) -> None:
        async with places:
            body = {"model": "alibaba/happyhorse-1.1", "prompt": f"Scene {number}.", "duration": 5}
            task = (await client.post(f"{url}/api/v1/videos", json=body)).json()["id"]
            status = (await client.get(f"{url}/api/v1/videos/{task}")).json()
            clip = await client.get(status["unsigned_urls"][0])
            (folder / f"{number}.mp4").write_bytes(clip.content)

    started = time.monotonic()
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        await asyncio.gather(*(one(client, number) for number in range(jobs)))
    return time.monotonic() - started


@contextmanager
def vendor(clip: Path) -> Iterator[str]:
    """The vendor in a process of its own; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port), str(clip)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{url}/made")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def child(folder: Path, url: str) -> dict[str, float]:
    """A run in a fresh process, so that its memory is its own."""
    environment = os.environ | {"EVALHARNESS_OPENROUTER_URL": url, "OPENROUTER_API_KEY": "none"}
    command = [sys.executable, __file__, "--run", str(folder)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--systems", type=int, default=4)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(int(options.serve[0]), Path(options.serve[1]))
        return
    if options.run:
        run(options.run)
        return
    from evalharness import media

    print("    jobs   clips/s  peak MB   again s   again MB   plain script, clips/s   ours : plain   creates")
    for jobs in options.jobs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            clip = folder / "clip.mp4"
            frames = (np.full((48, 64, 3), 40 * n, np.uint8) for n in range(6))
            media.write_video(clip, frames, 24.0, np.zeros(12_000, np.float32), 48_000)
            study(folder, jobs, options.systems, options.concurrency)
            with vendor(clip) as url:
                first = child(folder, url)
                creates = httpx.get(f"{url}/made").json()
                again = child(folder, url)
                if (first["made"], first["failed"], again["made"]) != (jobs, 0, 0) or creates != jobs:
                    sys.exit(f"{jobs} clips were wanted; got {first}, then {again}, after {creates} creates.")
                at_once = options.systems * options.concurrency
                plain_jobs = min(jobs, 10_000)  # its speed does not depend on their number
                plain_s = asyncio.run(plain(url, plain_jobs, at_once, folder))
        rate, plain_rate = jobs / first["seconds"], plain_jobs / plain_s
        print(
            f"{jobs:8d} {rate:9.1f} {first['peak_mb']:8.0f} {again['seconds']:9.2f} {again['peak_mb']:10.0f} "
            f"{plain_rate:23.1f} {rate / plain_rate:14.2f} {creates:9d}",
            flush=True,
        )


if __name__ == "__main__":
    main()
