"""A study, its store, and as many booths over it as a test wants, with the clock in the test's hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from arena_ui.booth import Booth
from arena_ui.tokens import Sealer
from evalharness.config import Study, load_study
from evalharness.records import Battle, Outcome, Vote, Voter
from evalharness.store import Store

__all__ = ["Hall", "newcomer"]


@dataclass
class Hall:
    """A study, its store, and a clock for all booths."""

    study: Study
    store: Store
    now: datetime = field(default_factory=lambda: datetime(2026, 6, 1, 9, 0, tzinfo=UTC))
    _booths: int = 0

    @classmethod
    def with_lines(cls, study: Study, table: str, **settings: object) -> Hall:
        """A hall for the study with these settings in one table of its study.toml. Close its store."""
        file = study.folder / "study.toml"
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        text = file.read_text(encoding="utf-8").replace(f"[{table}]\n", f"[{table}]\n{lines}")
        file.write_text(text, encoding="utf-8")
        changed = load_study(study.folder)
        return cls(changed, Store.open(changed.database_url))

    def booth(self) -> Booth:
        """Another booth of the same arena; what it deals repeats from run to run."""
        self._booths += 1
        return self.booth_of(Random(f"booth {self._booths}"))

    def booth_of(self, rng: Random | None) -> Booth:
        return Booth(self.study, self.store, Sealer(b"k" * 32), clock=lambda: self.now, rng=rng)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def answer(self, battle: Battle, outcome: Outcome = Outcome.LEFT) -> None:
        self.store.commit_votes(
            [Vote(battle.id, battle.voter_id, asked, outcome, self.now) for asked in battle.questions]
        )

    def finish(self, booth: Booth, voter: Voter) -> None:
        """Answer all that this voter is asked for."""
        while not booth.is_done(voter):
            self.answer(self.store.battle(booth.round(voter).pairs[0].battle_id))

    def answered(self) -> list[Battle]:
        voted = {vote.battle_id for vote in self.store.votes()}
        return [battle for battle in self.store.battles() if battle.id in voted]


def newcomer(booth: Booth) -> Voter:
    return booth.people.join(["en"], "v1")[0]
