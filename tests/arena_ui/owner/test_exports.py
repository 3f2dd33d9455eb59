"""Exports: one file with everything in it, without names for an analyst, on record."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from hashlib import sha256

import pytest

from arena_ui.owner.office import Office
from arena_ui.owner.roles import NotAllowed, Person, Role
from arena_ui.owner.services.exports import exported
from evalharness.exports import Form, Options
from tests.arena_ui.hall import Hall, newcomer


def test_the_file_holds_every_vote_and_names_nobody(office: Office, people: dict[Role, Person]) -> None:
    hall = Hall(office.study, office.store)
    booth = hall.booth()
    voter = newcomer(booth)
    hall.answer(office.store.battle(booth.round(voter).pairs[0].battle_id))
    votes = len(office.store.votes())
    packed = zipfile.ZipFile(io.BytesIO(exported(office, people[Role.ANALYST], Options((Form.CSV,)))))
    files = {name.removeprefix("harbour/"): packed.read(name) for name in packed.namelist()}
    assert len(list(csv.DictReader(io.StringIO(files["votes.csv"].decode())))) == votes
    hashes = json.loads(files["manifest.json"])["sha256"]
    assert {name: sha256(files[name]).hexdigest() for name in hashes} == hashes
    for secret in (voter.id, "glacier-xl"):
        assert not any(secret.encode() in data for data in files.values())
    (entry,) = office.store.audit()
    assert (entry.author, entry.action) == ("the-analyst", "downloaded")
    assert entry.details == {
        "what": "votes without names",
        "votes": votes,
        "forms": ["csv"],
        "open_data_only": False,
    }


def test_ids_are_for_owners(office: Office, people: dict[Role, Person]) -> None:
    options = Options((Form.CSV,), with_ids=True)
    with pytest.raises(NotAllowed, match="see what platforms call raters"):
        exported(office, people[Role.ANALYST], options)
    assert exported(office, people[Role.OWNER], options)
