"""A program is ended with everything it started, whichever way it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from evalharness.adapters import processes
from evalharness.adapters.processes import Ending, run_program

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="Whether a process lives is looked up in /proc."
)

FAMILY = (
    "trap '' TERM; (trap '' TERM; sleep 600 & echo $! > grandchild; wait) & echo $! > child; "
    "echo $$ > program; while [ ! -s grandchild ]; do sleep 0.02; done; "
)
"""A program whose child and grandchild do not end when asked politely."""


def run(folder: Path, script: str, timeout_s: float = 60.0) -> Ending:
    return run_program(
        ["sh", "-c", script],
        executable="/bin/sh",
        cwd=folder,
        environment={"PATH": os.environ["PATH"]},
        timeout_s=timeout_s,
    )


def family(folder: Path, within_s: float = 20.0) -> list[int]:
    """The process ids of program, child and grandchild, once all three live."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError, ValueError):
            return [int((folder / name).read_text()) for name in ("program", "child", "grandchild")]
        time.sleep(0.02)
    pytest.fail("The program did not start its family.")


def gone(process: int, within_s: float = 20.0) -> bool:
    """Whether a process ends in time; one that only waits to be counted by its parent has ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def test_time_over_ends_the_whole_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "TERMINATION_GRACE_S", 0.2)
    ending = run(tmp_path, FAMILY + "wait", timeout_s=1.0)
    assert ending.exit_code is None
    assert 1.0 <= ending.duration_s < 20
    assert all(gone(process) for process in family(tmp_path))


def test_children_of_a_program_that_is_done_are_ended_too(tmp_path: Path) -> None:
    ending = run(tmp_path, FAMILY + "exit 3")
    assert ending.exit_code == 3
    assert all(gone(process) for process in family(tmp_path))


def test_a_program_asked_to_stop_may_tidy_up(tmp_path: Path) -> None:
    """SIGTERM comes first, so a program can let go of what it holds outside."""
    script = "trap 'echo tidied > mark; exit 0' TERM; while :; do sleep 0.02; done"
    assert run(tmp_path, script, timeout_s=0.5).exit_code is None
    assert (tmp_path / "mark").read_text() == "tidied\n"


@pytest.mark.parametrize("where", ["main thread", "worker thread"])
def test_a_harness_that_is_interrupted_takes_its_programs_along(tmp_path: Path, where: str) -> None:
    code = (
        "import sys; from pathlib import Path; from evalharness.executors import Here, Workplace\n"
        "from evalharness.adapters.base import Capabilities, SeedSupport\n"
        "from evalharness.adapters.processes import run_program, stopping_programs\n"
        "def work(): run_program(['sh', '-c', sys.argv[1]], executable='/bin/sh', cwd=Path(sys.argv[2]),"
        " environment={'PATH': '/usr/bin:/bin'}, timeout_s=600)\n"
        "if sys.argv[3] == 'main thread': work()\n"
        "with Workplace(threads=1, executor=Here()) as place, stopping_programs():"
        " place.submit(Capabilities((), SeedSupport.NONE), '', work).result()\n"
    )
    harness = subprocess.Popen(
        [sys.executable, "-c", code, FAMILY + "wait", str(tmp_path), where],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        members = family(tmp_path)
        harness.send_signal(signal.SIGINT)
        harness.wait(30)
        ended = [gone(process) for process in members]
    finally:
        harness.kill()
        harness.wait()
        with suppress(ProcessLookupError, FileNotFoundError):  # a failed test must leave nothing either
            os.killpg(int((tmp_path / "program").read_text()), signal.SIGKILL)
    assert all(ended)


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("exit 0", "ended with exit code 0"),
        ("exit 42", "ended with exit code 42"),
        ("kill -KILL $$", "was ended by signal 9 (Killed)"),
    ],
)
def test_an_ending_is_told_in_words(tmp_path: Path, script: str, how: str) -> None:
    assert run(tmp_path, script).how == how


def test_only_the_end_of_much_stderr_is_kept(tmp_path: Path) -> None:
    ending = run(tmp_path, "head -c 200000 /dev/zero | tr '\\0' x >&2; printf end >&2")
    assert len(ending.stderr) == 65536
    assert ending.stderr.endswith("xxxend")
