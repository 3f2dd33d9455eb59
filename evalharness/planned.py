"""What one system would be asked for in one task, and how long such lines take beside each other.

Systems work side by side; those that use one model by one account share its limits, as they do in a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

from evalharness.adapters.base import Offer
from evalharness.records import Task

__all__ = ["Account", "Line", "Range", "shared_accounts", "side_by_side_s", "systems_of"]

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Account:
    """One model at one vendor, whose limits all systems that use it share."""

    route: str
    model: str
    running: int | None
    """How many clips it makes at a time; None where no limit is known."""
    requests_per_minute: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """What one system would be asked for in one task."""

    system: str
    task: Task
    clips: int
    """Clips that would be made."""
    standing: int
    """Of these, such as a vendor was asked for already, in an earlier run: their price is promised."""
    offers: tuple[Offer, ...]
    """What they would be, each kind once, the most frequent first."""
    cost_usd: float | None
    """List price of the clips to be asked for anew; None where a price is not known."""
    charged: bool
    """Whether somebody is paid for them."""
    at_once: int
    """How many of the system's are made at a time, were it alone."""
    account: Account | None
    """At its vendor; None where there is none."""
    one_takes_s: Range | None
    """How long one clip takes; None where nobody says."""
    rewriting: str | None
    """Whether the prompt is rewritten; None where no vendor makes the clips."""
    watermark: str | None
    """Which mark its clips bear; None where no vendor makes them."""
    refused: Mapping[str, int]
    """Why clips could not be asked for, and how many."""

    @property
    def takes_s(self) -> Range | None:
        """How long they take, were they the system's only ones."""
        return _span([self], self.at_once)


def side_by_side_s(lines: Sequence[Line]) -> Range | None:
    """How long all of them take; None where nobody says of any."""
    spans = [_span(own, own[0].at_once) for own in _by_system(lines).values()]
    spans += [_span(used, _at_once(account, used)) for account, used in shared_accounts(lines).items()]
    ends = [span for span in spans if span is not None]
    return (max(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def _by_system(lines: Sequence[Line]) -> Mapping[str, Sequence[Line]]:
    return {name: [line for line in lines if line.system == name] for name in systems_of(lines)}


def shared_accounts(lines: Sequence[Line]) -> Mapping[Account, Sequence[Line]]:
    """Accounts that several systems use, with their lines."""
    accounts = dict.fromkeys(line.account for line in lines if line.account is not None and line.clips)
    users = {each: [line for line in lines if line.account == each and line.clips] for each in accounts}
    return {account: used for account, used in users.items() if len(systems_of(used)) > 1}


def systems_of(lines: Sequence[Line]) -> Sequence[str]:
    """The names of their systems, each once."""
    return list(dict.fromkeys(line.system for line in lines))


def _at_once(account: Account, lines: Sequence[Line]) -> int:
    """How many clips of an account are made at a time."""
    wanted = sum(of_one[0].at_once for of_one in _by_system(lines).values())
    return int(min(wanted, account.running or inf))


def _span(lines: Sequence[Line], at_once: int) -> Range | None:
    """How long clips take of which so many are made at a time; None where nobody says of any."""
    timed = [(line.clips, *line.one_takes_s) for line in lines if line.one_takes_s is not None]
    if not timed:
        return None
    clips = sum(count for count, _, _ in timed)
    rounds = ceil(clips / at_once)
    account = lines[0].account
    rate = None if account is None else account.requests_per_minute
    # Each clip is at least one request.
    least_s = 60.0 * clips / rate if rate else 0.0
    return (
        max(rounds * min(low for _, low, _ in timed), least_s),
        max(rounds * max(high for _, _, high in timed), least_s),
    )
