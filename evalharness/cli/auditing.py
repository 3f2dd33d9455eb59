"""What is done at the command line goes on the same record as what is done on the owner's pages."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Any

from evalharness.people import AuditEntry

__all__ = ["ROLE", "audit_entry"]

ROLE = "command line"


def audit_entry(by: str, action: str, **details: Any) -> AuditEntry:
    """An act by whoever gave their name, else by whoever is logged in to this machine."""
    return AuditEntry(by.strip() or _login(), ROLE, action, details, datetime.now(UTC))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user on record, as in some containers
        return "somebody at this machine"
