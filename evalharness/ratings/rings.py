"""Rings: several voters who favour one system, found together where each alone says too little.

If a share rho of voters belongs to a ring around system j, a voter's evidence for favouring j, the e-value
e_vj, counts as 1 - rho + rho e_vj, and the voters' together as the product. The ring's e-value averages the
products over a few rho. What the *other* voters say about rings then weighs the systems for each voter: a
voter who might favour any of thirty systems is judged by the one around which there is a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from evalharness.ratings.newton import Reals
from evalharness.ratings.tally import Codes

__all__ = ["Ring", "favour_evidence", "find_rings", "ring_table"]

_SHARES = np.array([0.005, 0.02, 0.05, 0.1, 0.2])
"""Shares of voters in a ring over which its evidence is averaged."""
_INSIDE = 0.9
"""Chance to be in a ring from which a voter is named as a member."""
_BLOCK = 2_000_000
"""Numbers held at a time."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Evidence that some of the voters favour one system together."""

    system: str
    evidence: float
    """Natural log of the ring's e-value, divided by the number of systems it might have been around."""
    share: float
    """Of all voters: the share under which the votes are likeliest."""
    members: tuple[str, ...]
    """Voters inside with a chance of at least 0.9, the surest first."""

    @property
    def sentence(self) -> str:
        """What was found, for a person to judge."""
        named = "none of them can" if not self.members else f"{len(self.members)} of them can"
        return (
            f"About {self.share:.1%} of voters choose {self.system} far more often than the others do "
            f"(e-value 10^{self.evidence / np.log(10.0):.1f} for all of them together); {named} be named."
        )


def ring_table(pair_evidence: Reals, system: Codes, systems: int) -> Reals:
    """Shape (systems, shares of voters): log of the product over voters of 1 - rho + rho e.

    `pair_evidence` holds the log e-value of each voter and `system` that met, both of shape (pairs,).
    """
    columns = [np.bincount(system, _mixed(pair_evidence, share), systems) for share in _SHARES]
    return np.stack(columns, axis=1)


def favour_evidence(
    pair_evidence: Reals, voter: Codes, system: Codes, table: Reals, voters: int, *, counted: bool = True
) -> Reals:
    """Shape (voters,): log e-value that the voter favours some system, weighed by the others' rings.

    Half of the weight is equal over systems, half follows the evidence in `table` of all other voters for a
    ring there. `counted` says that the voter's own votes are in the table: they are then taken out, so that
    the average stays an e-value.
    """
    systems = len(table)
    found = np.empty(voters)
    starts = np.searchsorted(voter, np.arange(voters + 1))
    block = max(1, _BLOCK // table.size)
    for first in range(0, voters, block):
        last = min(first + block, voters)
        rows = slice(starts[first], starts[last])
        own = np.zeros((last - first, systems))
        own[voter[rows] - first, system[rows]] = pair_evidence[rows]
        others = table - _mixed(own[:, :, None], _SHARES) if counted else table[None]
        weight = logsumexp(others, axis=2)
        weight -= logsumexp(weight, axis=1, keepdims=True)
        weight = np.logaddexp(weight, -np.log(systems)) - np.log(2.0)
        found[first:last] = logsumexp(weight + own, axis=1)
    return found


def find_rings(
    pair_evidence: Reals,
    voter: Codes,
    system: Codes,
    table: Reals,
    names: tuple[Sequence[str], Sequence[str]],
    least: float,
) -> tuple[Ring, ...]:
    """Rings whose evidence reaches `least` (a log e-value), the surest first; `names`: voters, systems."""
    voters, systems = names
    evidence = logsumexp(table, axis=1) - np.log(len(_SHARES) * len(systems))
    rings = []
    for code in np.argsort(-evidence, kind="stable"):
        if evidence[code] < least:
            break
        share = float(_SHARES[table[code].argmax()])
        rows = np.flatnonzero(system == code)
        chance = expit(pair_evidence[rows] + np.log(share) - np.log1p(-share))
        inside = rows[np.argsort(-chance, kind="stable")[: (chance >= _INSIDE).sum()]]
        members = tuple(voters[one] for one in voter[inside])
        rings.append(Ring(systems[code], float(evidence[code]), share, members))
    return tuple(rings)


def _mixed(evidence: Reals, share: float | Reals) -> Reals:
    mixed: Reals = np.logaddexp(np.log1p(-share), np.log(share) + evidence)
    return mixed
