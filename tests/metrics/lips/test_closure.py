"""Mouths made of numbers, whose figures can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.stats import binomtest, spearmanr

from metrics.lips.closure import (
    Line,
    Mouth,
    agreement,
    best_shift_s,
    closure_rate,
    contrast,
    mouth_of,
)
from metrics.lips.visemes import EXPECTED, Viseme

FPS = 50.0


def babble(errors: tuple[int, ...] = (), late_s: float = 0.0) -> tuple[Mouth, Line]:
    """Twelve times "ma" with a pause of its own after each; `errors`: which closures are not made.

    The words are `late_s` later than the lips.
    """
    rng = np.random.default_rng(3)
    starts = 0.5 + np.cumsum(rng.uniform(0.3, 0.5, 12))
    times = np.arange(0, starts[-1] + 1.0, 1 / FPS)
    aperture = np.full(len(times), 0.08)
    visemes: list[Viseme] = []
    spans: list[tuple[float, float]] = []
    for number, start in enumerate(starts):
        if number not in errors:
            aperture[(times >= start - 0.001) & (times <= start + 0.081)] = 0.002
        visemes += [Viseme.BILABIAL, Viseme.OPEN]
        spans += [(start, start + 0.08), (start + 0.1, start + 0.24)]
    still = np.full(len(times), 0.4)
    mouth = Mouth(times, aperture, still, still)
    return mouth, Line(tuple(visemes), np.array(spans) + late_s)


def mesh(gap: NDArray[np.float64], scale: float = 100.0) -> NDArray[np.float64]:
    """Only the points a mouth is read from, at a face of width 1."""
    points = np.zeros((len(gap), 468, 3))
    points[:, 234] = [-0.5, 0, 0.3]
    points[:, 454] = [0.5, 0, 0.3]
    points[:, 10] = [0, -0.6, 0]
    points[:, 152] = [0, 0.6, 0]
    points[:, 13, 1], points[:, 14, 1] = 0.3, 0.3 + gap
    points[:, 78], points[:, 308] = [-0.15, 0.3, 0], [0.15, 0.3, 0]
    points[:, 0, 2] = points[:, 17, 2] = -0.2
    return points * scale


def test_every_closure_made_is_one_and_every_third_left_out_is_two_thirds() -> None:
    whole = closure_rate(*babble())
    part = closure_rate(*babble(errors=(0, 3, 6, 9)))
    assert whole is not None
    assert part is not None
    assert (whole.value, whole.n) == (1.0, 12)
    assert part.value == pytest.approx(8 / 12)


def test_the_interval_is_wilsons() -> None:
    found = closure_rate(*babble(errors=(0, 3, 6, 9)))
    judge = binomtest(8, 12).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((judge.low, judge.high), abs=1e-6)


def test_words_moved_away_fall_to_chance() -> None:
    mouth, line = babble()
    here, away = closure_rate(mouth, line), closure_rate(mouth, line.shifted(0.15))
    assert here is not None
    assert away is not None
    assert here.chance < 0.6
    assert away.value < here.chance + 0.1


def test_chance_is_what_a_loop_over_shifts_counts() -> None:
    mouth, line = babble(errors=(2,))
    start, end = line.times_s[0, 0], line.times_s[-1, 1]
    shut: list[bool] = []
    steps = int((end - start - 0.6) / 0.02 + 1e-6) + 1
    for step in range(steps):
        for a, b in line.closures_s:
            middle, half = (a + b) / 2, (b - a) / 2
            moved = start + (middle - start + 0.3 + 0.02 * step) % (end - start)
            near = (mouth.times_s >= moved - half - 0.04) & (mouth.times_s <= moved + half + 0.04)
            if near.any():
                shut.append(mouth.aperture[near].min() < 0.1 * 0.2)
    found = closure_rate(mouth, line)
    assert found is not None
    assert found.chance == pytest.approx(np.mean(shut), abs=0.01)


@pytest.mark.parametrize(("gap", "rate"), [(0.0, 1.0), (0.08, 0.0)])
def test_a_mouth_that_does_not_move_gains_nothing(gap: float, rate: float) -> None:
    mouth, line = babble()
    still = Mouth(mouth.times_s, np.full(len(mouth.times_s), gap), mouth.width, mouth.protrusion)
    found = closure_rate(still, line)
    assert found is not None
    assert found.value == found.chance == rate
    assert agreement(still, line) is None
    assert best_shift_s(still, line) is None


def test_contrast_is_the_whole_swing_here_and_falls_with_errors() -> None:
    whole, part = contrast(*babble()), contrast(*babble(errors=(0, 3, 6, 9)))
    assert whole is not None
    assert part is not None
    assert whole.value == pytest.approx(1.0)
    assert part.value == pytest.approx(8 / 12)
    assert part.low < part.value < part.high
    assert abs(whole.chance) < 0.6


def test_agreement_is_spearmans() -> None:
    rng = np.random.default_rng(1)
    visemes = tuple(rng.choice(list(EXPECTED), 40))
    edges = 0.5 + 0.1 * np.arange(41)
    line = Line(visemes, np.column_stack([edges[:-1], edges[1:]]))
    times = np.arange(0, 5, 0.01)
    curves = rng.uniform(0, 0.1, (3, len(times)))
    mouth = Mouth(times, *curves)
    middles = line.times_s.mean(axis=1)
    for measure, curve in zip(("aperture", "width", "protrusion"), curves, strict=True):
        ranks = [getattr(EXPECTED[viseme], measure) for viseme in visemes]
        judge = spearmanr(ranks, np.interp(middles, times, curve)).statistic
        found = agreement(mouth, line, measure)
        assert found is not None
        assert found.value == pytest.approx(judge, abs=1e-9)
        assert found.low <= found.value <= found.high
        assert abs(found.chance) < 0.15


def test_an_unknown_measure_is_an_error() -> None:
    with pytest.raises(ValueError, match="no depth"):
        agreement(*babble(), "depth")


@pytest.mark.parametrize("late_s", [-0.2, -0.06, 0.0, 0.1, 0.24])
def test_the_best_shift_says_how_late_the_words_are(late_s: float) -> None:
    found = best_shift_s(*babble(late_s=late_s))
    assert found is not None
    assert abs(found - late_s) <= 0.08


def test_neighbouring_bilabials_are_one_closure() -> None:
    spans = np.array([[0.0, 0.1], [0.1, 0.2], [0.3, 0.4], [0.4, 0.5]])
    line = Line((Viseme.BILABIAL, Viseme.BILABIAL, Viseme.OPEN, Viseme.BILABIAL), spans)
    assert line.closures_s.tolist() == [[0.0, 0.2], [0.4, 0.5]]


def test_unseen_closures_are_not_counted() -> None:
    mouth, line = babble()
    hidden = (mouth.times_s < line.times_s[0, 0] - 0.1) | (mouth.times_s > line.times_s[1, 1])
    rest = Mouth(mouth.times_s[hidden], mouth.aperture[hidden], mouth.width[hidden], mouth.protrusion[hidden])
    found = closure_rate(rest, line)
    assert found is not None
    assert found.n == 11


def test_two_closures_are_too_few() -> None:
    mouth, line = babble()
    short = Line(line.visemes[:4], line.times_s[:4])
    assert closure_rate(mouth, short) is None
    assert contrast(mouth, short) is None


def test_a_mouth_is_the_same_whatever_its_size_place_and_turn_in_the_picture() -> None:
    gap = np.array([0.0, 0.05, 0.1, 0.2])
    times = np.arange(4) / 25
    plain = mouth_of(mesh(gap), times)
    turn = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    other = mouth_of(mesh(gap, 37.0) @ turn.T + [300, 200, 5], times)
    assert plain.aperture == pytest.approx(gap)
    assert plain.width == pytest.approx(np.full(4, 0.3))
    assert plain.protrusion == pytest.approx(np.full(4, 0.35))
    for mine, theirs in ((plain.aperture, other.aperture), (plain.width, other.width)):
        assert theirs == pytest.approx(mine)
    aside = Rotation.from_euler("y", 40, degrees=True).as_matrix()
    assert mouth_of(mesh(gap) @ aside.T, times).aperture == pytest.approx(gap)


def test_pictures_without_the_face_are_left_out() -> None:
    points = mesh(np.array([0.0, 0.05, 0.1]))
    points[1] = np.nan
    found = mouth_of(points, np.arange(3) / 25)
    assert found.times_s.tolist() == [0.0, 0.08]
    with pytest.raises(ValueError, match="no picture"):
        mouth_of(np.full((2, 468, 3), np.nan), np.arange(2) / 25)
