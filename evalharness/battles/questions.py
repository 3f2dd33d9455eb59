"""What is asked about a battle."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

from evalharness.records import Exhibit, Prompt, Question

__all__ = ["in_order_for", "questions_for"]


def questions_for(
    prompt: Prompt,
    left: Exhibit,
    right: Exhibit,
    *,
    enabled: Sequence[Question],
    languages: Collection[str],
) -> tuple[Question, ...]:
    """Which of the study's questions apply to this battle and this voter, in the study's order.

    Sync is asked where both sides have sound; lips where, besides, words are spoken in a language the
    voter understands; all others always.
    """
    both_sound = not left.silent and not right.silent
    applies = {
        Question.AV_SYNC: both_sound,
        Question.LIP_ACCURACY: both_sound and prompt.spoken is not None and prompt.language in languages,
    }
    return tuple(question for question in enabled if applies.get(question, True))


def in_order_for(voter_id: str, questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions as one voter is asked them: the overall one first, the others in an order of their own.

    A voter keeps the order in every pair, so that each question is found where it was before.
    """
    first, *others = questions
    Random(f"questions/{voter_id}").shuffle(others)
    return (first, *others)
