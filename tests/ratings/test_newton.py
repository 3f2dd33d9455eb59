"""Bradley-Terry and Davidson fits, judged by hand, by other libraries, by a naive twin and by laws."""

from __future__ import annotations

import math

import choix
import evalica
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from evalharness.errors import DisconnectedError, RatingError
from evalharness.ratings import ELO_PER_LOGIT, Tally, bradley_terry, davidson, maximum, tally, tally_frame
from evalharness.ratings.maximum import PRIOR_BATTLES

NAMES = ("a", "b", "c")


def test_three_wins_in_four_are_190_85_elo(ballots):
    rows = [("a", "b", "left"), ("b", "a", "right"), ("b", "a", "left"), ("a", "b", "left")] * 5000
    strengths = bradley_terry(tally(ballots(rows))).strengths
    assert (strengths[0] - strengths[1]) * ELO_PER_LOGIT == pytest.approx(190.85, abs=0.05)
    assert pytest.approx(190.848502, abs=1e-6) == 400 * math.log10(3)


def test_davidson_of_two_systems_has_a_closed_form(ballots):
    # 6 : 2 decisive votes and 4 ties, sides balanced: odds 3, and nu = ties / sqrt(wins x losses).
    rows = ([("a", "b", "left")] * 3 + [("a", "b", "right")] + [("a", "b", "tie")] * 2) * 2000
    rows += [
        (right, left, {"left": "right", "right": "left", "tie": "both_bad"}[o]) for left, right, o in rows
    ]
    fit = davidson(tally(ballots(rows)))
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(math.log(3), abs=3e-4)
    assert math.exp(fit.log_tie) == pytest.approx(2 / math.sqrt(3), abs=3e-4)
    assert fit.order_effect == pytest.approx(0.0, abs=1e-9)


def test_sixty_twenty_forty_as_docs_methods_works_it_through(ballots):
    rows = [("a", "b", "left")] * 30 + [("a", "b", "right")] * 10 + [("a", "b", "tie")] * 20
    rows += [("b", "a", "right")] * 30 + [("b", "a", "left")] * 10 + [("b", "a", "tie")] * 20
    votes = tally(ballots(rows))
    fit, half = davidson(votes), bradley_terry(votes)
    assert (fit.strengths[0] - fit.strengths[1]) * ELO_PER_LOGIT == pytest.approx(190.08, abs=0.01)
    assert math.exp(fit.log_tie) == pytest.approx(1.153, abs=0.001)
    assert (half.strengths[0] - half.strengths[1]) * ELO_PER_LOGIT == pytest.approx(120.1, abs=0.05)


def test_the_order_effect_of_one_pair_has_a_closed_form(ballots):
    # Left wins 3 to 1 whoever stands there: equal systems, order effect ln 3.
    rows = [("a", "b", "left")] * 3 + [("a", "b", "right")]
    rows += [("b", "a", "left")] * 3 + [("b", "a", "right")]
    fit = davidson(tally(ballots(rows * 1000)))
    assert fit.order_effect == pytest.approx(math.log(3), abs=3e-4)
    assert fit.strengths == pytest.approx([0, 0], abs=1e-9)


def test_bradley_terry_agrees_with_choix_and_evalica(draw):
    frame = draw([0.9, 0.4, 0.0, -0.3, -1.0], votes=4000, seed=3)
    votes = tally_frame(frame)
    decisive = tally_frame(frame[frame["outcome"] != "tie"])
    won = np.where(decisive.outcome == 0, decisive.left, decisive.right)
    lost = np.where(decisive.outcome == 0, decisive.right, decisive.left)
    from_choix = choix.ilsr_pairwise(5, list(zip(won.tolist(), lost.tolist(), strict=True)), alpha=0.0)
    assert bradley_terry(decisive).strengths == pytest.approx(from_choix - from_choix.mean(), abs=2e-3)

    winner = {"left": evalica.Winner.X, "right": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    result = evalica.bradley_terry(
        frame["left"], frame["right"], frame["outcome"].map(winner), tolerance=1e-12
    )
    log = np.log(result.scores.sort_index().to_numpy())
    assert bradley_terry(votes).strengths == pytest.approx(log - log.mean(), abs=2e-3)


def test_without_the_prior_bradley_terry_is_choix_and_evalica_to_a_millionth(draw, monkeypatch):
    """The same likelihood on all sides; 1e-9 of a virtual battle only keeps the gauge from being singular."""
    monkeypatch.setattr(maximum, "PRIOR_BATTLES", 1e-9)
    frame = draw([0.8, 0.3, 0.0, -0.4, -0.7], votes=3000, seed=5)
    votes = tally_frame(frame)
    decisive = tally_frame(frame[frame["outcome"] != "tie"])
    won = np.where(decisive.outcome == 0, decisive.left, decisive.right)
    lost = np.where(decisive.outcome == 0, decisive.right, decisive.left)
    from_choix = choix.ilsr_pairwise(5, list(zip(won.tolist(), lost.tolist(), strict=True)), tol=1e-12)
    assert bradley_terry(decisive).strengths == pytest.approx(from_choix - from_choix.mean(), abs=1e-6)
    winner = {"left": evalica.Winner.X, "right": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    result = evalica.bradley_terry(
        frame["left"].tolist(), frame["right"].tolist(), frame["outcome"].map(winner).tolist(),
        tolerance=1e-14, limit=10_000,
    )  # fmt: skip
    from_evalica = np.log(result.scores.sort_index().to_numpy())
    assert bradley_terry(votes).strengths == pytest.approx(from_evalica - from_evalica.mean(), abs=1e-6)


def _naive(votes: Tally, with_ties: bool, prior: float = PRIOR_BATTLES) -> np.ndarray:
    """Davidson or half-win Bradley-Terry with order effect, vote by vote, by a general minimiser."""
    size = len(votes.systems)

    def loss(theta):
        total = 0.0
        for left, right, outcome in zip(votes.left, votes.right, votes.outcome, strict=True):
            gap = theta[left] - theta[right] + theta[size]
            win, lose = math.exp(gap / 2), math.exp(-gap / 2)
            if with_ties:
                nu = math.exp(theta[size + 1])
                share = (win, lose, nu, nu)[outcome] / (win + lose + nu)
                total -= math.log(share)
            else:
                p, q = win / (win + lose), lose / (win + lose)
                total -= (math.log(p), math.log(q), 0.5 * math.log(p * q), 0.5 * math.log(p * q))[outcome]
        for held in theta[: size + 1]:
            p = 1 / (1 + math.exp(-held))
            total -= prior / 2 * (math.log(p) + math.log(1 - p))
        return total

    found = minimize(loss, np.zeros(size + 1 + with_ties), method="BFGS", options={"gtol": 1e-7}).x
    found[:size] -= found[:size].mean()
    return found


vote = st.tuples(
    st.sampled_from([("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")]),
    st.sampled_from(["left", "right", "tie", "both_bad"]),
)
EVERY_PAIR = [
    (("a", "b"), "left"),
    (("b", "a"), "tie"),
    (("b", "c"), "right"),
    (("c", "a"), "left"),
    (("a", "c"), "both_bad"),
]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(vote, max_size=12))
def test_newton_finds_what_a_general_minimiser_finds(more):
    rows = [(*pair, outcome) for pair, outcome in EVERY_PAIR + more]
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome"]).assign(voter="v", prompt="p")
    votes = tally_frame(frame)
    for fit, with_ties in ((davidson(votes), True), (bradley_terry(votes, order_effect=True), False)):
        twin = _naive(votes, with_ties)
        assert fit.converged
        assert fit.strengths == pytest.approx(twin[:3], abs=2e-4)
        assert fit.order_effect == pytest.approx(twin[3], abs=2e-4)
        if with_ties:
            assert fit.log_tie == pytest.approx(twin[4], abs=2e-4)


@pytest.mark.parametrize("estimator", [davidson, lambda votes: bradley_terry(votes, order_effect=True)])
def test_mirroring_the_screen_keeps_ratings_and_turns_the_order_effect(draw, mirrored, estimator):
    frame = draw([1.0, 0.2, -0.2, -1.0], votes=800, seed=5, order=0.4)
    straight, swapped = estimator(tally_frame(frame)), estimator(tally_frame(mirrored(frame)))
    assert swapped.strengths == pytest.approx(straight.strengths, abs=1e-8)
    assert swapped.order_effect == pytest.approx(-straight.order_effect, abs=1e-8)
    assert straight.order_effect > 0.2


def test_renaming_systems_moves_nothing_but_names(draw):
    frame = draw([1.0, 0.2, -0.2, -1.0], votes=800, seed=6)
    new = {"system 00": "zebra", "system 01": "ape", "system 02": "newt", "system 03": "bee"}
    before = davidson(tally_frame(frame))
    after = davidson(tally_frame(frame.replace({"left": new, "right": new})))
    renamed = dict(zip(after.systems, after.strengths, strict=True))
    for name, strength in zip(before.systems, before.strengths, strict=True):
        assert renamed[new[name]] == pytest.approx(strength, abs=1e-8)


def test_the_prior_is_forgotten_as_votes_grow_and_never_grows_with_them(draw):
    frame = draw([0.8, 0.0, -0.8], votes=300, seed=7)
    likelihood_alone = _naive(tally_frame(frame), with_ties=True, prior=0.0)[:3]
    off = []
    for copies in (1, 10, 100):
        fit = davidson(tally_frame(pd.concat([frame] * copies)))
        off.append(np.abs(fit.strengths - likelihood_alone).max())
    assert off[1] == pytest.approx(off[0] / 10, rel=0.05)
    assert off[2] == pytest.approx(off[0] / 100, rel=0.05)


def test_known_strengths_come_back(draw):
    truth = np.array([0.8, 0.3, 0.0, -0.4, -0.7])
    fit = davidson(tally_frame(draw(truth, votes=60_000, seed=8, order=0.15, nu=0.9)))
    assert fit.strengths == pytest.approx(truth, abs=0.04)
    assert fit.order_effect == pytest.approx(0.15, abs=0.03)
    assert math.exp(fit.log_tie) == pytest.approx(0.9, abs=0.04)


def test_half_win_ties_shrink_the_scale_against_davidson(draw):
    votes = tally_frame(draw([1.0, 0.0, -1.0], votes=20_000, seed=9, nu=1.5))
    assert np.ptp(bradley_terry(votes).strengths) < 0.8 * np.ptp(davidson(votes).strengths)


def test_without_ties_davidson_is_bradley_terry(draw):
    frame = draw([0.5, 0.0, -0.5], votes=500, seed=10)
    votes = tally_frame(frame[frame["outcome"] != "tie"])
    fit = davidson(votes)
    assert fit.log_tie is None
    assert fit.strengths == pytest.approx(bradley_terry(votes, order_effect=True).strengths, abs=1e-9)


def test_a_system_that_won_everything_stays_finite(ballots):
    rows = [("a", "b", "left"), ("b", "a", "right"), ("b", "c", "left"), ("c", "b", "left")] * 50
    fit = davidson(tally(ballots(rows)))
    assert fit.converged
    assert fit.systems[int(fit.strengths.argmax())] == "a"
    assert np.isfinite(fit.strengths).all()
    assert fit.strengths.sum() == pytest.approx(0.0, abs=1e-9)


def test_real_crowd_votes_show_the_published_left_advantage(crowd):
    # Found with other code on the same file: 27.7 Elo for being shown on the left.
    fit = davidson(crowd)
    assert fit.converged
    assert fit.order_effect * ELO_PER_LOGIT == pytest.approx(27.7, abs=0.1)


def test_systems_never_compared_are_refused_by_name(ballots):
    rows = [("a", "b", "left"), ("b", "a", "left"), ("c", "d", "left"), ("d", "c", "tie")]
    with pytest.raises(DisconnectedError, match=r"\{a, b\}; \{c, d\}") as caught:
        davidson(tally(ballots(rows)))
    assert caught.value.components == (("a", "b"), ("c", "d"))


def test_no_votes_and_only_ties_are_refused(ballots):
    with pytest.raises(RatingError, match="no votes here yet"):
        davidson(tally([]))
    with pytest.raises(RatingError, match="All 2 votes are ties or both-bad"):
        davidson(tally(ballots([("a", "b", "tie"), ("b", "a", "both_bad")])))


def test_an_order_effect_that_cannot_be_told_from_strength_is_refused(ballots):
    rows = [("a", "b", "left"), ("a", "b", "right"), ("a", "b", "left")]
    with pytest.raises(RatingError, match="sides never alternated"):
        davidson(tally(ballots(rows)))
    assert davidson(tally(ballots(rows)), order_effect=False).order_effect is None
