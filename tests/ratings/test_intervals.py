"""Covariances: against explicit refits, a naive twin, laws, simulated coverage and real votes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.errors import RatingError
from evalharness.ratings import (
    ELO_PER_LOGIT,
    Fit,
    IntervalMethod,
    Tally,
    bradley_terry,
    covariance,
    davidson,
    estimate,
    tally,
    tally_frame,
)
from evalharness.ratings.connectivity import holding_clusters
from evalharness.ratings.leave_out import leave_out_moves


def fewest_equal(votes):
    """Voters or prompts, whichever are fewer once uneven shares count as fewer clusters of equal size."""
    shares = [pd.Series(codes).value_counts(normalize=True) for codes in (votes.voter, votes.prompt)]
    return min(1 / (share**2).sum() for share in shares)


def _parameters(fit: Fit) -> np.ndarray:
    return np.concatenate([fit.strengths, [fit.order_effect, fit.log_tie]])


def _explicit(fit: Fit, votes: Tally) -> tuple[np.ndarray, np.ndarray]:
    """Every vote's score and information as dense vectors and matrices, from the formula's letter."""
    size, length = len(votes.systems), fit.parameters
    scores, information = np.zeros((votes.votes, length)), np.zeros((votes.votes, length, length))
    nu = np.exp(fit.log_tie)
    for row in range(votes.votes):
        gap = fit.strengths[votes.left[row]] - fit.strengths[votes.right[row]] + fit.order_effect
        weight = np.array([np.exp(gap / 2), np.exp(-gap / 2), nu])
        share = weight / weight.sum()
        along = np.zeros((3, length))  # derivative of each outcome's log weight
        along[0, votes.left[row]], along[0, votes.right[row]], along[0, size] = 0.5, -0.5, 0.5
        along[1] = -along[0]
        along[2, -1] = 1.0
        mean = share @ along
        scores[row] = along[min(votes.outcome[row], 2)] - mean
        information[row] = along.T @ (share[:, None] * along) - np.outer(mean, mean)
    return scores, information


def _naive_two_way(fit: Fit, votes: Tally) -> np.ndarray:
    """C = J_voters + J_prompts - X by loops over clusters, raised to X / 4 where it has less."""
    scores, information = _explicit(fit, votes)
    size = len(votes.systems)
    total, by_cell = np.zeros_like(fit.information), np.zeros_like(fit.information)
    for codes in (votes.voter, votes.prompt):
        groups = codes.max() + 1
        for code in range(groups):
            own = codes == code
            move = -np.linalg.solve(fit.information - information[own].sum(axis=0), scores[own].sum(axis=0))
            move[:size] -= move[:size].mean()
            total += (groups - 1) / groups * np.outer(move, move)
    cells = votes.voter * len(votes.prompts) + votes.prompt
    inverse = np.linalg.inv(fit.information)
    for cell in np.unique(cells):
        move = inverse @ scores[cells == cell].sum(axis=0)
        move[:size] -= move[:size].mean()
        by_cell += np.outer(move, move)
    lack = by_cell / 4 - (total - by_cell)
    values, vectors = np.linalg.eigh(lack)
    return total - by_cell + (vectors * np.maximum(values, 0)) @ vectors.T


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_two_way_jackknife_is_its_formula(draw, seed):
    # 3,000 votes in 21 x 22 cells: every cell holds several votes.
    frame = draw([0.8, 0.1, -0.9], votes=3000, seed=seed, voters=21, prompts=22, voter_sd=0.5, order=0.2)
    votes = tally_frame(frame)
    fit = davidson(votes)
    found = covariance(fit, votes)
    assert found.form == "two-way cluster jackknife over voters and prompts"
    assert found.degrees_of_freedom == pytest.approx(fewest_equal(votes) - 1)
    assert found.notes == ()
    assert found.matrix == pytest.approx(_naive_two_way(fit, votes), abs=1e-9)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(40, 120))
def test_leave_out_moves_are_their_formula_even_for_heavy_clusters(seed, groups, number):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "left": random.choice(["a", "b"], number),
            "right": random.choice(["c", "d"], number),
            "outcome": random.choice(["left", "right", "tie", "both_bad"], number),
            "voter": random.choice(
                groups, number, p=np.arange(1, groups + 1) / np.arange(1, groups + 1).sum()
            ),
            "prompt": "p",
        }
    )
    frame.loc[frame.index % 2 == 0, ["left", "right"]] = frame.loc[
        frame.index % 2 == 0, ["right", "left"]
    ].to_numpy()
    votes = tally_frame(frame)
    fit = davidson(votes)
    scores, information = _explicit(fit, votes)
    count = len(votes.voters)
    moves = leave_out_moves(fit, votes, votes.voter, count)
    for code in range(count):
        own = votes.voter == code
        rest = fit.information - information[own].sum(axis=0)
        expected = -fit.gauge @ np.linalg.solve(rest, scores[own].sum(axis=0))
        assert moves[code] == pytest.approx(expected, abs=1e-6 * max(1.0, np.abs(expected).max()))


def test_one_step_is_close_to_refitting_without_each_voter(draw):
    frame = draw([0.8, 0.2, -0.3, -0.7], votes=2500, seed=4, voters=25, voter_sd=0.5)
    votes = tally_frame(frame)
    fit = davidson(votes)
    moves = leave_out_moves(fit, votes, votes.voter, len(votes.voters))
    moves[:, :4] -= moves[:, :4].mean(axis=1, keepdims=True)
    refits = np.array(
        [_parameters(davidson(tally_frame(frame[frame["voter"] != name]))) for name in votes.voters]
    ) - _parameters(fit)
    assert moves == pytest.approx(refits, abs=0.1 * np.abs(refits).max())
    assert np.corrcoef(moves.ravel(), refits.ravel())[0, 1] > 0.999


def test_the_row_sandwich_is_its_formula(draw):
    votes = tally_frame(draw([0.8, 0.1, -0.9], votes=400, seed=5, order=0.3))
    fit = davidson(votes)
    scores, _ = _explicit(fit, votes)
    inverse = np.linalg.inv(fit.information)
    recentre = np.eye(5)
    recentre[:3, :3] -= 1 / 3
    expected = recentre @ inverse @ scores.T @ scores @ inverse @ recentre.T
    found = covariance(fit, votes, IntervalMethod.ROW_SANDWICH)
    assert found.matrix == pytest.approx(expected, abs=1e-10)
    assert "every vote for independent" in found.notes[0]


def test_the_two_system_row_interval_by_hand(ballots):
    # p = 0.75 of n = 400 decisive votes: the logit's standard error is 1 / sqrt(n p q) = 0.11547.
    rows = [("a", "b", "left")] * 3 + [("a", "b", "right")] + [("b", "a", "right")] * 3 + [("b", "a", "left")]
    rows *= 50
    found, _ = estimate(tally(ballots(rows)), estimator="bradley_terry", interval="row_sandwich")
    gap = found.difference("a", "b")
    assert gap.value == pytest.approx(190.85, abs=0.6)
    assert gap.high - gap.low == pytest.approx(2 * 1.959964 * 0.11547 * ELO_PER_LOGIT, rel=0.005)


def test_the_jackknife_of_four_voters_by_hand():
    # docs/methods.md works this through: a wins 10, 9, 7 and 4 of 10 votes of four voters (here times 100,
    # which leaves the moves as they are); p = 0.75, J = 3/4 x 21 / 5.625^2, standard error 0.7055 logits.
    rows = [
        ("a", "b", "left" if number < wins else "right", f"voter {wins}", "one prompt")
        for wins in (1000, 900, 700, 400)
        for number in range(1000)
    ]
    votes = tally_frame(pd.DataFrame(rows, columns=["left", "right", "outcome", "voter", "prompt"]))
    found = covariance(bradley_terry(votes), votes)
    error = np.sqrt(found.matrix[0, 0] + found.matrix[1, 1] - 2 * found.matrix[0, 1])
    assert error == pytest.approx(0.7055, abs=2e-3)
    assert error * ELO_PER_LOGIT == pytest.approx(122.6, abs=0.4)


def test_repeating_votes_within_voters_adds_no_certainty(draw):
    frame = draw([0.8, 0.0, -0.8], votes=1500, seed=6, voter_sd=0.8)
    once = tally_frame(frame)
    twice = tally_frame(pd.concat([frame, frame]))
    clustered = [np.diag(covariance(davidson(votes), votes).matrix)[:3] for votes in (once, twice)]
    by_row = [
        np.diag(covariance(davidson(votes), votes, IntervalMethod.ROW_SANDWICH).matrix)[:3]
        for votes in (once, twice)
    ]
    assert clustered[1] == pytest.approx(clustered[0], rel=0.05)
    assert by_row[1] == pytest.approx(by_row[0] / 2, rel=0.01)


def test_mirroring_the_screen_keeps_every_interval(draw, mirrored):
    frame = draw([0.8, 0.0, -0.8], votes=600, seed=7, order=0.3)
    straight, swapped = (tally_frame(table) for table in (frame, mirrored(frame)))
    one, other = (covariance(davidson(votes), votes).matrix for votes in (straight, swapped))
    assert np.diag(other) == pytest.approx(np.diag(one), rel=1e-6)


def test_strength_rows_sum_to_zero_and_the_matrix_is_semidefinite(crowd):
    matrix = covariance(davidson(crowd), crowd).matrix
    size = len(crowd.systems)
    assert np.abs(matrix[:size, :size].sum(axis=0)).max() < 1e-9
    assert np.linalg.eigvalsh(matrix).min() > -1e-12


def test_no_interval_shrinks_to_nothing_where_clusters_happen_to_cancel(ballots):
    # A strict pattern balances every voter and every prompt; each pair of them meets at most once.
    rows = [("a", "b", "left"), ("b", "a", "right"), ("b", "a", "left"), ("a", "b", "right")] * 143
    votes = tally(ballots(rows))
    fit = davidson(votes)
    found = covariance(fit, votes)
    by_row = covariance(fit, votes, IntervalMethod.ROW_SANDWICH)
    assert np.linalg.eigvalsh(4.0 * found.matrix - by_row.matrix).min() > -1e-12
    assert np.diag(found.matrix).min() > 0


def test_few_clusters_take_the_cautious_form_and_say_so(draw):
    votes = tally_frame(draw([0.8, 0.0, -0.8], votes=600, seed=8, voters=12))
    fit = davidson(votes)
    found = covariance(fit, votes)
    assert found.form.endswith("sum form")
    assert found.degrees_of_freedom == pytest.approx(fewest_equal(votes) - 1)
    assert 10 < found.degrees_of_freedom <= 11
    assert "Only 12 voters (20 are wanted)" in found.notes[0]
    own = np.linalg.inv(fit.information)
    recentre = np.eye(fit.parameters)
    recentre[:3, :3] -= 1 / 3
    assert np.linalg.eigvalsh(found.matrix - recentre @ own @ recentre.T).min() > -1e-12


@pytest.mark.parametrize(("kept", "missing"), [("prompt", "voter"), ("voter", "prompt")])
def test_with_one_voter_or_one_prompt_the_other_side_speaks_alone(draw, kept, missing):
    frame = draw([0.8, 0.0, -0.8], votes=600, seed=9).assign(**{missing: "the only one"})
    votes = tally_frame(frame)
    found = covariance(davidson(votes), votes)
    assert found.form == f"one-way cluster jackknife over {kept}s"
    assert f"There is one {missing} only" in found.notes[0]
    assert (np.diag(found.matrix)[:3] > 0).all()


def test_one_voter_on_one_prompt_is_refused_here_and_explained_on_the_board(draw):
    votes = tally_frame(draw([0.8, 0.0, -0.8], votes=60, seed=10).assign(voter="v", prompt="p"))
    with pytest.raises(RatingError, match="one voter on one prompt"):
        covariance(davidson(votes), votes)
    found, notes = estimate(votes)
    assert found.covariance.form.startswith("row sandwich")
    assert "say nothing about other voters or prompts" in notes[0]


def test_a_voter_who_alone_links_two_groups_is_named_as_a_danger(draw):
    frame = draw([0.5, -0.5], votes=200, seed=11)
    other = draw([0.5, -0.5], votes=200, seed=12).replace(
        {"system 00": "system 02", "system 01": "system 03"}
    )
    link = pd.DataFrame(
        {"left": ["system 00", "system 02"] * 3, "right": ["system 02", "system 00"] * 3}
        | {
            "outcome": ["left", "tie", "right"] * 2,
            "voter": "linker",
            "prompt": [f"prompt {i}" for i in range(6)],
        }
    )
    votes = tally_frame(pd.concat([frame, other, link]))
    assert [votes.voters[i] for i in holding_clusters(votes, votes.voter)] == ["linker"]
    assert holding_clusters(votes, votes.prompt).size == 0
    found = covariance(davidson(votes), votes)
    assert any("One voter alone holds the board together" in note for note in found.notes)
    assert np.isfinite(found.matrix).all()


def test_one_way_votes_are_noted_and_leave_a_wide_interval(draw, ballots):
    frame = draw([0.5, -0.5], votes=400, seed=13)
    wins = pd.DataFrame(
        {"left": ["champion", "system 00"] * 4, "right": ["system 01", "champion"] * 4}
        | {"outcome": ["left", "right"] * 4, "voter": [f"voter {i}" for i in range(8)], "prompt": "prompt 1"}
    )
    votes = tally_frame(pd.concat([frame, wins]))
    found, notes = estimate(votes)
    assert any(
        "no decisive votes went both ways: {system 00, system 01}; {champion}" in note for note in notes
    )
    rating = found.rating("champion")
    assert rating.high - rating.low > 500


@pytest.mark.parametrize(
    ("voter_sd", "prompt_sd", "seed"), [(0.0, 0.0, 1), (0.8, 0.8, 2), (0.8, 0.0, 3), (0.0, 0.8, 4)]
)
def test_intervals_cover_the_truth_where_row_intervals_do_not(draw, voter_sd, prompt_sd, seed):
    """60 boards; the truth is the value that a great many voters and prompts would give."""
    truth = np.array([0.6, 0.2, -0.2, -0.6])
    long_run = tally_frame(
        draw(truth, 200_000, 99, voters=4000, prompts=3000, voter_sd=voter_sd, prompt_sd=prompt_sd)
    )
    target = bradley_terry(long_run).strengths
    covered = {method: [] for method in IntervalMethod}
    for board in range(60):
        votes = tally_frame(
            draw(
                truth,
                1200,
                1000 * seed + board,
                voters=40,
                prompts=30,
                voter_sd=voter_sd,
                prompt_sd=prompt_sd,
            )
        )
        fit = bradley_terry(votes)
        for method in IntervalMethod:
            found = covariance(fit, votes, method)
            reach = found.quantile(0.95) * np.sqrt(np.diag(found.matrix)[:4])
            covered[method].append(np.abs(fit.strengths - target) <= reach)
    share = {method: np.mean(hits) for method, hits in covered.items()}
    assert share[IntervalMethod.TWO_WAY_JACKKNIFE] >= 0.90
    if voter_sd and prompt_sd:
        assert share[IntervalMethod.ROW_SANDWICH] <= 0.82


def test_on_real_video_votes_the_other_observers_lie_inside_the_clustered_interval(video_votes):
    """Halves of the observers against each other: row intervals are far too narrow, clustered ones hold."""
    random = np.random.default_rng(1)
    inside = {method: [] for method in IntervalMethod}
    rows = {name: getattr(video_votes, name) for name in ("left", "right", "outcome", "voter", "prompt")}
    frame = pd.DataFrame(rows).astype(str)
    frame["outcome"] = np.array(["left", "right"])[video_votes.outcome]
    for _ in range(12):
        half = set(random.permutation(len(video_votes.voters))[: len(video_votes.voters) // 2].astype(str))
        sides = [tally_frame(frame[frame["voter"].isin(half) == side]) for side in (True, False)]
        fits = [bradley_terry(votes) for votes in sides]
        for method in IntervalMethod:
            both = [covariance(fit, votes, method) for fit, votes in zip(fits, sides, strict=True)]
            error = np.sqrt(sum(np.diag(found.matrix) for found in both))
            gap = np.abs(fits[0].strengths - fits[1].strengths)
            inside[method].append(gap <= 1.96 * error)
    assert np.mean(inside[IntervalMethod.ROW_SANDWICH]) < 0.75
    assert np.mean(inside[IntervalMethod.TWO_WAY_JACKKNIFE]) > 0.90


def test_one_busy_voter_leaves_few_degrees_of_freedom_and_the_board_says_so(draw):
    frame = draw([0.5, 0.0, -0.5], votes=2000, seed=4, voters=40, prompts=60)
    frame.loc[:899, "voter"] = "the busy one"
    votes = tally_frame(frame)
    found = covariance(davidson(votes), votes)
    assert found.degrees_of_freedom == pytest.approx(fewest_equal(votes) - 1)
    assert found.degrees_of_freedom < 5
    assert any("A few voters have most of the votes: 41 voters" in note for note in found.notes)


@pytest.mark.parametrize("side", ["voter", "prompt"])
def test_a_one_way_jackknife_says_which_side_it_leaves_out(draw, side):
    votes = tally_frame(draw([0.8, 0.1, -0.9], votes=3000, seed=2, voters=25, prompts=30, voter_sd=0.5))
    fit = davidson(votes)
    found = covariance(fit, votes, IntervalMethod(f"{side}_jackknife"))
    codes, names = (votes.voter, votes.voters) if side == "voter" else (votes.prompt, votes.prompts)
    moves = leave_out_moves(fit, votes, codes, len(names))
    assert found.matrix == pytest.approx((len(names) - 1) / len(names) * moves.T @ moves, abs=1e-9)
    assert found.form == f"one-way cluster jackknife over {side}s"
    assert f"Intervals speak of other {side}s only" in found.notes[-1]
