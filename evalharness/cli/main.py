"""`evalharness`: the commands, and the one place that turns errors into exit codes.

Exit codes: 0 done · 1 other error · 2 settings, suite or name · 3 missing extra · 4 media or
generation · 5 database · 6 no rating possible, or undecided · 7 a leak was found · 8 a release is worse ·
130 interrupted.
"""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from evalharness.cli import (
    adapters,
    agreement,
    arena,
    audit,
    blind,
    compare,
    demo,
    doctor,
    export,
    generate,
    init,
    inspect,
    leaderboard,
    measure,
    metrics,
    plan,
    prompts,
    rate,
    regress,
    report,
    reveal,
    simulate,
    verify,
    voters,
)
from evalharness.cli.options import status
from evalharness.errors import EvalHarnessError, MissingExtraError

__all__ = ["app", "main"]

INTERRUPTED = 130

app = typer.Typer(
    name="evalharness",
    help=(
        "Blind evaluation of generated video with sound: prompts go in, blind human votes and automatic "
        "measurements come out as ratings with honest error bars.\n\n"
        "A study is a folder. A new one: init, generate, blind, measure, arena, leaderboard."
    ),
    epilog=(
        "Exit codes: 0 done, 1 other error, 2 settings, suite or name, 3 missing extra, "
        "4 media or generation, 5 database, 6 no rating possible, or undecided, 7 a leak was found, "
        "8 a release is worse, 130 interrupted."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("init")(init.init)
app.command("prompts")(prompts.prompts)
app.command("adapters")(adapters.adapters)
app.command("generate")(generate.generate)
app.command("blind")(blind.blind)
app.add_typer(audit.app, name="audit")
app.command("measure")(measure.measure)
app.add_typer(metrics.app, name="metrics")
app.command("inspect")(inspect.inspect)
app.command("arena")(arena.arena)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("voters")(voters.voters)
app.command("export")(export.export)
app.command("rate")(rate.rate)
app.command("compare")(compare.compare)
app.command("regress")(regress.regress)
app.command("agreement")(agreement.agreement)
app.command("report")(report.report)
app.command("reveal")(reveal.reveal)
app.command("verify")(verify.verify)
app.command("plan")(plan.plan)
app.command("simulate")(simulate.simulate)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line; an error evalharness raises on purpose ends in one sentence and its code."""
    try:
        app()
    except SystemExit as ending:
        if ending.code == INTERRUPTED:  # typer turned Ctrl-C into this, without a word
            status.print("Interrupted.")
        raise
    except EvalHarnessError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        _say(
            f"{error.filename or 'A file'}: {error.strerror or error}. Mend that and give the command again."
        )
        sys.exit(1)
    except Exception as error:
        from evalharness.usable import broken_package  # metrics: not at the command line's start

        package = broken_package(error)
        if package is None:
            raise
        _say(
            f"This command needs the package '{package}', which cannot be imported ({type(error).__name__}: "
            f"{error}). Install it anew; 'evalharness doctor' says what else is missing."
        )
        sys.exit(MissingExtraError.exit_code)


def _say(sentence: str) -> None:
    status.print(f"[bold red]error:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
