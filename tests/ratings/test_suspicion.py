"""Suspicious voters: naive twins, false alarms of honest crowds, shills and rings that are known."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from evalharness.errors import RatingError
from evalharness.ratings import Tally, davidson, tally_frame
from evalharness.ratings.predicted_votes import predicted_votes
from evalharness.ratings.rings import favour_evidence, find_rings, ring_table
from evalharness.ratings.simulate import CLICKER, SHILL, simulate
from evalharness.ratings.suspicion import suspicion

TRUTH = np.random.default_rng(4).normal(0.0, 0.6, 12)


def crowd_of(seed: int, *, tastes: float = 0.0, votes: int = 9_000, **bad: int) -> Tally:
    return simulate(
        TRUTH, votes=votes, seed=seed, voters=150, voter_spread=tastes, activity=0.4, tie_slope=0.0, **bad
    )


def written(rows: list[tuple[str, str, str, str]]) -> Tally:
    columns = ["left", "right", "outcome", "voter"]
    return tally_frame(pd.DataFrame(rows, columns=columns).assign(prompt="only"))


@pytest.mark.parametrize("tastes", [0.0, 0.4, 0.8])
def test_honest_voters_are_named_at_most_at_the_stated_rate(tastes: float) -> None:
    """The mean e-value of honest voters is about 1, and 1 % at most reach 100, whatever their tastes."""
    found = [suspicion(crowd_of(seed, tastes=tastes)) for seed in (1, 2, 3)]
    evidence = np.concatenate([one.evidence for one in found])
    assert (evidence >= math.log(100)).mean() <= 0.01
    assert np.exp(evidence).mean() < 1.5
    passed = np.concatenate([one.evidence >= one.threshold(0.01, calibrated=True) for one in found])
    assert passed.mean() <= 0.025
    assert all(one.rings == () for one in found)


@pytest.mark.parametrize("tastes", [0.0, 0.8])
def test_shills_are_named_with_their_system_and_as_a_ring(tastes: float) -> None:
    votes = crowd_of(5, tastes=tastes, votes=27_000, shills=8, shilled=3)
    found = suspicion(votes)
    named = {suspect.voter: suspect for suspect in found.suspects()}
    shills = {name for name in votes.voters if name.endswith(SHILL)}
    assert len(shills & set(named)) >= 6
    assert {named[name].system for name in shills & set(named)} == {votes.systems[3]}
    assert found.rings[0].system == votes.systems[3]
    assert set(found.rings[0].members) >= shills & set(named)
    assert len(set(found.rings[0].members) - shills) <= 2  # true fans pass for members now and then
    assert votes.systems[3] in found.suspects()[0].sentence
    assert f"voters choose {votes.systems[3]} far more often" in found.rings[0].sentence
    assert f"{len(found.rings[0].members)} of them can be named" in found.rings[0].sentence


def test_each_alternative_is_recognised() -> None:
    """One voter a kind among honest ones, each with 200 votes."""
    random = np.random.default_rng(9)
    truth = np.linspace(-2.0, 2.0, 8)
    rows = []
    for voter in ["favours", "at_random", "one_side", *(f"honest {i}" for i in range(27))]:
        for _ in range(200):
            left, right = random.choice(8, 2, replace=False)
            won = random.random() < expit(truth[left] - truth[right])
            if voter == "at_random":
                won = random.random() < 0.5
            if voter == "one_side":
                won = random.random() < 0.97
            if voter == "favours" and 2 in (left, right):
                won = left == 2
            rows.append((f"s{left}", f"s{right}", "left" if won else "right", voter))
    found = {suspect.voter: suspect for suspect in suspicion(written(rows)).suspects()}
    assert {voter: suspect.kind for voter, suspect in found.items()} == {
        "favours": "favours",
        "at_random": "at_random",
        "one_side": "one_side",
    }
    assert found["favours"].system == "s2"
    assert found["one_side"].system is None
    assert found["at_random"].votes == 200


def test_predictions_leave_the_voter_out() -> None:
    """Against the plain way: fit anew without the voter, for each voter."""
    votes = crowd_of(6).where(slice(0, 3_000))
    predicted = predicted_votes(votes, np.ones(150, dtype=bool))
    for code in (0, 7, 80):
        fit = davidson(votes.where(votes.voter != code))
        rows = (votes.voter == code) & (votes.outcome < 2)
        plain = fit.strengths[votes.left[rows]] - fit.strengths[votes.right[rows]]
        np.testing.assert_allclose(predicted.gap[predicted.voter == code], plain, atol=0.01)
        np.testing.assert_allclose(predicted.order[predicted.voter == code], fit.order_effect, atol=0.005)


def test_evidence_for_favouring_by_hand() -> None:
    """The documented example: among equals, one voter chose the system 6 times of 6; no tastes."""
    shown = [("a", "b", "left"), ("a", "b", "right"), ("b", "a", "left"), ("b", "a", "right")]
    rows = [(*vote, f"v{i}") for i in range(400) for vote in shown]
    rows += [("a", "b", "left", "shill")] * 3 + [("b", "a", "right", "shill")] * 3
    predicted = predicted_votes(written(rows), np.ones(401, dtype=bool))
    place = np.flatnonzero((predicted.pair_voter == 0) & (predicted.pair_system == 0))
    assert written(rows).voters[0] == "shill"
    assert predicted.gap[predicted.voter == 0] == pytest.approx(np.array([0, 0, 0, 0, 0, 0]), abs=1e-3)
    favouring = np.mean(expit([1.5, 2.5, 4.0, 6.0]) ** 6)
    by_hand = favouring / (0.5**6 + 0.1 * 0.5**6)
    assert by_hand == pytest.approx(40.8, abs=0.05)
    assert np.exp(predicted.favour_pairs(0.0)[place[0]]) == pytest.approx(by_hand, rel=0.01)


def test_evidence_for_favouring_is_a_likelihood_ratio_with_tastes() -> None:
    """Against numerical integration over the taste for the system and, vote by vote, for the opponents."""
    votes = crowd_of(7).where(slice(0, 2_000))
    predicted = predicted_votes(votes, np.ones(150, dtype=bool))
    spread = 0.5
    found = predicted.favour_pairs(spread)
    own, own_weight = np.polynomial.hermite_e.hermegauss(60)
    few, few_weight = np.polynomial.hermite_e.hermegauss(3)
    own_weight, few_weight = own_weight / own_weight.sum(), few_weight / few_weight.sum()
    for place in (3, 100, 500):
        at_left, at_right = predicted.place_left == place, predicted.place_right == place
        toward = predicted.gap + predicted.order
        gap = np.concatenate([toward[at_left], -toward[at_right]])
        won = np.concatenate([predicted.won_left[at_left], 1 - predicted.won_left[at_right]]) > 0

        def likelihood(taste: float, gap: np.ndarray = gap, won: np.ndarray = won) -> float:
            sign = np.where(won, 1.0, -1.0)
            chance = (
                expit(sign[:, None] * (gap[:, None] + taste + spread * few)) @ few_weight / few_weight.sum()
            )
            return float(chance.prod())

        honest = (
            sum(w * likelihood(spread * u) for u, w in zip(own, own_weight, strict=True)) / own_weight.sum()
        )
        order = np.concatenate([predicted.order[at_left], -predicted.order[at_right]])
        by_chance = float(expit(np.where(won, order, -order)).prod())
        ratio = np.mean([likelihood(u) for u in (1.5, 2.5, 4.0, 6.0)]) / (honest + 0.1 * by_chance)
        assert found[place] == pytest.approx(math.log(ratio), abs=0.03)


def test_one_sided_evidence_against_scipy() -> None:
    votes = crowd_of(8)
    predicted = predicted_votes(votes, np.ones(150, dtype=bool))
    found = predicted.one_side()
    left = np.array([((votes.voter == v) & (votes.outcome == 0)).sum() for v in range(150)])
    cast = np.array([((votes.voter == v) & (votes.outcome < 2)).sum() for v in range(150)])
    share = (left.sum() - left + 1) / (cast.sum() - cast + 2)
    for voter in (0, 40, 149):
        k, n, p = left[voter], cast[voter], share[voter]
        wild = np.mean([stats.binom.pmf(k, n, q) for q in (0.9, 0.97, 0.1, 0.03)])
        assert found[voter] == pytest.approx(np.log(wild / stats.betabinom.pmf(k, n, 40 * p, 40 * (1 - p))))


def test_taste_spread_is_found_about() -> None:
    """Below the truth, since the board's scale shrinks with tastes and the moment is a linear one."""
    for tastes, low, high in ((0.0, 0.0, 0.15), (0.4, 0.25, 0.45), (0.8, 0.5, 0.8)):
        predicted = predicted_votes(crowd_of(11, tastes=tastes), np.ones(150, dtype=bool))
        assert low <= predicted.taste_spread(np.ones(150, dtype=bool)) <= high
        assert low <= predicted.taste_spread() <= high


def test_a_ring_weighs_the_systems_for_other_voters_only() -> None:
    """Nine voters with e = 20 for system 0 make a ring; a tenth's evidence gains by it, a lone one's not."""
    voter, system = np.arange(100), np.zeros(100, dtype=np.int64)
    pair = np.full(100, -0.5)
    pair[:10] = math.log(20.0)
    table = ring_table(pair, system, 5)
    with_ring = favour_evidence(pair, voter, system, table, 100)
    alone = pair.copy()
    alone[1:10] = -0.5
    lone = favour_evidence(alone, voter, system, ring_table(alone, system, 5), 100)
    assert with_ring[0] > math.log(0.95 * (0.5 + 0.1) * 20.0)
    assert lone[0] < math.log(20.0 * 0.25)
    by_hand = np.prod(np.where(np.arange(100) < 10, 1 + 0.1 * 19, 1 - 0.1 * (1 - math.exp(-0.5))))
    assert by_hand == pytest.approx(1135, abs=1)  # as documented
    assert table[0, 3] == pytest.approx(math.log(by_hand))
    names = (tuple(f"v{i}" for i in range(100)), tuple("abcde"))
    (ring,) = find_rings(pair, voter, system, table, names, 0.0)
    assert ring.system == "a"
    assert ring.evidence == pytest.approx(math.log(np.exp(table[0]).mean() / 5))


def test_ties_and_their_habits_say_nothing() -> None:
    votes = crowd_of(12)
    assert (votes.outcome >= 2).sum() > 0
    predicted = predicted_votes(votes, np.ones(150, dtype=bool))
    assert len(predicted.voter) == (votes.outcome < 2).sum()
    assert suspicion(votes).votes.sum() == (votes.outcome < 2).sum()


def test_a_clicker_is_not_said_to_favour_the_weakest() -> None:
    votes = crowd_of(13, clickers=10)
    found = suspicion(votes)
    clickers = {name for name in votes.voters if name.endswith(CLICKER)}
    assert not [s for s in found.suspects() if s.voter in clickers and s.kind == "favours"]


def test_what_cannot_be_asked_is_said_in_a_sentence() -> None:
    with pytest.raises(RatingError, match=r"All votes come from one voter"):
        suspicion(simulate(TRUTH, votes=500, seed=1, voters=1))
    with pytest.raises(RatingError, match=r"between 0 and 1; found 0\.0"):
        suspicion(crowd_of(1)).suspects(0.0)


def test_votes_without_voters_are_refused() -> None:
    with pytest.raises(RatingError, match=r"do not say who cast them.*column that names the voter"):
        suspicion(replace(crowd_of(1), voters_known=False))


def test_same_votes_and_seed_give_the_same_evidence() -> None:
    votes = crowd_of(14, shills=4)
    one, other = suspicion(votes, seed=3), suspicion(votes, seed=3)
    np.testing.assert_array_equal(one.evidence, other.evidence)
    np.testing.assert_array_equal(one.honest, other.honest)


def test_the_benchmark_at_small_size() -> None:
    """Shills who meet their system 20 times are found; the discrimination board is nearer the truth."""
    bench = _benchmark()
    rows = bench.repaired(1, 0.6)
    assert rows["discrimination"][0] < rows["plain"][0]
    found = bench.found_shills(1, tastes=0.4, steered=20)
    assert found["calibrated"] >= 0.9
    assert found["alarms"] <= 0.01
    assert found["ring"] == 1.0
    assert found["ceiling"] >= 0.9


def test_power_breaks_ties_by_chance() -> None:
    bench = _benchmark()
    honest = np.array([0.0] * 90 + [1.0] * 10)
    assert bench.power(honest, np.array([1.0, 0.0]), alarms=0.05) == pytest.approx(0.25)


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "shills.py"
    spec = importlib.util.spec_from_file_location("benchmark_shills", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_real_workers_who_choose_one_model_are_named(crowd: Tally) -> None:
    """Workers 15 and 70 chose Weaver 12k in 106 of 110 and 43 of 45 votes; the others in 511 of 2,607."""
    model = crowd.systems.index("Weaver 12k")
    chosen = np.where(crowd.left == model, crowd.outcome == 0, (crowd.right == model) & (crowd.outcome == 1))
    met = (crowd.left == model) | (crowd.right == model)
    for worker, wins, shown in (("15", 106, 110), ("70", 43, 45)):
        own = crowd.voter == crowd.voters.index(worker)
        assert (int(chosen[own].sum()), int(met[own].sum())) == (wins, shown)
    found = suspicion(crowd)
    assert {s.voter for s in found.suspects() if s.system == "Weaver 12k"} == {"15", "70"}
    assert [set(ring.members) for ring in found.rings] == [{"15", "70"}]


def test_real_votes_name_a_person_or_two(video_votes: Tally) -> None:
    """A panel of 30 observers in a laboratory: nobody is out to cheat, few if any stand out."""
    assert len(suspicion(video_votes).suspects()) <= 2


def test_a_board_that_only_suspects_hold_together_keeps_their_votes() -> None:
    """Two halves that only the shill's votes connect: predictions keep them, and a note says so."""
    random = np.random.default_rng(3)
    rows = []
    for voter in range(40):
        for _ in range(20):
            half = "ab" if random.random() < 0.5 else "cd"
            left, right = random.permutation(list(half))
            rows.append((str(left), str(right), str(random.choice(["left", "right"])), f"v{voter}"))
    for i in range(60):
        left, right = ("a", "c") if i % 2 else ("c", "a")
        rows.append((left, right, "left", "always left"))
    found = suspicion(written(rows))
    assert found.suspects()[0].voter == "always left"
    assert any("would not all have met" in note for note in found.notes)


def test_where_sides_are_unknown_nobody_is_one_sided() -> None:
    found = suspicion(replace(crowd_of(15), sides_known=False))
    assert not found.one_side.any()
    assert any("nothing is said of one-sided voters" in note for note in found.notes)
