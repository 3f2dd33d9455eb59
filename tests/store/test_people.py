"""People: they are found again, paid, and taken away without a trace, and their answers stay."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text

from evalharness.errors import AlreadyAnswered, NotFoundError, StoreError
from evalharness.labels import FaultKind, ScreeningKind, Strength
from evalharness.people import TAKEN_AWAY, Arrival, AuditEntry, Fault, Screening
from evalharness.records import Decision, Outcome, Purpose, Ruling


def arrival(scene, voter="v", person="5f1a", **changes):
    values = {
        "voter_id": voter,
        "platform": "prolific",
        "person_key": f"key of {person}",
        "person": person,
        "details": {"study": "s1", "session": "x9"},
        "arrived_at": scene.later(),
    }
    return Arrival(**{**values, **changes})


def everything(scene):
    """Every cell of every table as one text."""
    with scene.store._database.engine.connect() as connection:
        names = inspect(connection).get_table_names()
        return "\n".join(
            repr(row) for name in names for row in connection.execute(text(f"SELECT * FROM {name}"))
        )


def test_whoever_comes_again_is_the_same_voter(scene):
    scene.arena()
    came = arrival(scene)
    scene.store.put_arrival(came)
    assert scene.store.voter_by_person(came.person_key) == scene.store.voter("v")
    assert scene.store.voter_by_person("key of nobody") is None
    again = replace(came, details={"study": "s1", "session": "x10"})
    scene.store.put_arrival(again)
    assert scene.store.arrivals() == (again,)
    with pytest.raises(StoreError):
        scene.store.put_arrival(arrival(scene, voter="w"))
    with pytest.raises(StoreError):
        scene.store.put_arrival(arrival(scene, voter="nobody", person="other"))


def test_a_platforms_name_is_taken_away_and_the_person_is_still_known(scene):
    scene.arena()
    scene.store.put_arrival(arrival(scene))
    scene.store.put_arrival(arrival(scene, voter="w", person="77bb"))
    assert scene.store.forget_people(["v", "nobody"]) == 1
    assert scene.store.forget_people(["v"]) == 0
    assert "5f1a" not in everything(scene).replace("key of 5f1a", "")
    assert "77bb" in everything(scene)
    assert scene.store.voter_by_person("key of 5f1a") == scene.store.voter("v")


def test_who_was_paid_and_forgotten_stays_so_when_they_come_again(scene):
    scene.arena()
    scene.store.put_arrival(arrival(scene))
    scene.store.forget_people(["v"])
    again = arrival(scene, details={"session": "another"})
    scene.store.put_arrival(again)
    assert scene.store.arrivals() == (replace(again, person=None, details={}),)


def test_an_erased_person_is_in_no_table_and_their_answers_stay(scene):
    scene.arena()
    scene.store.put_voter(
        replace(scene.store.voter("v"), languages=("yue",), token_hash="hash-of-v", open_data=True)
    )
    scene.store.put_arrival(arrival(scene, details={"session": "very-own"}))
    scene.store.add_screening(
        Screening("v", ScreeningKind.DEVICE, True, scene.later(), {"screen": "5120x99"})
    )
    scene.store.add_screening(Screening("w", ScreeningKind.DEVICE, True, scene.later()))
    by_rule = Ruling("v", Decision.EXCLUDED, "2 of 2 traps failed", "quality/2", scene.later())
    for ruling in (by_rule, replace(by_rule, decision=Decision.USED, reason="Jo Bloggs wrote", author="ada")):
        scene.store.rule(ruling)
        scene.store.rule(replace(ruling, voter_id="w", reason="another's"))
    scene.store.commit_votes(scene.answers(scene.opened("one")))
    before = scene.store.ballots()
    moment = scene.later()
    scene.store.erase_voter("v", moment)
    scene.store.erase_voter("v", moment + timedelta(days=1))
    left = everything(scene)
    assert not [
        word for word in ("5f1a", "very-own", "5120x99", "yue", "hash-of-v", "Bloggs") if word in left
    ]
    assert [(each.voter_id, each.reason) for each in scene.store.rulings()] == [
        ("v", "2 of 2 traps failed"),
        ("w", "another's"),
        ("v", TAKEN_AWAY),
        ("w", "another's"),
    ]
    assert scene.store.voter("v").erased_at == moment
    assert [each.voter_id for each in scene.store.screenings()] == ["w"]
    assert scene.store.ballots() == before
    assert len(before) > 0
    with pytest.raises(NotFoundError):
        scene.store.erase_voter("nobody", moment)


def test_nothing_is_kept_of_who_was_erased(scene):
    """A request that was under way, or a second browser, brings nothing back."""
    scene.arena()
    scene.store.erase_voter("v", scene.later())
    scene.store.put_arrival(arrival(scene))
    scene.store.add_screening(Screening("v", ScreeningKind.DEVICE, True, scene.later()))
    assert scene.store.arrivals() == ()
    assert scene.store.screenings() == ()
    with pytest.raises(StoreError):
        scene.store.add_screening(Screening("nobody", ScreeningKind.DEVICE, True, scene.later()))


@pytest.mark.parametrize("take_away", ["erase", "forget"])
def test_no_file_holds_a_name_that_was_taken_away(tmp_path, open_scene, take_away):
    """Neither the database's pages nor its log; the study goes on meanwhile."""
    with open_scene(f"sqlite:///{tmp_path}/study.db") as scene:
        scene.arena()
        scene.store.put_arrival(arrival(scene, person="a-very-special-name", person_key="key"))
        scene.store.put_arrival(arrival(scene, voter="w", person="somebody-else"))
        files = [tmp_path / "study.db", tmp_path / "study.db-wal"]
        assert any(b"a-very-special-name" in file.read_bytes() for file in files)
        if take_away == "erase":
            scene.store.erase_voter("v", scene.later())
        else:
            scene.store.forget_people(["v"])
        assert not [file for file in files if b"a-very-special-name" in file.read_bytes()]
        assert any(b"somebody-else" in file.read_bytes() for file in files)


def test_a_long_reading_keeps_nobody_from_being_erased(tmp_path, open_scene, monkeypatch):
    monkeypatch.setattr("evalharness.store.database.SCRUB_TIMEOUT_MS", 50)
    with open_scene(f"sqlite:///{tmp_path}/study.db") as scene:
        scene.arena()
        with scene.store._database.engine.connect() as reader:
            reader.execute(text("SELECT * FROM voters")).all()
            scene.store.erase_voter("v", scene.later())
            assert scene.store.voter("v").erased_at is not None


def test_a_fault_closes_a_battle_and_is_no_vote(scene):
    scene.arena()
    faulty, answered = scene.opened("faulty"), scene.opened("answered", "b", "c")
    fault = Fault("faulty", FaultKind.SOUND, scene.later())
    scene.store.report_fault(fault)
    scene.store.report_fault(replace(fault, kind=FaultKind.OTHER))
    assert scene.store.faults() == (fault,)
    with pytest.raises(StoreError, match="could not be judged"):
        scene.store.commit_votes(scene.answers(faulty))
    scene.store.commit_votes(scene.answers(answered))
    with pytest.raises(AlreadyAnswered):
        scene.store.report_fault(Fault("answered", FaultKind.SOUND, scene.later()))
    with pytest.raises(NotFoundError):
        scene.store.report_fault(Fault("nothing", FaultKind.SOUND, scene.later()))
    assert [each.faulty for each in scene.store.shown_to("v")] == [True, False]


def test_faults_and_the_audit_only_ever_grow(scene):
    scene.arena()
    scene.opened("faulty")
    scene.store.report_fault(Fault("faulty", FaultKind.SOUND, scene.later()))
    entry = AuditEntry("ada", "owner", "exclude", {"voter": "v"}, scene.later())
    scene.store.note_audit(entry)
    scene.store.note_audit(replace(entry, action="use"))
    assert scene.store.audit() == (entry, replace(entry, action="use"))
    for table in ("faults", "audit"):
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET created_at = created_at"):
            with (
                pytest.raises(Exception, match="append only"),
                scene.store._database.engine.begin() as connection,
            ):
                connection.execute(text(change))


def test_decisions_only_ever_grow_but_for_a_reason_taken_away(scene):
    scene.arena()
    ruling = Ruling("v", Decision.EXCLUDED, "too fast", "ada", scene.later())
    scene.store.rule(ruling)
    for change in (
        "DELETE FROM rulings",
        "UPDATE rulings SET reason = 'nicer'",
        "UPDATE rulings SET decision = 'used'",
        f"UPDATE rulings SET reason = '{TAKEN_AWAY}', decision = 'used'",
    ):
        with (
            pytest.raises(Exception, match="append only"),
            scene.store._database.engine.begin() as connection,
        ):
            connection.execute(text(change))
    assert scene.store.rulings() == (ruling,)


def test_an_answer_says_how_strong_it_is_only_where_a_side_is_better(scene):
    scene.arena()
    battle = scene.opened("one")
    strong = [replace(vote, strength=Strength.STRONG) for vote in scene.answers(battle)]
    with pytest.raises(StoreError):
        scene.store.commit_votes([replace(vote, outcome=Outcome.TIE) for vote in strong])
    sided = [replace(vote, outcome=Outcome.RIGHT) for vote in strong]
    scene.store.commit_votes(sided)
    assert sorted(scene.store.votes(), key=repr) == sorted(sided, key=repr)


def test_flawed_exhibits_stand_for_no_clip(scene):
    scene.arena()
    real = scene.store.exhibits()
    flawed = [
        replace(real[0], id=name, flaw=flaw)
        for name, flaw in (("f1", "blur"), ("f2", "blur"), ("f3", "freeze"))
    ]
    for each in flawed:
        scene.store.put_exhibit(each)
    assert scene.store.exhibits() == real
    assert scene.store.flawed_exhibits() == (flawed[1], flawed[2])
    scene.opened("gold", purpose=Purpose.GOLD, expected=Outcome.LEFT)
    assert scene.store.battle("gold").purpose is Purpose.GOLD


def test_a_change_of_secret_or_languages_undoes_no_erasure(scene):
    scene.arena()
    scene.store.put_voter(replace(scene.store.voter("v"), languages=("yue",), token_hash="hash-of-v"))
    scene.store.change_voter("v", token_hash="another")
    scene.store.change_voter("v", languages=("en", "de"))
    changed = scene.store.voter("v")
    assert (changed.token_hash, changed.languages) == ("another", ("en", "de"))
    scene.store.erase_voter("v", scene.later())
    erased = scene.store.voter("v")
    scene.store.change_voter("v", token_hash="late", languages=("yue",))
    assert scene.store.voter("v") == erased
    assert erased.token_hash == ""
