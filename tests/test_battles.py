"""Pair drawing: laws that hold for any study, any voter and any sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import combinations, product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.battles import (
    Draw,
    Pair,
    Policy,
    Pool,
    Preference,
    Quotas,
    Tally,
    distribution,
    draw,
    pair_of,
    questions_for,
)
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
POLICIES = st.sampled_from(["balanced", "uniform", "gap_aware"])
WANTED = st.none() | st.integers(1, 6)
QUOTAS = st.builds(Quotas, WANTED, WANTED, st.none() | st.integers(1, 12))


def preference(pool: Pool, seed: int) -> Preference:
    """Any positive wish for two of the three categories."""
    wishes = np.random.default_rng(seed).uniform(0.1, 5.0, (2, len(pool.first)))
    return dict(zip(sorted(pool.boards)[:2], wishes, strict=False))


def as_lists(tally: Tally) -> dict[str, list[list[int]]]:
    return {
        category: [sheet.meetings.tolist(), sheet.fewest.tolist(), sheet.prompts.tolist()]
        for category, sheet in tally.sheets.items()
    }


def listed(
    pool: Pool,
    shown: Collection[Pair],
    battles: list[Pair],
    policy: Policy,
    wanted: Preference,
    quotas: Quotas,
) -> dict[Pair, float]:
    """The policies as the module's docstring says them, pair by pair over the whole pool."""
    categories = Counter(pool.category(pair) for pair in battles)
    meetings = Counter((pool.category(pair), pair.systems) for pair in battles)
    prompts = Counter(pair.prompt_id for pair in battles)
    times = Counter(battles)

    def rests(pair: Pair) -> bool:
        category = pool.category(pair)
        return (
            categories[category] >= (quotas.category or 999)
            or meetings[category, pair.systems] >= (quotas.pair or 999)
            or prompts[pair.prompt_id] >= (quotas.prompt or 999)
        )

    left_over = [pair for pair in pool.pairs if pair not in shown and not rests(pair)]
    if policy == "uniform" or not left_over:
        return {pair: 1 / len(left_over) for pair in left_over}
    rarest = min(categories[pool.category(pair)] for pair in left_over)
    next_up = {pool.category(p) for p in left_over if categories[pool.category(p)] == rarest}
    chances: dict[Pair, float] = {}
    for category in next_up:
        inside = [pair for pair in left_over if pool.category(pair) is category]
        if policy == "gap_aware" and category in wanted:
            weights = {
                pair.systems: wanted[category][list(combinations(pool.systems, 2)).index(pair.systems)]
                for pair in inside
            }
            for systems, weight in weights.items():
                own = [pair for pair in inside if pair.systems == systems]
                tied = [pair for pair in own if times[pair] == min(times[other] for other in own)]
                share = weight / sum(weights.values()) / len(tied)
                chances |= {pair: share / len(next_up) for pair in tied}
            continue

        def so_far(pair: Pair) -> tuple[int, int]:
            return meetings[pool.category(pair), pair.systems], times[pair]

        tied = [pair for pair in inside if so_far(pair) == min(map(so_far, inside))]
        chances |= {pair: 1 / len(next_up) / len(tied) for pair in tied}
    return chances


@given(
    pool=POOLS,
    policy=POLICIES,
    seed=st.integers(0, 99),
    before=st.integers(0, 40),
    voters=st.integers(1, 3),
    quotas=QUOTAS,
    taken_back=st.sampled_from([0.0, 0.4]),
)
def test_probabilities_are_those_of_the_rules_written_out_pair_by_pair(
    pool: Pool, policy: Policy, seed: int, before: int, voters: int, quotas: Quotas, taken_back: float
) -> None:
    rng, tally, wanted = Random(seed), Tally(pool, quotas=quotas), preference(pool, seed)
    shown: list[set[Pair]] = [set() for _ in range(voters)]
    battles: list[Pair] = []
    sides: list[Draw] = []
    for step in range(before):
        voter = rng.randrange(voters)
        if battles and rng.random() < taken_back:
            battles.pop(number := rng.randrange(len(battles)))
            gone = sides.pop(number)
            tally.remove(gone.category, gone.pair, gone.left.clip.system, gone.right.clip.system)
        expected = listed(pool, shown[voter], battles, policy, wanted, quotas)
        assert tally.is_full == (not listed(pool, (), battles, policy, wanted, quotas))
        if step % 5 == 0:
            chances = dict(distribution(pool, shown[voter], tally, policy, wanted))
            assert chances == pytest.approx(expected)
        drawn = draw(pool, shown[voter], tally, policy, rng, wanted)
        if drawn is None:
            assert not expected
            continue
        assert drawn.probability == pytest.approx(expected[drawn.pair])
        shown[voter].add(drawn.pair)
        battles.append(drawn.pair)
        sides.append(drawn)
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)


@given(pool=POOLS, policy=POLICIES, seed=st.integers(0, 99), before=st.integers(0, 30))
def test_probabilities_sum_to_one_and_cover_only_unseen_pairs(
    pool: Pool, policy: Policy, seed: int, before: int
) -> None:
    rng, tally, wanted = Random(seed), Tally(pool), preference(pool, seed)
    shown: set[Pair] = set()
    for _ in range(before):
        if (drawn := draw(pool, shown, tally, policy, rng, wanted)) is None:
            break
        shown.add(drawn.pair)
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
    chances = distribution(pool, shown, tally, policy, wanted)
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
    rng, tally, wanted = Random(seed), Tally(pool), preference(pool, seed)
    shown: list[set[Pair]] = [set() for _ in range(voters)]
    orders: Counter[tuple[str, str]] = Counter()
    for _ in range(len(pool.pairs) * voters):
        voter = rng.randrange(voters)
        drawn = draw(pool, shown[voter], tally, policy, rng, wanted)
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
    rng, tally, shown = Random(seed), Tally(pool), []
    while (drawn := draw(pool, shown, tally, "balanced", rng)) is not None:
        shown.append(drawn.pair)
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
    assert sorted(shown) == sorted(pool.pairs)


@given(pool=POOLS, policy=POLICIES, seed=st.integers(0, 99), quotas=QUOTAS.filter(lambda q: q != Quotas()))
def test_voters_who_come_one_after_another_fill_the_quotas_and_no_more(
    pool: Pool, policy: Policy, seed: int, quotas: Quotas
) -> None:
    rng, tally, prompts = Random(seed), Tally(pool, quotas=quotas), Counter[str]()
    for _ in range(12 * 6):  # of at most twelve pairs a prompt, six wanted each
        shown: set[Pair] = set()
        while (drawn := draw(pool, shown, tally, policy, rng)) is not None:
            shown.add(drawn.pair)
            prompts[drawn.pair.prompt_id] += 1
            tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
        if not shown:
            break
    assert tally.is_full
    assert max(prompts.values()) <= (quotas.prompt or 999)
    for category, sheet in tally.sheets.items():
        assert tally.categories[category] <= (quotas.category or 999)
        assert sheet.meetings.max() <= (quotas.pair or 999)


def test_balanced_keeps_categories_and_meetings_within_one_while_there_is_choice() -> None:
    pool, rng = study(3, 4, 4, 4), Random(7)
    tally = Tally(pool)
    for voter in range(4):
        shown: set[Pair] = set()
        for _ in range(9):
            drawn = draw(pool, shown, tally, "balanced", rng)
            assert drawn is not None
            shown.add(drawn.pair)
            tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
        assert len({pool.category(pair) for pair in shown}) == 3, voter
    assert max(tally.categories.values()) - min(tally.categories.values()) == 0
    for sheet in tally.sheets.values():  # 36 battles, three categories, three pairs of systems in each
        assert sheet.meetings.tolist() == [4, 4, 4]


def test_stored_probability_is_the_frequency_with_which_the_pair_is_drawn() -> None:
    pool = study(3, 2, 1, 0)  # two categories: 6 pairs and 3 pairs
    chances = dict(distribution(pool, (), Tally(pool), "balanced"))
    assert sorted(chances.values()) == pytest.approx([1 / 12] * 6 + [1 / 6] * 3)
    rng, n = Random(3), 6000
    seen = Counter(drawn.pair for _ in range(n) if (drawn := draw(pool, (), Tally(pool), "balanced", rng)))
    for pair, chance in chances.items():
        assert seen[pair] / n == pytest.approx(chance, abs=4 * (chance * (1 - chance) / n) ** 0.5)


def test_gap_aware_draws_two_systems_as_often_as_they_are_wanted_and_their_prompts_in_turn() -> None:
    pool = study(3, 2, 0, 0)  # s0-s1, s0-s2, s1-s2 on two prompts each
    wanted = {pool.category(pool.pairs[0]): np.array([6.0, 3.0, 1.0])}
    tally, rng, n = Tally(pool), Random(4), 3000
    seen: Counter[tuple[str, str]] = Counter()
    on: Counter[Pair] = Counter()
    for _ in range(n):
        drawn = draw(pool, (), tally, "gap_aware", rng, wanted)
        assert drawn is not None
        assert drawn.policy == "gap_aware"
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
        seen[drawn.pair.systems] += 1
        on[drawn.pair] += 1
    for systems, chance in zip([("s0", "s1"), ("s0", "s2"), ("s1", "s2")], (0.6, 0.3, 0.1), strict=True):
        assert seen[systems] / n == pytest.approx(chance, abs=4 * (chance * (1 - chance) / n) ** 0.5)
        assert abs(on[Pair("p00", *systems)] - on[Pair("p01", *systems)]) <= 1


def test_gap_aware_without_a_preference_draws_as_balanced_does_and_says_so() -> None:
    pool = study(4, 3, 2, 0)
    for wanted in (None, {}):
        drawn = draw(pool, (), Tally(pool), "gap_aware", Random(8), wanted)
        assert drawn == draw(pool, (), Tally(pool), "balanced", Random(8))
        assert drawn is not None
        assert drawn.policy == "balanced"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (np.ones((3, 3)), r"shape \(3, 3\), and the pool has 3 couples"),
        (np.array([1.0, 1.0, 0.0]), "gives no chance"),
    ],
)
def test_a_preference_that_fits_no_draw_is_refused(wanted: np.ndarray, sentence: str) -> None:
    pool = study(3, 1, 0, 0)
    category = pool.category(pool.pairs[0])
    with pytest.raises(ValueError, match=sentence):
        draw(pool, (), Tally(pool), "gap_aware", Random(1), {category: wanted})


def test_battles_on_what_has_left_the_pool_count_for_what_is_left_of_them() -> None:
    before = study(3, 2, 0, 0)
    rng, tally = Random(2), Tally(before)
    battles = []
    for _ in range(6):
        drawn = draw(before, (), tally, "balanced", rng)
        assert drawn is not None
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
        battles.append(drawn)
    after = Pool([prompt(0)], [exhibit("p00", name) for name in ("s0", "s1")])
    kept = Tally(after)
    for drawn in battles:
        kept.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
    [sheet] = kept.sheets.values()
    assert kept.orders.total() == 6
    assert sheet.meetings.tolist() == [2]  # on either prompt
    assert (sheet.fewest.tolist(), sheet.prompts.tolist()) == ([1], [1])


def test_same_seed_same_battles() -> None:
    pool = study(4, 3, 1, 1)
    one, other = (draw(pool, (), Tally(pool), "uniform", Random(5)) for _ in range(2))
    assert one == other


def test_a_tally_of_stored_battles_equals_one_kept_along_the_way() -> None:
    pool, rng = study(3, 2, 0, 1), Random(1)
    kept = Tally(pool)
    battles, shown = [], set()
    while (drawn := draw(pool, shown, kept, "uniform", rng)) is not None:
        shown.add(drawn.pair)
        kept.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
        battles.append(
            Battle("b", "v", drawn.pair.prompt_id, drawn.category, drawn.left.clip, drawn.right.clip,
                   drawn.left.id, drawn.right.id, (Question.OVERALL,), drawn.probability, "uniform",
                   datetime(2026, 1, 1, tzinfo=UTC))
        )  # fmt: skip
    told = Tally(pool, battles)
    assert (told.categories, told.orders, told.lefts) == (kept.categories, kept.orders, kept.lefts)
    assert as_lists(told) == as_lists(kept)
    assert {pair_of(battle) for battle in battles} == shown


def test_equal_seeds_meet_and_unequal_ones_only_where_there_is_no_other_way() -> None:
    pool = Pool([prompt(1)], [exhibit("p01", "a", 1), exhibit("p01", "a", 2), exhibit("p01", "b", 2)])
    [(one, other)] = pool.exhibits(pool.pairs[0])
    assert (one.clip.seed, other.clip.seed) == (2, 2)
    pool = Pool([prompt(1)], [exhibit("p01", "a", 1), exhibit("p01", "a", 3), exhibit("p01", "b", 2)])
    assert len(pool.exhibits(pool.pairs[0])) == 2


def test_a_prompt_with_one_exhibit_is_no_pair() -> None:
    assert Pool([prompt(1)], [exhibit("p01", "a")]).pairs == ()
    for policy in ("balanced", "uniform", "gap_aware"):
        nothing = Pool([], [])
        assert draw(nothing, (), Tally(nothing), policy, Random(1)) is None


@pytest.mark.parametrize("policy", ["balanced", "uniform", "gap_aware"])
def test_no_draw_lists_the_pairs_of_the_pool(policy: Policy) -> None:
    pool = study(60, 20, 0, 0)
    tally, rng, shown = Tally(pool), Random(1), set()
    wanted = {category: np.ones(len(pool.first)) for category in pool.boards}
    for _ in range(3):
        drawn = draw(pool, shown, tally, policy, rng, wanted)
        assert drawn is not None
        shown.add(drawn.pair)
        tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
    assert "pairs" not in vars(pool)  # 4.5 million of them would take gigabytes in a study of 300 systems
    assert pool.size == len(pool.pairs) == 60 * 59 // 2 * 20


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
