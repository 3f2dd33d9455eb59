"""Gaps and the win rates they imply: figures known from elsewhere, laws, and the words."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.errors import RatingError
from evalharness.ratings import Interval, bradley_terry, davidson, scale, tally_frame
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.scale import Gap, ShareOf, gap_of, implied_win_rate


def test_docs_methods_by_hand() -> None:
    # docs/methods.md: 10^(106 / 400) = 1.841, so 1.841 / 2.841 = 0.648.
    odds = 10 ** (106 / 400)
    assert odds == pytest.approx(1.841, abs=5e-4)
    assert implied_win_rate(106) == pytest.approx(1.841 / 2.841, abs=1e-4)


@pytest.mark.parametrize(
    ("gap", "rate"),  # the table of expected scores in chess handbooks, two digits
    [(0, 0.50), (50, 0.57), (100, 0.64), (200, 0.76), (400, 0.91), (800, 0.99)],
)
def test_agrees_with_the_published_table(gap: float, rate: float) -> None:
    assert implied_win_rate(gap) == pytest.approx(rate, abs=0.005)
    assert implied_win_rate(-gap) == pytest.approx(1 - rate, abs=0.005)


@given(st.floats(-3000, 3000))
def test_gap_of_undoes_implied_win_rate_and_the_other_side_has_the_rest(gap: float) -> None:
    assert gap_of(implied_win_rate(gap)) == pytest.approx(gap, abs=1e-6)
    assert implied_win_rate(-gap) == pytest.approx(1 - implied_win_rate(gap), abs=1e-12)


def test_arrays_keep_their_shape() -> None:
    gaps = np.array([[106.0, 17.0], [-14.0, 0.0]])
    rates = implied_win_rate(gaps)
    assert np.shape(rates) == (2, 2)
    assert gap_of(rates) == pytest.approx(gaps)
    assert isinstance(implied_win_rate(17), float)


def test_the_rate_is_of_the_votes_it_names() -> None:
    """60 : 20 with 40 ties: Davidson's gap implies 60 of the 80 decisive, Bradley-Terry's 80 of all 120."""
    sides = [("a", "b", "left", 30), ("b", "a", "right", 30), ("a", "b", "right", 10), ("b", "a", "left", 10)]
    ties = [("a", "b", "tie", 20), ("b", "a", "tie", 20)]
    rows = [(left, right, outcome) for left, right, outcome, n in sides + ties for _ in range(50 * n)]
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome"])
    votes = tally_frame(frame.assign(voter=np.arange(len(frame)) % 30, prompt=np.arange(len(frame)) % 25))
    for fit, of, share in (
        (davidson(votes), ShareOf.DECISIVE, 60 / 80),
        (bradley_terry(votes), ShareOf.HALF_TIES, 80 / 120),
    ):
        gap = Gap(ELO_PER_LOGIT * float(fit.strengths[0] - fit.strengths[1]), of)
        assert gap.win_rate.value == pytest.approx(share, abs=1e-3)


def test_every_gap_says_of_which_votes() -> None:
    assert str(Gap(17)) == "+17 Elo: wins 52.4 % of decisive votes"
    assert str(Gap(-14, ShareOf.HALF_TIES)) == "-14 Elo: scores 48.0 % in wins plus half the ties"
    assert str(Gap(-0.2)) == "+0 Elo: wins 50.0 % of decisive votes"
    assert str(Gap(Interval(-93, -107, -79))) == (
        "-93 Elo (-107 to -79): wins 36.9 % (35.1 to 38.8 %) of decisive votes"
    )


def test_an_interval_travels_whole() -> None:
    rate = Gap(Interval(106, 96, 116)).win_rate
    assert (rate.low, rate.value, rate.high) == pytest.approx(
        tuple(1 / (1 + 10 ** (-gap / 400)) for gap in (96, 106, 116))
    )


def test_docstring_examples() -> None:
    assert doctest.testmod(scale).failed == 0


@pytest.mark.parametrize("rate", [0.0, 1.0, 64.8, -0.1, float("nan"), [0.5, 1.0]])
def test_rates_that_no_gap_implies_are_refused(rate: object) -> None:
    with pytest.raises(RatingError, match="between 0 and 1"):
        gap_of(rate)  # type: ignore[call-overload]  # the wrong values are the point


@pytest.mark.parametrize("elo", [float("nan"), float("inf"), Interval(5.0, 6.0, 7.0)])
def test_gaps_that_are_none_are_refused(elo: float | Interval) -> None:
    with pytest.raises(RatingError, match="finite and lie within"):
        Gap(elo)


def test_not_a_number_implies_nothing() -> None:
    with pytest.raises(RatingError, match="not a number"):
        implied_win_rate([0.0, float("nan")])
