"""`python -m arena_ui.owner FOLDER` serves the owner's pages; `… password NAME` lets somebody in."""

import argparse
import getpass
import sys
from pathlib import Path

from arena_ui.owner.accounts import FILE, set_password
from arena_ui.owner.roles import Role
from arena_ui.owner.serve import HOST, PORT, run
from evalharness.cli.auditing import audit_entry
from evalharness.config import load_study
from evalharness.errors import ConfigError, EvalHarnessError
from evalharness.store import Store

PROGRAM = "python -m arena_ui.owner"


def main(arguments: list[str]) -> int:
    """Serve until interrupted, or set a password; the error's exit code where that cannot be."""
    try:
        if arguments[:1] == ["password"]:
            _password(arguments[1:])
        else:
            _serve(arguments)
    except EvalHarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _serve(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(PROGRAM, description="Serve the pages of a study's owner.")
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(), help="the study (default: this folder)"
    )
    parser.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes any free one (default: %(default)s)")
    given = parser.parse_intermixed_args(arguments)
    if not 0 <= given.port <= 65535:
        parser.error(f"a port is a number from 0 to 65535, not {given.port}")
    run(given.folder, given.host, given.port)


def _password(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        f"{PROGRAM} password",
        description="Let somebody log in; the password is asked for, or read from stdin.",
    )
    parser.add_argument("name")
    parser.add_argument("--role", choices=[role.value for role in Role], required=True)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(), help="the study (default: this folder)"
    )
    given = parser.parse_intermixed_args(arguments)
    study = load_study(given.folder)
    set_password(study.folder, given.name, Role(given.role), _asked())
    with Store.open(study.database_url) as store:
        store.note_audit(audit_entry("", "let somebody log in", name=given.name, role=given.role))
    sys.stdout.write(f"{given.name} may log in as {given.role}; {FILE} keeps the password's hash alone.\n")


def _asked() -> str:
    """The password: typed twice at a terminal, else the first line of stdin."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first, second = getpass.getpass("Password: "), getpass.getpass("Once more: ")
    if first != second:
        raise ConfigError("The two passwords differ. Nothing was changed; give the command again.")
    return first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
