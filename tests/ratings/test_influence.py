"""Removals that flip an order: by hand, against exhaustive removal, by the public fit, on real votes."""

from __future__ import annotations

import runpy
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings import ELO_PER_LOGIT, ESTIMATORS, Tally, davidson, tally
from evalharness.ratings.fitting import fit as fit_of
from evalharness.ratings.influence import Influence, Unit, influence, votes_to_lift
from evalharness.ratings.newton import order_identifiable
from evalharness.ratings.recount import Recount
from evalharness.ratings.simulate import simulate

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "influence.py"))
influence_of = partial(influence, estimator="davidson")
lift_of = partial(votes_to_lift, estimator="davidson")
fewest_by_trying = BENCHMARK["fewest_by_trying"]
"""By removing every subset of up to so many, with the public fit."""


def _without(votes: Tally, unit: Unit, removed: np.ndarray) -> Tally:
    codes = {Unit.VOTES: np.arange(votes.votes), Unit.VOTERS: votes.voter, Unit.PROMPTS: votes.prompt}[unit]
    return votes.where(~np.isin(codes, removed))


def _gap(votes: Tally, above: str, below: str, *, order: bool) -> float:
    """In Elo, by the public fit."""
    strength = davidson(votes, order_effect=order).strengths
    places = votes.systems.index(above), votes.systems.index(below)
    return float(strength[places[0]] - strength[places[1]]) * ELO_PER_LOGIT


def _pairs(found: Influence) -> dict[tuple[str, str], dict[Unit, int | None]]:
    return {
        (pair.above, pair.below): {unit: flip and flip.count for unit, flip in pair.flips.items()}
        for pair in found.pairs
    }


def test_six_wins_to_four_are_reversed_by_removing_three(ballots):
    votes = tally(ballots([("a", "b", "left")] * 6 + [("a", "b", "right")] * 4))
    found = influence_of(votes, most=0.9)
    flip = found.first_place[Unit.VOTES]
    assert flip is not None
    assert flip.count == 3, "3 to 4 is a reversal; 4 to 4, after removing two, is a tie"
    assert set(votes.outcome[flip.removed]) == {0}, "only a's wins hold a up"
    assert flip.gap == pytest.approx(ELO_PER_LOGIT * np.log(3 / 4), rel=0.1), "less the prior's pull"
    assert found.sentences()[0].startswith(
        "First place of a: removing at most 3 of 10 votes (30.00%) puts b above it; "
    )


def test_one_voter_who_decides_first_place_is_found(ballots):
    rows = [("a", "b", side, f"voter {i}") for i in range(20) for side in ("left", "right")]
    votes = tally(ballots([*rows, *[("b", "a", "left", "eager")] * 5]))
    flip = influence_of(votes).first_place[Unit.VOTERS]
    assert flip is None, "without the eager voter a and b are tied, which is no reversal"
    votes = tally(ballots([*rows, ("a", "b", "left", "voter 0"), *[("b", "a", "left", "eager")] * 5]))
    flip = influence_of(votes).first_place[Unit.VOTERS]
    assert flip is not None
    assert [votes.voters[code] for code in flip.removed] == ["eager"]
    assert flip.votes == 5


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_no_removal_is_fewer_than_trying_every_subset_finds(seed):
    votes = simulate([0.5, 0.2, 0.0, -0.4], votes=26, seed=seed, voters=9, prompts=6, tie=0.5, both_bad=0.2)
    for pair in influence_of(votes, most=0.9).pairs:
        for unit, flip in pair.flips.items():
            if flip is not None and flip.count <= 2:
                fewest = fewest_by_trying(votes, unit, pair.above, pair.below, upto=flip.count)
                assert fewest == flip.count


def test_nearly_every_removal_is_the_fewest_there_is():
    tried, exact = 0, 0
    for seed in range(5):
        votes = simulate([0.5, 0.2, 0.0, -0.4], votes=26, seed=seed, voters=9, prompts=6, tie=0.5)
        for pair in influence_of(votes, most=0.9).pairs:
            for unit, upto in ((Unit.VOTES, 1), (Unit.VOTERS, 2), (Unit.PROMPTS, 2)):
                fewest = fewest_by_trying(votes, unit, pair.above, pair.below, upto)
                if fewest is not None:
                    tried += 1
                    exact += (flip := pair.flips[unit]) is not None and flip.count == fewest
    assert tried >= 25
    assert exact / tried >= 0.95


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_a_recount_is_the_public_fit_of_the_votes_that_are_left(estimator):
    votes = simulate(np.linspace(0.8, -0.8, 6), votes=600, seed=4, both_bad=0.3, order_effect=0.2)
    rate = ESTIMATORS[estimator][0]
    recount = Recount(rate(votes, order_effect=True), votes)
    no_ties, no_draws = np.flatnonzero(votes.outcome == 2), np.flatnonzero(votes.outcome >= 2)
    for gone in (np.arange(0), np.arange(0, 600, 3), no_ties, no_draws):
        counts = recount.counts.ravel().copy()
        np.subtract.at(counts, recount.kind[gone], 1.0)
        solution = recount.solve(counts.reshape(recount.counts.shape), recount.base.theta)
        fit = rate(_without(votes, Unit.VOTES, gone), order_effect=True)
        exact = 1e-9 if len(gone) in (0, 200) else 1e-5
        np.testing.assert_allclose(solution.theta[:6] - solution.theta[:6].mean(), fit.strengths, atol=exact)


def test_the_default_board_is_the_one_that_is_published(crowd):
    found = influence(crowd, units=[Unit.VOTES])
    best = fit_of(crowd)
    order = [crowd.systems[i] for i in np.argsort(-best.fit.strengths)]
    assert [pair.above for pair in found.pairs] == order[:-1]
    for pair in found.pairs[::9]:
        flip = pair.flips[Unit.VOTES]
        assert flip is not None
        after = fit_of(_without(crowd, Unit.VOTES, flip.removed))
        assert after.difference(pair.above, pair.below).value == pytest.approx(flip.gap, abs=1e-4)


@pytest.mark.parametrize("board", ["crowd", "video_votes"])
def test_on_real_votes_each_flip_is_there_in_the_public_fit(board, request):
    votes = request.getfixturevalue(board)
    found = influence_of(votes)
    order = order_identifiable(votes)
    flips = [flip for pair in found.pairs for flip in pair.flips.values() if flip is not None]
    assert len(flips) > 0.8 * 3 * len(found.pairs)
    for flip in (*flips[::7], *found.first_place.values()):
        assert flip is not None
        after = _gap(_without(votes, flip.unit, flip.removed), flip.above, flip.below, order=order)
        assert after < 0.0
        assert after == pytest.approx(flip.gap, abs=1e-5)
        assert flip.votes == votes.votes - _without(votes, flip.unit, flip.removed).votes


def test_first_place_is_never_harder_to_take_than_for_the_second(crowd):
    found = influence_of(crowd)
    for unit, flip in found.pairs[0].flips.items():
        assert flip is not None
        least = found.first_place[unit]
        assert least is not None
        assert least.count <= flip.count


def test_sides_and_codes_do_not_matter():
    votes = simulate(np.linspace(0.6, -0.6, 5), votes=400, seed=2, voters=25, prompts=12, order_effect=0.3)
    swap = np.array([1, 0, 2, 3])
    mirrored = Tally(
        votes.systems,
        votes.voters,
        votes.prompts,
        votes.right,
        votes.left,
        swap[votes.outcome],
        votes.voter,
        votes.prompt,
        votes.counts[swap].transpose(0, 2, 1),
    )
    recoded = Tally(
        votes.systems[::-1],
        votes.voters,
        votes.prompts,
        4 - votes.left,
        4 - votes.right,
        votes.outcome,
        votes.voter,
        votes.prompt,
        votes.counts[:, ::-1, ::-1],
    )
    expected = _pairs(influence_of(votes))
    assert _pairs(influence_of(mirrored)) == expected
    assert _pairs(influence_of(recoded)) == expected


def test_the_benchmark_prints_a_line_for_a_board():
    line = BENCHMARK["row"]("simulated", BENCHMARK["simulated_board"](2_000, 6))
    assert line.startswith("simulated")
    assert "2,000 x 6" in line
    tried, exact, fewer = BENCHMARK["against_trying"](1)
    assert (fewer, tried) == (0, exact)


def test_what_cannot_be_flipped_is_said(ballots):
    votes = tally(ballots([("a", "b", "left"), ("b", "a", "right")] * 30 + [("a", "b", "right")]))
    found = influence_of(votes, most=0.25)
    assert found.first_place == dict.fromkeys(Unit)
    assert found.sentences()[0] == (
        "First place of a: no removal of up to 25% of the votes was found that costs it; no removal of up to "
        "25% of the voters was found that costs it; no removal of up to 25% of the prompts was found that "
        "costs it."
    )


def test_a_removal_that_leaves_systems_incomparable_is_no_flip(ballots):
    # Only "bridge" ever showed c, which stands last: without that voter c would not be on the board.
    rows = [("a", "b", side) for side in ("left", "right", "left")] * 20
    votes = tally(ballots([*rows, ("b", "c", "left", "bridge"), ("c", "b", "right", "bridge")]))
    flips = _pairs(influence_of(votes))
    assert flips[("b", "c")][Unit.VOTERS] is None


def test_four_wins_lift_a_system_that_lost_seven_to_four(ballots):
    votes = tally(ballots([("a", "b", "left")] * 4 + [("a", "b", "right")] * 7))
    lift = lift_of(votes, "a")
    assert lift is not None
    assert (lift.votes, lift.overtaken) == (4, "b")


def test_the_price_of_a_rank_is_what_the_public_fit_says():
    votes = simulate(np.linspace(0.6, -0.6, 6), votes=900, seed=6, order_effect=0.1)
    strengths = davidson(votes).strengths
    system = votes.systems[int(np.argsort(strengths)[1])]
    lifts = [lift_of(votes, system, ranks=ranks) for ranks in (1, 2, 3, 4)]
    counts = [lift.votes for lift in lifts if lift is not None]
    assert len(counts) == 4
    assert all(fewer < more for fewer, more in pairwise(counts))
    for lift in lifts:
        for extra, climbed in ((lift.votes, True), (lift.votes - 1, False)):
            assert _climbed(votes, system, extra, lift.ranks) is climbed


def _climbed(votes: Tally, system: str, wins: int, ranks: int) -> bool:
    """Whether the system climbs by that much when wins are spread as its battles were."""
    place = votes.systems.index(system)
    met = np.stack([votes.pairs[place], votes.pairs[:, place]])
    exact = wins * met / met.sum()
    added = np.floor(exact).astype(int)
    for cell in np.argsort((added - exact).ravel(), kind="stable")[: wins - added.sum()]:
        added.ravel()[cell] += 1
    counts = votes.counts.copy()
    counts[0, place] += added[0]
    counts[1, :, place] += added[1]
    outcome, left, right = np.nonzero(counts)
    rows = np.repeat(np.arange(len(left)), counts[outcome, left, right])
    nobody = np.zeros(len(rows), dtype=np.int64)
    more = Tally(
        votes.systems, ("v",), ("p",), left[rows], right[rows], outcome[rows], nobody, nobody, counts
    )
    before, after = (davidson(board).strengths for board in (votes, more))
    rank = [(strengths > strengths[place] + 1e-9).sum() for strengths in (before, after)]
    return bool(rank[0] - rank[1] >= ranks)


def test_what_cannot_be_asked_is_refused_in_a_sentence(ballots):
    votes = tally(ballots([("a", "b", "left")] * 4 + [("a", "b", "right")] * 3))
    with pytest.raises(RatingError, match=r"share to remove must lie between 0 and 1; found 1.5"):
        influence(votes, most=1.5)
    with pytest.raises(UnknownNameError, match="No system 'c' is here; there are a, b"):
        votes_to_lift(votes, "c")
    with pytest.raises(RatingError, match="a stands first already"):
        votes_to_lift(votes, "a")
    with pytest.raises(RatingError, match="b stands at rank 2 and can climb 1 to 1 places; 3 were asked for"):
        votes_to_lift(votes, "b", ranks=3)
    with pytest.raises(RatingError, match="no votes"):
        influence(tally([]))
