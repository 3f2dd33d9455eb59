"""10 % careless raters and a ring of 3 % vote among honest ones, by the routes; the default rules decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from evalharness.quality import Verdict
from evalharness.records import Ballot, Decision
from evalharness.store import Store
from tests.arena_ui.polling import board, polled, rule, study_of_truth
from tests.arena_ui.raters import CARELESS, Kind, Rater, crowd_of

VOTERS, VOTES = 40, 10
CHECKS = {"traps": 2, "repeats": 2, "swapped_repeats": 1}
SEED = 1


@dataclass
class Poll:
    """A crowd that has voted, and what was decided."""

    who: dict[str, Rater]
    verdicts: dict[str, Verdict]
    everything: tuple[Ballot, ...]
    counted: tuple[Ballot, ...]
    store: Store

    def of(self, *kinds: Kind) -> list[Verdict]:
        """What the rules say of raters of these kinds."""
        return [each for voter_id, each in self.verdicts.items() if self.who[voter_id].kind in kinds]


@pytest.fixture(scope="module")
def poll(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Poll]:
    study = study_of_truth(tmp_path_factory.mktemp("crowd") / "study", prompts=3, votes=VOTES, **CHECKS)
    with Store.open(study.database_url) as store:
        who = polled(study, store, crowd_of(VOTERS, SEED), SEED)
        everything = store.ballots()
        verdicts = rule(study, store, datetime.now(UTC))
        yield Poll(who, verdicts, everything, store.ballots(), store)


def test_everybody_has_their_whole_session_stored(poll: Poll) -> None:
    assert len(poll.verdicts) == VOTERS
    assert len(poll.of(*CARELESS)) == 4
    assert len(poll.of(Kind.RING)) == 1
    for each in poll.verdicts.values():
        conduct = each.conduct
        assert (conduct.comparisons, conduct.traps.of, conduct.repeats.of) == (VOTES, 2, 3)
    assert len(poll.everything) == VOTERS * VOTES


def test_the_careless_who_fail_a_trap_do_not_count_and_who_fail_both_are_not_paid(poll: Poll) -> None:
    failed = [each for each in poll.of(*CARELESS) if each.conduct.traps.hits < 2]
    assert len(failed) >= 2
    for each in failed:
        assert each.decision("count") is Decision.EXCLUDED
        unpaid = each.decision("pay") is Decision.RETURNED
        assert unpaid == (each.conduct.traps.hits == 0)


def test_every_honest_voter_is_paid_and_nearly_all_count(poll: Poll) -> None:
    honest = poll.of(Kind.HONEST)
    assert len(honest) == 35
    assert {each.decision("pay") for each in honest} == {Decision.ACCEPTED}
    excluded = [each for each in honest if each.decision("count") is Decision.EXCLUDED]
    assert all(each.conduct.traps.hits < 2 for each in excluded), "only for words that were not read"
    assert len(excluded) <= 4


def test_the_votes_that_count_are_the_boards_and_it_comes_closer_to_that_of_the_honest(poll: Poll) -> None:
    kept = {voter_id for voter_id, each in poll.verdicts.items() if each.decision("count") is Decision.USED}
    assert [each for each in poll.everything if each.voter_id in kept] == list(poll.counted)
    honest = board(each for each in poll.everything if poll.who[each.voter_id].kind is Kind.HONEST)
    everything, counted = board(poll.everything), board(poll.counted)
    assert counted.distance(honest) < everything.distance(honest)
    exchange = 2  # of two neighbours, as so few votes may tell them apart wrongly
    assert counted.rank_distance <= everything.rank_distance + exchange
