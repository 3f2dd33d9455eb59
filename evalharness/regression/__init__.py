"""Regression gates: is a release worse than the one before it, and where did it break first?

    pairing    measurements of two systems, side beside side by prompt
    shifts     where the mean of paired differences can lie: sign flips, subset means
    rates      two shares and their difference; Holm
    effects    which quantities decide, and the smallest change of each that matters
    human      votes: an anytime-valid head-to-head with a margin
    metric     measurements: worse, not worse or undecided
    service    price, time, failures and refusals
    verdict    a check, a comparison, and its verdict
    history    releases in a row; the first in which something got worse
    contact    frames and sound of two clips side by side
    wording, terminal, markdown, junit, page, trend    renderings

Records arrive as arguments; no database is opened here.
"""

from evalharness.regression.effects import EFFECTS_FILE, Effects, read_effects
from evalharness.regression.history import Break, History, first_breaks
from evalharness.regression.human import VoteBoard, judge_votes
from evalharness.regression.metric import judge_metrics
from evalharness.regression.pairing import Paired, common_prompts, paired_quantities
from evalharness.regression.service import judge_service
from evalharness.regression.verdict import (
    Check,
    Comparison,
    Finding,
    Verdict,
    Worst,
    corroborated,
    to_record,
)

__all__ = [
    "EFFECTS_FILE",
    "Break",
    "Check",
    "Comparison",
    "Effects",
    "Finding",
    "History",
    "Paired",
    "Verdict",
    "VoteBoard",
    "Worst",
    "common_prompts",
    "corroborated",
    "first_breaks",
    "judge_metrics",
    "judge_service",
    "judge_votes",
    "paired_quantities",
    "read_effects",
    "to_record",
]
