"""The rules: from what a voter did to whether they are paid and whether their votes count.

Recruiting platforms let nobody go unpaid for one failed check of attention, and for nothing but attention; a
study may count whom it likes, as long as it says so beforehand. So there are rules of two kinds, each with a
setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from scipy.stats import binom

from evalharness.quality.conduct import Conduct
from evalharness.records import Decision, Ruling
from evalharness.settings import QualitySettings

__all__ = ["RULES", "Matter", "Rule", "Verdict", "newest", "rulings_due", "verdict"]

AUTHOR = "quality/3"
"""Who rules where the rules do: a change of the rules is another author."""

Matter = Literal["pay", "count"]
DECISIONS: Mapping[Matter, tuple[Decision, Decision]] = {
    "pay": (Decision.ACCEPTED, Decision.RETURNED),
    "count": (Decision.USED, Decision.EXCLUDED),
}
"""For and against the voter."""
NAMED_HABITS = ("run", "one_side")
"""Habits that speak against a voter by themselves; others a person should look at."""


FEW_FAULTS = 3
"""So many clips may break for anybody."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason not to pay, or not to count."""

    name: str
    matter: Matter
    setting: str
    """Of `[quality]`: the threshold."""
    broken: Callable[[Conduct, QualitySettings], str | None]
    """The sentence where it is broken, with its figures."""


def _traps(conduct: Conduct, most: int) -> str | None:
    failed = conduct.traps.of - conduct.traps.hits
    return f"{failed} of {conduct.traps.of} traps failed" if failed > most else None


def _golds(conduct: Conduct, settings: QualitySettings) -> str | None:
    failed = conduct.golds.of - conduct.golds.hits
    if failed <= settings.golds_forgiven:
        return None
    return f"in {failed} of {conduct.golds.of} gold pairs the side spoiled on purpose was not found worse"


def _faults(conduct: Conduct, settings: QualitySettings) -> str | None:
    many, checks = conduct.faults, conduct.checks_put_aside
    if many.hits > FEW_FAULTS and many.hits > settings.most_faults * many.of:
        return f"{many} pairs put aside as faulty"
    if checks.hits > checks.of / 2:
        return f"{checks} checks put aside as faulty"
    return None


def _inconsistent(conduct: Conduct, settings: QualitySettings) -> str | None:
    same, wanted = conduct.repeats, settings.least_consistency
    chance = float(binom.cdf(same.hits, same.of, wanted))
    if chance >= settings.consistency_level:
        return None
    return (
        f"{same.hits} of {same.of} repeated pairs answered as before; who answers {wanted:.0%} of them as "
        f"before has so few with a chance of {chance:.1g}"
    )


def _habit(conduct: Conduct, settings: QualitySettings) -> str | None:
    told = [
        each.sentence
        for each in conduct.habits
        if each.kind in NAMED_HABITS and each.p is not None and each.p < settings.habit_level
    ]
    return " ".join(told) or None


def _unlike_the_others(conduct: Conduct, settings: QualitySettings) -> str | None:
    suspect = conduct.suspect
    if suspect is None or suspect.evidence < math.log(settings.e_value):
        return None
    return suspect.sentence


RULES = (
    Rule("attention", "pay", "traps_forgiven_in_pay", lambda c, s: _traps(c, s.traps_forgiven_in_pay)),
    Rule("attention", "count", "traps_forgiven", lambda c, s: _traps(c, s.traps_forgiven)),
    Rule("gold pairs", "count", "golds_forgiven", _golds),
    Rule("faults", "count", "most_faults", _faults),
    Rule("consistency", "count", "least_consistency", _inconsistent),
    Rule("habit", "count", "habit_level", _habit),
    Rule("unlike the others", "count", "e_value", _unlike_the_others),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one voter."""

    conduct: Conduct
    against: Mapping[Matter, tuple[str, ...]]
    """By matter the reasons against them; none is a decision for them."""

    def decision(self, matter: Matter) -> Decision:
        """Whether to pay, or to count."""
        return DECISIONS[matter][bool(self.against[matter])]


def verdict(conduct: Conduct, settings: QualitySettings) -> Verdict:
    """What the rules say of this voter."""
    broken = [(rule, rule.broken(conduct, settings)) for rule in RULES]
    return Verdict(
        conduct,
        {
            matter: tuple(f"{rule.name}: {said}" for rule, said in broken if said and rule.matter == matter)
            for matter in DECISIONS
        },
    )


def newest(rulings: Iterable[Ruling], voter_id: str, matter: Matter) -> Ruling | None:
    """The ruling that holds; `rulings` in the order in which they were made."""
    own = [each for each in rulings if each.voter_id == voter_id and each.decision in DECISIONS[matter]]
    return own[-1] if own else None


def rulings_due(
    verdicts: Iterable[Verdict],
    rulings: Iterable[Ruling],
    now: datetime,
    *,
    length: int,
    settings: QualitySettings,
) -> tuple[Ruling, ...]:
    """The rulings by which what holds becomes what the rules say; none where a person has ruled.

    Whoever finished the `length` comparisons of a session is accepted or returned by a ruling. Of those who
    left before, rules decide alone whether their votes count; whether they are paid is for a person to say.
    Nobody is judged while they may yet go on. Votes count without a ruling, so a voter is ruled `used` only
    where the rules had excluded them before.
    """
    made, due = tuple(rulings), []
    for each in verdicts:
        finished = each.conduct.comparisons >= length
        if not finished and now - each.conduct.last_at < timedelta(hours=settings.idle_hours):
            continue
        for matter in DECISIONS:
            if matter == "pay" and not finished:
                continue
            holds, decision = newest(made, each.conduct.voter_id, matter), each.decision(matter)
            if holds is None and decision is Decision.USED:
                continue
            if holds is not None and (holds.decision is decision or not _by_rule(holds)):
                continue
            reason = "; ".join(each.against[matter]) or "no rule is broken"
            due.append(Ruling(each.conduct.voter_id, decision, reason, AUTHOR, now))
    return tuple(due)


def _by_rule(ruling: Ruling) -> bool:
    return ruling.author.partition("/")[0] == AUTHOR.partition("/")[0]
