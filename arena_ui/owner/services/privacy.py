"""What is kept of a person: find it, hand it out, take it away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from arena_ui.owner.services.raters import raters
from arena_ui.people import People
from arena_ui.tokens import Sealer, load_key
from evalharness.people import Arrival
from evalharness.records import Voter

__all__ = ["Found", "copy_of", "erase", "find", "forget_decided"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a study keeps of one voter."""

    voter: Voter
    arrival: Arrival | None
    answered: int
    """Pairs."""


def find(office: Office, person: Person, query: str) -> tuple[Found, ...]:
    """The voters whose id, or whose name at their platform, is `query`, even where that was taken away.

    The audit does not keep for whom somebody looked.

    Raises NotAllowed.
    """
    office.permit(person, Action.PRIVACY)
    wanted = query.strip()
    came = {each.voter_id: each for each in office.store.arrivals()}
    sealer = Sealer(load_key(office.study.folder))
    # The hash still knows them where the name was taken away.
    keys = {sealer.person_key(platform, wanted) for platform in {each.platform for each in came.values()}}
    same = [each for each in came.values() if each.person == wanted or each.person_key in keys]
    ids = {wanted, *(each.voter_id for each in same)}
    hits = [voter for voter in office.store.voters() if wanted and voter.id in ids]
    office.note(person, "looked for a person", found=len(hits))
    return tuple(Found(voter, came.get(voter.id), _answered(office, voter.id)) for voter in hits)


def _answered(office: Office, voter_id: str) -> int:
    shown = [battle.id for battle in office.store.battles(voter_id)]
    return len(office.store.answered_among(shown))


def copy_of(office: Office, person: Person, voter_id: str) -> str:
    """All that is kept of one voter, what was decided on them and done with their data, as JSON.

    No system is named. (The copy that voters take by themselves has no decisions: whose votes are left out
    unnoticed would learn it there.) Raises NotAllowed, NotFoundError.
    """
    office.permit(person, Action.PRIVACY)
    people = People(office.store, Sealer(load_key(office.study.folder)), lambda: datetime.now(UTC))
    kept = people.own_data(office.store.voter(voter_id))
    kept["decisions"] = [
        {
            "decision": each.decision,
            "reason": each.reason,
            "by": each.author,
            "at": each.created_at.isoformat(),
        }
        for each in office.store.rulings()
        if each.voter_id == voter_id
    ]
    kept["acts"] = [
        {"act": each.action, "by": each.author, "at": each.created_at.isoformat()}
        for each in office.store.audit()
        if each.details.get("voter") == voter_id
    ]
    office.note(person, "downloaded", what="all that is kept of a person", voter=voter_id)
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def erase(office: Office, person: Person, voter_id: str) -> None:
    """Take away all that leads from a person to this voter; their answers stay, under an id of nobody.

    Raises NotAllowed, NotFoundError.
    """
    office.permit(person, Action.PRIVACY)
    noted = office.entry(person, "erased a person", voter=voter_id)
    office.store.erase_voter(voter_id, datetime.now(UTC), noted=noted)
    office.fresh.forget()


def forget_decided(office: Office, person: Person) -> int:
    """Take away what platforms call everybody on whose pay is decided; how many it was kept of.

    Raises NotAllowed.
    """
    office.permit(person, Action.PRIVACY)
    decided = [rater.voter.id for rater in raters(office, person) if rater.pay is not None]
    noted = office.entry(person, "took platforms' names away", voters=len(decided))
    gone = office.store.forget_people(decided, noted=noted)
    office.fresh.forget()
    return gone
