"""Opaque tokens for one showing of one clip, receipts for its delivery, and codes by which voters come back.

A token says which side of which battle is shown and until when, encrypted and authenticated with the
arena's key, so that it means nothing to whoever holds it, is new for every showing, and needs no table:
any process that has the key can serve it. A receipt is the server's own proof that it delivered a clip;
the page sends it back with the vote.

Encrypt-then-MAC on keyed BLAKE2b: keystream = BLAKE2b(key, nonce), tag = BLAKE2b(key', nonce + body).
"""

from __future__ import annotations

import hmac
import os
import secrets
import struct
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b, sha256
from pathlib import Path

from evalharness.errors import ConfigError

__all__ = ["KEY_FILE", "Part", "Sealer", "Showing", "load_key", "unsealable"]

KEY_FILE = ".arena-key"
SECRET = "EVALHARNESS_SECRET"  # noqa: S105 - the variable's name, not its value
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 12
BODY = struct.Struct(">IB16s")
"""Expiry in Unix seconds, part plus number, battle id."""
VOTER_BYTES = 8
CODE_TAG_BYTES = 7
CODE_GROUP = 4
MISREAD = str.maketrans({"0": "O", "1": "I", "8": "B", " ": "", "-": ""})
"""Letters that a code does not have, and for which people take those that it has."""


class Part(IntEnum):
    """What of a battle a token opens."""

    LEFT = 0
    RIGHT = 1
    FIRST_FRAME = 2
    REFERENCE = 3
    """The first of the reference pictures; the others follow."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What a valid token stands for."""

    battle_id: str
    part: Part
    number: int
    """Which of the reference pictures, counted from 0; 0 for every other part."""
    fill: bytes
    """Key of the spare bytes of this showing: the same within a showing, new with each."""


class Sealer:
    """Makes and reads tokens and receipts with one key. Battle ids are 32 hexadecimal digits."""

    def __init__(self, key: bytes) -> None:
        self._stream_key = self._derive(key, b"stream")
        self._tag_key = self._derive(key, b"tag")
        self._receipt_key = self._derive(key, b"receipt")
        self._fill_key = self._derive(key, b"fill")
        self._person_key = self._derive(key, b"person")
        self._return_key = self._derive(key, b"return")
        self._draw_key = self._derive(key, b"draw")

    def seal(self, battle_id: str, part: Part, expires_s: float, *, number: int = 0) -> str:
        """A fresh token, valid until `expires_s` (Unix seconds)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = self._crypt(nonce, BODY.pack(int(expires_s), part + number, bytes.fromhex(battle_id)))
        return urlsafe_b64encode(nonce + body + self._tag(nonce + body)).decode()

    def open(self, token: str, now_s: float) -> Showing | None:
        """What `token` stands for at `now_s`; None where it is forged, cut, or expired."""
        sealed = unsealable(token)
        if sealed is None or len(sealed) != NONCE_BYTES + BODY.size + TAG_BYTES:
            return None
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:-TAG_BYTES]
        if not hmac.compare_digest(self._tag(nonce + body), sealed[-TAG_BYTES:]):
            return None
        expires_s, place, battle_id = BODY.unpack(self._crypt(nonce, body))
        if now_s > expires_s:
            return None
        fill = blake2b(nonce, key=self._fill_key, digest_size=KEY_BYTES).digest()
        part = Part(min(place, Part.REFERENCE))
        return Showing(battle_id.hex(), part, place - part, fill)

    def receipt(self, battle_id: str, part: Part) -> str:
        """Proof that this server delivered this clip of this battle."""
        return blake2b(f"{battle_id}/{part}".encode(), key=self._receipt_key, digest_size=12).hexdigest()

    def is_receipt(self, value: object, battle_id: str, part: Part) -> bool:
        """Whether `value` is the receipt for this clip of this battle."""
        return (
            isinstance(value, str)
            and value.isascii()
            and hmac.compare_digest(value, self.receipt(battle_id, part))
        )

    def person_key(self, platform: str, person: str) -> str:
        """By what a person whom a platform sends is known again; nobody without the key can make it."""
        return blake2b(f"{platform}/{person}".encode(), key=self._person_key, digest_size=16).hexdigest()

    def secret(self, *purpose: str) -> str:
        """32 hexadecimal digits that only the key gives: nobody foresees what is drawn or named by them."""
        return blake2b("/".join(purpose).encode(), key=self._draw_key, digest_size=16).hexdigest()

    def return_code(self, voter_id: str) -> str:
        """What lets a voter come back from anywhere: six groups of four letters or digits."""
        voter = bytes.fromhex(voter_id)
        code = b32encode(voter + self._return_tag(voter)).decode()
        return "-".join(code[start : start + CODE_GROUP] for start in range(0, len(code), CODE_GROUP))

    def voter_of(self, code: str) -> str | None:
        """The id of the voter whose return code this is, spaces and case aside; None where it is nobody's."""
        try:
            sealed = b32decode(code.upper().translate(MISREAD))
        except ValueError:  # no such letters, or a wrong number of them
            return None
        voter, tag = sealed[:VOTER_BYTES], sealed[VOTER_BYTES:]
        return voter.hex() if hmac.compare_digest(tag, self._return_tag(voter)) else None

    def _return_tag(self, voter: bytes) -> bytes:
        return blake2b(voter, key=self._return_key, digest_size=CODE_TAG_BYTES).digest()

    def _crypt(self, nonce: bytes, body: bytes) -> bytes:
        stream = blake2b(nonce, key=self._stream_key, digest_size=len(body)).digest()
        return bytes(one ^ other for one, other in zip(body, stream, strict=True))

    def _tag(self, sealed: bytes) -> bytes:
        return blake2b(sealed, key=self._tag_key, digest_size=TAG_BYTES).digest()

    @staticmethod
    def _derive(key: bytes, purpose: bytes) -> bytes:
        return blake2b(purpose, key=key, digest_size=KEY_BYTES).digest()


def unsealable(text: str) -> bytes | None:
    """The bytes of a token or cookie; None where no server of ours would have written them so.

    The standard decoder skips what it does not know: by it, one cookie would have many spellings.
    """
    try:
        sealed = urlsafe_b64decode(text.encode("ascii"))
    except (UnicodeEncodeError, NotBase64):
        return None
    return sealed if urlsafe_b64encode(sealed).decode() == text else None


def load_key(folder: Path) -> bytes:
    """The arena's key: from EVALHARNESS_SECRET, else from the study's own key file, made on first use.

    The file lets pages that are open survive a restart, and several processes serve one study. Raises
    ConfigError where the variable is too short to be a secret.
    """
    given = os.environ.get(SECRET)
    if given is not None:
        if len(given) < 16:
            raise ConfigError(
                f"{SECRET} has {len(given)} characters; give at least 16 random ones, "
                "or unset it and the study keeps a key of its own."
            )
        return sha256(given.encode()).digest()
    file = folder / KEY_FILE
    draft = folder / f"{KEY_FILE}.{secrets.token_hex(4)}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(secrets.token_bytes(KEY_BYTES))
    try:
        os.link(draft, file)  # atomic, and fails where another process was first
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_bytes()
