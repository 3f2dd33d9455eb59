"""Who may log in: names with password hashes, and e-mail addresses for logins elsewhere, each with a role.

They lie in `.owners.toml` in the study's folder, readable by its owner alone:

    [passwords.ada]
    role = "owner"
    scrypt = "32768$8$1$<salt>$<hash>"

    [emails]
    "grace@example.org" = "analyst"

A password is stored as its scrypt hash with its own salt, and appears in no message and no repr.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arena_ui.owner.roles import Role
from evalharness.errors import ConfigError

__all__ = ["FILE", "Account", "Accounts", "fits", "load_accounts", "set_password"]

FILE = ".owners.toml"
RESERVED = ("nobody", "quality")
"""Who signs in records what no person did."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
LEAST, MOST = 12, 256
"""Characters of a password."""
COST, BLOCK, PARALLEL = 2**15, 8, 1
"""Of scrypt: 32 MiB and about a tenth of a second for each try."""
MEMORY = 2 * 128 * COST * BLOCK
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who logs in by a password."""

    name: str
    role: Role
    scrypt: str = field(repr=False)
    """Cost, block size, parallelism, salt and hash, with a dollar between."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everybody who may log in."""

    passwords: Mapping[str, Account] = field(default_factory=dict)
    emails: Mapping[str, Role] = field(default_factory=dict)
    """By address in lower case."""


def load_accounts(folder: Path) -> Accounts:
    """Read the study's `.owners.toml`; nobody may log in where there is none.

    Raises ConfigError where others may read it, or it does not say what it should.
    """
    file = folder / FILE
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            table = tomllib.load(opened)
    except FileNotFoundError:
        return Accounts()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{FILE} is not valid TOML: {error}. Mend it, or remove it and begin anew."
        ) from None
    if mode & 0o077:
        raise ConfigError(
            f"{FILE} can be read by others (its mode is {mode:03o}): give it to yourself alone, chmod 600."
        )
    passwords, emails = (_table(table, name) for name in ("passwords", "emails"))
    return Accounts(
        {name: _account(name, entry) for name, entry in passwords.items()},
        {address.lower(): _role(f"emails.{address}", role) for address, role in emails.items()},
    )


def set_password(folder: Path, name: str, role: Role, password: str) -> None:
    """Let `name` log in with this password and role, in place of what they had.

    Raises ConfigError where name or password cannot be one.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            "A name has up to 40 letters of a to z, digits, dots, dashes and underscores, and begins with a "
            f"letter or digit; found {name[:60]!r}."
        )
    if name.lower() in RESERVED:
        raise ConfigError(f"'{name}' signs what no person did; choose another name.")
    if not LEAST <= len(password) <= MOST:
        raise ConfigError(f"A password has {LEAST} to {MOST} characters; this one has {len(password)}.")
    known = load_accounts(folder)
    account = Account(name, role, _hashed(password, secrets.token_bytes(SALT_BYTES)))
    _write(folder / FILE, Accounts({**known.passwords, name: account}, known.emails))


def fits(account: Account | None, password: str) -> bool:
    """Whether the password is the account's. Takes as long where there is no account."""
    known = account.scrypt if account else _NOBODY
    cost, block, parallel, salt, _ = known.split("$")
    tried = _hashed(password[:MOST], bytes.fromhex(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(tried, known) and account is not None


def _hashed(
    password: str, salt: bytes, cost: int = COST, block: int = BLOCK, parallel: int = PARALLEL
) -> str:
    # One and the same password from every keyboard, however it composes its letters.
    secret = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    made = hashlib.scrypt(secret, salt=salt, n=cost, r=block, p=parallel, maxmem=MEMORY)
    return f"{cost}${block}${parallel}${salt.hex()}${made.hex()}"


_NOBODY = f"{COST}${BLOCK}${PARALLEL}${bytes(SALT_BYTES).hex()}${bytes(64).hex()}"
"""What a password is held against where there is no account."""
_SCRYPT = re.compile(r"(\d{1,6})\$(\d{1,2})\$(\d)\$[0-9a-f]{32}\$[0-9a-f]{128}")


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, Mapping):
        raise ConfigError(f"{FILE}: '{name}' has to be a table, [{name}].")
    return found


def _account(name: str, entry: Any) -> Account:
    hashed = entry.get("scrypt") if isinstance(entry, Mapping) else None
    parts = _SCRYPT.fullmatch(hashed) if isinstance(hashed, str) else None
    # Dearer parameters than ours would take memory with each try; nothing here writes them.
    if parts is None or tuple(map(int, parts.groups())) != (COST, BLOCK, PARALLEL):
        raise ConfigError(
            f"{FILE}: passwords.{name}: there is no password hash as this program writes it. Set it again "
            f"with 'python -m arena_ui.owner password {name} --role … FOLDER'."
        )
    return Account(name, _role(f"passwords.{name}", entry.get("role")), parts[0])


def _role(where: str, found: Any) -> Role:
    if found not in set(Role):
        raise ConfigError(f"{FILE}: {where}: found the role {found!r}; allowed: {', '.join(Role)}.")
    return Role(found)


def _write(file: Path, accounts: Accounts) -> None:
    """Put the whole file in place at once."""
    lines = []
    for account in accounts.passwords.values():
        lines += [f"[passwords.{json.dumps(account.name)}]", f'role = "{account.role}"']
        lines += [f'scrypt = "{account.scrypt}"', ""]
    lines += ["[emails]", *(f'{json.dumps(address)} = "{role}"' for address, role in accounts.emails.items())]
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    draft.replace(file)
