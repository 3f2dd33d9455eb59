"""Tokens mean nothing to whoever holds them, and nothing once changed or late."""

from __future__ import annotations

import secrets
import stat
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena_ui.tokens import BODY, KEY_FILE, NONCE_BYTES, TAG_BYTES, Part, Sealer, Showing, load_key
from evalharness.errors import ConfigError

BATTLE = "0123456789abcdef0123456789abcdef"
SEALER = Sealer(b"k" * 32)


@given(
    battle=st.binary(min_size=16, max_size=16), part=st.sampled_from(Part), expires=st.integers(1, 2**32 - 1)
)
def test_a_token_opens_to_what_was_sealed(battle: bytes, part: Part, expires: int) -> None:
    showing = SEALER.open(SEALER.seal(battle.hex(), part, expires), expires)
    assert isinstance(showing, Showing)
    assert (showing.battle_id, showing.part, showing.number) == (battle.hex(), part, 0)


def test_a_token_has_96_bits_that_nobody_can_make() -> None:
    token = SEALER.seal(BATTLE, Part.LEFT, 1000)
    assert TAG_BYTES * 8 == 96
    assert len(urlsafe_b64decode(token)) == NONCE_BYTES + BODY.size + TAG_BYTES


@given(number=st.integers(0, 30))
def test_a_token_says_which_reference_picture_it_opens(number: int) -> None:
    showing = SEALER.open(SEALER.seal(BATTLE, Part.REFERENCE, 1000, number=number), 1000)
    assert showing is not None
    assert (showing.part, showing.number) == (Part.REFERENCE, number)


def test_a_late_token_is_none() -> None:
    token = SEALER.seal(BATTLE, Part.LEFT, 1000)
    assert SEALER.open(token, 1000) is not None
    assert SEALER.open(token, 1001) is None


@given(place=st.integers(0, 59), letter=st.sampled_from("ABCDEFGHabcdefgh0123_-"))
def test_any_other_letter_anywhere_breaks_a_token(place: int, letter: str) -> None:
    token = SEALER.seal(BATTLE, Part.LEFT, 1000)
    changed = token[:place] + letter + token[place + 1 :]
    assert (SEALER.open(changed, 0) is None) == (changed != token)


@pytest.mark.parametrize("spelling", ["{}!", "{}=", " {}", "{}\n", "{}AAAA"])
def test_a_token_has_one_spelling(spelling: str) -> None:
    """The standard decoder skips letters that it does not know."""
    assert SEALER.open(spelling.format(SEALER.seal(BATTLE, Part.LEFT, 1000)), 0) is None


@pytest.mark.parametrize("token", ["", "x", "é" * 60, "A" * 60, "A" * 59, "../" * 20, "=" * 60])
def test_nonsense_is_none(token: str) -> None:
    assert SEALER.open(token, 0) is None


def test_each_showing_has_a_token_and_a_fill_of_its_own() -> None:
    tokens = [SEALER.seal(BATTLE, Part.LEFT, 1000) for _ in range(50)]
    assert len(set(tokens)) == 50
    assert len({showing.fill for token in tokens if (showing := SEALER.open(token, 0))}) == 50
    assert not {token[place : place + 4] for token in tokens for place in (16, 30)} & {
        BATTLE[:4],
        BATTLE[-4:],
    }


def test_another_key_opens_nothing() -> None:
    assert Sealer(b"j" * 32).open(SEALER.seal(BATTLE, Part.LEFT, 1000), 0) is None


def test_a_receipt_is_for_one_clip_of_one_battle() -> None:
    receipt = SEALER.receipt(BATTLE, Part.LEFT)
    assert SEALER.is_receipt(receipt, BATTLE, Part.LEFT)
    assert not SEALER.is_receipt(receipt, BATTLE, Part.RIGHT)
    assert not SEALER.is_receipt(receipt, BATTLE[::-1], Part.LEFT)
    assert not Sealer(b"j" * 32).is_receipt(receipt, BATTLE, Part.LEFT)
    for other in (None, "", "é", receipt[:-1], 7, [receipt]):
        assert not SEALER.is_receipt(other, BATTLE, Part.LEFT)


def test_the_key_file_is_made_once_and_is_the_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVALHARNESS_SECRET", raising=False)
    key = load_key(tmp_path)
    assert len(key) == 32
    assert load_key(tmp_path) == key
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_a_secret_from_the_environment_wins_and_must_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALHARNESS_SECRET", secrets.token_hex())
    assert load_key(tmp_path) == load_key(tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("EVALHARNESS_SECRET", "short")
    with pytest.raises(ConfigError, match="at least 16"):
        load_key(tmp_path)
