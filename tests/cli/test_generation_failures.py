"""What people read of clips that are missing."""

from __future__ import annotations

from rich.console import Console

from evalharness.cli.generation_failures import LINES, failure_table
from evalharness.production import Failure
from evalharness.records import FailureKind, JobKey


def shown(failures: dict[JobKey, Failure]) -> tuple[str, int]:
    console = Console(width=200, record=True, file=None, quiet=False)
    table, left_out = failure_table(failures)
    with console.capture() as caught:
        console.print(table)
    return caught.get(), left_out


def test_one_reason_is_one_line_and_names_some_prompts() -> None:
    refused = Failure(FailureKind.PARAMETER, "It makes clips of 3 to 15 s [whole ones].")
    failures = {JobKey("horse", f"p{number}", seed): refused for number in range(5) for seed in (1, 2)}
    failures[JobKey("ox", "p0", 1)] = Failure(FailureKind.MODERATION, "It was refused.")
    text, left_out = shown(failures)
    (line,) = (line for line in text.splitlines() if "horse" in line)
    assert " 10 " in line
    assert "[whole ones]" in line
    assert "p0, p1, p2 and 2 more" in line
    assert "moderation" in text
    assert left_out == 0


def test_a_run_of_failures_does_not_fill_the_screen() -> None:
    failures = {
        JobKey("horse", f"p{number:03}", 1): Failure(FailureKind.SERVER, f"Fault {number:03}.")
        for number in range(LINES + 7)
    }
    text, left_out = shown(failures)
    assert text.count("Fault") == LINES
    assert left_out == 7
