"""Habits of single voters: by hand, against scipy and naive counting, and false alarms of honest crowds."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalharness.errors import RatingError
from evalharness.ratings import Tally, tally_frame
from evalharness.ratings.anomalies import Anomaly, anomalies
from evalharness.ratings.simulate import simulate

Row = tuple[str, str, str, str, str]
ANSWERS = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.integers(0, 3), st.integers(0, 1), st.integers(0, 1)
)
KINDS = ("repeated", "run", "one_side", "ties", "both_bad", "haste")


def written(rows: list[Row]) -> Tally:
    return tally_frame(pd.DataFrame(rows, columns=["left", "right", "outcome", "voter", "prompt"]))


def of_kind(records: tuple[Anomaly, ...], kind: str) -> list[Anomaly]:
    return [record for record in records if record.kind == kind]


def honest_crowd(seed: int, **habits: float) -> Tally:
    return simulate(np.linspace(-1, 1, 10), votes=6_000, seed=seed, voters=100, both_bad=0.3, **habits)


def with_odd_voter(answers: list[str], votes: Tally) -> Tally:
    """An honest crowd and "odd", who gives these answers to pairs and prompts of its own."""
    labels = np.array(["left", "right", "tie", "both_bad"])
    names = np.array(votes.systems)
    rows = list(
        zip(
            names[votes.left],
            names[votes.right],
            labels[votes.outcome],
            np.array(votes.voters)[votes.voter],
            np.array(votes.prompts)[votes.prompt],
            strict=True,
        )
    )
    pairs = itertools.cycle(itertools.permutations(votes.systems, 2))
    odd = [
        (*pair, answer, "odd", f"odd {i}")
        for i, (answer, pair) in enumerate(zip(answers, pairs, strict=False))
    ]
    return written([*rows, *odd])


def test_honest_crowds_raise_hardly_any_alarm() -> None:
    """At level 0.05 some honest voter is named, in each tested kind, on about 1 board of 20 at most."""
    named = dict.fromkeys(KINDS, 0)
    for seed in range(40):
        for kind in {r.kind for r in anomalies(honest_crowd(seed, voter_spread=0.6), level=0.05)}:
            named[kind] += 1
    for kind in ("run", "one_side", "ties", "both_bad"):
        assert stats.binom.sf(named[kind] - 1, 40, 0.05) > 0.01, (kind, named[kind])


def test_repeats_and_changed_verdicts_are_counted() -> None:
    rows: list[Row] = [
        ("a", "b", "left", "v", "p"),
        ("b", "a", "right", "v", "p"),  # a again, on the other side: the same verdict
        ("a", "b", "right", "v", "p"),  # b now: changed
        ("a", "b", "left", "v", "q"),  # another prompt
        ("a", "c", "tie", "v", "p"),
        ("a", "c", "both_bad", "v", "p"),  # a tie is not a both-bad: changed
        ("a", "b", "left", "w", "p"),
        ("b", "c", "left", "w", "p"),
    ]
    (record,) = of_kind(anomalies(written(rows)), "repeated")
    assert record.voter == "v"
    assert record.figures == {"repeats": 3.0, "changed": 2.0}
    assert record.p is None
    assert record.sentence == (
        "v answered the same pair on the same prompt again (3 times); verdicts that changed: 2."
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(ANSWERS, min_size=4, max_size=40))
def test_repeats_equal_a_naive_count(raw: list[tuple[int, int, int, int, int]]) -> None:
    answers = ["left", "right", "tie", "both_bad"]
    rows: list[Row] = [
        (f"s{a}", f"s{(a + 1 + b % 2) % 3}", answers[o], f"v{v}", f"p{p}") for a, b, o, v, p in raw
    ]
    rows += [("s0", "s1", "left", "x", "own"), ("s1", "s2", "left", "x", "own")]
    seen: dict[tuple[str, str, frozenset[str]], str] = {}
    naive: dict[str, list[int]] = {}
    for left, right, answer, voter, prompt in rows:
        verdict = {"left": left, "right": right}.get(answer, answer)
        battle = (voter, prompt, frozenset((left, right)))
        if battle in seen:
            counted = naive.setdefault(voter, [0, 0])
            counted[0] += 1
            counted[1] += verdict != seen[battle]
        seen[battle] = verdict
    found = {
        record.voter: [int(record.figures["repeats"]), int(record.figures["changed"])]
        for record in of_kind(anomalies(written(rows)), "repeated")
    }
    assert found == naive


def test_a_run_by_hand_and_by_shuffling() -> None:
    """The documented example: 12 left in a row, then 8 right. Windows of 12 left: 9 x 12! 8! / 20!."""
    votes = with_odd_voter(["left"] * 12 + ["right"] * 8, honest_crowd(1))
    records = {record.voter: record for record in of_kind(anomalies(votes, level=0.05), "run")}
    expected = 9 * (1 / 125_970) * len(votes.voters)
    assert records["odd"].figures == {"longest": 12.0, "votes": 20.0}
    assert records["odd"].p == pytest.approx(expected)
    assert "pressed 'left' 12 times in a row" in records["odd"].sentence
    random = np.random.default_rng(2)
    answers = np.repeat([0, 1], [6, 4])
    hits = sum(
        max(len(list(run)) for key, run in itertools.groupby(random.permutation(answers)) if key == 0) >= 6
        for _ in range(20_000)
    )
    assert hits / 20_000 == pytest.approx(5 / 210, abs=0.004)


def test_one_side_is_the_exact_binomial_test() -> None:
    votes = with_odd_voter((["left"] * 9 + ["right"]) * 6, honest_crowd(3))
    (record,) = of_kind(anomalies(votes), "one_side")
    mine = votes.voter == votes.voters.index("odd")
    left = int((votes.outcome[~mine] == 0).sum())
    decisive = int((votes.outcome[~mine] < 2).sum())
    share = (left + 1) / (decisive + 2)
    exact = 2 * stats.binomtest(54, 60, share, alternative="greater").pvalue
    assert record.voter == "odd"
    assert record.p == pytest.approx(exact * len(votes.voters))
    assert record.figures == {"left": 54.0, "decisive": 60.0, "others": pytest.approx(share)}


@pytest.mark.parametrize(("answer", "kind"), [("tie", "ties"), ("both_bad", "both_bad")])
def test_too_many_ties_and_both_bad(answer: str, kind: str) -> None:
    votes = with_odd_voter([answer] * 60, honest_crowd(4))
    records = of_kind(anomalies(votes), kind)
    assert [record.voter for record in records] == ["odd"]
    assert "60 of 60 votes" in records[0].sentence
    assert not [r for r in of_kind(anomalies(votes), "run") if r.voter == "odd"]


def test_where_tying_differs_between_voters_a_habit_is_no_anomaly() -> None:
    """Voters who tie in 10 % to 90 % of their votes: 90 % is then nothing to point at."""
    random = np.random.default_rng(6)
    rows: list[Row] = []
    for voter, rate in enumerate(np.linspace(0.1, 0.9, 30)):
        for vote in range(40):
            answer = "tie" if random.random() < rate else random.choice(["left", "right"])
            rows.append(("a", "b", str(answer), f"v{voter:02d}", f"p{vote}"))
            rows[-1] = rows[-1] if vote % 2 else ("b", "a", *rows[-1][2:])
    assert of_kind(anomalies(written(rows)), "ties") == []


def test_haste_by_clip_and_by_the_others() -> None:
    votes = honest_crowd(7)
    random = np.random.default_rng(7)
    seconds = np.exp(random.normal(np.log(12.0), 0.4, votes.votes))
    clips = np.full(votes.votes, 5.0)
    hasty, busy = votes.voters[3], votes.voters[8]
    seconds[votes.voter == 3] = 1.5
    seconds[votes.voter == 8] = np.where(np.arange((votes.voter == 8).sum()) % 3, 12.0, 4.0)
    found = {r.voter: r for r in of_kind(anomalies(votes, seconds=seconds, clip_seconds=clips), "haste")}
    assert set(found) == {hasty, busy}
    assert found[hasty].figures["median_s"] == pytest.approx(1.5)
    assert found[hasty].figures["under_clip"] == 1.0
    assert found[hasty].figures["z"] < -3.5
    assert found[busy].figures["under_clip"] == pytest.approx(1 / 3, abs=0.05)
    only_times = of_kind(anomalies(votes, seconds=seconds), "haste")
    assert [r.voter for r in only_times] == [hasty]


def test_median_times_agree_with_numpy() -> None:
    votes = honest_crowd(9)
    seconds = np.random.default_rng(9).uniform(1, 30, votes.votes)
    seconds[::7] = np.nan
    clips = np.full(votes.votes, 40.0)
    for record in of_kind(anomalies(votes, seconds=seconds, clip_seconds=clips), "haste"):
        own = seconds[votes.voter == votes.voters.index(record.voter)]
        middle = np.exp(np.nanmedian(np.log(own)))
        assert record.figures["median_s"] == pytest.approx(middle)
        assert record.figures["under_clip"] == 1.0


@pytest.mark.parametrize(
    ("times", "match"),
    [
        (lambda n: {"seconds": np.ones(n - 1)}, "one positive number a vote"),
        (lambda n: {"seconds": np.zeros(n)}, "numbers of 0 or less"),
        (lambda n: {"clip_seconds": np.ones(n)}, "give both"),
        (lambda n: {"level": 0.0}, "between 0 and 1"),
    ],
)
def test_odd_input_is_refused_in_a_sentence(times: Callable[[int], dict[str, object]], match: str) -> None:
    votes = honest_crowd(1)
    with pytest.raises(RatingError, match=match):
        anomalies(votes, **times(votes.votes))  # type: ignore[arg-type]  # a choice of keywords


def test_real_video_votes_hold_repeats(video_votes: Tally) -> None:
    repeated = of_kind(anomalies(video_votes), "repeated")
    assert sum(record.figures["repeats"] for record in repeated) > 0
    assert len({record.voter for record in repeated}) == len(repeated)
