"""Battles and votes: what the store promises the arena page and the ratings."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import event

from evalharness.errors import AlreadyAnswered, NotFoundError, StoreError
from evalharness.records import (
    Ballot,
    Category,
    Decision,
    Exclusion,
    JobKey,
    Outcome,
    Purpose,
    Question,
    Ruling,
    Voter,
)


class TestVoters:
    def test_come_back_by_token_equal_to_what_was_stored(self, scene):
        voter = Voter("v", ("zh", "yue"), scene.later(), "2026-01", "aa11")
        scene.store.put_voter(voter)
        assert scene.store.voter_by_token("aa11") == voter

    def test_may_change_their_languages(self, scene):
        voter = Voter("v", ("zh",), scene.later(), "1", "aa11")
        scene.store.put_voter(voter)
        scene.store.put_voter(replace(voter, languages=("zh", "en")))
        assert scene.store.voter_by_token("aa11").languages == ("zh", "en")

    def test_nobody_has_the_empty_or_an_unknown_token(self, scene):
        for voter_id in "vw":  # two without a token do not clash
            scene.store.put_voter(Voter(voter_id, ("en",), scene.later(), "1"))
        assert scene.store.voter_by_token("") is None
        assert scene.store.voter_by_token("bb22") is None

    def test_cannot_share_a_token(self, scene):
        scene.store.put_voter(Voter("v", ("en",), scene.later(), "1", "aa11"))
        with pytest.raises(StoreError, match="another voter holds this token; draw a new random one"):
            scene.store.put_voter(Voter("w", ("en",), scene.later(), "1", "aa11"))


class TestBattles:
    def test_come_back_equal_with_questions_in_order(self, scene):
        scene.arena()
        asked = (Question.OVERALL, Question.LIP_ACCURACY, Question.AV_SYNC)
        battle = scene.opened("one", "b", "a", questions=asked, probability=1 / 3)
        assert scene.store.battle("one") == battle

    def test_are_listed_oldest_first_and_by_voter(self, scene):
        scene.arena()
        first = scene.opened("z")
        second = scene.opened("y", "a", "c")
        other = scene.opened("x", voter="w", questions=(Question.OVERALL,))
        assert scene.store.battles() == (first, second, other)
        assert scene.store.battles("v") == (first, second)
        assert scene.store.battles("w") == (other,)
        assert scene.store.battles("nobody") == ()

    @pytest.mark.parametrize("sides", ["ab", "ba"])
    def test_never_show_a_voter_the_same_pair_on_the_same_prompt_twice(self, scene, sides):
        scene.arena()
        scene.opened("one", "a", "b")
        with pytest.raises(StoreError, match="was shown these two systems on this prompt before"):
            scene.opened("two", *sides)
        scene.opened("other voter", *sides, voter="w")
        scene.opened("other prompt", *sides, prompt="q")
        assert len(scene.store.battles()) == 3

    @pytest.mark.parametrize("probability", [0.0, -0.1, 1.0000001, float("nan"), float("inf")])
    def test_need_a_probability_in_the_half_open_unit_interval(self, scene, probability):
        scene.arena()
        with pytest.raises(StoreError, match=r"\(0, 1\]|finite"):
            scene.opened("one", probability=probability)
        assert scene.store.battles() == ()

    def test_need_two_systems(self, scene):
        scene.arena()
        with pytest.raises(StoreError, match="two different systems"):
            scene.opened("one", "a", "a")

    def test_need_exhibits_of_their_own_sides(self, scene):
        scene.arena()
        for wrong in ("exhibit-c-p-1", "exhibit-a-q-1", "nowhere"):
            with pytest.raises(StoreError, match="exhibit"):
                scene.opened("one", left_exhibit=wrong)
        with pytest.raises(StoreError, match="its right clip is of prompt 'q'"):
            scene.store.open_battle(replace(scene.battle("one"), right=JobKey("b", "q", 1)))

    @pytest.mark.parametrize("questions", [(), (Question.OVERALL, Question.OVERALL)])
    def test_ask_at_least_one_question_and_none_twice(self, scene, questions):
        scene.arena()
        with pytest.raises(StoreError, match="at least one question, and none twice"):
            scene.opened("one", questions=questions)

    def test_unknown_ones_are_not_found(self, scene):
        with pytest.raises(NotFoundError, match="no battle 'x'"):
            scene.store.battle("x")


class TestVotes:
    def test_come_back_equal_with_their_evidence(self, scene):
        scene.arena()
        battle = scene.opened("one")
        evidence = {
            "seen": {"left": 0.93, "right": 1.0},
            "plays": [2, 1],
            "text": "氷 ❄ \u0000",
            "none": None,
        }
        given = scene.answers(battle, Outcome.BOTH_BAD, evidence={"seen": {"left": 0.93}, "plays": [2, 1]})
        scene.store.commit_votes(given)
        assert sorted(scene.store.votes("one"), key=lambda vote: vote.question) == sorted(
            given, key=lambda vote: vote.question
        )
        assert scene.store.votes("two") == ()
        with pytest.raises(StoreError, match=r"evidence\.text holds a NUL"):
            scene.store.commit_votes(scene.answers(battle, evidence=evidence))

    def test_are_kept_in_utc_whatever_zone_they_came_in(self, scene):
        scene.arena()
        battle = scene.opened("one", questions=(Question.OVERALL,))
        tokyo = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=9)))
        scene.store.commit_votes(scene.answers(battle, created_at=tokyo))
        (vote,) = scene.store.votes()
        assert vote.created_at == tokyo
        assert vote.created_at.isoformat() == "2026-03-28T18:30:00+00:00"

    def test_a_second_answer_changes_nothing_and_says_so(self, scene):
        scene.arena()
        battle = scene.opened("one")
        scene.store.commit_votes(scene.answers(battle, Outcome.LEFT))
        before = scene.store.votes()
        with pytest.raises(AlreadyAnswered, match="first answer stands and nothing was changed"):
            scene.store.commit_votes(scene.answers(battle, Outcome.RIGHT))
        assert scene.store.votes() == before

    def test_by_another_voter_are_refused(self, scene):
        scene.arena()
        battle = scene.opened("one")
        with pytest.raises(StoreError, match="not by the voter it was drawn for"):
            scene.store.commit_votes(scene.answers(battle, voter_id="w"))
        assert scene.store.votes() == ()

    @pytest.mark.parametrize(
        "answered",
        [
            (Question.OVERALL,),
            (Question.OVERALL, Question.MOTION),
            (Question.OVERALL, Question.OVERALL),
            (Question.OVERALL, Question.AV_SYNC, Question.MOTION),
            (Question.OVERALL, Question.AV_SYNC, Question.AV_SYNC),
        ],
    )
    def test_answer_each_asked_question_once(self, scene, answered):
        scene.arena()
        battle = scene.opened("one")
        with pytest.raises(StoreError, match=r"it asks overall, av_sync.*Answer each asked question once"):
            scene.store.commit_votes(scene.answers(replace(battle, questions=answered)))
        assert scene.store.votes() == ()

    def test_are_of_one_battle_at_a_time(self, scene):
        scene.arena()
        one, two = scene.opened("one"), scene.opened("two", "a", "c")
        with pytest.raises(StoreError, match="they are of 2 battles"):
            scene.store.commit_votes([*scene.answers(one), *scene.answers(two)])
        with pytest.raises(StoreError, match="they are of 0 battles"):
            scene.store.commit_votes([])
        assert scene.store.votes() == ()

    def test_on_an_unknown_battle_are_refused(self, scene):
        scene.arena()
        with pytest.raises(NotFoundError, match="no battle 'ghost'"):
            scene.store.commit_votes(scene.answers(scene.battle("ghost")))


class TestBallots:
    def test_join_a_vote_with_its_battle(self, scene):
        scene.arena()
        battle = scene.opened("one", "b", "a", questions=(Question.OVERALL,))
        (vote,) = scene.answers(battle, Outcome.TIE)
        scene.store.commit_votes([vote])
        assert scene.store.ballots() == (
            Ballot(
                battle_id="one",
                voter_id="v",
                prompt_id="p",
                category=Category.TEXT_TO_VIDEO,
                language="en",
                question=Question.OVERALL,
                left="b",
                right="a",
                outcome=Outcome.TIE,
                created_at=vote.created_at,
            ),
        )

    def test_come_in_order_of_time_then_battle_then_question(self, scene):
        scene.arena()
        late, early, tied = (
            scene.opened(name, *sides) for name, sides in (("A", "ab"), ("z", "bc"), ("B", "ca"))
        )
        moment = scene.later()
        scene.store.commit_votes(scene.answers(late, created_at=moment))
        scene.store.commit_votes(scene.answers(tied, created_at=moment))
        scene.store.commit_votes(scene.answers(early, created_at=moment - timedelta(microseconds=1)))
        found = [(ballot.battle_id, ballot.question) for ballot in scene.store.ballots()]
        assert found == [(name, question) for name in "zAB" for question in ("av_sync", "overall")]

    def test_filter_by_category_and_question(self, scene):
        scene.arena()
        scene.store.commit_votes(scene.answers(scene.opened("one")))
        sync = scene.opened("two", prompt="q", category=Category.AUDIO_SYNC)
        scene.store.commit_votes(scene.answers(sync))
        picked = scene.store.ballots(category=Category.AUDIO_SYNC, question=Question.OVERALL)
        assert [(ballot.battle_id, ballot.question) for ballot in picked] == [("two", "overall")]
        assert len(scene.store.ballots(question=Question.OVERALL)) == 2
        assert len(scene.store.ballots(category=Category.AUDIO_SYNC)) == 2
        assert scene.store.ballots(question=Question.MOTION) == ()

    def test_leave_out_excluded_votes_which_stay(self, scene):
        scene.arena()
        scene.store.commit_votes(scene.answers(scene.opened("one")))
        why = Exclusion("one", Question.OVERALL, "answered in 0.2 s", "rule speed/1", scene.later())
        scene.store.exclude(why)
        scene.store.exclude(replace(why, created_at=scene.later()))  # the same rule run again
        second = replace(why, author="Ada", reason="asked to be left out")
        scene.store.exclude(second)
        assert scene.store.exclusions() == (why, second)
        assert [ballot.question for ballot in scene.store.ballots()] == [Question.AV_SYNC]
        assert len(scene.store.votes()) == 2

    def test_only_a_vote_can_be_excluded(self, scene):
        scene.arena()
        scene.opened("one")
        with pytest.raises(StoreError, match="no such vote|not stored"):
            scene.store.exclude(Exclusion("one", Question.OVERALL, "why", "Ada", scene.later()))

    def test_leave_out_the_votes_of_a_voter_as_long_as_the_newest_ruling_excludes_them(self, scene):
        scene.arena()
        for name, voter in (("one", "v"), ("two", "w")):
            scene.store.commit_votes(scene.answers(scene.opened(name, voter=voter)))

        def counted(*decisions):
            for decision in decisions:
                scene.store.rule(Ruling("v", decision, "three gold pairs wrong", "gold/1", scene.later()))
            return {ballot.voter_id for ballot in scene.store.ballots()}

        assert counted() == {"v", "w"}
        assert counted(Decision.RETURNED) == {"v", "w"}  # to pay and to count are two matters
        assert counted(Decision.EXCLUDED, Decision.ACCEPTED) == {"w"}
        assert counted(Decision.USED) == {"v", "w"}
        assert counted(Decision.EXCLUDED) == {"w"}
        assert [ruling.decision for ruling in scene.store.rulings()] == [
            "returned", "excluded", "accepted", "used", "excluded"
        ]  # fmt: skip
        assert len(scene.store.votes()) == 4

    def test_are_of_comparisons_only(self, scene):
        scene.arena()
        first = scene.opened("one")
        scene.opened("again", purpose=Purpose.REPEAT, repeats="one")
        scene.opened("round", "b", "a", purpose=Purpose.SWAPPED_REPEAT, repeats="one")
        scene.opened("known", purpose=Purpose.TRAP, expected=Outcome.LEFT)
        for battle in scene.store.battles():
            scene.store.commit_votes(scene.answers(battle))
        assert {ballot.battle_id for ballot in scene.store.ballots()} == {first.id}
        assert scene.store.battle("round").repeats == "one"
        assert scene.store.battle("known").expected is Outcome.LEFT

    def test_a_battle_is_repeated_once_a_way(self, scene):
        scene.arena()
        scene.opened("one")
        scene.opened("again", purpose=Purpose.REPEAT, repeats="one")
        with pytest.raises(StoreError, match="was shown these two systems on this prompt before"):
            scene.opened("and again", purpose=Purpose.REPEAT, repeats="one")
        with pytest.raises(StoreError, match="not stored"):
            scene.opened("of nothing", purpose=Purpose.SWAPPED_REPEAT, repeats="nothing")

    def test_a_ruling_is_on_somebody(self, scene):
        with pytest.raises(StoreError, match="not stored|no such voter"):
            scene.store.rule(Ruling("nobody", Decision.USED, "why", "Ada", scene.later()))

    def test_are_read_in_one_statement(self, scene):
        scene.arena()
        for name, pair in (("one", "ab"), ("two", "bc")):
            scene.store.commit_votes(scene.answers(scene.opened(name, *pair)))
        statements: list[str] = []
        event.listen(
            scene.store._database.engine,
            "before_cursor_execute",
            lambda connection, cursor, statement, *rest: statements.append(statement),
        )
        assert len(scene.store.ballots()) == 4
        assert len([statement for statement in statements if statement != "BEGIN"]) == 1
