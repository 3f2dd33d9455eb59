"""What was shown: the bulk that draws are balanced by, and one voter's battles."""

from datetime import timedelta

from sqlalchemy import event

from evalharness.labels import FaultKind
from evalharness.people import Fault
from evalharness.records import Category, Outcome, Purpose
from evalharness.store.showings import Opened, Shown, ShownOften, Standing


def test_answered_comparisons_are_counted_by_kind_and_side(scene):
    scene.arena()
    for name, sides, voter in (("1", "ab", "v"), ("2", "ab", "w"), ("3", "ca", "v")):
        scene.store.commit_votes(scene.answers(scene.opened(name, *sides, voter=voter)))
    scene.opened("open", "b", "c")
    check = scene.opened("check", "b", "c", purpose=Purpose.REPEAT, repeats="open")
    scene.store.commit_votes(scene.answers(check))
    moment = scene.later()
    late = scene.opened("late", "c", "b", voter="w", created_at=moment)
    scene.store.commit_votes(scene.answers(late))
    text = Category.TEXT_TO_VIDEO
    assert scene.store.answered_before(moment) == (
        ShownOften(text, "p", "a", "b", 2),
        ShownOften(text, "p", "c", "a", 1),
    )
    assert scene.store.answered_before(moment + timedelta(microseconds=1))[-1] == ShownOften(
        text, "p", "c", "b", 1
    )


def test_comparisons_are_listed_from_a_moment_on_answered_or_not(scene):
    scene.arena()
    scene.opened("early")
    answered = scene.opened("answered", "b", "c")
    scene.store.commit_votes(scene.answers(answered))
    waiting = scene.opened("waiting", "a", "c")
    scene.opened("check", "b", "c", purpose=Purpose.TRAP, expected=Outcome.TIE)
    assert scene.store.opened_since(answered.created_at) == (
        Opened("answered", Category.TEXT_TO_VIDEO, "p", "b", "c", answered.created_at),
        Opened("waiting", Category.TEXT_TO_VIDEO, "p", "a", "c", waiting.created_at),
    )
    assert scene.store.answered_among(["waiting", "answered", "nothing"]) == {"answered"}
    assert scene.store.answered_among([]) == frozenset()


def test_a_voters_battles_come_with_their_answers_in_one_statement(scene):
    scene.arena()
    first, other, check = (
        scene.opened("one"),
        scene.opened("two", "b", "c", voter="w"),
        scene.opened("again", purpose=Purpose.REPEAT, repeats="one"),
    )
    votes = scene.answers(first)
    scene.store.commit_votes(votes)
    told = []
    event.listen(scene.store._database.engine, "before_cursor_execute", lambda *said: told.append(said[2]))
    assert scene.store.shown_to("v") == (Shown(first, votes[0].created_at), Shown(check, None))
    assert len([each for each in told if each.startswith("SELECT")]) == 1
    assert scene.store.shown_to("w") == (Shown(other, None),)
    assert scene.store.shown_to("nobody") == ()


def test_where_a_voters_battles_stand_is_what_of_them_changes(scene):
    scene.arena()
    answered, faulty = scene.opened("one"), scene.opened("two", "b", "c")
    scene.opened("three", "a", "c")
    scene.opened("theirs", "a", "c", voter="w")
    scene.store.commit_votes(scene.answers(answered))
    scene.store.report_fault(Fault(faulty.id, FaultKind.SOUND, scene.later()))
    told = []
    event.listen(scene.store._database.engine, "before_cursor_execute", lambda *said: told.append(said[2]))
    stand = scene.store.standings("v")
    assert len(told) == 1  # not even a BEGIN
    assert stand == tuple(
        Standing(each.battle.id, each.answered_at, each.faulty) for each in scene.store.shown_to("v")
    )
    assert [(each.answered_at is not None, each.faulty) for each in stand] == [
        (True, False),
        (False, True),
        (False, False),
    ]
