"""The polling booth: who the voter is, which pairs they see, and what happens to their vote.

Everything the page's routes do lies here, without a word of HTTP. A voter has at most two pairs open:
the one on screen and the one the page loads ahead. All that matters is in the database, so a booth can
die at any moment and another, with the same key, goes on.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from arena_ui import tokens
from arena_ui.preferring import Preferring
from arena_ui.tokens import Part, Sealer
from evalharness.battles import Pair, Pool, Tally, draw, pair_of, questions_for
from evalharness.config import Study
from evalharness.errors import AlreadyAnswered, NotFoundError
from evalharness.records import Battle, BlindPair, Exhibit, Outcome, Question, Voter
from evalharness.store import Store
from evalharness.votes import (
    Refusal,
    RefusalKind,
    Showing,
    evidence_from,
    judge,
    outcomes_from,
    same_answers,
)

__all__ = ["Booth", "Clip", "Conflict", "Round", "Saved"]

OPEN_PAIRS = 2
"""The pair on screen and the one loaded ahead."""
TOKEN_LIFE_S = 2 * 3600


@dataclass(frozen=True, slots=True)
class Round:
    """What a voter's page shows now."""

    pairs: tuple[BlindPair, ...]
    """The pair to judge and the one after it; empty when the voter is done."""
    done: int
    """Pairs answered."""
    total: int
    """Pairs asked for; less than the study's setting where it has fewer."""

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Saved:
    """The vote is in the database."""

    again: bool
    """True where it was there before: a double click, or a reply that was lost."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The pair has other answers already; nothing was changed."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Clip:
    """One side of a battle, as one showing delivers it."""

    path: Path
    length: int
    """Bytes to deliver: the same for both sides of a battle, whatever their files' sizes."""
    fill: bytes
    receipt: str


class Booth:
    """One study's voting, over its store. Thread-safe."""

    def __init__(
        self,
        study: Study,
        store: Store,
        sealer: Sealer,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._study, self._store, self._sealer, self._clock = study, store, sealer, clock
        arena = study.settings.arena
        self._questions, self._watch_share, self._asked_for = (
            tuple(arena.questions),
            arena.watch_share,
            arena.votes_per_voter,
        )
        shown_systems = {system.name for system in study.systems}
        exhibits = [
            each
            for each in store.exhibits()
            if each.clip.system in shown_systems and study.path(each.path).is_file()
        ]
        self._exhibits: dict[str, Exhibit] = {each.id: each for each in exhibits}
        self._pool = Pool(store.prompts(), exhibits)
        battles = store.battles()
        self._tally = Tally(self._pool, battles)
        self._preferring = Preferring(store, study.settings.pairing, self._pool.systems)
        # Seeded by how far the study has come: reproducible, and a restart does not repeat itself.
        self._rng = Random(f"{study.settings.pairing.seed}/{len(battles)}")
        self._drawing = threading.Lock()
        self._answered: dict[str, datetime] = {}

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages in which the study's clips speak: what a voter is asked to tick."""
        shown = (self._pool.prompts[prompt_id] for prompt_id in self._pool.paired_prompts)
        return tuple(sorted({prompt.language for prompt in shown if prompt.spoken is not None}))

    @property
    def is_empty(self) -> bool:
        """Whether there is no pair to show at all."""
        return self._pool.size == 0

    @property
    def pairs_asked_for(self) -> int:
        """Pairs each voter is asked for: the study's setting, or all there are."""
        return min(self._asked_for, self._pool.size)

    def join(self, languages: Sequence[str], consent_version: str) -> tuple[Voter, str]:
        """A new voter, and the secret their browser keeps; only its hash is stored."""
        secret = secrets.token_urlsafe(32)
        voter = Voter(
            secrets.token_hex(8), tuple(languages), self._clock(), consent_version, _hash_of(secret)
        )
        self._store.put_voter(voter)
        return voter, secret

    def voter(self, secret: str | None) -> Voter | None:
        """Whose secret this is."""
        return self._store.voter_by_token(_hash_of(secret)) if secret else None

    def round(self, voter: Voter) -> Round:
        """The voter's open pairs, drawn now where there are fewer than two, with fresh tokens."""
        with self._drawing:
            battles = list(self._store.battles(voter.id))
            waiting = [battle for battle in battles if self._answered_at(battle) is None]
            shown = {pair_of(battle) for battle in battles}
            while len(waiting) < OPEN_PAIRS and len(battles) < self._asked_for:
                battle = self._draw(voter, shown)
                if battle is None:
                    break
                self._store.open_battle(battle)
                shown.add(pair_of(battle))
                self._tally.add(battle.category, pair_of(battle), battle.left.system, battle.right.system)
                battles.append(battle)
                waiting.append(battle)
        waiting.sort(
            key=lambda battle: (battle.created_at, battle.id)
        )  # as the store will tell them next time
        return Round(
            tuple(self._blind(battle) for battle in waiting[:OPEN_PAIRS]),
            done=len(battles) - len(waiting),
            total=max(self.pairs_asked_for, len(battles)),
        )

    def is_done(self, voter: Voter) -> bool:
        """Whether the voter has answered all they are asked for."""
        answered = [b for b in self._store.battles(voter.id) if self._answered_at(b) is not None]
        return len(answered) >= self.pairs_asked_for

    def vote(
        self, voter: Voter, ticket: object, answers: object, evidence: object, receipts: object
    ) -> Saved | Conflict | Refusal:
        """Take a vote, once. The same answers again are answered alike, others change nothing."""
        battle = self._battle_of(voter, ticket)
        if isinstance(battle, Refusal):
            return battle
        outcomes = outcomes_from(answers)
        if isinstance(outcomes, Refusal):
            return outcomes
        if self._answered_at(battle) is not None:
            return self._repeated(battle, outcomes)
        observed = evidence_from(evidence)
        if isinstance(observed, Refusal):
            return observed
        votes = judge(battle, outcomes, self._showing(voter, battle, receipts), observed, self._clock())
        if isinstance(votes, Refusal):
            return votes
        try:
            self._store.commit_votes(votes)
        except AlreadyAnswered:
            return self._repeated(battle, outcomes)
        self._answered[battle.id] = votes[0].created_at
        self._preferring.note_vote()
        return Saved(again=False)

    def clip(self, token: str) -> Clip | None:
        """The clip behind a token, or None."""
        showing, battle = self._opened(token)
        if showing is None or battle is None or showing.part not in (Part.LEFT, Part.RIGHT):
            return None
        sides = [self._exhibit(battle.left_exhibit), self._exhibit(battle.right_exhibit)]
        path = self._study.path(sides[showing.part].path)
        if not path.is_file():  # lost since the battle was drawn: gone for the page, too
            return None
        length = common_length([side.bytes for side in sides])
        return Clip(path, length, showing.fill, self._sealer.receipt(battle.id, showing.part))

    def picture(self, token: str) -> Path | None:
        """The prompt's picture behind a token, or None."""
        showing, battle = self._opened(token)
        if showing is None or battle is None or showing.part in (Part.LEFT, Part.RIGHT):
            return None
        prompt = self._pool.prompts[battle.prompt_id]
        pictures = prompt.references if showing.part is Part.REFERENCE else (prompt.first_frame or "",)
        # A study whose prompts have changed since may have fewer.
        path = Path(pictures[showing.number]) if showing.number < len(pictures) else None
        return path if path is not None and path.is_file() else None

    def _opened(self, token: str) -> tuple[tokens.Showing | None, Battle | None]:
        showing = self._sealer.open(token, self._clock().timestamp())
        try:
            return showing, None if showing is None else self._store.battle(showing.battle_id)
        except NotFoundError:  # the key outlived the database
            return None, None

    def _draw(self, voter: Voter, shown: set[Pair]) -> Battle | None:
        policy, preference = self._study.settings.pairing.policy, self._preferring.current()
        drawn = draw(self._pool, shown, self._tally, policy, self._rng, preference)
        if drawn is None:
            return None
        prompt = self._pool.prompts[drawn.pair.prompt_id]
        questions = questions_for(
            prompt, drawn.left, drawn.right, enabled=self._questions, languages=voter.languages
        )
        return Battle(
            id=secrets.token_hex(16),
            voter_id=voter.id,
            prompt_id=prompt.id,
            category=drawn.category,
            left=drawn.left.clip,
            right=drawn.right.clip,
            left_exhibit=drawn.left.id,
            right_exhibit=drawn.right.id,
            questions=questions,
            probability=drawn.probability,
            policy=drawn.policy,
            created_at=self._clock(),
        )

    def _blind(self, battle: Battle) -> BlindPair:
        prompt = self._pool.prompts[battle.prompt_id]
        left, right = self._exhibit(battle.left_exhibit), self._exhibit(battle.right_exhibit)
        expires_s = self._clock().timestamp() + TOKEN_LIFE_S

        def token(part: Part, number: int = 0) -> str:
            return self._sealer.seal(battle.id, part, expires_s, number=number)

        return BlindPair(
            battle_id=battle.id,
            prompt_text=prompt.text,
            prompt_language=prompt.language,
            spoken=prompt.spoken,
            first_frame=None if prompt.first_frame is None else token(Part.FIRST_FRAME),
            references=tuple(token(Part.REFERENCE, number) for number in range(len(prompt.references))),
            left=token(Part.LEFT),
            right=token(Part.RIGHT),
            questions=battle.questions,
            duration_s=round(min(left.streams.duration_s, right.streams.duration_s), 3),
            silent=left.silent and right.silent,
        )

    def _showing(self, voter: Voter, battle: Battle, receipts: object) -> Showing:
        left, right = self._exhibit(battle.left_exhibit), self._exhibit(battle.right_exhibit)
        given: Mapping[str, object] = receipts if isinstance(receipts, dict) else {}
        # Drawn ahead, a pair can be watched only from the moment the one before it was answered.
        answered = [self._answered_at(other) for other in self._store.battles(voter.id)]
        since = max([battle.created_at, *(moment for moment in answered if moment is not None)])
        return Showing(
            since=since,
            duration_s=min(left.streams.duration_s, right.streams.duration_s),
            watch_share=self._watch_share,
            delivered_left=self._sealer.is_receipt(given.get("left"), battle.id, Part.LEFT),
            delivered_right=self._sealer.is_receipt(given.get("right"), battle.id, Part.RIGHT),
        )

    def _battle_of(self, voter: Voter, ticket: object) -> Battle | Refusal:
        try:
            battle = self._store.battle(ticket) if isinstance(ticket, str) and ticket.isalnum() else None
        except NotFoundError:
            battle = None
        if battle is None or battle.voter_id != voter.id:
            return Refusal(
                RefusalKind.MALFORMED, "This pair was not drawn for you. Nothing was saved; reload the page."
            )
        return battle

    def _repeated(self, battle: Battle, outcomes: Mapping[Question, Outcome]) -> Saved | Conflict:
        if same_answers(self._store.votes(battle.id), outcomes):
            return Saved(again=True)
        return Conflict("You answered this pair before; your first answer stands and nothing was changed.")

    def _answered_at(self, battle: Battle) -> datetime | None:
        """When the battle was answered. Votes are never taken back, so what is known stays known."""
        if battle.id not in self._answered:
            votes = self._store.votes(battle.id)
            if not votes:
                return None
            self._answered[battle.id] = votes[0].created_at
        return self._answered[battle.id]

    def _exhibit(self, exhibit_id: str) -> Exhibit:
        """An exhibit, also one that a newer one has replaced since the battle was drawn."""
        if exhibit_id not in self._exhibits:
            self._exhibits[exhibit_id] = self._store.exhibit(exhibit_id)
        return self._exhibits[exhibit_id]


def common_length(sizes: Sequence[int]) -> int:
    """Bytes to which both clips of a battle are brought: their size, or room for one more box beyond it."""
    return max(sizes) if len(set(sizes)) == 1 else max(sizes) + 8


def _hash_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
