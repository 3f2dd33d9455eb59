"""What the last validation found of each metric: a data file that anything may read, without the metrics.

`python -m evalharness metrics validate --write` writes it. A verdict holds for one version of a metric
with one set of weights; of any other it says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "GateRecord",
    "Rung",
    "Validation",
    "gate_note",
    "gate_verdict",
    "read_validations",
    "verdict_of",
    "write_validations",
]


@dataclass(frozen=True, slots=True)
class Rung:
    """The readings of all clips at one level of damage."""

    level: float | None
    """None for the clips as they are."""
    n: int
    """Clips with a value."""
    median: float | None
    low: float | None
    """Lower quartile."""
    high: float | None
    """Upper quartile."""
    refused: int
    """Clips tried that got no value."""


@dataclass(frozen=True, slots=True)
class GateRecord:
    """One gate: what was asked of a quantity on a ladder of damage, and what was found."""

    quantity: str
    """`<metric>.<quantity>`."""
    unit: str
    damage: str
    """Empty where undamaged clips were looked at."""
    damage_unit: str
    asked: str
    verdict: str
    """`passed`, `failed` or `not judged`."""
    said: str
    n: int
    figures: Mapping[str, float | None]
    curve: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Validation:
    """All gates of one metric in one version."""

    metric: str
    version: str
    weights: str
    clips: str
    """What it was tried on, in a few words."""
    gates: tuple[GateRecord, ...]

    @property
    def verdict(self) -> str:
        """`failed` if any gate was, `passed` if one was and none failed, else `not judged`."""
        return verdict_of(self.gates)


def verdict_of(gates: Iterable[GateRecord]) -> str:
    """`failed` if any gate was, `passed` if one was and none failed, else `not judged`."""
    verdicts = {gate.verdict for gate in gates}
    return next((verdict for verdict in ("failed", "passed") if verdict in verdicts), "not judged")


def gate_note(quantity: str, version: str, validations: Mapping[str, Validation]) -> str | None:
    """What a reader must know of `<metric>.<quantity>` before believing it, as a sentence; None if nothing.

    Nothing is to be said where every gate of the quantity that could be judged was passed, and of
    quantities that no gate is asked of (descriptions) in a metric that was validated.
    """
    found = validations.get(quantity.partition(".")[0])
    if found is None or found.version != version:
        return f"Not validated in version {version}."
    gates = [gate for gate in found.gates if gate.quantity == quantity]
    failed = [gate for gate in gates if gate.verdict == "failed"]
    if failed:
        said = "; ".join(f"{gate.damage or 'undamaged clips'}: {gate.said.rstrip('.')}" for gate in failed)
        return f"Failed {len(failed)} of {len(gates)} gates ({said})."
    if gates and verdict_of(gates) == "not judged":
        return f"Not judged: {gates[0].said}"
    return None


def gate_verdict(quantity: str, version: str, validations: Mapping[str, Validation]) -> str:
    """What its gates say of `<metric>.<quantity>` in a word or two.

    `passed`, `failed`, `not judged`, `no gate` (none is asked of it), or `not validated` in this version.
    """
    found = validations.get(quantity.partition(".")[0])
    if found is None or found.version != version:
        return "not validated"
    gates = [gate for gate in found.gates if gate.quantity == quantity]
    return verdict_of(gates) if gates else "no gate"


def read_validations(file: Path) -> dict[str, Validation]:
    """By metric, what `file` holds; empty where there is no such file."""
    if not file.is_file():
        return {}
    stored = json.loads(file.read_text(encoding="utf-8"))
    return {name: _validation(name, row) for name, row in stored["metrics"].items()}


def write_validations(file: Path, validations: Sequence[Validation]) -> None:
    """Put these in `file`, each in the place of what it holds of the same metric; the others stay."""
    known = {**read_validations(file), **{row.metric: row for row in validations}}
    rows = {name: {"verdict": known[name].verdict, **_rounded(asdict(known[name]))} for name in sorted(known)}
    for row in rows.values():
        del row["metric"]
    file.write_text(
        json.dumps({"metrics": rows}, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def _validation(name: str, row: Mapping[str, Any]) -> Validation:
    gates = tuple(
        GateRecord(**{**gate, "curve": tuple(Rung(**rung) for rung in gate["curve"])})
        for gate in row["gates"]
    )
    return Validation(name, row["version"], row["weights"], row["clips"], gates)


def _rounded(value: Any) -> Any:
    """Numbers to six digits: more would differ between machines, and tell nothing."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
