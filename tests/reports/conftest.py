"""A small report with everything in it, names that try to break out of their form included."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evalharness.records import Leaderboard, Question, Rating
from evalharness.reports import (
    CategoryProgress,
    DeliveryRow,
    GenerationRow,
    Meaning,
    MetricRow,
    Refusal,
    Summary,
    VoteFlow,
)

ODD_NAME = "<script>alert(1)</script> | [bold]*x*"


@pytest.fixture
def board() -> Leaderboard:
    """Two systems that cannot be told apart, one of them with an odd name, and one clearly below."""
    rows = [
        Rating("aurora-2", 1101.4, 1050.2, 1152.6, 1, 1, 2, 120, 70, 30, 15, 5, 24, 21, 0.64),
        Rating(ODD_NAME, 1062.0, 1004.5, 1119.5, 2, 1, 2, 110, 55, 35, 14, 6, 23, 20, 0.58),
        Rating("drift-mini", 836.6, 770.1, 903.1, 3, 3, 3, 130, 25, 85, 11, 9, 24, 21, 0.28),
    ]
    recipe = {
        "estimator": "davidson",
        "interval": "two_way_jackknife",
        "interval_form": "two-way cluster jackknife over voters and prompts",
        "confidence": 0.95,
        "degrees_of_freedom": 20.0,
        "anchor": 1000.0,
        "tied_with": {"aurora-2": [ODD_NAME], ODD_NAME: ["aurora-2"], "drift-mini": []},
        "order_effect_elo": {"value": 12.5, "low": -3.25, "high": 28.25},
        "tie_parameter": None,
        "converged": True,
        "iterations": 6,
        "seed": 1,
        "data_sha256": "ab" * 32,
        "version": "evalharness 0.1.0",
    }
    notes = ("Only 12 voters (20 are wanted): intervals use the cautious form.",)
    return Leaderboard("text-to-video", Question.OVERALL, tuple(rows), 180, 24, 21, 7, recipe, notes)


@pytest.fixture
def summary(board: Leaderboard) -> Summary:
    """The board with a refusal, metrics with all three endings, generation and the flow of votes."""
    metrics = (
        MetricRow("aurora-2", "event_sync.offset_s", "1", "s", 0.0412, 0.01, 9, {}, {}, 0, "text-to-video"),
        MetricRow(
            "drift-mini",
            "event_sync.offset_s",
            "1",
            "s",
            None,
            None,
            0,
            {"the clip has no sound": 8},
            {"RuntimeError: decoder stopped": 1},
            2,
            "text-to-video",
        ),
    )
    generation = (
        GenerationRow("aurora-2", 9, 0, {}, 21.5, 9, 0.05, 0.45, 9),
        GenerationRow("drift-mini", 8, 1, {"moderation": 2, "timeout": 1}, None, 0, None, None, 0),
    )
    alike = {"size": {"1280x720": 9}, "frames/s": {"24": 9}, "sound": {"48 kHz stereo": 9}}
    delivery = (
        DeliveryRow(
            "aurora-2",
            9,
            {"length": {"5.0 s": 9}} | alike,
            {"queue_s": 3.0, "run_s": 17.5, "download_s": 1.0},
        ),
        DeliveryRow(
            "drift-mini",
            8,
            {"length": {"6.0 s": 7, "5.0 s": 1}} | alike,
            {"queue_s": None, "run_s": None, "download_s": None},
        ),
    )
    flow = VoteFlow(
        drawn=210,
        answered=190,
        votes=190,
        excluded={"voter failed two gold pairs": 7, "answered too fast": 3},
        counted=180,
        voters=24,
        categories=(CategoryProgress("text-to-video", 210, 190),),
    )
    return Summary(
        study="Ice & fire",
        as_of=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        version="0.1.0",
        boards=(board,),
        refused=(Refusal("audio-sync", Question.LIP_ACCURACY, "There are no votes here yet."),),
        metrics=metrics,
        meanings={"event_sync.offset_s": Meaning("zero", "av_sync")},
        generation=generation,
        delivery=delivery,
        flow=flow,
        recompute=("evalharness report ice-and-fire",),
    )
