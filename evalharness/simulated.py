"""Votes of simulated raters on a study's real pairs, for worked examples: every voter's name says so.

The raters see nothing. They know by how much the sound of each system is off, and say what people who notice
that would: who is asked about sync is right nearly always, who is asked overall is swayed by it, ties come in
between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from evalharness.battles import Pair, Pool, Tally, draw, questions_for
from evalharness.people import SIMULATED
from evalharness.records import Battle, Outcome, Question, Vote, Voter
from evalharness.store import Store

__all__ = ["cast_simulated_votes"]

NOTICED_S = 0.045
"""A difference in sync that people begin to notice (ITU-R BT.1359: sound 45 ms early)."""
SURE: Mapping[Question, float] = {Question.AV_SYNC: 0.95, Question.OVERALL: 0.8}
"""How often the side whose sound is better in time wins, where that is noticed; else neither is preferred."""
TIES = 0.3
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""Simulated time: the same votes whenever they are cast."""
STEP = timedelta(seconds=20)


def cast_simulated_votes(
    store: Store,
    off_s: Mapping[str, float],
    questions: Sequence[Question],
    *,
    raters: int,
    pairs: int,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _done: None,
) -> int:
    """Let so many raters judge so many pairs each, drawn as the arena draws them; how many pairs that were.

    `off_s` is by how many seconds the sound of each system is off; `questions` those that the study asks. A
    study that has battles already is left as it is: simulated votes never mix with others, and 0 is answered.
    """
    if store.battles():
        return 0
    pool, rng, now, number = Pool(store.prompts(), store.exhibits()), Random(seed), BEGIN, 0
    tally = Tally(pool)
    for rater in range(1, raters + 1):
        voter = Voter(f"{SIMULATED}-{rater:04d}", ("en",), now, SIMULATED, f"{SIMULATED}-{rater:04d}")
        store.put_voter(voter)
        seen: set[Pair] = set()
        for _ in range(pairs):
            drawn = draw(pool, seen, tally, "balanced", rng)
            if drawn is None:
                break
            number += 1
            now += STEP
            prompt = pool.prompts[drawn.left.prompt_id]
            battle = Battle(
                id=f"{number:032x}",
                voter_id=voter.id,
                prompt_id=prompt.id,
                category=prompt.category,
                left=drawn.left.clip,
                right=drawn.right.clip,
                left_exhibit=drawn.left.id,
                right_exhibit=drawn.right.id,
                questions=questions_for(
                    prompt, drawn.left, drawn.right, enabled=questions, languages=voter.languages
                ),
                probability=drawn.probability,
                policy=drawn.policy,
                created_at=now,
            )
            store.open_battle(battle)
            tally.add(battle.category, drawn.pair, battle.left.system, battle.right.system)
            seen.add(drawn.pair)
            sides = (off_s[battle.left.system], off_s[battle.right.system])
            store.commit_votes(
                [
                    Vote(
                        battle.id,
                        voter.id,
                        asked,
                        _said(asked, *sides, rng),
                        now + STEP / 2,
                        {"simulated": True},
                    )
                    for asked in battle.questions
                ]
            )
            progress(number)
    return number


def _said(question: Question, left_s: float, right_s: float, rng: Random) -> Outcome:
    gap = abs(right_s) - abs(left_s)
    if abs(gap) < NOTICED_S or question not in SURE:
        return Outcome.TIE if rng.random() < TIES else rng.choice((Outcome.LEFT, Outcome.RIGHT))
    better, worse = (Outcome.LEFT, Outcome.RIGHT) if gap > 0 else (Outcome.RIGHT, Outcome.LEFT)
    return better if rng.random() < SURE[question] else worse
