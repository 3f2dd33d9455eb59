"""The raters: what each did, what the rules say, what is decided, and the lists for paying them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from arena_ui.owner.services.cast import cast
from evalharness.battles import Pool
from evalharness.errors import ConfigError
from evalharness.people import BY_VOTER, Arrival
from evalharness.records import Decision, Ruling, Voter

if TYPE_CHECKING:
    from evalharness.quality import Conducts, Verdict

__all__ = [
    "Rater",
    "apply_rules",
    "decide",
    "due",
    "list_of",
    "raters",
    "session_length",
    "verdicts",
]

LONGEST_REASON = 500
LISTS: Mapping[Decision, str] = {Decision.ACCEPTED: "pay list", Decision.RETURNED: "return list"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True, slots=True)
class Rater:
    """One voter, as who looks may know them."""

    voter: Voter
    verdict: Verdict | None
    """What they did and what the rules say; None where they answered nothing."""
    pay: Ruling | None
    """The decision that holds; likewise `count`."""
    count: Ruling | None
    arrival: Arrival | None
    """How they came; None where it is not kept, or not for the eyes of who looks."""

    @property
    def answered(self) -> int:
        """Comparisons."""
        return self.verdict.conduct.comparisons if self.verdict else 0

    @property
    def why(self) -> str:
        """What the rules hold against them; empty where nothing."""
        against = self.verdict.against.values() if self.verdict else ()
        return "; ".join(dict.fromkeys(reason for reasons in against for reason in reasons))


def raters(office: Office, person: Person) -> tuple[Rater, ...]:
    """All voters, by when they joined; how they came is told to owners alone. Raises NotAllowed."""
    from evalharness.quality import newest

    office.permit(person, Action.RATERS)
    judged = {each.conduct.voter_id: each for each in verdicts(office)}
    rulings = office.store.rulings()
    came = {each.voter_id: each for each in office.store.arrivals()} if person.may(Action.NAMES) else {}
    return tuple(
        Rater(
            voter,
            judged.get(voter.id),
            newest(rulings, voter.id, "pay"),
            newest(rulings, voter.id, "count"),
            came.get(voter.id),
        )
        for voter in office.store.voters()
    )


def conduct(office: Office) -> Conducts:
    """What every voter did."""
    from evalharness.quality import conducts

    now = cast(office)
    return office.fresh.get(
        "conducts",
        lambda: conducts(
            now.battles,
            now.votes,
            faults=office.store.faults(),
            exhibits=office.store.exhibits(),
            labels=office.labels,
        ),
    )


def verdicts(office: Office) -> tuple[Verdict, ...]:
    """What the study's rules say of everybody who answered something."""
    from evalharness.quality import verdict

    return tuple(verdict(each, office.study.settings.quality) for each in conduct(office).voters)


def due(office: Office, person: Person) -> tuple[Ruling, ...]:
    """The decisions of the rules that are not on record. Raises NotAllowed."""
    from evalharness.quality import rulings_due

    office.permit(person, Action.RATERS)
    return rulings_due(
        verdicts(office),
        office.store.rulings(),
        datetime.now(UTC),
        length=session_length(office),
        settings=office.study.settings.quality,
    )


def session_length(office: Office) -> int:
    """Comparisons in a whole session."""
    pool = office.fresh.get("pool", lambda: Pool(office.store.prompts(), office.store.exhibits()))
    return pool.session(office.study.settings.arena.votes_per_voter)


def apply_rules(office: Office, person: Person) -> int:
    """Put on record what the rules say; how many decisions that were. Raises NotAllowed."""
    office.permit(person, Action.DECIDE)
    decisions = due(office, person)
    office.store.rule(*decisions, noted=office.entry(person, "applied the rules", decisions=len(decisions)))
    office.fresh.forget()
    return len(decisions)


def decide(office: Office, person: Person, voter_id: str, decision: Decision, reason: str) -> None:
    """Put a person's decision on record; no rule overrules it.

    Raises NotAllowed, ConfigError without a reason or where the voter withdrew, NotFoundError where there is
    no such voter.
    """
    office.permit(person, Action.DECIDE)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise ConfigError(
            f"A decision on a voter is kept with its reason: say it in 1 to {LONGEST_REASON} characters; "
            f"this one has {len(reason)}."
        )
    voter = office.store.voter(voter_id)
    if decision is Decision.USED and _has_withdrawn(office, voter.id):
        raise ConfigError(
            f"{voter.id} withdrew from the study at their own wish: their votes stay out, whoever decides."
        )
    # Not the reason: it may name somebody, and what the audit holds cannot be taken away with them.
    noted = office.entry(person, "decided", voter=voter.id, decision=decision.value)
    office.store.rule(Ruling(voter.id, decision, reason, person.name, datetime.now(UTC)), noted=noted)
    office.fresh.forget()


def _has_withdrawn(office: Office, voter_id: str) -> bool:
    return any(each.voter_id == voter_id and each.author == BY_VOTER for each in office.store.rulings())


def list_of(office: Office, person: Person, decision: Decision) -> str:
    """Everybody whom the decision on record pays (ACCEPTED), or does not (RETURNED), as CSV for a platform.

    Raises NotAllowed.
    """
    office.permit(person, Action.NAMES)
    rows = [
        (rater, rater.pay)
        for rater in raters(office, person)
        if rater.pay is not None and rater.pay.decision is decision
    ]
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(
        [
            *("platform", "person", "details", "voter", "answered", "of"),
            *("decision", "reason", "decided by", "decided at"),
        ]
    )
    length = session_length(office)
    for rater, ruling in rows:
        came = rater.arrival
        details = json.dumps(dict(came.details), sort_keys=True) if came and came.details else ""
        cells = [came.platform if came else "", (came and came.person) or "", details, rater.voter.id]
        cells += [str(rater.answered), str(length)]
        cells += [ruling.decision.value, ruling.reason, ruling.author, ruling.created_at.isoformat()]
        table.writerow([_cell(cell) for cell in cells])
    office.note(person, "downloaded", what=LISTS[decision], voters=len(rows))
    return out.getvalue()


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
