"""Ratings by slice of time, and boards that were published: simulated truth, explicit fits, laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings import Tally, davidson, estimate, tally_frame
from evalharness.ratings.estimate import ELO_PER_LOGIT, Interval
from evalharness.ratings.over_time import (
    before_and_since,
    calendar_slices,
    equal_slices,
    over_time,
)
from evalharness.ratings.published import Departure, Verdict, departures
from evalharness.ratings.simulate import simulate

TRUTH = np.array([0.5, 0.1, -0.1, -0.5])
NAMES = simulate(TRUTH, votes=100, seed=0).systems


def two_times(first: np.ndarray, second: np.ndarray, votes: int, seed: int) -> Tally:
    """Simulated votes, half at one set of strengths, then half at another, by the same names."""
    early, late = (
        simulate(truth, votes=votes // 2, seed=seed + part, voters=60, activity=0.0, voter_spread=0.2)
        for part, truth in enumerate((first, second))
    )
    assert early.voters == late.voters
    assert early.prompts == late.prompts
    joined = {
        name: np.concatenate([getattr(early, name), getattr(late, name)])
        for name in ("left", "right", "outcome", "voter", "prompt")
    }
    return replace(early, **joined).where(np.arange(votes))


FALL = np.array([-90.0, 0.0, 0.0, 0.0]) / ELO_PER_LOGIT


def test_a_fall_shows_in_one_line_only_and_on_the_scale_of_the_board() -> None:
    votes = two_times(TRUTH, TRUTH + FALL, 24_000, seed=5)
    found = over_time(votes, equal_slices(votes, 4))
    line = [row.rating.value for row in found.of(NAMES[0]) if row.rating]
    assert line[1] - line[2] == pytest.approx(90, abs=20)
    assert abs(line[0] - line[1]) < 20
    assert abs(line[2] - line[3]) < 20
    all_time = estimate(votes)[0]
    for system in NAMES:
        values = [row.rating.value for row in found.of(system) if row.rating]
        assert np.mean(values) == pytest.approx(all_time.rating(system).value, abs=6)
    # A fall of one by 90 is a rise of each other by 30 against the mean of their three opponents' all time.
    steady = [row.rating for row in found.of(NAMES[3])]
    assert all(row is not None and row.low < row.value < row.high for row in steady)
    assert "each at one strength for all time" in found.gauge


def test_one_slice_is_the_board() -> None:
    votes = simulate(TRUTH, votes=4_000, seed=1)
    board = estimate(votes, anchor=1200.0)[0]
    for row in over_time(votes, equal_slices(votes, 1), anchor=1200.0).ratings:
        assert row.rating is not None
        assert row.rating.value == pytest.approx(board.rating(row.system).value, abs=1e-6)


def test_a_line_is_the_explicit_fit_with_the_system_renamed_by_slice() -> None:
    votes = simulate(TRUTH, votes=3_000, seed=2)
    frame = pd.DataFrame(
        {
            "left": np.array(votes.systems)[votes.left],
            "right": np.array(votes.systems)[votes.right],
            "outcome": np.array(["left", "right", "tie", "both_bad"])[votes.outcome],
            "voter": votes.voter,
            "prompt": votes.prompt,
        }
    )
    late = np.arange(3_000) >= 1_500
    for side in ("left", "right"):
        own = frame[side] == NAMES[1]
        frame.loc[own, side] = np.where(late[own], "B late", "B early")
    fit = davidson(tally_frame(frame))
    strength = dict(zip(fit.systems, fit.strengths, strict=True))
    whole = davidson(votes).strengths
    others = [name for name in NAMES if name != NAMES[1]]
    gauge = np.mean([whole[NAMES.index(o)] for o in others]) - np.mean([strength[o] for o in others])
    line = over_time(votes, equal_slices(votes, 2), systems=[NAMES[1]], estimator="davidson").ratings
    for row, name in zip(line, ("B early", "B late"), strict=True):
        assert row.rating is not None
        assert row.rating.value == pytest.approx(1000 + ELO_PER_LOGIT * (strength[name] + gauge), abs=1e-6)


def test_slice_intervals_cover_what_is_steady() -> None:
    """Of 10 boards x 4 systems x 3 slices, about 5 % of intervals miss the board's own long-run rating."""
    missed = total = 0
    for seed in range(10):
        votes = simulate(TRUTH, votes=3_000, seed=seed, voters=60, prompts=40, activity=0.0)
        for row in over_time(votes, equal_slices(votes, 3)).ratings:
            assert row.rating is not None
            truth = 1000 + ELO_PER_LOGIT * TRUTH[NAMES.index(row.system)]
            missed += not row.rating.low <= truth <= row.rating.high
            total += 1
    assert 0.0 <= missed / total <= 0.12


def test_thin_slices_are_said() -> None:
    votes = simulate(TRUTH, votes=600, seed=3, exposure=[1, 1, 1, 0.02])
    found = over_time(votes, equal_slices(votes, 6), least=30)
    thin = found.of(NAMES[3])
    assert [row.rating for row in thin] == [None] * 6
    assert sum(row.votes for row in thin) == int(((votes.left == 3) | (votes.right == 3)).sum())
    assert all(row.rating is not None for row in found.of(NAMES[0]))


def test_a_system_that_alone_links_the_others_over_time_has_no_line() -> None:
    rows = [("hub", "a", "left"), ("a", "hub", "left"), ("hub", "a", "right")] * 20
    rows += [("hub", "b", "left"), ("b", "hub", "left"), ("hub", "b", "right")] * 20
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome"])
    votes = tally_frame(frame.assign(voter=np.arange(120) % 30, prompt=np.arange(120) % 24))
    found = over_time(votes, equal_slices(votes, 2))
    assert all(row.rating is None for row in found.of("hub"))
    assert any(note.startswith("hub has no line") for note in found.notes)


def test_calendar_slices() -> None:
    votes = simulate(TRUTH, votes=4, seed=1)
    times = np.array(["2026-04-05T23:59:59", "2026-04-06", "2026-04-30", "2026-06-01"], dtype="datetime64[s]")
    months = calendar_slices(votes, times, "month")
    assert months.labels == ("2026-04", "2026-05", "2026-06")
    assert months.of_vote.tolist() == [0, 0, 0, 2]
    weeks = calendar_slices(votes, times.astype(np.int64), "week")  # 6 April 2026 is a Monday
    assert weeks.labels[:2] == ("week of 2026-03-30", "week of 2026-04-06")
    assert weeks.of_vote.tolist() == [0, 1, 4, 9]
    days = calendar_slices(votes, times, "day")
    assert days.of_vote.tolist() == [0, 1, 25, 57]
    assert days.labels[57] == "2026-06-01"


def test_equal_slices_follow_the_times_where_there_are_some() -> None:
    votes = simulate(TRUTH, votes=6, seed=1)
    days = np.array([3, 1, 2, 6, 5, 4]) * 86_400.0
    found = equal_slices(votes, 3, times=days)
    assert found.of_vote.tolist() == [1, 0, 0, 2, 2, 1]
    assert found.labels[0] == "1: 1970-01-02 to 1970-01-03"
    assert equal_slices(votes, 2).labels == ("votes 1 to 3", "votes 4 to 6")


def test_before_and_since() -> None:
    votes = two_times(TRUTH, TRUTH + FALL, 12_000, seed=9)
    moved = before_and_since(votes, NAMES[0], 6_000)
    assert moved.value == pytest.approx(-90, abs=25)
    assert moved.low < moved.value < moved.high < -40
    steady = simulate(TRUTH, votes=6_000, seed=9)
    same = before_and_since(steady, NAMES[1], 3_000)
    assert same.low < 0 < same.high


def test_a_board_that_no_longer_holds_says_so() -> None:
    before, after = simulate(TRUTH, votes=12_000, seed=1), simulate(TRUTH + FALL, votes=12_000, seed=2)
    board = estimate(before)[0]
    published = {name: board.rating(name) for name in board.fit.systems}
    found = departures(after, published)
    fallen = found[0]
    assert fallen.verdict is Verdict.LEFT
    assert fallen.since.value - fallen.published.value == pytest.approx(-90, abs=25)
    assert "has left its published interval and stands below it" in fallen.banner
    again = departures(simulate(TRUTH, votes=12_000, seed=3), published)
    assert Verdict.LEFT not in [row.verdict for row in again]


def test_the_three_verdicts() -> None:
    def verdict(value: float, low: float, high: float) -> Departure:
        return Departure("x", Interval(100, 90, 110), Interval(value, low, high), 7)

    assert verdict(105, 80, 130).verdict is Verdict.HOLDS
    assert verdict(105, 80, 130).banner == ""
    assert verdict(115, 105, 125).banner == (
        "x was published at 100 (90 to 110); the 7 votes about it since say 115 (105 to 125): outside what "
        "was published, though not surely."
    )
    assert verdict(130, 111, 149).banner.endswith("it has left its published interval and stands above it.")


def test_what_cannot_be_sliced_is_refused() -> None:
    votes = simulate(TRUTH, votes=50, seed=1)
    with pytest.raises(RatingError, match="50 votes cannot be cut into 51 slices"):
        equal_slices(votes, 51)
    with pytest.raises(UnknownNameError, match="found 'year'"):
        calendar_slices(votes, np.zeros(50), "year")
    with pytest.raises(RatingError, match="times of shape \\(3,\\)"):
        calendar_slices(votes, [1, 2, 3], "day")
    with pytest.raises(RatingError, match="have no time"):
        calendar_slices(votes, np.full(50, np.nan), "day")
    with pytest.raises(RatingError, match="have no time"):
        calendar_slices(votes, np.full(50, np.datetime64("NaT")), "day")
    with pytest.raises(UnknownNameError, match="no votes about nobody"):
        over_time(votes, equal_slices(votes, 1), systems=["nobody"])
    with pytest.raises(RatingError, match="both sides need some"):
        before_and_since(votes, NAMES[0], 0)
    with pytest.raises(RatingError, match="Of the 1 published systems 0 have votes"):
        departures(votes, {"gone": Interval(1, 0, 2)})
