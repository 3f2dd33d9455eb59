"""The cookie of who is logged in: their name, until when, and the server's signature.

It is signed with a key that lives as long as the process, so a restart logs everybody out. A session ends at
its time, when its person logs out, when their password is changed, and when their account is removed; their
role is read anew with every look.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest

from arena_ui.owner.accounts import Account, Accounts
from arena_ui.owner.roles import Person
from arena_ui.tokens import unsealable

__all__ = ["COOKIE", "LIFE_S", "Sessions"]

COOKIE = "arena_owner"
LIFE_S = 8 * 3600
"""A working day."""
TAG_BYTES = 24
LONGEST = 512


class Sessions:
    """Opens, reads and ends sessions. Safe in threads: what is shared is a set that only grows and is cut."""

    def __init__(self, life_s: float = LIFE_S, clock: Callable[[], float] = time.time) -> None:
        self._key = secrets.token_bytes(32)
        self._life_s, self._clock = life_s, clock
        self._ended: dict[str, float] = {}
        """What the cookies of those who logged out say, each until it would have expired."""

    def begin(self, account: Account) -> str:
        """A cookie for whoever has just shown their password."""
        until = int(self._clock() + self._life_s)
        body = f"{account.name} {until} {_stamp(account)} {secrets.token_hex(8)}".encode()
        return urlsafe_b64encode(self._tag(body) + body).decode()

    def who(self, cookie: str | None, accounts: Accounts) -> Person | None:
        """Whose cookie it is; None where it is forged, expired, ended, or its account is another by now."""
        body = self._body(cookie)
        if body is None or body in self._ended:
            return None
        name, until, stamp, _ = body.split(" ")
        account = accounts.passwords.get(name)
        if account is None or self._clock() >= int(until) or stamp != _stamp(account):
            return None
        return Person(account.name, account.role)

    def end(self, cookie: str | None) -> None:
        """Log out whoever holds it."""
        body, now = self._body(cookie), self._clock()
        if body is not None:
            self._ended = {old: until for old, until in self._ended.items() if until > now}
            self._ended[body] = float(body.split(" ")[1])

    def _body(self, cookie: str | None) -> str | None:
        """What the cookie says, where this process has signed it."""
        sealed = unsealable(cookie) if cookie and len(cookie) <= LONGEST else None
        if sealed is None:
            return None
        tag, body = sealed[:TAG_BYTES], sealed[TAG_BYTES:]
        return body.decode() if compare_digest(tag, self._tag(body)) else None

    def _tag(self, body: bytes) -> bytes:
        return blake2b(body, key=self._key, digest_size=TAG_BYTES).digest()


def _stamp(account: Account) -> str:
    """Another with every change of the password."""
    return blake2b(account.scrypt.encode(), digest_size=8).hexdigest()
