"""Time, memory and agreement of ratings with intervals, beside five peers on the same votes in the same run.

    python benchmarks/ratings.py [--size S|L|small] [--only WORD ...] [--limit SECONDS] [--env FOLDER]

S is 1,000,000 simulated votes on 50 systems, L is 5,000,000 on 300, small finishes in seconds; 20,000 voters
of uneven activity, 1,000 prompts, uneven exposure, ties, both-bad and an effect of order. Aimed at:
ratings with two-way intervals and rank intervals within 0.5 s (S) and 3 s (L) and 200 MB beside the votes, at
least ten times as fast as arena-rank with its intervals; 1,000 voter-clustered bootstraps within 2 s and 8 s.

Each method runs alone in a process of its own (peers/ratings.py). What is timed starts from the method's own
input (codes, lists, a table, a file) and includes all counting; imports and making that input are not timed.
"MB" is how far the process grew above what it held before, at its peak. "again" is a second call in the same
process, for methods that compile. "off" is the largest distance in Elo from the maximum of the same
likelihood, found here by Newton's method without any prior; a dash where the likelihood is another. "+-" is
the mean half-width of the method's 95 % intervals.

Peers are installed by pip into an environment of their own in FOLDER (kept for the next run; "this" takes the
environment at hand). One that does not install or run is a row that says why. S takes a minute or two after
the installation.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from peers.ratings import COMPARED, DECISIVE, ELO, HALF, METHODS, Method, pair_counts

SIZES = {"S": (1_000_000, 50), "L": (5_000_000, 300), "small": (20_000, 12)}
WORKER = Path(__file__).parent / "peers" / "ratings.py"


def maximum(data: Mapping[str, Any], likelihood: str) -> Any:
    """Bradley-Terry strengths in Elo by plain Newton, without any prior: what "off" is measured from."""
    counts = pair_counts(data)
    draws = counts[2] + counts[3] if likelihood == HALF else 0.0 * counts[2]
    wins = counts[0] + counts[1].T + 0.5 * (draws + draws.T)
    games = wins + wins.T
    strengths = np.zeros(len(games))
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(strengths[None, :] - strengths[:, None]))
        gradient = (wins - games * chance).sum(axis=1)
        weight = games * chance * (1.0 - chance)
        information = np.diag(weight.sum(axis=1)) - weight + 1.0
        step = np.linalg.solve(information, gradient)
        strengths += step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < 1e-13:
            break
    return strengths * ELO


def draw(size: str, folder: Path, *, files: bool) -> Path:
    """Simulated votes as codes, and with `files` also as CSV and Parquet."""
    from evalharness.ratings.simulate import simulate

    votes, systems = SIZES[size]
    random = np.random.default_rng(1)
    drawn = simulate(
        random.normal(0.0, 0.6, systems),
        votes=votes,
        seed=1,
        voters=min(20_000, votes // 50),
        prompts=min(1_000, votes // 100),
        both_bad=0.15,
        tie=0.5,
        order_effect=0.05,
        exposure=1.0 / np.arange(1, systems + 1) ** 0.5,
    )
    columns = {key: getattr(drawn, key) for key in ("left", "right", "outcome", "voter", "prompt")}
    names = {key: np.array(getattr(drawn, key)) for key in ("systems", "voters", "prompts")}
    stem = folder / "votes"
    np.savez(stem.with_suffix(".npz"), **columns, **names, stem=np.array(str(stem)))
    if files:
        import pandas as pd

        words = {"model_a": ("systems", "left"), "model_b": ("systems", "right")}
        words |= {"item_id": ("prompts", "prompt"), "voter_id": ("voters", "voter")}
        frame = pd.DataFrame({key: names[of][columns[code]] for key, (of, code) in words.items()})
        frame["winner"] = np.array(["a", "b", "tie", "tie"])[columns["outcome"]]
        frame.to_csv(stem.with_suffix(".csv"), index=False)
        frame.to_parquet(stem.with_suffix(".parquet"), index=False)
    return stem.with_suffix(".npz")


def peers_python(env: str, packages: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The interpreter that has the peers, and for each that does not install the reason."""
    if env == "this":
        return sys.executable, {}
    folder = Path(env)
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    failed = {}
    for package in ("pandas", *packages):
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", package],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            failed[package] = last_line(done.stderr) or "pip failed"
    return str(python), failed


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def measure(method: Method, python: str, votes: Path, limit_s: float) -> dict[str, Any]:
    """What a method took in a process of its own, or why it did not finish ("error")."""
    answer = votes.with_name("answer.json")
    answer.unlink(missing_ok=True)
    command = [python, str(WORKER), str(METHODS.index(method)), str(votes), str(answer)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {limit_s:.0f} s"}
    if done.returncode or not answer.exists():
        return {"error": last_line(done.stderr) or f"ended with code {done.returncode}"}
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found


def compare(size: str, *, only: Sequence[str] = (), env: str, limit_s: float) -> dict[str, dict[str, Any]]:
    """Every method by name with what it took; "off" is added where there is a maximum to compare with."""
    chosen = [method for method in METHODS if not only or any(word in method.name for word in only)]
    packages = sorted({method.package for method in chosen} - {""})
    python, failed = peers_python(env, packages) if packages else (sys.executable, {})
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        votes = draw(size, Path(folder), files=any("file" in method.name for method in chosen))
        with np.load(votes) as stored:
            data = {key: stored[key] for key in stored.files}
        references = {likelihood: maximum(data, likelihood) for likelihood in (HALF, DECISIVE)}
        del data
        for method in chosen:
            if method.package in failed:
                result: dict[str, Any] = {"error": f"not installed: {failed[method.package]}"}
            else:
                interpreter = python if method.package else sys.executable
                result = measure(method, interpreter, votes, limit_s)
            if method.likelihood and result.get("ratings"):
                ratings, reference = np.array(result["ratings"]), references[method.likelihood]
                gap = (ratings - ratings.mean()) - (reference - reference.mean())
                result["off"] = float(np.abs(gap).max())
            found[method.name] = result
            print(row(method, result), flush=True)
    return found


def row(method: Method, result: Mapping[str, Any]) -> str:
    """One line of the table."""
    who = f"{'' if method.package else 'ours: '}{method.name}"
    if "error" in result:
        return f"{who:42}{result['error'][:90]}"
    seconds = [f"{took:.3f}" for took in result["seconds"]]
    off = f"{result['off']:.4f}" if "off" in result else "-"
    width = f"{result['width']:.2f}" if result.get("width") else "-"
    again = seconds[1] if len(seconds) > 1 else "-"
    return f"{who:42}{seconds[0]:>9}{again:>9}{result['mb']:>8.0f}{off:>9}{width:>8}"


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--only", nargs="+", default=[], help="Words of which a method's name holds one.")
    parser.add_argument("--limit", type=float, default=300.0, help="Seconds until a method is given up.")
    parser.add_argument("--env", default=str(Path(tempfile.gettempdir()) / "evalharness-peers"))
    given = parser.parse_args()
    votes, systems = SIZES[given.size]
    print(f"{votes:,} simulated votes, {systems} systems")
    print(f"{'':42}{'seconds':>9}{'again':>9}{'MB':>8}{'off, Elo':>9}{'+-, Elo':>8}", flush=True)
    found = compare(given.size, only=given.only, env=given.env, limit_s=given.limit)
    for package, own in COMPARED:
        for method in METHODS:
            theirs, ours = found.get(method.name, {}), found.get(own, {})
            if method.package == package and "seconds" in theirs and "seconds" in ours:
                times = [a / b for a, b in zip(theirs["seconds"], ours["seconds"], strict=False)]
                said = " and again ".join(f"{ratio:.1f}" for ratio in times)
                print(f"{method.name} took {said} times as long as ours: {own}")


if __name__ == "__main__":
    main()
