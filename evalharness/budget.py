"""How much a study may spend on clips, and how much of that is spent or promised.

What counts: every clip at what it cost; every task that brought no clip at its list price, since few vendors
say that they do not bill it; every create that stands; every attempt of a program that has a price. All that
is read from the database, so that a limit holds over all runs of a study, however they ended.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalharness.adapters.base import Adapter, offer_of
from evalharness.adapters.maker import make_adapter
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.config import Study
from evalharness.errors import ConfigError
from evalharness.production import Order
from evalharness.purchases import Purchase, PurchaseStage
from evalharness.records import JobKey, Prompt, System
from evalharness.store import Store

__all__ = ["Budget", "committed_usd"]

CENT = 0.005
"""Sums of prices are exact to less than this."""


class Budget:
    """The money of one run. Not for several threads: one loop asks and tells."""

    def __init__(self, limit_usd: float, committed_usd: float) -> None:
        self.limit_usd = limit_usd
        self._committed_usd = committed_usd
        self._promised: dict[JobKey, float] = {}
        self._before: dict[JobKey, int] = {}
        """The number of each job's latest purchase when its price was promised."""

    @property
    def committed_usd(self) -> float:
        """Spent or promised so far."""
        return self._committed_usd + sum(self._promised.values())

    def promise(self, key: JobKey, usd: float, last: Purchase | None = None) -> bool:
        """Set the price of a clip aside; False where that would pass the limit.

        `last` is the job's latest purchase so far.
        """
        if self.committed_usd + usd > self.limit_usd + CENT:
            return False
        self._promised[key] = usd
        self._before[key] = 0 if last is None else last.number
        return True

    def paid(self, key: JobKey, usd: float | None) -> None:
        """The clip is there and cost so much (None: what was promised).

        Where nothing was promised in this run, its price counts already: an earlier run asked for it.
        """
        promised = self._promised.pop(key, None)
        if promised is not None:
            self._committed_usd += promised if usd is None else usd

    def failed(self, key: JobKey, last: Purchase | None, *, remote: bool = True) -> None:
        """There is no clip: what was promised is free again where certainly nobody was asked for it.

        `last` is the job's latest purchase now. What is not remote tells nobody what it bought: it counts.
        """
        promised, before = self._promised.pop(key, None), self._before.pop(key, 0)
        if promised is None:
            return
        sent = last is not None and last.number > before and last.stage is not PurchaseStage.WITHDRAWN
        if sent or not remote:
            self._committed_usd += promised


def committed_usd(study: Study, store: Store, prompts: Sequence[Prompt]) -> float:
    """What a study has spent on clips, or may have to, in US dollars.

    Raises ConfigError where something was bought whose price is not known.
    """
    systems = {system.name: system for system in store.systems()}
    for name in store.systems_with_unpriced_clips():
        if isinstance(_adapter(study, systems[name]), RemoteAdapter):
            raise _unknown(name)
    return (
        store.clips_usd()
        + sum(_price(study, systems[row.key.system], row) for row in store.purchases_without_clip())
        + sum(_attempts_usd(study, store, system, prompts) for system in systems.values())
    )


def _price(study: Study, system: System, purchase: Purchase) -> float:
    adapter = _adapter(study, system)
    asked = "cell" in purchase.request
    price = adapter.price_of(purchase.request) if isinstance(adapter, RemoteAdapter) and asked else None
    if price is None:
        raise _unknown(system.name)
    return price


def _attempts_usd(study: Study, store: Store, system: System, prompts: Sequence[Prompt]) -> float:
    """What the attempts without a clip of an adapter that is no vendor's, and has a price, count for."""
    adapter = _adapter(study, system)
    if isinstance(adapter, RemoteAdapter):
        return 0.0
    for prompt in prompts:
        request = Order.of(study, system, prompt, 1).request
        if adapter.refuse(request) is None:
            return (offer_of(adapter, request).cost_usd or 0.0) * store.attempts_without_clip(system.name)
    return 0.0


def _adapter(study: Study, system: System) -> Adapter:
    adapter: Adapter = make_adapter(system, folder=study.folder)
    return adapter


def _unknown(system: str) -> ConfigError:
    return ConfigError(
        f"'{system}' was asked for a clip whose price is not known, so a budget cannot be kept: add the "
        "model's price to its file under data/adapters, or leave --budget out."
    )
