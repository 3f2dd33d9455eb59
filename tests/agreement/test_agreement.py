"""Agreement of metrics with voters, held against loops, other libraries and votes whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalharness.agreement import VOTE_COLUMNS, ClipId, agreement_of
from evalharness.agreement.combining import combine
from evalharness.agreement.joining import Slice, oriented
from evalharness.agreement.pairwise import accuracy, among_voters
from evalharness.agreement.systems import Strengths
from evalharness.ratings import leaderboard, tally_frame
from evalharness.ratings.shares import clustered
from evalharness.reports import Meaning

SYSTEMS = ("amber", "birch", "cedar", "dune")
MIRROR = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}


def crowd(
    seed: int, *, voters: int = 30, prompts: int = 12, each: int = 20, noise: float = 1.0
) -> tuple[pd.DataFrame, dict[ClipId, float]]:
    """Votes on clips of known quality: whoever votes prefers the better clip, by a logistic of the gap."""
    rng = np.random.default_rng(seed)
    quality: dict[ClipId, float] = {
        (system, f"p{prompt:02d}", 1): 0.7 * strength + rng.normal()
        for strength, system in enumerate(SYSTEMS)
        for prompt in range(prompts)
    }
    rows = []
    for voter in range(voters):
        for _ in range(each):
            left, right = rng.choice(SYSTEMS, 2, replace=False)
            prompt = f"p{rng.integers(prompts):02d}"
            gap = quality[left, prompt, 1] - quality[right, prompt, 1]
            wins = rng.random() < 1 / (1 + np.exp(-gap / noise))
            outcome = "tie" if rng.random() < 0.15 else "left" if wins else "right"
            rows.append(
                ("text-to-video", "overall", f"v{voter}", prompt, str(left), str(right), 1, 1, outcome)
            )
    return pd.DataFrame(rows, columns=list(VOTE_COLUMNS)), quality


def mirrored(votes: pd.DataFrame) -> pd.DataFrame:
    return votes.assign(
        left=votes["right"],
        right=votes["left"],
        left_seed=votes["right_seed"],
        right_seed=votes["left_seed"],
        outcome=votes["outcome"].map(MIRROR),
    )


def asked(votes: pd.DataFrame, measured: Mapping[ClipId, float]) -> tuple[Slice, np.ndarray]:
    here = Slice.of(votes)
    return here, here.gaps(here.values(measured))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), missing=st.floats(0, 0.6), coarse=st.booleans())
def test_accuracy_is_what_a_loop_counts(seed: int, missing: float, coarse: bool) -> None:
    votes, quality = crowd(seed, voters=3, prompts=3, each=8)
    rng = np.random.default_rng(seed)
    values = {
        clip: float(round(value) if coarse else value)
        for clip, value in quality.items()
        if rng.random() >= missing
    }
    right, total = 0.0, 0
    for row in votes.itertuples():
        left, other = values.get((row.left, row.prompt, 1)), values.get((row.right, row.prompt, 1))
        if left is None or other is None or row.outcome not in ("left", "right"):
            continue
        total += 1
        right += 0.5 if left == other else float((left > other) == (row.outcome == "left"))
    found = accuracy(*asked(votes, values))
    assert (found is None) == (total == 0)
    if found is not None:
        assert found.n == total
        assert found.value == pytest.approx(right / total)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_agreement_among_voters_is_what_a_loop_over_pairs_of_votes_counts(seed: int) -> None:
    votes, _ = crowd(seed, voters=6, prompts=2, each=8)
    votes = votes[votes["outcome"] != "tie"]
    clips = [frozenset(((r.left, r.prompt), (r.right, r.prompt))) for r in votes.itertuples()]
    won = [r.left if r.outcome == "left" else r.right for r in votes.itertuples()]
    of_vote: dict[int, list[float]] = {}
    for i, j in permutations(range(len(clips)), 2):
        if clips[i] == clips[j]:
            of_vote.setdefault(i, []).append(float(won[i] == won[j]))
    found = among_voters(Slice.of(votes))
    assert found is not None
    assert found.n == len(of_vote)
    assert found.value == pytest.approx(np.mean([np.mean(each) for each in of_vote.values()]))


def test_intervals_cover_where_voters_and_prompts_differ() -> None:
    """Each voter and each prompt has a share of its own; intervals that took votes for independent missed."""
    rng, covered, naive, runs = np.random.default_rng(3), 0, 0, 300
    for _ in range(runs):
        voter, prompt = (codes.ravel() for codes in np.meshgrid(np.arange(20), np.arange(15)))
        chance = 0.6 + rng.normal(0, 0.1, 20)[voter] + rng.normal(0, 0.1, 15)[prompt]
        agrees = (rng.random(300) < chance.clip(0, 1)).astype(float)
        found = clustered(agrees, voter, prompt)
        covered += found.low <= 0.6 <= found.high
        reach = 1.96 * agrees.std() / np.sqrt(300)
        naive += abs(agrees.mean() - 0.6) <= reach
    assert covered / runs >= 0.92
    assert naive / runs < 0.85


def test_one_voter_or_one_prompt_says_nothing_of_others() -> None:
    found = clustered(np.ones(9), np.zeros(9, dtype=int), np.arange(9))
    assert (found.value, found.low, found.high) == (1.0, 0.0, 1.0)


def test_exchanging_sides_changes_nothing() -> None:
    votes, quality = crowd(5)
    values = {"a.b": quality, "c.d": {clip: -(value**2) for clip, value in quality.items()}}
    meanings = {"a.b": Meaning("higher"), "c.d": Meaning("higher")}
    one, other = (agreement_of(each, values, meanings) for each in (votes, mirrored(votes)))
    for here, there in zip(one.rows, other.rows, strict=True):
        assert here.accuracy.value == pytest.approx(there.accuracy.value)
        assert here.accuracy.low == pytest.approx(there.accuracy.low)
        assert here.kendall == there.kendall
    assert one.people[0].agree is not None
    assert one.people[0].agree.value == pytest.approx(other.people[0].agree.value)  # type: ignore[union-attr]
    assert one.combined[0].accuracy.value == pytest.approx(other.combined[0].accuracy.value)


def test_directions_say_which_way_is_better() -> None:
    values = np.array([-0.3, 0.1, 0.2])
    assert np.argmax(oriented(values, "higher")) == 2
    assert np.argmax(oriented(values, "lower")) == 0
    assert np.argmax(oriented(values, "zero")) == 1
    with pytest.raises(ValueError, match="prefers no clip"):
        oriented(values, "none")


def test_correlations_are_scipys_of_the_boards_ratings_with_pandas_means() -> None:
    votes, quality = crowd(11)
    found = Strengths(Slice.of(votes)).correlations(Slice.of(votes).values(quality))
    board = leaderboard(tally_frame(votes[["left", "right", "outcome", "voter", "prompt"]]))
    means = pd.Series(quality).groupby(level=0).mean()
    ratings = {row.system: row.rating for row in board.ratings}
    both = [(ratings[name], means[name]) for name in SYSTEMS]
    assert found is not None
    assert found[0].value == pytest.approx(stats.kendalltau(*zip(*both, strict=True)).statistic)
    assert found[1].value == pytest.approx(stats.spearmanr(*zip(*both, strict=True)).statistic)
    assert found[0].systems == 4
    assert -1 <= found[0].low <= found[0].value <= found[0].high <= 1


def test_two_halves_of_the_truth_together_foretell_more_than_either() -> None:
    votes, quality = crowd(7, voters=60, prompts=30, noise=0.4)
    rng = np.random.default_rng(1)
    half = {clip: rng.normal() for clip in quality}
    here = Slice.of(votes)
    gaps = {
        "half.one": here.gaps(here.values({clip: value / 2 + half[clip] for clip, value in quality.items()})),
        "half.two": here.gaps(here.values({clip: value / 2 - half[clip] for clip, value in quality.items()})),
    }
    found = combine(here, gaps)
    assert found is not None
    assert found.accuracy.value > found.best_accuracy.value + 0.05
    assert found.weights[0] == pytest.approx(found.weights[1], rel=0.2)


def test_noise_foretells_nothing_however_much_of_it_there_is() -> None:
    """The best of forty quantities of noise looks good on the votes it was chosen with, and on no others."""
    best, together, single = [], [], []
    for seed in range(6):
        votes, quality = crowd(100 + seed, prompts=10)
        rng, here = np.random.default_rng(seed), Slice.of(votes)
        gaps = {
            f"noise.{n}": here.gaps(here.values({clip: rng.normal() for clip in quality})) for n in range(40)
        }
        best.append(max(found.value for gap in gaps.values() if (found := accuracy(here, gap))))
        found = combine(here, gaps)
        assert found is not None
        together.append(found.accuracy.value)
        single.append(found.best_accuracy.value)
    assert np.mean(best) > 0.6
    assert np.mean(together) == pytest.approx(0.5, abs=0.05)
    assert np.mean(single) == pytest.approx(0.5, abs=0.06)


def test_the_table_lists_what_can_say_something_and_combines_what_passed_its_gates() -> None:
    votes, quality = crowd(17)
    values = {
        "good.q": quality,
        "sign.q": {clip: -value for clip, value in quality.items()},
        "still.q": dict.fromkeys(quality, 1.0),
        "rare.q": dict([*quality.items()][:1]),
        "file.q": quality,
        "broken.q": quality,
    }
    meanings = {
        "good.q": Meaning("higher", "overall"),
        "sign.q": Meaning("lower", "motion"),
        "still.q": Meaning("higher"),
        "rare.q": Meaning("higher"),
        "file.q": Meaning("none"),
        "broken.q": Meaning("higher"),
    }
    found = agreement_of(votes, values, meanings, failed_gates=frozenset({"broken.q"}))
    assert [row.metric for row in found.rows] == ["broken.q", "good.q", "sign.q"]
    assert len({row.accuracy for row in found.rows}) == 1
    assert [row.metric for row in found.rows if row.speaks] == ["good.q"]
    assert [row.metric for row in found.rows if row.failed_gate] == ["broken.q"]
    assert set(found.combined[0].metrics) == {"good.q", "sign.q"}
    undecided = int((votes["outcome"] == "tie").sum())
    assert (found.people[0].votes, found.people[0].undecided) == (len(votes), undecided)


def test_without_votes_there_is_nothing() -> None:
    assert agreement_of(pd.DataFrame([], columns=list(VOTE_COLUMNS)), {}, {}).rows == ()
