"""Weights come from where the user says, and are what they say they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from metrics.weights import WeightsError, brought, verified


def test_unset_is_nothing_and_a_wrong_path_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALHARNESS_NET", raising=False)
    assert brought("EVALHARNESS_NET") is None
    monkeypatch.setenv("EVALHARNESS_NET", str(tmp_path / "gone.bin"))
    with pytest.raises(WeightsError, match=r"EVALHARNESS_NET names .*gone\.bin, where there is nothing"):
        brought("EVALHARNESS_NET")


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.bin"
    path.write_bytes(b"weights")
    assert verified(path, hashlib.sha256(b"weights").hexdigest().upper()) == path
    with pytest.raises(WeightsError, match="another file, or a damaged one"):
        verified(path, hashlib.sha256(b"other").hexdigest())
