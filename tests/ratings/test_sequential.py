"""Head-to-head: false alarms under peeking with clustered voters, verdicts, laws, sentences, real votes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.davidson import davidson
from evalharness.ratings.sequential import Verdict, head_to_head
from evalharness.ratings.tally import Tally, tally_frame


def _votes(
    rate: float, votes: int, seed: int = 1, *, per_voter: int = 1, spread: float = 0.0, at_once: int = 1
) -> Tally:
    """Votes on A against B; `at_once` voters take turns, each with `per_voter` votes and an own taste."""
    random = np.random.default_rng(seed)
    voter = np.concatenate(
        [
            np.repeat(np.arange(first, first + at_once)[None, :], per_voter, axis=0).ravel()
            for first in range(0, 1 + votes // per_voter, at_once)
        ]
    )[:votes]
    taste = random.normal(np.log(rate / (1 - rate)), spread, voter.max() + 1)
    a_left = random.random(votes) < 0.5
    a_wins = random.random(votes) < 1 / (1 + np.exp(-taste[voter]))
    return tally_frame(
        pd.DataFrame(
            {
                "left": np.where(a_left, "A", "B"),
                "right": np.where(a_left, "B", "A"),
                "outcome": np.where(a_left == a_wins, "left", "right"),
                "voter": [f"voter {number}" for number in voter],
                "prompt": [f"prompt {number % 7}" for number in range(votes)],
            }
        )
    )


@pytest.mark.parametrize(("at_once", "silence"), [(1, 50), (8, 50), (8, 6)])
def test_equal_systems_and_clustered_voters_raise_no_alarm_though_looked_at_after_every_vote(
    at_once, silence
):
    # The verdict is sticky, so one call at the end is a look after every vote. Each voter shifts either
    # system by a normal effect of 0.8 logits, and so their difference by 1.13.
    alarms = {"voter": 0, "vote": 0}
    for seed in range(40):
        votes = _votes(0.5, 2000, seed, per_voter=20, spread=1.13, at_once=at_once)
        for unit in alarms:
            alarms[unit] += head_to_head(votes, "A", "B", unit=unit, silence=silence).decided
    assert alarms["voter"] <= 2  # 5 %
    assert alarms["vote"] >= 12  # what the same bets on single votes would have done


def test_calling_it_after_every_vote_is_the_same_as_calling_it_once():
    whole = _votes(0.62, 300, per_voter=3, at_once=4)
    frame = pd.DataFrame(
        {
            "left": [whole.systems[code] for code in whole.left],
            "right": [whole.systems[code] for code in whole.right],
            "outcome": [("left", "right")[code] for code in whole.outcome],
            "voter": [whole.voters[code] for code in whole.voter],
            "prompt": [whole.prompts[code] for code in whole.prompt],
        }
    )
    end = head_to_head(whole, "A", "B", silence=9, alpha=0.3)
    assert end.verdict is Verdict.FIRST_BETTER
    row = int(end.trail.votes_cast[end.decided_at - 1])
    before = head_to_head(tally_frame(frame[: row - 1]), "A", "B", silence=9, alpha=0.3)
    then = head_to_head(tally_frame(frame[:row]), "A", "B", silence=9, alpha=0.3)
    assert (before.verdict, then.verdict) == (Verdict.UNDECIDED, Verdict.FIRST_BETTER)
    assert then.decided_at == end.decided_at
    assert then.e_first == pytest.approx(np.exp(end.trail.log_e_first[end.decided_at - 1]))


def test_swapping_the_systems_mirrors_everything():
    votes = _votes(0.6, 600, per_voter=2)
    forward, backward = head_to_head(votes, "A", "B"), head_to_head(votes, "B", "A")
    assert (forward.verdict, backward.verdict) == (Verdict.FIRST_BETTER, Verdict.SECOND_BETTER)
    assert forward.e_first == pytest.approx(backward.e_second)
    assert forward.win_rate.low == pytest.approx(1 - backward.win_rate.high)
    assert forward.gap_elo.value == pytest.approx(-backward.gap_elo.value)
    assert forward.decided_at == backward.decided_at
    assert forward.win_rate.low > 0.5


@pytest.mark.parametrize(
    ("rate", "margin", "verdict"),
    [
        (0.5, 50, Verdict.NOT_WORSE),
        (0.65, 50, Verdict.NOT_WORSE),
        (0.3, 50, Verdict.WORSE),
        (0.429, 50, Verdict.UNDECIDED),
    ],
)
def test_a_margin_asks_whether_the_first_is_worse_by_that_much(rate, margin, verdict):
    found = head_to_head(_votes(rate, 1500), "A", "B", unit="vote", margin_elo=margin)
    assert found.rules.boundary == pytest.approx(1 / (1 + 10 ** (50 / 400)))  # 0.4285
    assert found.verdict is verdict


def test_evidence_of_an_example_by_hand():
    # Three voters with one vote each, for A, A and B: the worked example of docs/methods.md.
    frame = pd.DataFrame(
        {
            "left": list("AAA"),
            "right": list("BBB"),
            "outcome": ["left", "left", "right"],
            "voter": list("xyz"),
        }
    )
    found = head_to_head(tally_frame(frame.assign(prompt="p")), "A", "B", votes_per_score=1)
    assert found.e_first == pytest.approx(1.0586, abs=5e-5)
    assert found.verdict is Verdict.UNDECIDED
    assert found.win_rate.value == pytest.approx(2 / 3)
    assert found.gap_elo.value == pytest.approx(120.41, abs=0.01)


def test_futile_is_said_when_even_the_best_rate_left_would_not_do():
    even = _votes(0.5, 700, seed=4)
    assert head_to_head(even, "A", "B", unit="vote").verdict is Verdict.UNDECIDED
    assert head_to_head(even, "A", "B", unit="vote", planned=5000).verdict is Verdict.UNDECIDED
    stopped = head_to_head(even, "A", "B", unit="vote", planned=750)
    assert stopped.verdict is Verdict.FUTILE
    assert "within the 750 scores planned" in stopped.sentence
    decided = head_to_head(_votes(0.65, 700), "A", "B", unit="vote", planned=100)
    assert decided.verdict is Verdict.FIRST_BETTER  # evidence outranks the plan


def test_the_outlook_comes_down_to_nothing():
    early = head_to_head(_votes(0.58, 150, seed=2), "A", "B", unit="vote")
    assert early.verdict is Verdict.UNDECIDED
    assert f"about {early.more_scores_needed:,} more scores" in early.sentence
    assert head_to_head(_votes(0.65, 600), "A", "B", unit="vote").more_scores_needed == 0


def test_per_prompt_for_one_voter():
    rows = [("A", "B", "left", f"prompt {number}") for number in range(40)]
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome", "prompt"]).assign(voter="only")
    votes = tally_frame(frame)
    with pytest.raises(RatingError, match="one voter.*unit 'prompt'"):
        head_to_head(votes, "A", "B")
    found = head_to_head(votes, "A", "B", unit="prompt")
    assert found.verdict is Verdict.FIRST_BETTER
    assert len(found.scores.values) == 40
    assert found.gap_elo.high == np.inf
    with pytest.raises(RatingError, match="on one prompt"):
        head_to_head(
            tally_frame(frame.assign(prompt="p", voter=[f"v{i % 2}" for i in range(40)])),
            "A",
            "B",
            unit="prompt",
        )


def test_votes_without_voters_must_be_vouched_for():
    frame = pd.DataFrame(
        {"left": ["A"] * 4, "right": ["B"] * 4, "outcome": ["left"] * 4, "prompt": list("pqrs")}
    )
    votes = tally_frame(frame, voter=None)
    with pytest.raises(RatingError, match="do not say who cast them"):
        head_to_head(votes, "A", "B")
    found = head_to_head(votes, "A", "B", unit="vote")
    assert "do not say who cast them" in " ".join(found.notes)


def test_notes_say_what_weakens_the_verdict():
    clustered = _votes(0.5, 100, per_voter=20)
    assert "come from 5 voters" in " ".join(head_to_head(clustered, "A", "B", unit="vote").notes)
    found = head_to_head(clustered, "A", "B", votes_per_score=10)
    assert "50 votes came after their voter had closed" in " ".join(found.notes)
    waiting = head_to_head(_votes(0.5, 30), "A", "B")
    assert waiting.win_rate is None
    assert waiting.gap_elo is None
    assert waiting.more_scores_needed is None
    assert waiting.sentence == "Undecided: no voter has a closed score on this pair yet."
    open_still, few = waiting.notes
    assert open_still == "30 voters with 30 votes may still vote and will count when closed."
    assert few.startswith("The verdict is about 7 prompts: on other prompts it may be another.")
    assert len(head_to_head(_votes(0.5, 30), "A", "B", ended=True).scores.values) == 30
    one_sided = pd.DataFrame({"left": ["A"] * 20, "right": ["B"] * 20, "outcome": ["left", "right"] * 10})
    votes = tally_frame(one_sided.assign(voter=[f"v{i}" for i in range(20)], prompt="p"))
    assert "left in 100 % of the votes" in " ".join(head_to_head(votes, "A", "B").notes)


def test_impossible_questions_are_sentences():
    votes = tally_frame(
        pd.DataFrame(
            {"left": list("AC"), "right": list("BD"), "outcome": ["left"] * 2, "voter": list("xy")}
        ).assign(prompt="p")
    )
    for words, error, sentence in [
        (("A", "Z"), UnknownNameError, "'Z'; there are A, B, C, D"),
        (("A", "A"), RatingError, "A cannot be compared with itself"),
        (("A", "C"), RatingError, "A and C never met"),
    ]:
        with pytest.raises(error, match=sentence):
            head_to_head(votes, *words)
    for options, error, sentence in [
        (
            {"unit": "clip"},
            UnknownNameError,
            "'clip' is not among the unit rules; there are voter, prompt, vote",
        ),
        ({"alpha": 0.7}, RatingError, r"between 0 and 0\.5; found 0\.7"),
        ({"margin_elo": -20}, RatingError, "positive number of Elo points; found -20"),
        ({"planned": 0}, RatingError, "at least 1; found 0"),
    ]:
        with pytest.raises(error, match=sentence):
            head_to_head(votes, "A", "B", **options)


def test_on_real_votes_what_is_decided_agrees_with_ratings_from_all_pairs(video_votes):
    strengths = davidson(video_votes).strengths
    met = video_votes.pairs + video_votes.pairs.T
    agrees = []
    for i, j in zip(*np.nonzero(np.triu(met, 1) > 80), strict=True):
        found = head_to_head(video_votes, video_votes.systems[i], video_votes.systems[j], ended=True)
        assert len(found.scores.values) <= 30  # observers, not their votes
        if found.decided:
            agrees.append((found.verdict is Verdict.FIRST_BETTER) == (strengths[i] > strengths[j]))
    assert len(agrees) >= 20
    assert all(agrees)
