"""One score a voter: against a twin that lives through the votes, and the law that makes peeking safe."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.errors import RatingError
from evalharness.ratings.closed_scores import Ties, Unit, closed_scores
from evalharness.ratings.tally import Tally, tally_frame

VOTES = st.lists(
    st.tuples(
        st.sampled_from(["A B", "B A", "A C", "C B"]),
        st.sampled_from(["left", "right", "tie", "both_bad"]),
        st.integers(0, 4),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=60,
)


def _tally(rows) -> Tally:
    """Rows of (pair, outcome, voter, prompt); a last vote brings in every name, and is cut off again."""
    frame = pd.DataFrame(
        {
            "left": [row[0][0] for row in rows],
            "right": [row[0][2] for row in rows],
            "outcome": [row[1] for row in rows],
            "voter": [f"voter {row[2]}" for row in rows],
            "prompt": [f"prompt {row[3]}" for row in rows],
        }
    )
    return tally_frame(frame)


def _lived_through(rows, *, ties, k, silence, by_voter=True) -> list[tuple[float, int]]:
    """(score, row) in the order of closing, as somebody would keep the books during the study."""
    books: dict[int, list[float]] = {}
    last_seen: dict[int, int] = {}
    closed: set[int] = set()
    scores = []
    for number, (pair, outcome, voter, prompt) in enumerate(rows):
        unit = voter if by_voter else prompt
        last_seen[unit] = number
        if pair in ("A B", "B A") and unit not in closed:
            left_wins = {"left": 1.0, "right": 0.0}.get(outcome)
            if left_wins is None and ties is Ties.HALF:
                books.setdefault(unit, []).append(0.5)
            elif left_wins is not None:
                books.setdefault(unit, []).append(left_wins if pair == "A B" else 1.0 - left_wins)
            if len(books.get(unit, [])) == k:
                closed.add(unit)
                scores.append((float(np.mean(books[unit])), number))
        for other in sorted(books, key=last_seen.__getitem__):
            if by_voter and other not in closed and number - last_seen[other] == silence:
                closed.add(other)
                scores.append((float(np.mean(books[other])), number))
    return scores


@settings(max_examples=40)
@given(VOTES, st.sampled_from(Ties), st.integers(1, 4), st.integers(1, 8), st.booleans())
def test_scores_close_as_if_the_books_were_kept_during_the_study(rows, ties, k, silence, by_voter):
    rows = [("A B", "left", 0, 0), *rows]
    unit = Unit.VOTER if by_voter else Unit.PROMPT
    found = closed_scores(_tally(rows), 0, 1, unit=unit, ties=ties, votes_per_score=k, silence=silence)
    expected = _lived_through(rows, ties=ties, k=k, silence=silence, by_voter=by_voter)
    assert list(found.rows) == [row for _, row in expected]
    order = np.lexsort((found.values, found.rows))  # several may close with one vote
    assert found.values[order] == pytest.approx([score for _, score in sorted((b, a) for a, b in expected)])
    pair = [row for row in rows if row[0] in ("A B", "B A")]
    counted = pair if ties is Ties.HALF else [row for row in pair if row[1] in ("left", "right")]
    assert found.met == len(pair)
    assert found.votes + found.open_votes + found.late == len(counted)


@settings(max_examples=40)
@given(VOTES, st.integers(1, 4), st.integers(1, 8), st.integers(1, 60))
def test_a_score_once_closed_never_changes(rows, k, silence, cut):
    rows = [("A B", "left", 0, 0), *rows]
    cut = min(cut, len(rows))
    whole = closed_scores(_tally(rows), 0, 1, votes_per_score=k, silence=silence)
    early = closed_scores(_tally(rows[:cut]), 0, 1, votes_per_score=k, silence=silence)
    assert list(early.values) == list(whole.values[: len(early.values)])
    assert list(early.rows) == list(whole.rows[: len(early.rows)])
    assert (whole.rows[len(early.rows) :] >= cut).all()


@settings(max_examples=20)
@given(VOTES)
def test_swapping_the_systems_mirrors_the_scores(rows):
    rows = [("A B", "left", 0, 0), *rows]
    votes = _tally(rows)
    forward, backward = (closed_scores(votes, *pair, silence=3) for pair in ((0, 1), (1, 0)))
    assert forward.values == pytest.approx(1.0 - backward.values)


def test_by_hand():
    # Ann votes twice for A, Bob ties, Ann votes for B, Cleo votes three times elsewhere.
    rows = [
        ("A B", "left", 0, 0),
        ("B A", "right", 0, 1),
        ("A B", "tie", 1, 0),
        ("A B", "right", 0, 2),
        ("A C", "left", 2, 0),
        ("A C", "left", 2, 1),
        ("A C", "left", 2, 2),
    ]
    votes = _tally(rows)
    found = closed_scores(votes, 0, 1, silence=3)
    assert found.values == pytest.approx([0.5, 2 / 3])  # Bob falls silent at row 5, Ann at row 6
    assert list(found.rows) == [5, 6]
    assert closed_scores(votes, 0, 1, votes_per_score=1).values == pytest.approx([1.0, 0.5])
    assert closed_scores(votes, 0, 1, votes_per_score=1).late == 2
    waiting = closed_scores(votes, 0, 1)
    assert (len(waiting.values), waiting.open, waiting.open_votes) == (0, 2, 4)
    assert closed_scores(votes, 0, 1, ended=True).values == pytest.approx([2 / 3, 0.5])
    assert closed_scores(votes, 0, 1, ended=True, ties=Ties.DROP).values == pytest.approx([2 / 3])
    assert closed_scores(votes, 0, 1, unit=Unit.VOTE).values == pytest.approx([1.0, 1.0, 0.5, 0.0])
    by_prompt = closed_scores(votes, 0, 1, unit=Unit.PROMPT, votes_per_score=9, ended=True)
    assert by_prompt.values == pytest.approx([0.75, 1.0, 0.0])


def test_an_impossible_rule_is_refused():
    with pytest.raises(RatingError, match="at least 1 vote and a silence of at least 1; found 0 and 50"):
        closed_scores(_tally([("A B", "left", 0, 0)]), 0, 1, votes_per_score=0)
