"""How far a study has come: votes by the hour, pairs that are still needed, sessions, spend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from arena_ui.owner.services.cast import Cast, cast
from evalharness.battles import Pool, Quotas, Tally, pair_of
from evalharness.records import Battle, Purpose, Vote, Voter

if TYPE_CHECKING:
    from evalharness.reports import GenerationRow, VoteFlow

__all__ = ["Need", "Progress", "Sessions", "by_hour", "needs", "progress", "sessions"]

HOUR = timedelta(hours=1)
HOURS_SHOWN = 48


@dataclass(frozen=True, slots=True)
class Need:
    """What one category has and lacks, in answered comparisons."""

    category: str
    answered: int
    couples: int
    """Pairs of systems that can meet."""
    fewest: int
    """Answered by the couple that has met least."""
    missing: int | None
    """Comparisons until the first of the category's quotas is met, which fills it; None where it has none."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """How far voters come."""

    joined: int
    voted: int
    """With an answer at least."""
    finished: int
    """With all the comparisons that they are asked for."""
    length: int
    """Comparisons in a session."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A study as it stands."""

    flow: VoteFlow
    hours: tuple[tuple[datetime, int], ...]
    """The last hours with votes in or between them, oldest first: (its beginning, votes)."""
    needs: tuple[Need, ...]
    sessions: Sessions
    spend: tuple[GenerationRow, ...]
    """By system, under the name it is shown by."""
    standing: Mapping[str, int]
    """System, as it is shown -> creates that stand at its vendor and may be billed."""

    @property
    def spent_usd(self) -> float | None:
        """What the clips whose price is known have cost; None where none has one."""
        costs = [row.total_cost_usd for row in self.spend if row.total_cost_usd is not None]
        return sum(costs) if costs else None

    @property
    def unpriced(self) -> int:
        """Clips of which nobody knows what they cost."""
        return sum(row.done - row.priced for row in self.spend)


def progress(office: Office, person: Person) -> Progress:
    """How far the study has come. Raises NotAllowed."""
    office.permit(person, Action.PROGRESS)
    return office.fresh.get("progress", lambda: _progress(office))


def _progress(office: Office) -> Progress:
    from evalharness.reports import generation_table, vote_flow

    store, labels, pairing = office.store, office.labels, office.study.settings.pairing
    now = cast(office)
    pool = Pool(store.prompts(), store.exhibits())
    quotas = Quotas(pairing.battles_per_pair, pairing.battles_per_prompt, pairing.battles_per_category)
    standing = {
        labels.get(system, system): sum(stages.values())
        for system, stages in store.standing_purchases().items()
    }
    return Progress(
        flow=vote_flow(now.battles, now.votes, store.exclusions(), store.rulings()),
        hours=by_hour(now.votes),
        needs=needs(pool, answered(now), quotas),
        sessions=sessions(store.voters(), now, pool.session(office.study.settings.arena.votes_per_voter)),
        spend=generation_table(store.jobs(), store.clips(), labels=labels),
        standing=standing,
    )


def answered(now: Cast) -> list[Battle]:
    """The comparisons that have an answer."""
    voted = {vote.battle_id for vote in now.votes}
    return [each for each in now.battles if each.purpose is Purpose.COMPARISON and each.id in voted]


def by_hour(votes: Iterable[Vote], most: int = HOURS_SHOWN) -> tuple[tuple[datetime, int], ...]:
    """Votes of each hour up to the last that has any, `most` hours at most; empty where there are none."""
    counts = Counter(vote.created_at.replace(minute=0, second=0, microsecond=0) for vote in votes)
    if not counts:
        return ()
    last = max(counts)
    first = max(min(counts), last - (most - 1) * HOUR)
    hours = int((last - first) / HOUR) + 1
    return tuple((first + number * HOUR, counts[first + number * HOUR]) for number in range(hours))


def needs(pool: Pool, battles: Iterable[Battle], quotas: Quotas) -> tuple[Need, ...]:
    """What each category of the pool has and lacks, of comparisons that have an answer."""
    done = list(battles)
    tally = Tally(pool, done, quotas)
    on_prompt = Counter(pair_of(each).prompt_id for each in done)
    found = []
    for category, sheet in tally.sheets.items():
        board = pool.boards[category]
        met = sheet.meetings[board.both > 0]
        have, lacks = tally.categories[category], []
        if quotas.pair is not None:
            lacks.append(int((quotas.pair - met).clip(min=0).sum()))
        if quotas.prompt is not None:
            paired = pool.paired_prompts & set(board.prompts)
            lacks.append(sum(max(0, quotas.prompt - on_prompt[prompt_id]) for prompt_id in paired))
        if quotas.category is not None:
            lacks.append(max(0, quotas.category - have))
        fewest = int(met.min()) if met.size else 0
        # Each quota is an upper bound of its own: the category is full once the first of them is met.
        found.append(Need(str(category), have, met.size, fewest, min(lacks, default=None)))
    return tuple(found)


def sessions(voters: Iterable[Voter], now: Cast, length: int) -> Sessions:
    """How many joined, voted, and went all the way."""
    compared = Counter(battle.voter_id for battle in answered(now))
    return Sessions(
        joined=sum(1 for _ in voters),
        voted=len({vote.voter_id for vote in now.votes}),
        finished=sum(length > 0 and count >= length for count in compared.values()),
        length=length,
    )
