"""Which systems should meet next, kept fresh beside the voting, for the policy `gap_aware`.

The votes are read and rated in a thread of their own, so no voter waits for it: after 25 votes or a minute
(another process may take votes, too), and for a tenth of the time at most. Until the first answer is there,
and in categories that cannot be rated yet, draws are balanced.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from evalharness.battles import Preference
from evalharness.config import PairingSettings
from evalharness.errors import RatingError, StoreError
from evalharness.records import Category, Question
from evalharness.store import Store
from evalharness.store.counting import VoteColumns

__all__ = ["Preferring", "preference_from"]

VOTES = 25
SECONDS = 60.0
REST = 9.0
"""Times as long as it worked it rests at least."""


class Preferring:
    """The preference by now, from the votes in the store. Thread-safe."""

    def __init__(
        self,
        store: Store,
        settings: PairingSettings,
        systems: Sequence[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = lambda work: threading.Thread(
            target=work, name="pair preference", daemon=True
        ).start(),
    ) -> None:
        self._store, self._settings, self._systems, self._clock = store, settings, tuple(systems), clock
        self._start = start
        self._guard = threading.Lock()
        self._preference: Preference | None = None
        self._new_votes = 0
        self._working = False
        self._due = self._not_before = -np.inf

    def note_vote(self) -> None:
        """A vote was stored."""
        with self._guard:
            self._new_votes += 1

    def current(self) -> Preference | None:
        """What is preferred, None before anything is known; has it made anew where that is due."""
        if self._settings.policy != "gap_aware" or len(self._systems) < 2:
            return None
        with self._guard:
            now = self._clock()
            wanted = self._new_votes >= VOTES or now >= self._due
            begin = wanted and not self._working and now >= self._not_before
            if begin:
                self._working, self._new_votes = True, 0
        if begin:
            self._start(self._renew)
        with self._guard:
            return self._preference

    def _renew(self) -> None:
        began = self._clock()
        made = self._preference
        try:
            votes = {
                category: self._store.vote_columns(category=category, question=Question.OVERALL)
                for category in Category
            }
            made = preference_from(votes, self._systems, self._settings)
        except StoreError:
            pass  # a busy database, or a closed one: what was preferred so far stands
        finally:
            with self._guard:
                ended = self._clock()
                self._preference, self._working = made, False
                self._due = ended + SECONDS
                self._not_before = ended + REST * (ended - began)


def preference_from(
    votes: Mapping[Category, VoteColumns], systems: Sequence[str], settings: PairingSettings
) -> Preference:
    """Chances of all couples of `systems`, by category; categories that cannot be rated yet are missing."""
    # Only gap_aware loads scipy, and only once the page is up.
    from evalharness.ratings.pair_choice import pair_preference
    from evalharness.ratings.tally import tally_codes

    couples = np.triu_indices(len(systems), 1)
    preference = {}
    for category, columns in votes.items():
        try:
            chances = pair_preference(
                tally_codes(**columns._asdict()),
                systems,
                explore=settings.explore,
                newcomer_votes=settings.newcomer_votes,
                quota=settings.quota,
            )
        except RatingError:
            continue
        preference[category] = chances[couples]
    return preference
