"""Progress: hours, pairs that are still needed, sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from arena_ui.owner.office import Fresh, Office
from arena_ui.owner.roles import Person, Role
from arena_ui.owner.services.cast import Cast
from arena_ui.owner.services.progress import answered, by_hour, needs, progress
from evalharness.battles import Pool, Quotas
from evalharness.records import Outcome, Question, Vote
from tests.arena_ui.hall import Hall, newcomer

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def vote_at(minutes: float) -> Vote:
    moment = NOON + timedelta(minutes=minutes)
    return Vote("b", "v", Question.OVERALL, Outcome.LEFT, moment)


def test_hours_without_votes_are_shown_and_old_ones_are_not() -> None:
    votes = [vote_at(-60 * 90), vote_at(5), vote_at(59), vote_at(185)]
    assert by_hour(votes, 4) == (
        (NOON, 2),
        (NOON + timedelta(hours=1), 0),
        (NOON + timedelta(hours=2), 0),
        (NOON + timedelta(hours=3), 1),
    )
    assert len(by_hour(votes)) == 48
    assert by_hour([]) == ()


def test_needs_are_what_answers_lack_of_the_first_quota_met(office: Office) -> None:
    hall = Hall(office.study, office.store)
    booth = hall.booth()
    voter = newcomer(booth)
    for _ in range(4):
        hall.answer(office.store.battle(booth.round(voter).pairs[0].battle_id))
    booth.round(voter)  # shown, not answered
    pool = Pool(office.store.prompts(), office.store.exhibits())
    done = answered(Cast(office.store.battles(), office.store.votes()))
    assert len(done) == 4 < len(office.store.battles())

    def missing(**quotas: int) -> int | None:
        found = [need.missing for need in needs(pool, done, Quotas(**quotas))]
        return sum(each for each in found if each is not None) if None not in found else None

    boards = len(pool.boards)
    assert missing() is None
    assert missing(pair=100) == boards * 3 * 100 - 4
    assert missing(category=50) == boards * 50 - 4
    assert missing(prompt=20) == 3 * 20 - 4
    assert missing(pair=100, category=50) == boards * 50 - 4
    assert missing(pair=1, category=1, prompt=1) < boards


def test_progress_counts_and_keeps_names_masked(office: Office, people: dict[Role, Person]) -> None:
    hall = Hall(office.study, office.store)
    booth = hall.booth()
    newcomer(booth)
    voter = newcomer(booth)
    hall.answer(office.store.battle(booth.round(voter).pairs[0].battle_id))
    found = progress(office, people[Role.VIEWER])
    assert (found.sessions.joined, found.sessions.voted, found.sessions.finished) == (2, 1, 0)
    assert found.flow.answered == 1
    assert (found.spent_usd, found.unpriced) == (None, 9), "no clip of this study has a price"
    assert {row.system for row in found.spend} == {"mellow-otter", "ember-nine", "quartz-turbo"}


def test_what_is_fresh_is_shared_and_what_is_old_made_anew() -> None:
    now, made = [0.0], []

    def make() -> int:
        made.append(now[0])
        return len(made)

    fresh = Fresh(10, lambda: now[0])
    assert fresh.get("x", make) == fresh.get("x", make) == 1
    now[0] = 10.0
    assert fresh.get("x", make) == 2
    fresh.forget()
    assert fresh.get("x", make) == 3


def test_what_takes_long_is_kept_longer() -> None:
    now = [0.0]

    def slow() -> float:
        now[0] += 5.0
        return now[0]

    fresh = Fresh(10, lambda: now[0])
    assert fresh.get("x", slow) == 5.0
    now[0] = 54.9
    assert fresh.get("x", slow) == 5.0
    now[0] = 55.0
    assert fresh.get("x", slow) == 60.0
