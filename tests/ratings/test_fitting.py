"""The front door: a table, a tally or ballots in, an estimate out, without a study."""

import numpy as np
import pandas as pd
import pytest

from evalharness.errors import RatingError
from evalharness.ratings import estimate, fit, simulate, tally_frame


@pytest.fixture
def frame(draw):
    return draw([0.8, 0.1, -0.9], votes=2000, seed=3, voters=30, prompts=40)


def test_a_table_and_its_tally_give_the_same_board(frame):
    board, (same, notes) = fit(frame), estimate(tally_frame(frame))
    assert board.notes == same.notes == notes
    pd.testing.assert_frame_equal(board.table(), same.table())
    table = board.table()
    assert list(table.columns) == ["system", "rating", "low", "high", "win_rate"]
    assert table["rating"].is_monotonic_decreasing
    first = table["system"][0]
    assert table["rating"][0] == board.rating(first).value


def test_columns_are_named_and_labels_translated(frame):
    foreign = frame.rename(columns={"left": "model_a", "right": "model_b", "voter": "worker"})
    foreign["outcome"] = foreign["outcome"].map({"left": "A", "right": "B", "tie": "="})
    board = fit(
        foreign,
        left="model_a",
        right="model_b",
        voter="worker",
        outcomes={"A": "left", "B": "right", "=": "tie"},
    )
    pd.testing.assert_frame_equal(board.table(), fit(frame).table())


def test_unknown_sides_fit_no_order_effect_and_say_so(frame):
    board = fit(frame, sides=False)
    assert board.order_effect() is None
    assert any("not known which side" in note for note in board.notes)


def test_votes_without_voters_are_jackknifed_over_prompts_with_a_caveat(frame):
    board = fit(frame.drop(columns="voter"), voter=None)
    assert board.covariance.form == "one-way cluster jackknife over prompts"
    assert any("do not say who cast them" in note for note in board.notes)


def test_votes_without_voters_and_prompts_take_rows_for_independent_with_both_caveats(frame):
    board = fit(frame[["left", "right", "outcome"]], voter=None, prompt=None)
    assert board.covariance.form.startswith("row sandwich")
    assert not any("one voter on one prompt" in note for note in board.notes)
    assert sum("too narrow" in note for note in board.notes) == 2


def test_covariates_are_columns_or_arrays(frame):
    frame["louder"] = np.random.default_rng(1).normal(size=len(frame))
    named = fit(frame, covariates=["louder"])
    given = fit(tally_frame(frame), covariates={"louder": frame["louder"].to_numpy()})
    assert named.effect("louder") == given.effect("louder")
    with pytest.raises(RatingError, match="has no column loudness to control for"):
        fit(frame, covariates=["loudness"])
    with pytest.raises(RatingError, match="Give them as arrays"):
        fit(tally_frame(frame), covariates=["louder"])
    with pytest.raises(RatingError, match="'count' was given"):
        fit(frame.assign(n=1), count="n", covariates=["louder"])


def test_the_four_way_table_shows_acceptable_rates():
    board = fit(simulate([0.8, 0.0, -0.8], votes=3000, seed=2, both_bad=0.5), estimator="four_way")
    table = board.table()
    assert table["acceptable"].between(0, 1).all()
    assert table["acceptable"].is_monotonic_decreasing


def two(left, right, ties, bad=0):
    """Two systems, sides alternating, every vote by a voter of its own, 40 prompts."""
    outcome = ["left"] * left + ["right"] * right + ["tie"] * ties + ["both_bad"] * bad
    rows = [
        ("a", "b", word) if row % 2 else ("b", "a", {"left": "right", "right": "left"}.get(word, word))
        for row, word in enumerate(outcome)
    ]
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome"])
    frame["voter"], frame["prompt"] = range(len(rows)), [row % 40 for row in range(len(rows))]
    return frame


@pytest.mark.parametrize("estimator", ["davidson", "four_way"])
@pytest.mark.parametrize("shares", [(30, 0, 20), (1, 0, 599), (1, 0, 0, 599)])
def test_draws_bound_no_distance_and_the_board_says_so(shares, estimator):
    board = fit(two(*shares), estimator=estimator)
    gap = board.difference("a", "b")
    assert gap.high - gap.low > 900
    assert any("no decisive votes went both ways" in note for note in board.notes)


def test_half_wins_are_bounded_by_draws():
    board = fit(two(1, 0, 599), estimator="bradley_terry")
    gap = board.difference("a", "b")
    assert abs(gap.value) < 5
    assert not any("both ways" in note for note in board.notes)


def test_a_system_without_a_decisive_vote_is_named(frame):
    lost = pd.DataFrame({"left": "s", "right": frame["right"], "outcome": "both_bad"})
    lost["voter"], lost["prompt"] = frame["voter"], frame["prompt"]
    board = fit(pd.concat([frame, lost], ignore_index=True))
    assert any("No vote for or against s was decisive" in note for note in board.notes)


def test_a_number_that_became_a_float_is_still_the_same_name(frame):
    codes = {name: number for number, name in enumerate(sorted(set(frame["left"])))}
    numbered = frame.assign(left=frame["left"].map(codes), right=frame["right"].map(codes).astype(float))
    assert fit(numbered).fit.systems == ("0", "1", "2")


def test_names_that_differ_in_spaces_or_case_alone_are_pointed_out(frame):
    name = frame["left"][0]
    frame.loc[:99, "left"] = frame["left"][:100].where(frame["left"][:100] != name, f" {name.upper()}")
    assert any("differ only in spaces, case or Unicode form" in note for note in fit(frame).notes)


def test_a_path_a_list_and_odd_cells_get_an_answer(frame, tmp_path):
    frame.to_csv(tmp_path / "votes.csv", index=False)
    pd.testing.assert_frame_equal(fit(tmp_path / "votes.csv").table(), fit(frame).table())
    with pytest.raises(RatingError, match="found dict instead"):
        fit(frame.to_dict("records"))
    with pytest.raises(RatingError, match="voter would name columns"):
        fit(tally_frame(frame), voter="prompt")
    with pytest.raises(RatingError, match="holds lists"):
        fit(frame.assign(prompt=[["a turn"]] * len(frame)))
    with pytest.raises(RatingError, match="write covariates=\\['loud'\\]"):
        fit(frame, covariates="loud")
    with pytest.raises(RatingError, match="more than one column called voter"):
        fit(pd.concat([frame, frame[["voter"]]], axis=1))
    with pytest.raises(RatingError, match="fake certainty"):
        fit(frame.assign(n=10**9), count="n")


def test_labels_may_be_numbers(frame):
    coded = frame.assign(outcome=frame["outcome"].map({"left": 1, "right": 2, "tie": 0}))
    board = fit(coded, outcomes={1: "left", 2: "right", 0: "tie"})
    pd.testing.assert_frame_equal(board.table(), fit(frame).table())
