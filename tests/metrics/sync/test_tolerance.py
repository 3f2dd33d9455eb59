"""The verdicts of ITU-R BT.1359 on lags, and on intervals that hold several."""

from __future__ import annotations

import pytest

from metrics.sync.tolerance import details, verdict, verdict_of, verdicts


@pytest.mark.parametrize(
    ("lag_s", "expected"),
    [(0.0, "unnoticed"), (-0.044, "unnoticed"), (-0.046, "noticed"), (0.124, "unnoticed"), (0.126, "noticed"),
     (-0.089, "noticed"), (-0.091, "unacceptable"), (0.184, "noticed"), (0.186, "unacceptable")],
)  # fmt: skip
def test_early_sound_is_noticed_sooner_than_late_sound(lag_s: float, expected: str) -> None:
    assert verdict(lag_s) == expected
    assert verdicts((lag_s, lag_s)) == (expected,)


@pytest.mark.parametrize(
    ("interval_s", "expected"),
    [((-0.03, 0.1), ("unnoticed",)), ((-0.045, 0.125), ("unnoticed",)),
     ((-0.05, 0.0), ("unnoticed", "noticed")), ((0.13, 0.18), ("noticed",)),
     ((0.13, 0.19), ("noticed", "unacceptable")),
     ((-0.1, 0.0), ("unnoticed", "noticed", "unacceptable")), ((0.2, 0.5), ("unacceptable",)),
     ((-0.5, 0.5), ("unnoticed", "noticed", "unacceptable")), ((-0.5, -0.09), ("unacceptable",))],
)  # fmt: skip
def test_an_interval_across_a_bound_is_open_between_its_sides(
    interval_s: tuple[float, float], expected: tuple[str, ...]
) -> None:
    assert verdicts(interval_s) == expected
    assert verdict_of(interval_s) == (expected[0] if len(expected) == 1 else "open")


def test_details_list_the_verdicts_only_where_they_are_several() -> None:
    assert details((0.0, 0.1)) == {"verdict": "unnoticed"}
    assert details((0.1, 0.15)) == {"verdict": "open", "verdicts": ["unnoticed", "noticed"]}
