"""How much a study may spend on clips, and how much of that is spent or promised.

What counts: every clip at what it cost; every task that brought no clip at its list price, since few vendors
say that they do not bill it; every create that stands. All that is read from the database, so that a limit
holds over all runs of a study, however they ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.errors import ConfigError
from evalharness.purchases import Purchase, PurchaseStage
from evalharness.records import JobKey, System
from evalharness.registry import ADAPTERS
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

    @property
    def committed_usd(self) -> float:
        """Spent or promised so far."""
        return self._committed_usd + sum(self._promised.values())

    def promise(self, key: JobKey, usd: float) -> bool:
        """Set the price of a clip aside; False where that would pass the limit."""
        if self.committed_usd + usd > self.limit_usd + CENT:
            return False
        self._promised[key] = usd
        return True

    def paid(self, key: JobKey, usd: float | None) -> None:
        """The clip is there and cost so much (None: what was promised).

        Where nothing was promised in this run, its price counts already: an earlier run asked for it.
        """
        promised = self._promised.pop(key, None)
        if promised is not None:
            self._committed_usd += promised if usd is None else usd

    def failed(self, key: JobKey, last: Purchase | None) -> None:
        """There is no clip: what was promised is free again where certainly nobody was asked for it."""
        promised = self._promised.pop(key, None)
        if promised is not None and last is not None and last.stage is not PurchaseStage.WITHDRAWN:
            self._committed_usd += promised


def committed_usd(store: Store, folder: Path) -> float:
    """What a study has spent on clips, or may have to, in US dollars.

    Raises ConfigError where something was bought whose price is not known.
    """
    systems = {system.name: system for system in store.systems()}
    return store.clips_usd() + _without_clip(store.purchases_without_clip(), systems, folder)


def _without_clip(purchases: Iterable[Purchase], systems: dict[str, System], folder: Path) -> float:
    total = 0.0
    for purchase in purchases:
        system = systems[purchase.key.system]
        adapter = ADAPTERS.load(system.adapter)(system, folder=folder)
        cell = purchase.request.get("cell")
        price = adapter.list_price(cell) if isinstance(adapter, RemoteAdapter) and cell else None
        if price is None:
            raise ConfigError(
                f"'{system.name}' was asked for a clip whose price is not known, so a budget cannot be kept: "
                "add the model's price to its file under data/adapters, or leave --budget out."
            )
        total += price
    return total
