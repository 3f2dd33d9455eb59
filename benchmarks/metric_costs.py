"""What each metric costs: seconds a clip, real-time factor, and the whole report from one decode.

    python benchmarks/metric_costs.py [--height 480 1080] [--clip FILE ...] [--write] [--peers] [--env FOLDER]

The clips are a talking head and a hammer, rendered here and coded as H.264 and AAC, or the files given.
"alone" is the time of one metric on a clip just decoded, with all it needs made for it alone (after one
run on another clip, so that imports and loaded weights are not counted; "first" is that first run).
"all" is one decode and every metric after it, sharing what they share. One process, as a worker of
`evalharness measure` runs: one thread to each library. Memory is the peak of this whole process.

--write keeps for each metric its longest time alone on the largest clips in data/metric_costs.json, where
`evalharness metrics` reads it.

--peers adds SyncNet's forward pass with random weights over the same clip, and other face landmarkers on
the same pictures, installed by pip into an environment of their own in FOLDER. Some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

for _variable in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
):
    os.environ.setdefault(_variable, "1")  # before the libraries that read it are loaded

import numpy as np  # noqa: E402 - after the variables are set
from peers.landmarks import PEERS  # noqa: E402 - after the variables are set
from rich.console import Console  # noqa: E402 - after the variables are set
from rich.table import Table  # noqa: E402 - after the variables are set

from evalharness.adapters.synthetic.knobs import Knobs  # noqa: E402 - after the variables are set
from evalharness.adapters.synthetic.render import Order, render  # noqa: E402 - after the variables are set
from evalharness.media import write_video  # noqa: E402 - after the variables are set
from evalharness.records import Prompt, Task  # noqa: E402 - after the variables are set
from evalharness.registry import METRICS  # noqa: E402 - after the variables are set
from evalharness.usable import lacking  # noqa: E402 - after the variables are set
from metrics.av import AVClip, Brief  # noqa: E402 - after the variables are set
from metrics.base import Metric  # noqa: E402 - after the variables are set

SPOKEN = "My mother brought a big pot of plum jam."
PROMPTS = {
    "talker": Prompt("talker", Task.TEXT_TO_VIDEO, "A woman says it to the camera.", "en", "CC0-1.0", SPOKEN),
    "hammer": Prompt(
        "hammer",
        Task.TEXT_TO_VIDEO,
        "A blacksmith's hammer strikes the anvil.",
        "en",
        "CC0-1.0",
        tags=("hammer",),
    ),
}
COSTS = Path(__file__).parents[1] / "data" / "metric_costs.json"
WORKER = Path(__file__).parent / "peers" / "landmarks.py"


def rendered(folder: Path, name: str, height: int, seconds: float) -> tuple[Path, Brief]:
    """One of our own clips as a file, and what it was asked to show."""
    prompt = PROMPTS[name]
    width = 2 * round(height * 16 / 9 / 2)
    made = render(Order(prompt, seed=1, width=width, height=height, duration_s=seconds, fps=24.0), Knobs())
    path = folder / f"{name}-{height}.mp4"
    write_video(path, made.frames, made.fps, made.samples, made.rate_hz)
    return path, Brief(prompt.text, prompt.language, prompt.spoken)


def alone(metric: Metric, clip: AVClip) -> float:
    """Seconds for one metric, nothing shared."""
    fresh = replace(clip)
    start = time.perf_counter()
    metric.measure(fresh)
    return time.perf_counter() - start


def whole(metrics: Sequence[Metric], path: Path, brief: Brief) -> tuple[float, float]:
    """Seconds to decode, and to decode and measure everything."""
    start = time.perf_counter()
    clip = AVClip.open(path, brief)
    decoded = time.perf_counter() - start
    for metric in metrics:
        metric.measure(clip)
    return decoded, time.perf_counter() - start


def costs(
    clips: Sequence[tuple[Path, Brief]], say: Console
) -> tuple[Table, dict[str, list[float]], list[dict[str, float | str]]]:
    """Every metric that runs here: a table, the seconds of each alone, and all with one decode of a clip."""
    metrics = []
    for name in METRICS:
        sentence = lacking(name)
        if sentence is None:
            metrics.append(METRICS.load(name)())
        else:
            say.print(f"left out: {name}. {sentence}", markup=False)
    table = Table("metric", "first s", *(f"{path.stem} s" for path, _ in clips), title="Cost of each metric")
    opened = [AVClip.open(path, brief) for path, brief in clips]
    spent = {}
    for metric in metrics:
        first = alone(metric, opened[0])
        spent[metric.name] = [alone(metric, clip) for clip in opened]
        table.add_row(metric.name, f"{first:.2f}", *(f"{each:.2f}" for each in spent[metric.name]))
    wholes = [whole(metrics, path, brief) for path, brief in clips]
    table.add_section()
    table.add_row("decode", "", *(f"{decoded:.2f}" for decoded, _ in wholes))
    table.add_row("all, one decode", "", *(f"{total:.2f}" for _, total in wholes))
    factors = [total / clip.duration_s for (_, total), clip in zip(wholes, opened, strict=True)]
    table.add_row("real-time factor", "", *(f"{factor:.2f}" for factor in factors))
    reports: list[dict[str, float | str]] = [
        {"clip": path.stem, "decode_s": decoded, "all_s": total, "real_time_factor": factor}
        for (path, _), (decoded, total), factor in zip(clips, wholes, factors, strict=True)
    ]
    return table, spent, reports


def keep(
    spent: Mapping[str, Sequence[float]],
    reports: Sequence[Mapping[str, float | str]],
    peak_mib: float,
    peers: Sequence[tuple[str, str]],
) -> None:
    """Write what was measured; of each metric the longest time over the last two clips, the largest."""
    rows = {
        name: {"version": METRICS.load(name).version, "seconds": round(max(each[-2:]), 3)}
        for name, each in sorted(spent.items())
    }
    known = json.loads(COSTS.read_text(encoding="utf-8")) if COSTS.is_file() else {}
    whole = {
        "clips": [
            {key: round(said, 2) if isinstance(said, float) else said for key, said in row.items()}
            for row in reports
        ],
        "peak_mib": round(peak_mib),
        "load_average": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        # Peers take minutes to install: those of the last run that had them stay.
        "peers": dict(peers) or known.get("report", {}).get("peers", {}),
    }
    COSTS.write_text(json.dumps({"metrics": rows, "report": whole}, indent=1) + "\n", encoding="utf-8")


def syncnet(clip: AVClip) -> float:
    """Seconds for SyncNet's two networks over the clip, random weights, face crops and cepstra given."""
    import torch

    from metrics.sync.syncnet.network import hear, see, towers

    torch.set_num_threads(1)
    torch.manual_seed(0)
    net, random = towers(), np.random.default_rng(0)
    windows = max(1, int(clip.duration_s * 25) - 5)
    faces = random.integers(0, 256, (windows + 4, 224, 224, 3), np.uint8)
    cepstra = random.standard_normal((4 * windows + 16, 13))
    start = time.perf_counter()
    see(net, faces, windows)
    hear(net, cepstra, windows)
    return time.perf_counter() - start


def peer_rows(clip: AVClip, env: Path, folder: Path) -> list[tuple[str, str]]:
    """(what, what it took) for SyncNet and each landmark peer on the clip's pictures."""
    from metrics.faces import faces

    fresh = replace(clip)
    start = time.perf_counter()
    found = fresh.once(faces)
    each = (time.perf_counter() - start) / len(clip.frame_times_s)
    seen = max((len(track.frames) for track in found.tracks), default=0)
    frames = len(clip.frame_times_s)
    rows = [
        ("ours: detect, track, 468 points", f"{1000 * each:.1f} ms a frame, face in {seen} of {frames}"),
        ("SyncNet, random weights, forward only", f"{syncnet(clip):.2f} s a clip"),
    ]
    pictures = folder / "pictures.npy"
    np.save(pictures, np.stack([clip.picture(index) for index in range(frames)]))
    for name, (_, packages) in PEERS.items():
        rows.append((name, peer(name, packages, env, pictures)))
    return rows


def peer(name: str, packages: Sequence[str], env: Path, pictures: Path) -> str:
    """What one landmark peer took, or why it did not run."""
    home = env / name.split()[0]
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        first, *others = packages
        for words in (["--no-deps", first], others):
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *words], check=False)
    done = subprocess.run(
        [str(python), str(WORKER), name, str(pictures)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return f"did not run: {lines[-1] if lines else 'no word'}"
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return f"{1000 * said['s']:.1f} ms a frame, face in {said['found']} of {said['frames']}"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, nargs="+", default=[480, 1080])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clip", type=Path, nargs="+", default=[])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument(
        "--env", type=Path, default=Path(tempfile.gettempdir()) / "evalharness-landmark-peers"
    )
    asked = parser.parse_args()
    say = Console(width=110)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [(path, Brief()) for path in asked.clip] or [
            rendered(folder, scene, height, asked.seconds) for height in asked.height for scene in PROMPTS
        ]
        table, spent, reports = costs(clips, say)
        say.print(table)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say.print(f"Peak memory of the process: {peak:.0f} MiB, {len(clips)} decoded clips held at once.")
        peers = peer_rows(AVClip.open(*clips[0]), asked.env, folder) if asked.peers else []
        if peers:
            table = Table("peer", f"on {clips[0][0].stem}", title="Beside")
            for row in peers:
                table.add_row(*row)
            say.print(table)
        if asked.write:
            keep(spent, reports, peak, peers)


if __name__ == "__main__":
    main()
