"""The polling booth: who the voter is, which pairs they see, and what happens to their vote.

Everything the page's routes do lies here, without a word of HTTP. A voter has at most two pairs open:
the one on screen and the one the page loads ahead. All that matters is in the database, so a booth can
die at any moment and another, with the same key, goes on.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from arena_ui import tokens
from arena_ui.dealer import Dealer
from arena_ui.known import KnownBattles
from arena_ui.people import People
from arena_ui.screening.trials import Trials
from arena_ui.sittings import Rest, back_in, rest_due
from arena_ui.tokens import Part, Sealer
from arena_ui.words import words
from evalharness.battles import Pool
from evalharness.config import Study
from evalharness.errors import AlreadyAnswered, NotFoundError, StoreError
from evalharness.labels import FaultKind
from evalharness.people import Fault
from evalharness.records import Battle, BlindPair, Exhibit, Purpose, Voter
from evalharness.settings import RecruitingSettings
from evalharness.store import Store
from evalharness.store.showings import Shown
from evalharness.votes import (
    Answers,
    Refusal,
    RefusalKind,
    Showing,
    answers_from,
    evidence_from,
    judge,
    same_answers,
)

__all__ = ["Booth", "Clip", "Conflict", "Round", "Saved"]

OPEN_PAIRS = 2
"""The pair on screen and the one loaded ahead."""
TOKEN_LIFE_S = 2 * 3600
TURNS = 64
"""Locks that voters share: each of them waits for one in so many others."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a voter's page shows now."""

    pairs: tuple[BlindPair, ...]
    """The pair to judge and the one after it; empty when the voter is done."""
    done: int
    """Pairs answered."""
    total: int
    """Pairs asked for; less than the study's setting where it has fewer."""
    finished: bool
    """Whether the study has all the battles that it wants: nobody else is shown any."""
    rest: Rest = Rest.NONE
    back_in_s: int = 0
    """Where they have to rest: seconds until they are shown pairs again."""

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Saved:
    """The vote is in the database."""

    again: bool
    """True where it was there before: a double click, or a reply that was lost."""
    shown: tuple[Shown, ...] | None = None
    """What the voter was shown, as it stands now; None where that has to be asked for."""


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
        rng: Random | None = None,
    ) -> None:
        """`rng`: draws pairs and sides, for runs that repeat; left out, nobody can foretell them."""
        self._study, self._store, self._sealer, self._clock = study, store, sealer, clock
        settings = study.settings
        self._watch_share, self._scale = settings.arena.watch_share, settings.arena.scale
        self._ticket_life = timedelta(seconds=settings.pairing.ticket_life_s)
        shown_systems = {system.name for system in study.systems}
        exhibits, copies = (
            [each for each in stored if each.clip.system in shown_systems and study.path(each.path).is_file()]
            for stored in (store.exhibits(), store.flawed_exhibits())
        )
        self._exhibits: dict[str, Exhibit] = {each.id: each for each in exhibits}
        self._pool = Pool(store.prompts(), exhibits)
        self._dealer = Dealer(
            settings,
            store,
            self._pool,
            copies,
            clock,
            lambda voter_id: sealer.secret("checks", voter_id),
            rng,
        )
        self._dealing = threading.Lock()
        self._turns = [threading.RLock() for _ in range(TURNS)]
        self._known = KnownBattles(store)
        self._break_after = timedelta(minutes=settings.arena.break_after_minutes)
        self._longest_sitting = timedelta(minutes=settings.arena.longest_session_minutes)
        self.people = People(store, sealer, clock)
        self.trials = Trials(
            settings.screening,
            study.folder,
            store,
            sealer,
            clock,
            sounds=not all(each.silent for each in exhibits),
            spoken=self.languages,
        )

    @property
    def recruiting(self) -> RecruitingSettings:
        """Who sends this study's voters."""
        return self._study.settings.recruiting

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
        """Pairs each voter is asked for: the study's setting, or all there are, and its checks."""
        return self._dealer.session

    def voter(self, secret: str | None) -> Voter | None:
        """Whose secret this is."""
        return self.people.voter(secret)

    def turn(self, voter: Voter) -> AbstractContextManager[object]:
        """Held while one voter is served: two of their tabs would each draw a pair for the same place."""
        return self._turns[hash(voter.id) % TURNS]

    def round(self, voter: Voter, shown: Sequence[Shown] | None = None) -> Round:
        """The voter's open pairs, drawn now where there are fewer than two, with fresh tokens.

        `shown`: what they were shown, where that is known from this turn of theirs.
        """
        with self.turn(voter):
            before = list(self._known.shown_to(voter.id) if shown is None else shown)
            waiting = [each.battle for each in before if self._is_waiting(each)]
            done = sum(each.answered_at is not None for each in before)
            rest, back_in_s = self._rest(before) if done < self.pairs_asked_for else (Rest.NONE, 0)
            while (
                rest is not Rest.OVER
                and len(waiting) < OPEN_PAIRS
                and done + len(waiting) < self.pairs_asked_for
            ):
                battle = self._open(voter, before)
                if battle is None:
                    break
                before.append(Shown(battle, None))
                waiting.append(battle)
        with self._dealing:
            finished = not waiting and self._dealer.is_finished
        total = max(self.pairs_asked_for, done + len(waiting))
        if rest is Rest.OVER:
            waiting = []
        waiting.sort(key=lambda battle: (battle.created_at, battle.id))  # as the store tells them next time
        return Round(
            tuple(self._blind(battle, voter.interface) for battle in waiting[:OPEN_PAIRS]),
            done=done,
            total=total,
            finished=finished,
            rest=rest,
            back_in_s=back_in_s,
        )

    def is_done(self, voter: Voter) -> bool:
        """Whether the voter has answered all they are asked for, or nothing is left for them."""
        before = self._known.shown_to(voter.id)
        if any(map(self._is_waiting, before)):
            return False
        if sum(each.answered_at is not None for each in before) >= self.pairs_asked_for:
            return True
        with self._dealing:
            return self._dealer.deal(voter, before) is None

    def _open(self, voter: Voter, before: Sequence[Shown]) -> Battle | None:
        """A new battle, stored; None where there is none. Others may draw while the disk writes it."""
        with self._dealing:
            battle = self._dealer.deal(voter, before)
            if battle is None:
                return None
            self._dealer.note(battle)
        try:
            self._store.open_battle(battle)
        except StoreError:
            with self._dealing:
                self._dealer.take_back(battle)
            raise
        self._known.note(battle)
        return battle

    def vote(
        self, voter: Voter, ticket: object, answers: object, evidence: object, receipts: object
    ) -> Saved | Conflict | Refusal:
        """Take a vote, once. The same answers again are answered alike, others change nothing."""
        before = {each.battle.id: each for each in self._known.shown_to(voter.id)}
        shown = before.get(ticket) if isinstance(ticket, str) else None
        if shown is None:
            return Refusal(
                RefusalKind.MALFORMED, "This pair was not drawn for you. Nothing was saved; reload the page."
            )
        battle = shown.battle
        given = answers_from(answers, self._scale)
        if isinstance(given, Refusal):
            return given
        if shown.answered_at is not None:
            return self._repeated(battle, given)
        if shown.faulty:
            return Conflict("You put this pair aside before; nothing was changed.")
        if not self._is_waiting(shown):
            return Refusal(
                RefusalKind.EXPIRED,
                "This pair waited too long for an answer and was given to somebody else. Nothing was saved; "
                "another pair comes.",
            )
        observed = evidence_from(evidence)
        if isinstance(observed, Refusal):
            return observed
        showing = self._showing(battle, before.values(), receipts)
        votes = judge(battle, given, showing, observed, self._clock())
        if isinstance(votes, Refusal):
            return votes
        try:
            self._store.commit_votes(votes)
        except AlreadyAnswered:
            return self._repeated(battle, given)
        self._dealer.preferring.note_vote()
        before[battle.id] = shown._replace(answered_at=votes[0].created_at)
        return Saved(again=False, shown=tuple(before.values()))

    def report(self, voter: Voter, ticket: object, kind: object) -> Saved | Conflict | Refusal:
        """Put aside a pair that its voter cannot judge. It counts for nobody, and is not answered later."""
        shown = next((each for each in self._known.shown_to(voter.id) if each.battle.id == ticket), None)
        if shown is None or kind not in list(FaultKind):  # in a set, what is sent would have to be hashable
            return Refusal(
                RefusalKind.MALFORMED,
                "The fault was not understood, or the pair was not drawn for you. Nothing was saved.",
            )
        try:
            self._store.report_fault(Fault(shown.battle.id, FaultKind(str(kind)), self._clock()))
        except AlreadyAnswered:
            return Conflict("You answered this pair before; your answer stands and nothing was changed.")
        return Saved(again=shown.faulty)

    def clip(self, token: str, voter: Voter | None) -> Clip | None:
        """The clip behind a token, for the voter whose pair it is of; or None."""
        showing, battle = self._opened(token, voter)
        if showing is None or battle is None or showing.part not in (Part.LEFT, Part.RIGHT):
            return None
        sides = [self._exhibit(battle.left_exhibit), self._exhibit(battle.right_exhibit)]
        path = self._study.path(sides[showing.part].path)
        if not path.is_file():  # lost since the battle was drawn: gone for the page, too
            return None
        length = common_length([side.bytes for side in sides])
        return Clip(path, length, showing.fill, self._sealer.receipt(battle.id, showing.part))

    def picture(self, token: str, voter: Voter | None) -> Path | None:
        """The prompt's picture behind a token, for the voter whose pair it is of; or None."""
        showing, battle = self._opened(token, voter)
        if showing is None or battle is None or showing.part in (Part.LEFT, Part.RIGHT):
            return None
        prompt = self._pool.prompts[battle.prompt_id]
        pictures = prompt.references if showing.part is Part.REFERENCE else (prompt.first_frame or "",)
        # A study whose prompts have changed since may have fewer.
        path = Path(pictures[showing.number]) if showing.number < len(pictures) else None
        return path if path is not None and path.is_file() else None

    def _opened(self, token: str, voter: Voter | None) -> tuple[tokens.Showing | None, Battle | None]:
        showing = self._sealer.open(token, self._clock().timestamp())
        if showing is None or voter is None:  # a link that was passed on, or outlived its voter
            return None, None
        try:
            battle = self._known.battle(showing.battle_id)
        except NotFoundError:  # the key outlived the database
            return None, None
        return (showing, battle) if battle.voter_id == voter.id else (None, None)

    def _blind(self, battle: Battle, interface: str) -> BlindPair:
        prompt = self._pool.prompts[battle.prompt_id]
        left, right = self._exhibit(battle.left_exhibit), self._exhibit(battle.right_exhibit)
        expires_s = self._clock().timestamp() + TOKEN_LIFE_S

        def token(part: Part, number: int = 0) -> str:
            return self._sealer.seal(battle.id, part, expires_s, number=number)

        text, language, spoken = prompt.text, prompt.language, prompt.spoken
        if battle.purpose is Purpose.TRAP and battle.expected is not None:
            said = words(interface)
            text = said["trap.words"].format(answer=said[f"answer.{battle.expected}"])
            language, spoken = interface, None
        return BlindPair(
            battle_id=battle.id,
            prompt_text=text,
            prompt_language=language,
            spoken=spoken,
            first_frame=None if prompt.first_frame is None else token(Part.FIRST_FRAME),
            references=tuple(token(Part.REFERENCE, number) for number in range(len(prompt.references))),
            left=token(Part.LEFT),
            right=token(Part.RIGHT),
            questions=battle.questions,
            duration_s=round(min(left.streams.duration_s, right.streams.duration_s), 3),
            silent=left.silent and right.silent,
        )

    def _rest(self, before: Sequence[Shown]) -> tuple[Rest, int]:
        """Whether the voter has sat for long, and for how many seconds they should stay away."""
        seen = [each.battle.created_at for each in before]
        answered = [each.answered_at for each in before if each.answered_at is not None]
        now = self._clock()
        rest = rest_due(seen, answered, now, self._break_after, self._longest_sitting)
        away = back_in([*seen, *answered], now)
        return rest, math.ceil(away.total_seconds()) if rest is Rest.OVER else 0

    def _is_waiting(self, shown: Shown) -> bool:
        """Whether it may still be answered."""
        return (
            not shown.faulty
            and shown.answered_at is None
            and self._clock() - shown.battle.created_at <= self._ticket_life
        )

    def _showing(self, battle: Battle, before: Iterable[Shown], receipts: object) -> Showing:
        left, right = self._exhibit(battle.left_exhibit), self._exhibit(battle.right_exhibit)
        given: Mapping[str, object] = receipts if isinstance(receipts, dict) else {}
        # Drawn ahead, a pair can be watched only from the moment the one before it was answered.
        answered = [each.answered_at for each in before if each.answered_at is not None]
        since = max([battle.created_at, *answered])
        return Showing(
            since=since,
            duration_s=min(left.streams.duration_s, right.streams.duration_s),
            watch_share=self._watch_share,
            delivered_left=self._sealer.is_receipt(given.get("left"), battle.id, Part.LEFT),
            delivered_right=self._sealer.is_receipt(given.get("right"), battle.id, Part.RIGHT),
        )

    def _repeated(self, battle: Battle, answers: Answers) -> Saved | Conflict:
        if same_answers(self._store.votes(battle.id), answers):
            return Saved(again=True)
        return Conflict("You answered this pair before; your first answer stands and nothing was changed.")

    def _exhibit(self, exhibit_id: str) -> Exhibit:
        """An exhibit, also one that a newer one has replaced since the battle was drawn."""
        if exhibit_id not in self._exhibits:
            self._exhibits[exhibit_id] = self._store.exhibit(exhibit_id)
        return self._exhibits[exhibit_id]


def common_length(sizes: Sequence[int]) -> int:
    """Bytes to which both clips of a battle are brought: their size, or room for one more box beyond it."""
    return max(sizes) if len(set(sizes)) == 1 else max(sizes) + 8
