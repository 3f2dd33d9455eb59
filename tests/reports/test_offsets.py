"""Lags clip by clip: quantiles are numpy's, the words are those of the plot, and only lags are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.reports import Meaning, MetricRow
from evalharness.reports.offsets import offset_rows, offset_sentence, offsets_svg
from evalharness.reports.tables import quantiles

MEANINGS = {
    "sync.offset_s": Meaning("zero", "av_sync"),
    "sync.jitter_s": Meaning("lower", "av_sync"),
    "pitch.error_s": Meaning("zero", "motion"),
}


def row(system: str, metric: str, values: list[float]) -> MetricRow:
    mean = float(np.mean(values)) if values else None
    return MetricRow(
        system, metric, "1", "s", mean, None, len(values), {}, {}, 0, quantiles=quantiles(values)
    )


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_quantiles_are_those_of_numpy(values: list[float]) -> None:
    found = quantiles(values)
    assert found is not None
    assert found == pytest.approx(tuple(np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])), abs=1e-6)


def test_without_a_value_there_are_none() -> None:
    assert quantiles([]) is None


def test_lags_alone_are_drawn_and_said_with_their_sign() -> None:
    rows = [
        row("amber", "sync.offset_s", [0.1, 0.12, 0.14]),
        row("birch", "sync.offset_s", [-0.03, 0.0, 0.03]),
        row("cedar", "sync.offset_s", []),
        row("amber", "sync.jitter_s", [0.1]),
        row("amber", "pitch.error_s", [0.1]),
    ]
    ((metric, shown),) = offset_rows(rows, MEANINGS)
    assert metric == "sync.offset_s"
    assert [each.system for each in shown] == ["amber", "birch"]
    sentence = offset_sentence(shown)
    assert sentence.startswith(
        "amber: median +120 ms, nine of ten from +102 ms to +138 ms (3 clips); birch: median"
    )
    assert "from −27 ms to +27 ms" in sentence
    for compact in (False, True):
        svg = offsets_svg(shown, compact=compact)
        assert ">amber<" in svg
        assert ">birch<" in svg
