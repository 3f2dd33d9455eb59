"""Slices and pooling: by hand, against a board's own intervals, laws, simulated truth, real votes."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings import ELO_PER_LOGIT, covariance, davidson, estimate, tally
from evalharness.ratings.pooling import Joint, Part, deviation_factors, errors_of, joint_errors, pool
from evalharness.ratings.simulate import simulate
from evalharness.ratings.slices import slices, slices_of
from evalharness.records import Category, Prompt, Question, Task

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "slices.py"


def _part(errors: np.ndarray, gap: float, factor: float = 1.0) -> Part:
    """Two systems, the first above the second by `gap` in the slice."""
    return Part(np.array([0, 1]), np.array([gap / 2, -gap / 2]), Joint(errors, errors, 40), factor)


def test_pooling_by_hand():
    # The slice sees a gap of 1.0 with error variance 0.18; the whole one of 0.2, exactly. With tau 0.3 the
    # gap's deviation has variance 2 x 0.09 = 0.18, so the slice's votes weigh half: gap 0.6, variance 0.09.
    errors = np.zeros((4, 4))
    errors[:2, :2] = 0.18 / 4 * np.array([[1, -1], [-1, 1]])
    spread, (found,) = pool(np.array([0.1, -0.1]), [_part(errors, gap=1.0)], tau=0.3)
    assert found.strengths @ [1, -1] == pytest.approx(0.6, abs=1e-6)
    assert [1, -1] @ found.covariance @ [1, -1] == pytest.approx(0.09, abs=1e-6)
    assert found.weight == pytest.approx([0.5, 0.5], abs=1e-6)
    assert (spread.value, spread.low, spread.high) == (0.3, 0.3, 0.3)


def test_a_slice_that_is_a_third_and_a_sixth_of_the_votes():
    # h = (1 - w)^2 + the squares of the others: (2/3)^2 + (1/2)^2 + (1/6)^2 for w = 1/3.
    factors = deviation_factors(np.array([1 / 2, 1 / 3, 1 / 6]))
    assert factors[1] == pytest.approx((2 / 3) ** 2 + (1 / 2) ** 2 + (1 / 6) ** 2)
    assert deviation_factors(np.array([1.0])) == pytest.approx([0.0])


@pytest.fixture(scope="module")
def study():
    """Votes on 6 systems by 40 voters with tastes over 60 prompts, in three slices of 2:3:5 prompts."""
    votes = simulate(
        np.linspace(0.7, -0.7, 6), votes=2400, seed=3, voters=40, prompts=60, voter_spread=0.4, both_bad=0.2
    )
    label = {
        name: ("thin", "middle", "middle", "wide", "wide")[i % 5] for i, name in enumerate(votes.prompts)
    }
    return votes, label


def test_joint_errors_of_a_board_with_itself_are_its_own_intervals(study):
    votes, _ = study
    fit = davidson(votes)
    at = errors_of(fit, votes)
    own = covariance(fit, votes).matrix[:6, :6]
    joint = joint_errors(at, at).errors
    for block in (joint[:6, :6], joint[:6, 6:], joint[6:, 6:]):
        np.testing.assert_allclose(block, own, atol=1e-10)


def test_errors_are_shared_by_voters_and_prompts_and_by_nothing_else(study):
    votes, _ = study
    voters, prompts = votes.voter < 20, votes.prompt < 30
    apart = [votes.where(rows, compact=True) for rows in (voters & prompts, ~voters & ~prompts)]
    fits = [davidson(part) for part in apart]
    first, second = (errors_of(fit, part) for fit, part in zip(fits, apart, strict=True))
    joint = joint_errors(first, second).errors
    np.testing.assert_allclose(joint[:6, 6:], 0.0, atol=1e-12)
    for block, fit, part in zip((joint[:6, :6], joint[6:, 6:]), fits, apart, strict=True):
        own = covariance(fit, part).matrix[:6, :6]  # raised to X / 4 by itself, not jointly
        np.testing.assert_allclose(np.sqrt(np.diag(block)), np.sqrt(np.diag(own)), rtol=0.1)
    same_people = votes.where(voters & ~prompts, compact=True)
    shared = joint_errors(first, errors_of(davidson(same_people), same_people)).errors[:6, 6:]
    # Voters' tastes are what both fits have in common, so errors on one system go together.
    assert np.trace(shared) > 0.1 * np.trace(joint[:6, :6])


def test_without_spread_every_slice_is_the_whole_and_with_endless_spread_itself(study):
    votes, label = study
    fit = davidson(votes)
    part = votes.where([label[votes.prompts[code]] == "thin" for code in votes.prompt], compact=True)
    own = davidson(part)
    joint = joint_errors(errors_of(own, part), errors_of(fit, votes))
    view = Part(np.arange(6), own.strengths, joint, 1.0)
    _, (alike,) = pool(fit.strengths, [view], tau=0.0)
    np.testing.assert_array_equal(alike.strengths, fit.strengths)
    np.testing.assert_allclose(alike.covariance, joint.errors[6:, 6:], atol=1e-12)
    np.testing.assert_array_equal(alike.weight, 0.0)
    _, (apart,) = pool(fit.strengths, [view], tau=1e4)
    np.testing.assert_allclose(apart.strengths, own.strengths, atol=1e-6)
    np.testing.assert_allclose(apart.covariance, joint.errors[:6, :6], atol=1e-5)
    np.testing.assert_allclose(apart.weight, 1.0, atol=1e-6)


def test_every_slice_shows_its_own_and_pooled_ratings_with_votes(study):
    votes, label = study
    found = slices(votes, label, family="kind")
    assert found.family == "kind"
    assert list(found.rated) == ["middle", "thin", "wide"]
    assert not found.refused
    assert found.spread is not None
    assert found.spread.low < 10.0, "these slices are alike"
    thin = found.rated["thin"]
    assert thin.votes.votes == sum(label[votes.prompts[code]] == "thin" for code in votes.prompt)
    alone, _ = estimate(thin.votes)
    for row in thin.ratings:
        assert row.own == alone.rating(row.system)
        low, high = sorted([row.own.value, found.whole.rating(row.system).value])
        assert low - 1.0 <= row.pooled.value <= high + 1.0
        assert row.pooled.high - row.pooled.low < row.own.high - row.own.low
        assert 0.0 < row.weight < 1.0
    assert sum(row.votes for row in thin.ratings) == 2 * thin.votes.votes
    assert [row.pooled.value for row in thin.ratings] == sorted(
        (row.pooled.value for row in thin.ratings), reverse=True
    )


def test_labels_by_vote_and_by_prompt_say_the_same(study):
    votes, label = study
    by_prompt = slices(votes, label)
    by_vote = slices(votes, [label[votes.prompts[code]] for code in votes.prompt])
    for name, one in by_prompt.rated.items():
        assert one.ratings == by_vote.rated[name].ratings


def test_a_system_without_votes_in_a_slice_has_the_whole_rating_and_a_wider_interval(study):
    votes, label = study
    gone = [
        label[votes.prompts[code]] == "thin" and 5 in (left, right)
        for code, left, right in zip(votes.prompt, votes.left, votes.right, strict=True)
    ]
    votes = votes.where(~np.array(gone))
    found = slices(votes, label)
    (row,) = [row for row in found.rated["thin"].ratings if row.system == votes.systems[5]]
    assert (row.votes, row.own, row.weight) == (0, None, 0.0)
    whole = found.whole.rating(row.system)
    assert row.pooled.value == pytest.approx(whole.value)
    assert row.pooled.high - row.pooled.low > whole.high - whole.low
    others = [row for row in found.rated["thin"].ratings if row.votes]
    own, at_whole = (
        np.mean([row.own.value for row in others]),
        [found.whole.rating(r.system) for r in others],
    )
    assert own == pytest.approx(np.mean([rating.value for rating in at_whole])), "one scale for all rows"


def test_one_slice_of_everything_is_the_whole(study):
    votes, _ = study
    found = slices(votes, ["all"] * votes.votes)
    assert found.spread is None
    for row in found.rated["all"].ratings:
        whole = found.whole.rating(row.system)
        assert row.own.value == pytest.approx(whole.value)
        assert [row.pooled.value, row.pooled.low, row.pooled.high] == pytest.approx(
            [whole.value, whole.low, whole.high], abs=1.0
        )


def test_several_labels_count_in_each_and_none_in_no_slice(study):
    votes, label = study
    tags = {name: {"thin": ("x", "y"), "middle": ("y",), "wide": ()}[kind] for name, kind in label.items()}
    found = slices(votes, tags)
    kinds = [label[votes.prompts[code]] for code in votes.prompt]
    assert {name: one.votes.votes for name, one in found.rated.items()} == {
        "x": kinds.count("thin"),
        "y": kinds.count("thin") + kinds.count("middle"),
    }


def test_a_slice_that_cannot_be_rated_is_a_sentence(study):
    votes, label = study
    first = votes.prompts[0]
    lone = np.flatnonzero(votes.prompt == 0)[:2]
    votes = votes.where(np.concatenate([lone, np.flatnonzero(votes.prompt != 0)]))
    found = slices(votes, {**label, first: "lone"})
    assert "lone" not in found.rated
    assert found.refused["lone"].startswith("2 votes on ")
    assert found.refused["lone"].endswith(".")
    alone = slices(votes, {name: name for name in votes.prompts})
    assert set(alone.rated) | set(alone.refused) == set(votes.prompts)


def test_labels_that_do_not_fit_are_refused(study):
    votes, _ = study
    with pytest.raises(RatingError, match=r"There are 3 labels for 2400 votes\. Give one entry a vote"):
        slices(votes, ["a", "b", "c"])
    with pytest.raises(RatingError, match=r"lack the prompt 'simulated prompt 01' \(60 of 60 are missing\)"):
        slices(votes, {})
    with pytest.raises(RatingError, match="tau is a standard deviation in logits; found -1"):
        pool(np.zeros(2), [_part(np.eye(4), 0.0)], tau=-1)
    with pytest.raises(RatingError, match="no slice to pool"):
        pool(np.zeros(2), [])


def test_a_study_is_sliced_by_what_its_records_say(ballots):
    random = np.random.default_rng(5)
    names = ["a", "b", "c"]

    def votes(number: int, question: Question):
        pairs = [random.permutation(names)[:2] for _ in range(number)]
        sides = random.choice(["left", "right", "tie"], size=number)
        return ballots([(*pair, side) for pair, side in zip(pairs, sides, strict=True)], question)

    rows = [
        replace(ballot, language="zh", category=Category.AUDIO_SYNC)
        if ballot.prompt_id.endswith(("1", "3"))
        else ballot
        for ballot in votes(400, Question.OVERALL)
    ]
    extra = votes(150, Question.MOTION)
    prompts = [
        Prompt(f"prompt-{i}", Task.TEXT_TO_VIDEO, "text", "en", "CC0-1.0", tags=("water",) if i % 2 else ())
        for i in range(23)
    ]
    found = slices_of([*rows, *extra], prompts, labels={"c": "mystery"})
    assert list(found) == ["category", "language", "tag", "question"]
    assert list(found["category"].rated) == ["audio-sync", "text-to-video"]
    assert list(found["language"].rated) == ["en", "zh"]
    assert list(found["tag"].rated) == ["water"]
    assert list(found["question"].rated) == ["motion"]
    assert found["question"].rated["motion"].votes.votes == 150
    assert {row.system for row in found["tag"].rated["water"].ratings} == {"a", "b", "mystery"}
    expected, _ = estimate(tally(rows, labels={"c": "mystery"}))
    assert found["tag"].whole.fit.strengths == pytest.approx(expected.fit.strengths)
    with pytest.raises(UnknownNameError, match="cannot be sliced by 'colour'; there are category"):
        slices_of(rows, prompts, by=("colour",))
    with pytest.raises(RatingError, match="lack the prompt 'prompt-0'"):
        slices_of(rows, prompts[1:], by=("tag",))


def test_simulated_slices_pooled_are_nearer_the_truth_and_covered():
    scored = runpy.run_path(str(BENCHMARK))["scored"]
    found = scored(0.5, 0.5, boards=5)
    assert found.error("pooled") < 0.85 * found.error("own")
    assert found.error("pooled") < 0.85 * found.error("whole")
    assert 0.90 <= found.cover("pooled") <= 0.98
    true_tau, estimated = np.mean(found.tau, axis=0)
    assert 0.7 * true_tau < estimated < 1.2 * true_tau


def test_pooled_ratings_of_real_prompts_foretell_other_votes_best(crowd):
    random = np.random.default_rng(1)
    half = random.random(crowd.votes) < 0.5
    train, test = crowd.where(half), crowd.where(~half)
    found = slices(train, {name: name for name in crowd.prompts})
    whole = {name: found.whole.rating(name).value for name in crowd.systems}
    loss = dict.fromkeys(("own", "whole", "pooled"), 0.0)
    for label, one in found.rated.items():
        values = {
            "own": {row.system: row.own.value for row in one.ratings if row.own is not None},
            "whole": whole,
            "pooled": {row.system: row.pooled.value for row in one.ratings},
        }
        known = np.array([name in values["own"] for name in crowd.systems])
        here = (test.prompt == crowd.prompts.index(label)) & (test.outcome < 2)
        rows = np.flatnonzero(here & known[test.left] & known[test.right])
        for which, of in values.items():
            rating = np.array([of.get(name, np.nan) for name in crowd.systems])
            gap = (rating[test.left[rows]] - rating[test.right[rows]]) / ELO_PER_LOGIT
            loss[which] += float(np.logaddexp(0.0, np.where(test.outcome[rows] == 0, -gap, gap)).sum())
    assert loss["pooled"] < loss["whole"]
    assert loss["pooled"] < 0.95 * loss["own"]
