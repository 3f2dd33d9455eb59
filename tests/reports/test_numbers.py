"""How numbers are written."""

from __future__ import annotations

import pytest

from evalharness.reports import numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0.000"),
        (0.0412, "0.0412"),
        (0.00123, "0.001230"),
        (-0.5, "−0.500"),
        (1.234, "1.23"),
        (-21.34, "−21.3"),
        (480.0, "480"),
        (1.2e-7, "1.20e−07"),
        (2.5e8, "2.50e+08"),
    ],
)
def test_figures(value, written):
    assert numbers.figure(value) == written


def test_ranks_and_spans():
    assert numbers.ranks(2, 2) == "2"
    assert numbers.ranks(1, 4) == "1–4"
    assert numbers.span(-12.4, 88.6) == "−12 to 89"


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (0.25, "0.25 s"), (21.46, "21.5 s"), (119.0, "119.0 s"), (150.0, "2.5 min")],
)
def test_seconds(value, written):
    assert numbers.seconds(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(None, "–"), (0.0, "$0.00"), (0.0123, "$0.0123"), (12.5, "$12.50")]
)
def test_dollars(value, written):
    assert numbers.dollars(value) == written


def test_counts_agree_with_their_noun():
    assert numbers.many(1, "vote") == "1 vote"
    assert numbers.many(1200, "vote") == "1,200 votes"
