"""Quality: side bias against a known law, rules counted, the board without the excluded."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person, Role
from arena_ui.owner.services.quality import SideBias, left_share, quality
from arena_ui.owner.services.raters import decide
from evalharness.quality import RULES
from evalharness.ratings.without_voters import WithoutVoters
from evalharness.records import Ballot, Category, Decision, Outcome, Question
from tests.arena_ui.hall import Hall, newcomer

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


def ballot(voter: str, outcome: Outcome) -> Ballot:
    return Ballot("b", voter, "p", Category.TEXT_TO_VIDEO, "en", Question.OVERALL, "one", "two", outcome, NOW)


def test_the_share_of_the_left_counts_sides_alone() -> None:
    answers = [("a", Outcome.LEFT), ("a", Outcome.LEFT), ("a", Outcome.TIE), ("b", Outcome.RIGHT)]
    found = left_share([ballot(*each) for each in answers])
    assert isinstance(found, SideBias)
    assert (found.share, found.votes, found.voters) == (pytest.approx(2 / 3), 3, 2)
    assert (
        left_share([ballot("a", Outcome.LEFT)])
        == "Side bias wants two voters or more who called a side better."
    )


def test_its_interval_covers_where_each_voter_has_a_taste_for_a_side() -> None:
    """The truth is half; each voter has a bias of their own. An interval over votes would cover 60 %."""
    rng, covered, runs = Random(5), 0, 300
    for _ in range(runs):
        ballots = []
        for voter in range(30):
            taste = rng.betavariate(2, 2)
            ballots += [
                ballot(str(voter), Outcome.LEFT if rng.random() < taste else Outcome.RIGHT) for _ in range(20)
            ]
        found = left_share(ballots)
        assert isinstance(found, SideBias)
        covered += not found.is_there
    assert 0.91 <= covered / runs <= 0.98


def test_what_is_broken_and_what_the_excluded_change(office: Office, people: dict[Role, Person]) -> None:
    hall = Hall(office.study, office.store)
    booth = hall.booth()
    rng, voters = Random(1), [newcomer(booth) for _ in range(20)]
    for voter in voters:
        for _ in range(6):
            hall.answer(office.store.battle(booth.round(voter).pairs[0].battle_id), rng.choice(list(Outcome)))
    owner = people[Role.OWNER]
    found = quality(office, owner)
    assert found.voters == 20
    assert found.without == "Nobody who voted is excluded."
    assert set(found.broken) == {(rule.matter, rule.name) for rule in RULES}
    assert found.broken["pay", "attention"] == 0, "no trap was shown"
    assert [each.question for each in found.agreements] == office.study.settings.arena.questions
    decide(office, owner, voters[0].id, Decision.EXCLUDED, "a fire alarm")
    without = quality(office, owner).without
    assert isinstance(without, WithoutVoters)
    assert without.left_out == (voters[0].id,)
    assert "mellow-otter" in without.systems
    assert "glacier-xl" not in without.systems
