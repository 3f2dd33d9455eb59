"""Voters of known habits are told apart, decisions are kept once, and agreement is that of a textbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random

import pytest

from evalharness.labels import FaultKind
from evalharness.people import Fault
from evalharness.quality import (
    Conducts,
    Count,
    Verdict,
    agreement,
    conducts,
    newest,
    rulings_due,
    verdict,
)
from evalharness.records import (
    Battle,
    Category,
    Decision,
    Exhibit,
    JobKey,
    Outcome,
    Purpose,
    Question,
    Ruling,
    Streams,
    Vote,
)
from evalharness.settings import QualitySettings

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
SYSTEMS = ("amber", "birch", "cedar", "dune")
"""From strong to weak."""
RULES = QualitySettings()

Answer = Callable[[Random, Battle], Outcome]


def honest(rng: Random, battle: Battle) -> Outcome:
    """The stronger one, by how much it is stronger."""
    gap = SYSTEMS.index(battle.right.system) - SYSTEMS.index(battle.left.system)
    return Outcome.LEFT if rng.random() < 1 / (1 + 2.718 ** (-0.9 * gap)) else Outcome.RIGHT


def fan_of_the_weakest(rng: Random, battle: Battle) -> Outcome:
    sides = (battle.left.system, battle.right.system)
    if SYSTEMS[-1] not in sides:
        return honest(rng, battle)
    return Outcome.LEFT if sides[0] == SYSTEMS[-1] else Outcome.RIGHT


def left_always(rng: Random, battle: Battle) -> Outcome:
    return Outcome.LEFT


class Hall:
    """Battles and votes of voters with habits."""

    def __init__(self) -> None:
        self.rng = Random(3)
        self.battles: list[Battle] = []
        self.votes: list[Vote] = []

    def battle(self, voter: str, left: str, right: str, prompt: str, **more: object) -> Battle:
        number = len(self.battles)
        values: dict[str, object] = {
            "id": f"b{number}",
            "voter_id": voter,
            "prompt_id": prompt,
            "category": Category.TEXT_TO_VIDEO,
            "left": JobKey(left, prompt, 1),
            "right": JobKey(right, prompt, 1),
            "left_exhibit": f"{left}-{prompt}",
            "right_exhibit": f"{right}-{prompt}",
            "questions": (Question.OVERALL,),
            "probability": 0.1,
            "policy": "balanced",
            "created_at": START + timedelta(seconds=10 * number),
        }
        self.battles.append(Battle(**{**values, **more}))  # type: ignore[arg-type]  # by name, from a table
        return self.battles[-1]

    def answer(self, battle: Battle, outcome: Outcome, took_s: float = 6.0) -> None:
        moment = battle.created_at + timedelta(seconds=took_s)
        evidence = {"answer_s": took_s}
        self.votes.append(Vote(battle.id, battle.voter_id, Question.OVERALL, outcome, moment, evidence))

    def session(self, voter: str, answer: Answer, pairs: int = 48, *, attentive: bool = True) -> None:
        """Comparisons, then a trap and four repeats, two of them with the sides exchanged."""
        every = [(pair, f"p{n}") for n in range(pairs // 6) for pair in combinations(SYSTEMS, 2)]
        self.rng.shuffle(every)
        own: list[tuple[Battle, Outcome]] = []
        for pair, prompt in every:
            left, right = self.rng.sample(pair, 2)
            battle = self.battle(voter, left, right, prompt)
            own.append((battle, answer(self.rng, battle)))
            self.answer(*own[-1])
        for number, (before, said) in enumerate(own[:4]):
            swapped = number % 2 == 1
            again = self.battle(
                voter,
                (before.right if swapped else before.left).system,
                (before.left if swapped else before.right).system,
                before.prompt_id,
                purpose=Purpose.SWAPPED_REPEAT if swapped else Purpose.REPEAT,
                repeats=before.id,
            )
            mirrored = {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}[said] if swapped else said
            self.answer(again, mirrored if attentive else answer(self.rng, again))
        trap = self.battle(voter, *SYSTEMS[:2], "p-trap", purpose=Purpose.TRAP, expected=Outcome.BOTH_BAD)
        self.answer(trap, Outcome.BOTH_BAD if attentive else answer(self.rng, trap))


@pytest.fixture(scope="module")
def found() -> Conducts:
    hall = Hall()
    for number in range(12):
        hall.session(f"honest-{number:02d}", honest)
    hall.session("careless", lambda rng, _: rng.choice([Outcome.LEFT, Outcome.RIGHT]), attentive=False)
    hall.session("fan", fan_of_the_weakest)
    hall.session("straight", left_always, attentive=False)
    return conducts(hall.battles, hall.votes)


def of(found: Conducts, voter: str) -> Verdict:
    [conduct] = [each for each in found.voters if each.voter_id == voter]
    return verdict(conduct, RULES)


def test_checks_are_counted_with_how_many_there_were(found: Conducts) -> None:
    told = of(found, "honest-00").conduct
    assert (told.comparisons, told.traps, told.repeats) == (48, Count(1, 1), Count(4, 4))
    assert told.median_answer_s == 6.0
    straight = of(found, "straight").conduct
    assert straight.repeats == Count(2, 4)  # with the sides exchanged, the same button is another answer
    assert straight.traps == Count(0, 1)


def test_the_honest_are_paid_and_counted_and_the_others_are_not_counted(found: Conducts) -> None:
    for each in found.voters:
        said = verdict(each, RULES)
        assert said.decision("pay") is Decision.ACCEPTED, each.voter_id  # one failed trap is forgiven
        expected = Decision.USED if each.voter_id.startswith("honest") else Decision.EXCLUDED
        assert said.decision("count") is expected, (each.voter_id, said.against)
    assert "attention: 1 of 1 traps failed" in of(found, "careless").against["count"]
    assert any("chooses dune more often" in why for why in of(found, "fan").against["count"])
    assert any("habit: " in why for why in of(found, "straight").against["count"])


def test_two_failed_traps_give_the_place_back(found: Conducts) -> None:
    conduct = replace(of(found, "honest-00").conduct, traps=Count(1, 3))
    assert verdict(conduct, RULES).decision("pay") is Decision.RETURNED
    forgiving = RULES.model_copy(update={"traps_forgiven_in_pay": 2, "traps_forgiven": 2})
    assert verdict(conduct, forgiving).decision("pay") is Decision.ACCEPTED
    assert verdict(conduct, forgiving).decision("count") is Decision.USED


def test_gold_pairs_are_counted_and_decide_whether_votes_count_and_never_the_pay() -> None:
    hall = Hall()
    hall.session("attentive", honest, attentive=True)
    hall.session("blind", honest, attentive=True)
    for number in range(3):
        for voter, said in (("attentive", Outcome.RIGHT), ("blind", (Outcome.TIE, Outcome.LEFT)[number % 2])):
            gold = hall.battle(
                voter, *SYSTEMS[:2], f"gold-{number}", purpose=Purpose.GOLD, expected=Outcome.RIGHT
            )
            hall.answer(gold, said)
    told = conducts(hall.battles, hall.votes)
    assert [(each.voter_id, each.golds, each.comparisons) for each in told.voters] == [
        ("attentive", Count(3, 3), 48),
        ("blind", Count(0, 3), 48),
    ]
    decided = {forgiven: RULES.model_copy(update={"golds_forgiven": forgiven}) for forgiven in (2, 3)}
    assert of(told, "attentive").decision("count") is Decision.USED
    blind = verdict(told.voters[1], decided[2])
    assert blind.against["count"] == (
        "gold pairs: in 3 of 3 gold pairs the side spoiled on purpose was not found worse",
    )
    assert blind.decision("pay") is Decision.ACCEPTED
    assert verdict(told.voters[1], decided[3]).decision("count") is Decision.USED
    one_missed = replace(told.voters[1], golds=Count(2, 3))
    assert verdict(one_missed, RULES).decision("count") is Decision.USED, "one is forgiven"


@pytest.mark.parametrize(
    ("hits", "of", "counts"),
    [
        (0, 0, True),
        (1, 4, True),  # as few has one in three of those who answer half as before
        (0, 6, True),
        (0, 7, False),  # 0.5^7 < 0.01
        (1, 10, True),  # 11 x 0.5^10 > 0.01
        (1, 11, False),  # 12 x 0.5^11 < 0.01
        (30, 60, True),
    ],
)
def test_votes_count_unless_repeats_show_that_answers_are_chance(
    found: Conducts, hits: int, of: int, *, counts: bool
) -> None:
    [honest_one] = [each for each in found.voters if each.voter_id == "honest-00"]
    said = verdict(replace(honest_one, repeats=Count(hits, of)), RULES)
    assert (said.decision("count") is Decision.USED) == counts, said.against
    if not counts:
        assert f"consistency: {hits} of {of} repeated pairs answered as before" in said.against["count"][0]


def due(verdicts: list[Verdict], rulings: tuple[Ruling, ...], **changes: object) -> tuple[Ruling, ...]:
    """As the arena asks: whole sessions have 48 comparisons, and it is the day after."""
    values: dict[str, object] = {"now": START + timedelta(days=2), "length": 48, "settings": RULES}
    return rulings_due(verdicts, rulings, **{**values, **changes})  # type: ignore[arg-type]  # from a table


def test_decisions_are_put_on_record_once_and_a_persons_stand(found: Conducts) -> None:
    verdicts = [of(found, name) for name in ("honest-00", "careless")]
    first = due(verdicts, ())
    assert [(each.voter_id, each.decision) for each in first] == [
        ("honest-00", "accepted"),
        ("careless", "accepted"),
        ("careless", "excluded"),
    ]
    assert "1 of 1 traps failed" in first[-1].reason
    assert due(verdicts, first) == ()
    by_hand = (*first, Ruling("careless", Decision.USED, "was interrupted", "Ada", START))
    assert due(verdicts, by_hand) == ()
    held = newest(by_hand, "careless", "count")
    assert held is not None
    assert held.author == "Ada"
    good = [replace(verdicts[1], against={"pay": (), "count": ()})]
    assert [each.decision for each in due(good, first)] == ["used"]


def test_nobody_is_judged_while_they_may_go_on_and_pay_is_for_whole_sessions(found: Conducts) -> None:
    careless = of(found, "careless")
    soon = careless.conduct.last_at + timedelta(hours=RULES.idle_hours - 1)
    late = careless.conduct.last_at + timedelta(hours=RULES.idle_hours)
    assert len(due([careless], (), now=soon)) == 2, "they have finished"
    assert due([careless], (), now=soon, length=49) == ()
    assert [each.decision for each in due([careless], (), now=late, length=49)] == ["excluded"]
    honest_one = of(found, "honest-00")
    assert due([honest_one], (), now=late + timedelta(days=9), length=49) == (), "a person says who is paid"


@pytest.mark.parametrize(("faults", "counts"), [(0, True), (3, True), (20, True), (30, False)])
def test_who_puts_too_many_pairs_aside_does_not_count(found: Conducts, faults: int, counts: bool) -> None:
    hall = Hall()
    hall.session("v", honest)
    put_aside = [hall.battle("v", "amber", "birch", f"q{n}") for n in range(faults)]
    told = conducts(
        hall.battles, hall.votes, faults=[Fault(each.id, FaultKind.SOUND, START) for each in put_aside]
    )
    conduct = told.voters[0]
    assert conduct.faults == Count(faults, faults + 53)
    said = verdict(conduct, RULES)
    assert (said.decision("count") is Decision.USED) == counts
    if not counts:
        assert said.against["count"] == (f"faults: {faults} of {faults + 53} pairs put aside as faulty",)
        assert said.decision("pay") is Decision.ACCEPTED


def test_who_puts_most_checks_aside_does_not_count() -> None:
    for aside, counts in ((5, True), (6, False)):
        hall = Hall()
        hall.session("v", honest)  # answers five checks
        faulty = [
            hall.battle("v", "amber", "birch", f"q{n}", purpose=Purpose.TRAP, expected=Outcome.TIE)
            for n in range(aside)
        ]
        told = conducts(
            hall.battles, hall.votes, faults=[Fault(each.id, FaultKind.OTHER, START) for each in faulty]
        )
        said = verdict(told.voters[0], RULES)
        assert (said.decision("count") is Decision.USED) == counts, said.against
        if not counts:
            assert said.against["count"] == ("faults: 6 of 11 checks put aside as faulty",)


def test_an_answer_that_is_sooner_than_the_clips_are_long_is_a_habit() -> None:
    """Only where it is known how long they are."""
    hall = Hall()
    for number in range(12):
        hall.session(f"honest-{number:02d}", honest)
    streams = Streams("mp4", 9.0, 854, 480, 24.0, 216, "h264", "yuv420p")
    exhibits = [
        Exhibit(name, side, "sha", battle.prompt_id, "x.mp4", "e", 9, streams, False, -23.0)
        for battle in hall.battles
        for name, side in ((battle.left_exhibit, battle.left), (battle.right_exhibit, battle.right))
    ]
    blind, seeing = (conducts(hall.battles, hall.votes, exhibits=each) for each in ((), exhibits))
    hasty = [
        {each.kind for voter in found.voters for each in voter.habits} & {"haste"}
        for found in (blind, seeing)
    ]
    assert hasty == [set(), {"haste"}]  # answered after 6 s


def test_with_few_voters_it_is_said_what_could_not_be_looked_at() -> None:
    hall = Hall()
    hall.session("only", honest, pairs=6)
    alone = conducts(hall.battles, hall.votes)
    assert [each.voter_id for each in alone.voters] == ["only"]
    assert len(alone.notes) == 2
    assert verdict(alone.voters[0], RULES).decision("count") is Decision.USED
    assert conducts([], []).voters == ()


def votes_on(units: list[str]) -> tuple[list[Battle], list[Vote]]:
    """One pair a word; each letter is a voter's answer, seen from the first system whatever the side."""
    hall = Hall()
    for number, unit in enumerate(units):
        for voter, letter in enumerate(unit):
            sides = ("amber", "birch") if (voter + number) % 2 else ("birch", "amber")
            battle = hall.battle(f"v{voter}", *sides, f"p{number}")
            better = {"a": "amber", "b": "birch"}.get(letter)
            plain = {"t": Outcome.TIE, "x": Outcome.BOTH_BAD}.get(letter, Outcome.RIGHT)
            hall.answer(battle, Outcome.LEFT if better == sides[0] else plain)
    return hall.battles, hall.votes


def test_agreement_is_krippendorffs_whatever_the_sides() -> None:
    everybody = agreement(*votes_on(["aaaa"] * 6 + ["bbbb"] * 6), Question.OVERALL)
    assert (everybody.alpha, everybody.low, everybody.high) == (1.0, 1.0, 1.0)
    units = ["aa", "ab", "bb", "bb", "aa", "ba", "bb", "aa", "bb", "ab"]
    # By hand: 20 values, 3 of 10 pairs differ; a 9 times, b 11: D_o = 6 / 20, D_e = 2 * 9 * 11 / (20 * 19).
    expected = 1 - (6 / 20) / (2 * 9 * 11 / (20 * 19))
    found = agreement(*votes_on(units), Question.OVERALL)
    assert found.alpha == pytest.approx(expected)
    assert found.low is not None
    assert found.high is not None
    assert found.low < expected < found.high
    assert (found.pairs, found.votes, found.is_doubtful) == (10, 20, True)


def test_no_alpha_without_enough_pairs_or_with_one_answer_only() -> None:
    few = agreement(*votes_on(["aa"] * 9 + ["a"] * 20), Question.OVERALL)
    assert (few.alpha, few.pairs) == (None, 9)
    assert "Only 9 pairs" in str(few.reason)
    alike = agreement(*votes_on(["aaa"] * 12), Question.OVERALL)
    assert alike.alpha is None
    assert "All answers are the same" in str(alike.reason)
    assert agreement(*votes_on(["ab"] * 12), Question.MOTION).pairs == 0


def test_voters_who_lift_one_system_together_are_named_as_a_ring() -> None:
    hall = Hall()
    for number in range(24):
        hall.session(f"honest {number}", honest)
    assert conducts(hall.battles, hall.votes).rings == ()
    for number in range(4):
        hall.session(f"fan {number}", fan_of_the_weakest)
    (ring,) = conducts(hall.battles, hall.votes).rings
    assert ring.system == SYSTEMS[-1]
    assert set(ring.members) == {f"fan {number}" for number in range(4)}
    masked = conducts(hall.battles, hall.votes, labels={SYSTEMS[-1]: "mellow-otter"})
    assert masked.rings[0].system == "mellow-otter"
    told = " ".join(each.suspect.sentence for each in masked.voters if each.suspect)
    assert "mellow-otter" in told
    assert SYSTEMS[-1] not in told


def test_haste_is_seen_and_excludes_nobody() -> None:
    hall = Hall()
    for number in range(12):
        hall.session(f"calm {number}", honest)
    hall.session("hasty", honest)
    hurried = [
        replace(vote, evidence={"answer_s": 0.4})
        if vote.voter_id == "hasty"
        else replace(vote, evidence={"answer_s": 5.0 + number % 7 / 2})
        for number, vote in enumerate(hall.votes)
    ]
    found = conducts(hall.battles, hurried)
    assert {each.voter_id for each in found.voters if "haste" in {habit.kind for habit in each.habits}} == {
        "hasty"
    }
    assert of(found, "hasty").decision("count") is Decision.USED
