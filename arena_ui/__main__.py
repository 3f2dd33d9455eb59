"""`python -m arena_ui [FOLDER]`: serve the study in FOLDER (default: this one) at its own host and port."""

import sys
from pathlib import Path

from arena_ui.serve import run
from evalharness.errors import EvalHarnessError


def main(arguments: list[str]) -> int:
    """Serve until interrupted; the error's exit code where it cannot start."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.stderr.write("Usage: python -m arena_ui [FOLDER]\n")
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        run(Path(arguments[0]) if arguments else Path())
    except EvalHarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
