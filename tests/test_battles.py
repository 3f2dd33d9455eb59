"""Pair drawing: laws that hold for any study, any voter and any sequence."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.battles import Pair, Policy, Pool, Tally, distribution, draw, pair_of, questions_for
from evalharness.records import Battle, Exhibit, JobKey, Prompt, Question, Streams, Task

STREAMS = Streams("mp4", 1.0, 64, 48, 24.0, 24, "h264", "yuv420p", audio_codec="aac")


def prompt(
    number: int, *, task: Task = Task.TEXT_TO_VIDEO, tags: tuple[str, ...] = (), **more: str
) -> Prompt:
    return Prompt(
        f"p{number:02d}", task, "A ball falls.", more.pop("language", "en"), "CC0-1.0", tags=tags, **more
    )


def exhibit(prompt_id: str, system: str, seed: int = 1, *, silent: bool = False) -> Exhibit:
    key = JobKey(system, prompt_id, seed)
    return Exhibit(
        f"x-{prompt_id}-{system}-{seed}",
        key,
        "0" * 64,
        prompt_id,
        "e.mp4",
        "1" * 64,
        10,
        STREAMS,
        silent,
        None,
    )


def study(systems: int, text: int, image: int, sound: int) -> Pool:
    prompts = [
        *(prompt(n) for n in range(text)),
        *(prompt(20 + n, task=Task.IMAGE_TO_VIDEO) for n in range(image)),
        *(prompt(40 + n, tags=("audio-sync",)) for n in range(sound)),
    ]
    return Pool(prompts, [exhibit(p.id, f"s{s}") for p, s in product(prompts, range(systems))])


POOLS = st.builds(study, st.integers(2, 4), st.integers(1, 4), st.integers(0, 2), st.integers(0, 3))
POLICIES = st.sampled_from(["balanced", "uniform"])


@given(pool=POOLS, policy=POLICIES, seed=st.integers(0, 99), before=st.integers(0, 30))
def test_probabilities_sum_to_one_and_cover_only_unseen_pairs(
    pool: Pool, policy: Policy, seed: int, before: int
) -> None:
    rng, tally = Random(seed), Tally()
    shown: set[Pair] = set()
    for _ in range(before):
        if (drawn := draw(pool, shown, tally, policy, rng)) is None:
            break
        shown.add(drawn.pair)
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
    chances = distribution(pool, shown, tally, policy)
    if len(shown) == len(pool.pairs):
        assert chances == ()
    else:
        assert sum(chance for _, chance in chances) == pytest.approx(1.0)
        assert len({pair for pair, _ in chances}) == len(chances)
        assert not shown & {pair for pair, _ in chances}


@given(pool=POOLS, policy=POLICIES, seed=st.integers(0, 99), voters=st.integers(1, 4))
def test_no_repeats_and_both_orders_of_two_systems_differ_by_one_at_most(
    pool: Pool, policy: Policy, seed: int, voters: int
) -> None:
    rng, tally = Random(seed), Tally()
    shown: list[set[Pair]] = [set() for _ in range(voters)]
    orders: Counter[tuple[str, str]] = Counter()
    for _ in range(len(pool.pairs) * voters):
        voter = rng.randrange(voters)
        drawn = draw(pool, shown[voter], tally, policy, rng)
        if drawn is None:
            assert shown[voter] == set(pool.pairs)
            continue
        left, right = drawn.left.clip.system, drawn.right.clip.system
        assert left != right
        assert drawn.left.prompt_id == drawn.right.prompt_id == drawn.pair.prompt_id
        assert drawn.pair not in shown[voter]
        shown[voter].add(drawn.pair)
        orders[left, right] += 1
        tally.add(drawn.category, drawn.pair, left, right)
        assert all(abs(count - orders[b, a]) <= 1 for (a, b), count in orders.items())


@given(pool=POOLS, seed=st.integers(0, 99))
def test_one_voter_who_goes_on_sees_every_pair_once(pool: Pool, seed: int) -> None:
    rng, tally, shown = Random(seed), Tally(), []
    while (drawn := draw(pool, shown, tally, "balanced", rng)) is not None:
        shown.append(drawn.pair)
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
    assert sorted(shown) == sorted(pool.pairs)


def test_balanced_keeps_categories_and_meetings_within_one_while_there_is_choice() -> None:
    pool, tally, rng = study(3, 4, 4, 4), Tally(), Random(7)
    for voter in range(4):
        shown: set[Pair] = set()
        for _ in range(9):
            drawn = draw(pool, shown, tally, "balanced", rng)
            assert drawn is not None
            shown.add(drawn.pair)
            tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
        assert len({pool.category(pair) for pair in shown}) == 3, voter
    assert max(tally.categories.values()) - min(tally.categories.values()) == 0
    assert set(tally.meetings.values()) == {4}  # 36 battles, three categories, three meetings in each


def test_stored_probability_is_the_frequency_with_which_the_pair_is_drawn() -> None:
    pool = study(3, 2, 1, 0)  # two categories: 6 pairs and 3 pairs
    chances = dict(distribution(pool, (), Tally(), "balanced"))
    assert sorted(chances.values()) == pytest.approx([1 / 12] * 6 + [1 / 6] * 3)
    rng, n = Random(3), 6000
    seen = Counter(drawn.pair for _ in range(n) if (drawn := draw(pool, (), Tally(), "balanced", rng)))
    for pair, chance in chances.items():
        assert seen[pair] / n == pytest.approx(chance, abs=4 * (chance * (1 - chance) / n) ** 0.5)


def test_same_seed_same_battles() -> None:
    pool = study(4, 3, 1, 1)
    one, other = (draw(pool, (), Tally(), "uniform", Random(5)) for _ in range(2))
    assert one == other


def test_a_tally_of_stored_battles_equals_one_kept_along_the_way() -> None:
    pool, rng, kept = study(3, 2, 0, 1), Random(1), Tally()
    battles, shown = [], set()
    while (drawn := draw(pool, shown, kept, "uniform", rng)) is not None:
        shown.add(drawn.pair)
        kept.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
        battles.append(
            Battle("b", "v", drawn.pair.prompt_id, drawn.category, drawn.left.clip, drawn.right.clip,
                   drawn.left.id, drawn.right.id, (Question.OVERALL,), drawn.probability, "uniform",
                   datetime(2026, 1, 1, tzinfo=UTC))
        )  # fmt: skip
    assert Tally.of(battles) == kept
    assert {pair_of(battle) for battle in battles} == shown


def test_equal_seeds_meet_and_unequal_ones_only_where_there_is_no_other_way() -> None:
    pool = Pool([prompt(1)], [exhibit("p01", "a", 1), exhibit("p01", "a", 2), exhibit("p01", "b", 2)])
    [(one, other)] = pool.exhibits(pool.pairs[0])
    assert (one.clip.seed, other.clip.seed) == (2, 2)
    pool = Pool([prompt(1)], [exhibit("p01", "a", 1), exhibit("p01", "a", 3), exhibit("p01", "b", 2)])
    assert len(pool.exhibits(pool.pairs[0])) == 2


def test_a_prompt_with_one_exhibit_is_no_pair() -> None:
    assert Pool([prompt(1)], [exhibit("p01", "a")]).pairs == ()
    assert draw(Pool([], []), (), Tally(), "balanced", Random(1)) is None


ALL = tuple(Question)


@pytest.mark.parametrize(
    ("silent", "spoken", "languages", "missing"),
    [
        ((False, False), "Hello", ("en",), set()),
        ((False, False), "Hello", ("de",), {Question.LIP_ACCURACY}),
        ((False, False), None, ("en",), {Question.LIP_ACCURACY}),
        ((False, True), "Hello", ("en",), {Question.LIP_ACCURACY, Question.AV_SYNC}),
        ((True, True), None, ("en",), {Question.LIP_ACCURACY, Question.AV_SYNC}),
    ],
)
def test_questions_are_asked_only_where_they_apply(
    silent: tuple[bool, bool], spoken: str | None, languages: tuple[str, ...], missing: set[Question]
) -> None:
    said = Prompt("p01", Task.TEXT_TO_VIDEO, "She speaks.", "en", "CC0-1.0", spoken=spoken)
    left, right = exhibit("p01", "a", silent=silent[0]), exhibit("p01", "b", silent=silent[1])
    asked = questions_for(said, left, right, enabled=ALL, languages=languages)
    assert set(ALL) - set(asked) == missing
    assert asked == tuple(question for question in ALL if question in asked)
    assert questions_for(said, left, right, enabled=(Question.OVERALL,), languages=languages) == ALL[:1]
