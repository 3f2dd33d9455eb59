"""Boards that are kept up with the votes are those that are computed from the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from evalharness.errors import RatingError
from evalharness.ratings import leaderboard
from evalharness.records import (
    Category,
    Decision,
    Exclusion,
    Outcome,
    Purpose,
    Question,
    Ruling,
    System,
    Voter,
)
from evalharness.standings import LATE, Standings

SYSTEMS = (System("a", "folder"), System("b", "folder", codename="otter"), System("c", "folder"))


@pytest.fixture
def crowd(scene):
    """A scene with voters who can all judge everything."""
    scene.arena()
    for number in range(30):
        scene.store.put_voter(Voter(f"crowd-{number}", (), scene.later(), "1", f"token {number}"))
    return scene


class Crowd:
    """Votes at random, each of a battle of its own."""

    def __init__(self, scene, seed=1):
        self.scene, self.random, self.count = scene, Random(seed), 0

    def vote(self, times=1, *, earlier=timedelta(0), **changes):
        for _ in range(times):
            left, right = self.random.choice(["ab", "bc", "ca", "ba"])
            voter, prompt = divmod(self.count, 2)
            category = (Category.TEXT_TO_VIDEO, Category.AUDIO_SYNC)[self.random.random() < 0.4]
            battle = self.scene.opened(
                f"battle-{self.count}-{left}",
                left,
                right,
                voter=f"crowd-{voter}",
                prompt="pq"[prompt],
                category=category,
                **changes,
            )
            outcome = self.random.choice([*Outcome])
            votes = self.scene.answers(battle, outcome)
            self.scene.store.commit_votes([replace(v, created_at=v.created_at - earlier) for v in votes])
            self.count += 1
        return battle


def computed(store, category, question):
    """From the start, by the records themselves."""
    ballots = store.ballots(category=category, question=question)
    return leaderboard(
        ballots,
        category=category,
        question=question,
        labels={system.name: system.label for system in SYSTEMS},
        systems=[system.name for system in SYSTEMS],
        excluded=store.votes_cast(category=category, question=question) - len(ballots),
    )


def said(board):
    """A board, or the sentence why there is none."""
    try:
        return board()
    except RatingError as error:
        return str(error)


def assert_same(standings, store):
    for category in (None, Category.TEXT_TO_VIDEO, Category.AUDIO_SYNC):
        for question in (Question.OVERALL, Question.AV_SYNC):
            expected = said(lambda c=category, q=question: computed(store, c, q))
            found = said(lambda c=category, q=question: standings.board(c, q))
            if isinstance(expected, str):
                assert found == expected
                continue
            assert (found.votes, found.voters, found.prompts, found.excluded, found.notes) == (
                expected.votes,
                expected.voters,
                expected.prompts,
                expected.excluded,
                expected.notes,
            )
            assert found.recipe["data_sha256"] == expected.recipe["data_sha256"]
            for one, other in zip(found.ratings, expected.ratings, strict=True):
                assert one.system == other.system
                assert one.rating == pytest.approx(other.rating)
                assert one.low == pytest.approx(other.low)


def test_whatever_happens_between_two_looks(crowd):
    """Votes, late ones, checks, voters excluded and taken back, votes excluded; and nothing."""
    store, votes = crowd.store, Crowd(crowd)
    standings = Standings(store, SYSTEMS)
    assert_same(standings, store)  # no vote at all
    votes.vote(9)
    assert_same(standings, store)
    votes.vote(5)
    assert_same(standings, store)
    votes.vote(2, earlier=LATE / 2)  # their writers had to wait
    assert_same(standings, store)
    votes.vote(2, purpose=Purpose.TRAP, expected=Outcome.LEFT)
    assert_same(standings, store)
    for decision in (Decision.EXCLUDED, Decision.USED, Decision.EXCLUDED):
        store.rule(Ruling("crowd-2", decision, "why", "Ada", crowd.later()))
        assert_same(standings, store)
    excluded = votes.vote()
    store.exclude(Exclusion(excluded.id, Question.OVERALL, "too fast", "Ada", crowd.later()))
    assert_same(standings, store)
    votes.vote(3, earlier=3 * LATE)  # nobody looks so far back: the count tells
    assert_same(standings, store)
    assert_same(standings, store)


def test_only_what_is_new_is_read(crowd, monkeypatch):
    store, votes = crowd.store, Crowd(crowd)
    votes.vote(8, earlier=3 * LATE)
    votes.vote(1)
    standings = Standings(store, SYSTEMS)
    standings.board(None, Question.OVERALL)
    read = []
    whole = store.comparisons

    def counting(question, since=None):
        for piece in whole(question, since):
            read.append(len(piece))
            yield piece

    monkeypatch.setattr(store, "comparisons", counting)
    votes.vote(2)
    assert standings.board(None, Question.OVERALL).votes == 11
    assert sum(read) == 3  # and the one that a slow writer's vote might come before


def test_what_was_long_ago_is_not_kept_to_be_told_twice(crowd):
    votes = Crowd(crowd)
    votes.vote(8, earlier=3 * LATE)
    votes.vote(3)
    standings = Standings(crowd.store, SYSTEMS)
    standings.board(None, Question.OVERALL)
    assert len(standings._votes[Question.OVERALL]._recent) == 3
