"""Votes for rating tests: made by hand, drawn from a known truth, or real and read beside the project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalharness.ratings import Tally, tally_frame
from evalharness.records import Ballot, Category, Outcome, Question

REAL_VOTES = Path(__file__).parents[3] / "shared" / "data" / "votes"
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ballots() -> Callable[..., list[Ballot]]:
    """Ballots from rows of (left, right, outcome[, voter[, prompt]]); voters and prompts vary by default."""

    def make(rows: Iterable[Sequence[str]], question: Question = Question.OVERALL) -> list[Ballot]:
        made = []
        for number, row in enumerate(rows):
            left, right, outcome, *who = row
            made.append(
                Ballot(
                    battle_id=f"battle-{number}",
                    voter_id=who[0] if who else f"voter-{number % 25}",
                    prompt_id=who[1] if len(who) > 1 else f"prompt-{number % 23}",
                    category=Category.TEXT_TO_VIDEO,
                    language="en",
                    question=question,
                    left=left,
                    right=right,
                    outcome=Outcome(outcome),
                    created_at=START + timedelta(seconds=number),
                )
            )
        return made

    return make


@pytest.fixture
def draw() -> Callable[..., pd.DataFrame]:
    """Votes drawn from Davidson's model, with optional effects of each voter and prompt on each system."""

    def make(
        strengths: Sequence[float],
        votes: int,
        seed: int,
        *,
        order: float = 0.0,
        nu: float = 0.8,
        voters: int = 30,
        prompts: int = 25,
        voter_sd: float = 0.0,
        prompt_sd: float = 0.0,
    ) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        truth = np.asarray(strengths, dtype=float)
        size = len(truth)
        left = random.integers(size, size=votes)
        right = (left + random.integers(1, size, size=votes)) % size
        voter = random.integers(voters, size=votes)
        prompt = random.integers(prompts, size=votes)
        of_voter = random.normal(0, voter_sd, (voters, size)) if voter_sd else np.zeros((voters, size))
        of_prompt = random.normal(0, prompt_sd, (prompts, size)) if prompt_sd else np.zeros((prompts, size))
        felt = truth + of_voter[voter] + of_prompt[prompt]
        rows = np.arange(votes)
        gap = felt[rows, left] - felt[rows, right] + order
        weight = np.stack([np.exp(gap / 2), np.exp(-gap / 2), np.full(votes, nu)])
        share = np.cumsum(weight / weight.sum(axis=0), axis=0)
        code = np.minimum((random.random(votes) > share).sum(axis=0), 2)
        return pd.DataFrame(
            {
                "left": [f"system {i:02d}" for i in left],
                "right": [f"system {i:02d}" for i in right],
                "outcome": np.array(["left", "right", "tie"])[code],
                "voter": [f"voter {i}" for i in voter],
                "prompt": [f"prompt {i}" for i in prompt],
            }
        )

    return make


@pytest.fixture
def mirrored() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The same votes with the screen mirrored."""

    def mirror(frame: pd.DataFrame) -> pd.DataFrame:
        swapped = frame.rename(columns={"left": "right", "right": "left"})
        swapped["outcome"] = swapped["outcome"].replace({"left": "right", "right": "left"})
        return swapped

    return mirror


@pytest.fixture(scope="session")
def crowd() -> Tally:
    """Real crowd votes on 59 language models (LLMFAO): 8,931 votes, 124 workers, 13 prompts."""
    file = REAL_VOTES / "llmfao_crowd.csv"
    if not file.exists():
        pytest.skip(f"The real crowd votes are not beside the project ({file.name}).")
    return tally_frame(pd.read_csv(file), outcome="winner", voter="worker")


@pytest.fixture(scope="session")
def video_votes() -> Tally:
    """Real votes on video quality (HDR-VDC, bright display): 12,898 votes, 30 observers, 16 scenes."""
    file = REAL_VOTES / "hdrvdc_bright.csv"
    if not file.exists():
        pytest.skip(f"The real video votes are not beside the project ({file.name}).")
    frame = pd.read_csv(file)
    frame["outcome"] = frame["selection"].map({1: "left", 0: "right"})
    return tally_frame(frame, left="condition_1", right="condition_2", voter="observer", prompt="scene")
