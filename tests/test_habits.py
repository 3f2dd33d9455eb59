"""How votes were cast: shares a loop counts, and voters whose habits are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.habits import HABIT_COLUMNS, habits_of

ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(["left", "right", "tie", "both_bad"]),
        st.sampled_from(["left", "right", "none", None]),
        st.one_of(st.none(), st.floats(0, 100)),
    ),
    min_size=1,
    max_size=30,
)


def votes(rows: list[tuple[str, str | None, float | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("audio-sync", "overall", f"v{n % 4}", f"p{n % 3}", outcome, heard, None, answer, 1.0, 0.9)
            for n, (outcome, heard, answer) in enumerate(rows)
        ],
        columns=list(HABIT_COLUMNS),
    )


@settings(max_examples=80, deadline=None)
@given(ANSWERS)
def test_shares_are_what_a_loop_counts(rows: list[tuple[str, str | None, float | None]]) -> None:
    (found,) = habits_of(votes(rows))
    sides = [(outcome, heard) for outcome, heard, _ in rows if outcome in ("left", "right")]
    assert (found.votes, found.decided) == (len(rows), len(sides))
    assert (found.left is None) == (not sides)
    if found.left is not None:
        assert found.left.value == pytest.approx(np.mean([outcome == "left" for outcome, _ in sides]))
    told = [outcome == heard for outcome, heard in sides if heard in ("left", "right")]
    assert (found.first_heard is None) == (not told)
    if found.first_heard is not None:
        assert found.first_heard.value == pytest.approx(np.mean(told))
    assert found.first_seen is None
    known = [answer for *_, answer in rows if answer is not None]
    assert (found.answer_s is None) == (not known)
    if found.answer_s is not None:
        assert found.answer_s[2] == pytest.approx(np.median(known))
    assert found.seen == pytest.approx((0.9,) * 5)


def test_a_bias_to_the_left_is_seen_and_none_is_not() -> None:
    rng = np.random.default_rng(1)
    for chance, biased in ((0.5, False), (0.7, True)):
        rows = [("left" if rng.random() < chance else "right", None, None) for _ in range(600)]
        found = habits_of(votes(rows))[0].left
        assert found is not None
        assert (found.low > 0.5) == biased
        assert found.low < chance < found.high


def test_other_questions_are_not_counted_again() -> None:
    twice = pd.concat(
        [votes([("left", None, 2.0)] * 5), votes([("left", None, 2.0)] * 5).assign(question="motion")]
    )
    assert habits_of(twice)[0].votes == 5
