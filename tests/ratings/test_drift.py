"""The drift alarm: its parts against naive twins, its promise on simulated truth and on real votes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings import Tally, davidson, tally_frame
from evalharness.ratings.drift import watch_drift
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.innovations import (
    Innovations,
    Responses,
    innovations,
    responses,
    voter_variance,
)
from evalharness.ratings.restarts import ESTRANGED, RESTART, START_SCALE, STEPS, Experts
from evalharness.ratings.simulate import simulate

TRUTH = np.array([0.6, 0.2, 0.0, -0.3, -0.5])
ROWS = ("left", "right", "outcome", "voter", "prompt")


def moving(
    votes: int, seed: int, *, step: float, at: int, voter_spread: float = 0.0, tie: float = 0.5
) -> Tally:
    """Simulated votes of a crowd on TRUTH, in which system 02 moves by `step` Elo at row `at`.

    The move is drawn by thinning: after `at`, outcomes of its votes are drawn anew with the move in them.
    """
    drawn = simulate(TRUTH, votes=votes, seed=seed, voter_spread=voter_spread, tie=tie)
    random = np.random.default_rng([seed, 1])
    rows = np.flatnonzero((np.arange(votes) >= at) & ((drawn.left == 2) | (drawn.right == 2)))
    moved = TRUTH + np.array([0, 0, step / ELO_PER_LOGIT, 0, 0])
    gap = moved[drawn.left[rows]] - moved[drawn.right[rows]]
    weight = np.stack([np.exp(gap / 2), np.exp(-gap / 2), np.full(len(rows), tie)])
    upto = np.cumsum(weight / weight.sum(axis=0), axis=0)
    outcome = drawn.outcome.copy()
    outcome[rows] = (random.random(len(rows)) > upto[:2]).sum(axis=0)
    return recounted(replace(drawn, outcome=outcome))


def recounted(votes: Tally) -> Tally:
    """The same rows, with the counts by pair made anew."""
    return votes.where(np.arange(votes.votes))


# --- innovations ------------------------------------------------------------------------------------------


@st.composite
def voted(draw: st.DrawFn) -> tuple[Responses, int, float]:
    """Some votes about one system: who voted, scores, informations, and where the past ends."""
    number = draw(st.integers(3, 25))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    information = random.uniform(0.05, 0.25, number)
    score = random.normal(0, 0.5, number)
    seen = Responses(
        rows=np.cumsum(random.integers(1, 4, number)),
        voter=random.integers(0, draw(st.integers(1, 6)), number),
        score=score,
        information=information,
        win=score + random.uniform(0, 1, number),
        loss=score - random.uniform(0, 1, number),
    )
    return seen, draw(st.integers(1, number - 1)), draw(st.sampled_from([0.0, 0.04, 0.5, 3.0]))


@given(voted())
@settings(max_examples=60, deadline=None)
def test_innovations_are_the_prediction_errors_of_the_dense_normal_model(
    case: tuple[Responses, int, float],
) -> None:
    """Generalised least squares on the full covariance matrix, vote by vote, with the level unknown."""
    seen, first, tau2 = case
    split = int(seen.rows[first])
    found = innovations(seen.between(0, split), seen.between(split, 10**9), 6, tau2)
    y = seen.score / seen.information
    covariance = np.diag(1 / seen.information) + tau2 * (seen.voter[:, None] == seen.voter[None, :])
    for place, now in enumerate(range(first, len(y))):
        inverse = np.linalg.inv(covariance[:now, :now])
        cross, ones = covariance[now, :now], np.ones(now)
        precision = ones @ inverse @ ones
        level = ones @ inverse @ y[:now] / precision
        predicted = level + cross @ inverse @ (y[:now] - level)
        own = 1 - cross @ inverse @ ones
        variance = covariance[now, now] - cross @ inverse @ cross + own**2 / precision
        assert found.spread[place] == pytest.approx(np.sqrt(variance), rel=1e-8)
        assert found.z[place] == pytest.approx((y[now] - predicted) / np.sqrt(variance), rel=1e-7, abs=1e-9)
        assert found.precision[place] == pytest.approx(precision, rel=1e-8)
        assert found.worst[place] <= found.z[place] <= found.best[place]


def test_docs_methods_by_hand() -> None:
    """Three voters, four decisive votes at even strength, 3 : 1; then the busiest votes against."""
    won = np.array([1.0, 1.0, 1.0, -1.0, -1.0])
    seen = Responses(
        rows=np.arange(5),
        voter=np.array([0, 0, 1, 2, 0]),
        score=0.5 * won,
        information=np.full(5, 0.25),
        win=np.full(5, 0.5),
        loss=np.full(5, -0.5),
    )
    found = innovations(seen.between(0, 4), seen.between(4, 5), 3, tau2=1.0)
    # q = 1 / (1 + 0.5) = 2/3 for voter 0 (information 0.5), 1 / 1.25 = 0.8 for the others.
    precision = 2 / 3 * 0.5 + 0.8 * 0.25 + 0.8 * 0.25
    level = (2 / 3 * 1.0 + 0.8 * 0.5 - 0.8 * 0.5) / precision
    predicted = 2 / 3 * level + 1.0 * 2 / 3 * 1.0
    spread = np.sqrt(2 / 3 + (2 / 3) ** 2 / precision + 4)
    assert (precision, level) == pytest.approx((0.7333, 0.9091), abs=1e-4)
    assert (predicted, spread) == pytest.approx((1.2727, 2.2962), abs=1e-4)
    assert found.z[0] == pytest.approx((-2 - predicted) / spread)
    assert found.z[0] == pytest.approx(-1.425, abs=1e-3)


def test_responses_are_the_derivatives_of_davidsons_likelihood() -> None:
    votes = simulate(TRUTH, votes=3_000, seed=3, tie=0.5, order_effect=0.2)
    fit = davidson(votes)
    found = responses(fit, votes, np.arange(votes.votes), 2)

    def log_likelihood(shift: float) -> np.ndarray:
        strengths = fit.strengths + shift * (np.arange(5) == 2)
        gap = strengths[votes.left[found.rows]] - strengths[votes.right[found.rows]] + (fit.order_effect or 0)
        log_weight = np.stack([gap / 2, -gap / 2, np.full(len(gap), fit.log_tie)])
        share = np.exp(log_weight) / np.exp(log_weight).sum(axis=0)
        return np.log(share[votes.outcome[found.rows], np.arange(len(gap))])

    slope = (log_likelihood(1e-5) - log_likelihood(-1e-5)) / 2e-5
    np.testing.assert_allclose(found.score, slope, atol=1e-8)
    assert found.score.var() == pytest.approx(found.information.mean(), rel=0.05)
    assert ((found.loss <= found.score) & (found.score <= found.win)).all()


@pytest.mark.parametrize("spread", [0.0, 0.6])
def test_voter_variance_finds_how_much_voters_differ(spread: float) -> None:
    votes = simulate(TRUTH, votes=60_000, seed=5, voters=300, voter_spread=spread, activity=0.0)
    fit = davidson(votes)
    every = [responses(fit, votes, np.arange(votes.votes), system) for system in range(5)]
    # A quarter of a system's pairs of votes meet the same opponent and share that taste, too (up to +25 %);
    # tastes flatten the curve that turns strength into votes (some 20 % down).
    assert voter_variance(every) == pytest.approx(spread**2, rel=0.25, abs=0.02)


# --- experts ----------------------------------------------------------------------------------------------


def normal_run(seed: int, votes: int, shift: float = 0.0) -> Innovations:
    """Bounded innovations as of votes at even strength: two values, the precision growing."""
    random = np.random.default_rng(seed)
    won = random.random(votes) < 0.5 + shift
    precision = 50 + 0.25 * np.arange(votes)
    return Innovations(
        z=np.where(won, 1.0, -1.0),
        spread=np.full(votes, 2.0),
        worst=np.full(votes, -1.0),
        best=np.full(votes, 1.0),
        precision=precision,
        estranged=np.where(random.random(votes) < 0.05, ESTRANGED + 1, 0.0),
    )


def naive_evidence(new: Innovations, tolerance: float) -> list[float]:
    """Every expert's wealth by a loop over votes."""
    wealth: dict[tuple[int, float], float] = {}
    path = []
    for vote, z in enumerate(new.z):
        if vote % RESTART == 0:
            wealth |= {(vote, sign * step): 1.0 for step in STEPS for sign in (1, -1)}
        for start, step in wealth:
            stake = step / ELO_PER_LOGIT * new.precision[start] / new.precision[vote] / new.spread[vote]
            if new.estranged[vote] > ESTRANGED:
                stake = 0.0
            wealth[start, step] *= 1 + stake * z - abs(stake) * tolerance / new.spread[vote]
        starts = vote // RESTART + 1
        total = START_SCALE / (starts + START_SCALE)
        for (start, step), owned in wealth.items():
            k = start // RESTART
            prior = START_SCALE / ((k + START_SCALE) * (k + START_SCALE + 1))
            total += prior * STEPS[abs(step)] / 2 * owned
        path.append(total)
    return path


@pytest.mark.parametrize("tolerance", [0.0, 0.05])
def test_experts_against_a_loop_however_the_votes_are_cut(tolerance: float) -> None:
    new = normal_run(1, 700, shift=0.1)
    rows = np.arange(700) * 3
    wanted = naive_evidence(new, tolerance)
    experts, found = Experts(), []
    for start, end in ((0, 130), (130, 400), (400, 401), (401, 700)):
        part = new.part(slice(start, end))
        experts, evidence = experts.bet(part, rows[start:end], tolerance)
        found.extend(np.exp(evidence))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert experts.favourite.upward


def test_the_weights_of_all_starts_sum_to_one() -> None:
    k = np.arange(2_000_000)
    assert (START_SCALE / ((k + START_SCALE) * (k + START_SCALE + 1.0))).sum() == pytest.approx(1, abs=1e-4)


def test_evidence_is_not_expected_to_grow_while_nothing_moves() -> None:
    """A test martingale: its mean stays 1, and it passes 20 in at most one run of twenty."""
    paths = [Experts().bet(normal_run(seed, 600), np.arange(600), 0.0)[1] for seed in range(500)]
    assert np.mean([np.exp(path[-1]) for path in paths]) == pytest.approx(1.0, abs=0.15)
    assert np.mean([path.max() > np.log(20) for path in paths]) <= 0.05


# --- the watch --------------------------------------------------------------------------------------------


def test_a_fall_is_seen_dated_and_laid_at_the_right_door() -> None:
    votes = moving(16_000, 4, step=-100.0, at=8_000)
    found = watch_drift(votes)
    assert list(found.alarms) == [votes.systems[2]]
    alarm = found.alarms[votes.systems[2]]
    own = (votes.left == 2) | (votes.right == 2)
    assert not alarm.upward
    assert alarm.row > 8_000
    assert own[8_000 : alarm.row].sum() < 800
    assert own[min(8_000, alarm.since) : max(8_000, alarm.since)].sum() <= 1.5 * RESTART
    assert alarm.votes_since == own[alarm.since : alarm.row + 1].sum()
    assert found.threshold == pytest.approx(5 / 0.05)
    fallen, steady = found.watched[2], found.watched[0]
    assert fallen.evidence >= found.threshold > steady.evidence
    assert fallen.sentence.startswith("simulated system 03 fell against its own past, from about vote ")
    assert steady.sentence.startswith(f"simulated system 01: no alarm in {steady.votes:,} votes (evidence")


def test_later_votes_change_nothing_that_was_found() -> None:
    votes = moving(14_000, 4, step=-100.0, at=8_000)
    whole = watch_drift(votes)
    row = whole.alarms[votes.systems[2]].row
    assert watch_drift(votes.where(np.arange(row + 1))).alarms == whole.alarms
    assert not watch_drift(votes.where(np.arange(row))).alarms


def test_mirrored_sides_and_other_names_change_nothing() -> None:
    votes = moving(12_000, 8, step=100.0, at=6_000)
    swapped = np.array([1, 0, 2, 3])[votes.outcome]
    mirrored = replace(votes, left=votes.right, right=votes.left, outcome=swapped).where(
        np.arange(votes.votes)
    )
    renamed = replace(votes, systems=tuple("vwxyz"))
    first = watch_drift(votes)
    assert first.alarms[votes.systems[2]].upward
    assert watch_drift(mirrored).alarms == first.alarms
    assert watch_drift(renamed).alarms == {"x": first.alarms[votes.systems[2]]}
    for one, other in zip(first.watched, watch_drift(mirrored).watched, strict=True):
        assert one.evidence == pytest.approx(other.evidence, rel=1e-6)


@pytest.mark.parametrize("spread", [0.0, 0.8])
def test_steady_boards_raise_no_alarm(spread: float) -> None:
    """Also with a short past: the watch begins after 200 votes of a system. One board in twenty may fail."""
    boards = [
        watch_drift(simulate(TRUTH, votes=4_000, seed=seed, voters=60, voter_spread=spread))
        for seed in range(10)
    ]
    assert sum(bool(board.alarms) for board in boards) <= 1
    assert all(found.votes > 1_200 for board in boards for found in board.watched)


def test_a_busy_voter_alone_cannot_raise_an_alarm() -> None:
    """From half-way on, one newcomer casts a third of a system's votes, every one of them against it."""
    votes = simulate(TRUTH, votes=12_000, seed=2, voter_spread=0.4)
    random = np.random.default_rng(2)
    own = np.flatnonzero(((votes.left == 2) | (votes.right == 2)) & (np.arange(12_000) >= 6_000))
    bought = own[random.random(len(own)) < 1 / 3]
    outcome, voter = votes.outcome.copy(), votes.voter.copy()
    outcome[bought] = np.where(votes.left[bought] == 2, 1, 0)
    voter[bought] = len(votes.voters)
    stuffed = replace(votes, outcome=outcome, voter=voter, voters=(*votes.voters, "zealot"))
    assert not watch_drift(stuffed.where(np.arange(12_000))).alarms
    anonymous = replace(
        stuffed, voter=np.zeros(12_000, dtype=np.int64), voters=("nobody",), voters_known=False
    )
    blind = watch_drift(anonymous.where(np.arange(12_000)))
    assert votes.systems[2] in blind.alarms, "without knowing the voters it has to look like a fall"
    assert "do not say who cast them" in blind.notes[0]


def test_a_tolerance_lets_small_moves_pass() -> None:
    votes = moving(14_000, 4, step=-100.0, at=6_000)
    assert votes.systems[2] in watch_drift(votes).alarms
    assert not watch_drift(votes, tolerance=120.0).alarms


def test_fewer_systems_watched_need_less_evidence() -> None:
    votes = moving(12_000, 4, step=-100.0, at=8_000)
    one = watch_drift(votes, watch=[votes.systems[2]])
    assert one.threshold == pytest.approx(20)
    assert one.alarms[votes.systems[2]].row <= watch_drift(votes).alarms[votes.systems[2]].row


def test_systems_without_a_past_are_named() -> None:
    votes = simulate(TRUTH, votes=3_000, seed=1, exposure=[1, 1, 1, 1, 0.02])
    found = watch_drift(votes)
    assert [w.system for w in found.watched if w.votes == 0] == [votes.systems[4]]
    (note,) = found.notes
    assert note == (
        f"With too few votes to have a past (200 of each, 400 in all), and so not watched yet: "
        f"{votes.systems[4]}."
    )


def test_newcomers_do_not_disturb_the_others() -> None:
    """A system that enters late and plays a third of the battles: what was first expected of it is wrong."""
    old = simulate(TRUTH, votes=5_000, seed=6, exposure=[1, 1, 1, 1, 1e-12])
    for seed in range(3):
        crowded = simulate(TRUTH, votes=5_000, seed=seed, exposure=[1, 1, 1, 1, 2])
        both = {name: np.concatenate([getattr(old, name), getattr(crowded, name)]) for name in ROWS}
        assert not watch_drift(recounted(replace(crowded, **both))).alarms


def test_two_fields_that_never_met_do_not_stop_the_watch() -> None:
    one = simulate(TRUTH, votes=4_000, seed=1)
    pair = simulate(np.zeros(2), votes=300, seed=2)
    votes = replace(
        one,
        systems=(*one.systems, "y", "z"),
        left=np.concatenate([pair.left + 5, one.left]),
        right=np.concatenate([pair.right + 5, one.right]),
        outcome=np.concatenate([pair.outcome, one.outcome]),
        voter=np.concatenate([pair.voter * 0, one.voter]),
        prompt=np.concatenate([pair.prompt * 0, one.prompt]),
    ).where(np.arange(4_300))
    found = {w.system: w for w in watch_drift(votes).watched}
    assert found["y"].votes == found["z"].votes == 0
    assert found[one.systems[0]].votes > 1_000


@pytest.mark.parametrize("seed", range(3))
def test_real_voters_in_random_order_raise_no_alarm(video_votes: Tally, seed: int) -> None:
    """HDR-VDC: 30 observers with strong tastes of their own, hundreds of votes in a row each."""
    random = np.random.default_rng(seed)
    rank = random.permutation(len(video_votes.voters))[video_votes.voter]
    rows = np.lexsort([random.random(video_votes.votes), rank])
    assert not watch_drift(video_votes.where(rows)).alarms


def test_nothing_but_ties_is_not_watched() -> None:
    frame = pd.DataFrame({"left": ["a", "b"] * 300, "right": ["b", "a"] * 300, "outcome": "tie"})
    found = watch_drift(tally_frame(frame.assign(voter="v", prompt="p")))
    assert [w.votes for w in found.watched] == [0, 0]


def test_what_cannot_be_watched_is_refused() -> None:
    votes = simulate(TRUTH, votes=500, seed=1)
    with pytest.raises(UnknownNameError, match="no votes about nobody; there are some about simulated"):
        watch_drift(votes, watch=["nobody"])
    with pytest.raises(UnknownNameError, match="any system"):
        watch_drift(votes, watch=[])
    with pytest.raises(RatingError, match="between 0 and 1; found 5"):
        watch_drift(votes, alpha=5)
    with pytest.raises(RatingError, match="0 Elo or more; found -1"):
        watch_drift(votes, tolerance=-1)
