"""Accounts: only hashes are kept, by their owner alone, and a wrong file is a sentence."""

from __future__ import annotations

import io
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arena_ui.owner.__main__ import main
from arena_ui.owner.accounts import FILE, Accounts, fits, load_accounts, set_password
from arena_ui.owner.roles import Role
from evalharness.config import Study
from evalharness.errors import ConfigError
from tests.arena_ui.owner.conftest import PASSWORD


def test_a_password_fits_its_account_alone(tmp_path: Path) -> None:
    set_password(tmp_path, "ada", Role.OWNER, PASSWORD)
    set_password(tmp_path, "vic.2", Role.VIEWER, PASSWORD)
    ada, vic = (load_accounts(tmp_path).passwords[name] for name in ("ada", "vic.2"))
    assert (ada.role, vic.role) == (Role.OWNER, Role.VIEWER)
    assert fits(ada, PASSWORD)
    assert not fits(ada, PASSWORD + " ")
    assert not fits(None, PASSWORD)
    assert ada.scrypt != vic.scrypt, "the same password has another salt"


def test_a_password_fits_however_the_keyboard_composes_its_letters(tmp_path: Path) -> None:
    set_password(tmp_path, "ada", Role.OWNER, "café au port noir")
    assert fits(load_accounts(tmp_path).passwords["ada"], "cafe\N{COMBINING ACUTE ACCENT} au port noir")


def test_the_file_holds_hashes_and_is_its_owners_alone(tmp_path: Path) -> None:
    set_password(tmp_path, "ada", Role.OWNER, PASSWORD)
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text(encoding="utf-8")
    assert load_accounts(tmp_path).passwords["ada"].scrypt not in repr(load_accounts(tmp_path))
    file.chmod(0o640)
    with pytest.raises(ConfigError, match=r"can be read by others \(its mode is 640\)"):
        load_accounts(tmp_path)


def test_addresses_stay_when_a_password_is_set(tmp_path: Path) -> None:
    write(tmp_path, '[emails]\n"Grace@Example.org" = "analyst"\n')
    set_password(tmp_path, "ada", Role.OWNER, PASSWORD)
    assert load_accounts(tmp_path).emails == {"grace@example.org": Role.ANALYST}


def test_without_a_file_nobody_is_let_in(tmp_path: Path) -> None:
    assert load_accounts(tmp_path) == Accounts()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[passwords", "not valid TOML"),
        ("passwords = 3", "'passwords' has to be a table"),
        ('[passwords.ada]\nrole = "owner"', "no password hash as this program writes it"),
        ('[passwords.ada]\nrole = "owner"\nscrypt = "hunter2"', "no password hash"),
        (
            f'[passwords.ada]\nrole = "owner"\nscrypt = "262144$8$1${"0" * 32}${"0" * 128}"',
            "no password hash",
        ),
        ('[emails]\n"a@b.org" = "king"', "found the role 'king'; allowed: viewer, analyst, owner"),
    ],
)
def test_a_wrong_file_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=said) as error:
        load_accounts(tmp_path)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("name", ["", "a b", "../ada", "-ada", "a" * 41, "ada\n"])
def test_a_name_is_letters(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="A name has up to 40 letters"):
        set_password(tmp_path, name, Role.OWNER, PASSWORD)


@pytest.mark.parametrize("name", ["nobody", "quality", "Quality"])
def test_a_person_is_not_called_as_the_program_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="signs what no person did"):
        set_password(tmp_path, name, Role.OWNER, PASSWORD)


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 257])
def test_a_password_has_a_length(tmp_path: Path, password: str) -> None:
    with pytest.raises(ConfigError, match=f"12 to 256 characters; this one has {len(password)}"):
        set_password(tmp_path, "ada", Role.OWNER, password)


def test_the_command_reads_the_password_from_stdin(
    make_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(prompts=3, seconds=0.4)
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["password", "ada", "--role", "owner", str(study.folder)]) == 0
    assert fits(load_accounts(study.folder).passwords["ada"], PASSWORD)
    said = capsys.readouterr()
    assert said.out == f"ada may log in as owner; {FILE} keeps the password's hash alone.\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert main(["password", "ada", "--role", "owner", str(study.folder)]) == ConfigError.exit_code
    assert capsys.readouterr().err == "A password has 12 to 256 characters; this one has 5.\n"


def test_a_folder_that_is_no_study_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == ConfigError.exit_code
    assert "is not a study" in capsys.readouterr().err


def write(folder: Path, text: str) -> None:
    file = folder / FILE
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
