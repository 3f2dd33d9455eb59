"""Who votes: joining, being known again, coming back, withdrawing, and being erased.

A voter's browser keeps a secret, the database its hash; a new secret ends the one before. Who withdraws has a
secret of another kind, which opens nothing but their own data: `voter` does not know it, so no pair is shown
and no vote taken, whichever process is asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from arena_ui.exits import failed_traps, is_screened_out
from arena_ui.own_data import own_data
from arena_ui.recruiting import Referral
from arena_ui.tokens import Sealer
from evalharness.errors import NotFoundError, StoreError
from evalharness.people import BY_VOTER, Arrival
from evalharness.records import Decision, Purpose, Ruling, Voter
from evalharness.store import Store

__all__ = ["People"]

WITHDRAWN = "withdrawn, at their own wish"


class People:
    """One study's voters, over its store. Thread-safe."""

    def __init__(self, store: Store, sealer: Sealer, clock: Callable[[], datetime]) -> None:
        self._store, self._sealer, self._clock = store, sealer, clock

    def join(
        self,
        languages: Sequence[str],
        consent_version: str,
        *,
        interface: str = "en",
        open_data: bool = False,
        referral: Referral | None = None,
    ) -> tuple[Voter, str]:
        """A new voter, and the secret their browser keeps. A person who is known stays who they were."""
        secret = secrets.token_urlsafe(32)
        voter = Voter(
            secrets.token_hex(8),
            tuple(languages),
            self._clock(),
            consent_version,
            _hash_of(secret),
            open_data=open_data,
            interface=interface,
        )
        self._store.put_voter(voter)
        if referral is None:
            return voter, secret
        try:
            self.arrive(voter, referral)
        except StoreError:  # two clicks at once: the other came first
            known = self.known(referral)
            if known is None:
                raise
            return known, self.renew(known)
        return voter, secret

    def arrive(self, voter: Voter, referral: Referral) -> None:
        """Keep how a voter came, in place of the time before: where they go afterwards may be another place.

        Raises StoreError where another voter is this person.
        """
        key, details = self._person_key(referral), dict(referral.details)
        self._store.put_arrival(
            Arrival(voter.id, referral.platform, key, referral.person, details, self._clock())
        )

    def voter(self, secret: str | None) -> Voter | None:
        """Who votes with this secret."""
        return self._store.voter_by_token(_hash_of(secret)) if secret else None

    def leaver(self, secret: str | None) -> Voter | None:
        """Who withdrew, and holds this secret."""
        return self._store.voter_by_token(_hash_of(secret, left=True)) if secret else None

    def known(self, referral: Referral) -> Voter | None:
        """The voter who this person was when they came before."""
        return self._store.voter_by_person(self._person_key(referral))

    def came_as(self, voter: Voter, referral: Referral) -> bool:
        """Whether this voter is the person whom a link names."""
        arrival = self._store.arrival(voter.id)
        return arrival is not None and arrival.person_key == self._person_key(referral)

    def renew(self, voter: Voter) -> str:
        """A new secret in place of the one before, of the kind that the voter has a right to."""
        secret = secrets.token_urlsafe(32)
        left = self._has_withdrawn(voter)
        self._store.change_voter(voter.id, token_hash=_hash_of(secret, left=left))
        if not left and self._has_withdrawn(voter):  # meanwhile, from another browser
            self._store.change_voter(voter.id, token_hash=_hash_of(secret, left=True))
        return secret

    def return_code(self, voter: Voter) -> str:
        """What lets this voter come back from anywhere."""
        return self._sealer.return_code(voter.id)

    def by_code(self, code: str) -> Voter | None:
        """Whose return code this is; an erased voter's is nobody's."""
        voter_id = self._sealer.voter_of(code)
        try:
            voter = None if voter_id is None else self._store.voter(voter_id)
        except NotFoundError:  # the key outlived the database
            return None
        return None if voter is None or voter.erased_at is not None else voter

    def withdraw(self, voter: Voter) -> str:
        """Leave their answers out of all results, for good; the secret that still opens their own data."""
        if not self._has_withdrawn(voter):
            self._store.rule(Ruling(voter.id, Decision.EXCLUDED, WITHDRAWN, BY_VOTER, self._clock()))
        return self.renew(voter)

    def erase(self, voter: Voter) -> None:
        """Withdraw, and take away all that leads to the person; no secret or code is theirs any more."""
        self.withdraw(voter)
        self._store.erase_voter(voter.id, self._clock())

    def traps_failed(self, voter: Voter) -> int:
        """How many pairs that ask for one answer outright they answered otherwise."""
        shown = self._store.shown_to(voter.id)
        traps = [each.battle for each in shown if each.battle.purpose is Purpose.TRAP]
        return failed_traps((battle, self._store.votes(battle.id)) for battle in traps)

    def is_screened_out(self, voter: Voter) -> bool:
        """Whether they cannot take part: their device or their ears did not do."""
        return is_screened_out(self._store.screenings(voter.id))

    def details(self, voter: Voter) -> dict[str, object]:
        """What the platform's link said of where to go afterwards; nothing once they are forgotten."""
        arrival = self._store.arrival(voter.id)
        return {} if arrival is None else dict(arrival.details)

    def own_data(self, voter: Voter) -> dict[str, Any]:
        """All that is kept of a voter, for them to take away; JSON values."""
        shown = self._store.shown_to(voter.id)
        answered = [(each, self._store.votes(each.battle.id)) for each in shown]
        return own_data(
            voter,
            self._store.arrival(voter.id),
            self._store.screenings(voter.id),
            answered,
            {prompt.id: prompt.text for prompt in self._store.prompts()},
        )

    def _has_withdrawn(self, voter: Voter) -> bool:
        return any(each.voter_id == voter.id and each.author == BY_VOTER for each in self._store.rulings())

    def _person_key(self, referral: Referral) -> str:
        return self._sealer.person_key(referral.platform, referral.person)


def _hash_of(secret: str, *, left: bool = False) -> str:
    return sha256((f"withdrawn/{secret}" if left else secret).encode()).hexdigest()
