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
