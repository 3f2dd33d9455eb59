"""Make the tables and plots of docs/metrics.md from what is known now, without measuring anything.

    python docs/images/make_gates.py

Reads the registered metrics, `data/gates.json` (kept by `evalharness metrics validate --write`) and
`data/metric_costs.json`; writes `docs/images/gates-<metric>.png` and what stands between the markers
`<!-- metrics -->`, `<!-- costs -->`, `<!-- gates -->` and `<!-- plots -->` in docs/metrics.md.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from evalharness.cli.metrics_table import COSTS_FILE, GATES_FILE, Listing, listed
from evalharness.data import data_folder
from evalharness.gates import GateRecord, Validation, read_validations
from evalharness.registry import METRICS
from evalharness.reports.gate_plots import gates_png

HERE = Path(__file__).parent
PAGE = HERE.parent / "metrics.md"
COLOURS = 64
BETTER = {"lower": "lower", "higher": "higher", "zero": "nearest 0", "none": "(description)"}


def main() -> None:
    """Draw the plots and put the tables in their places."""
    known = read_validations(data_folder() / GATES_FILE)
    validations = [known[name] for name in METRICS if name in known]
    drawn = [row.metric for row in validations if _draw(row)]
    text = PAGE.read_text(encoding="utf-8")
    text = _between(text, "metrics", metrics_table(listed()))
    text = _between(text, "costs", costs_table(json.loads((data_folder() / COSTS_FILE).read_text("utf-8"))))
    text = _between(text, "gates", gates_table(validations))
    text = _between(
        text, "plots", "\n\n".join(f"![The gates of {name}](images/gates-{name}.png)" for name in drawn)
    )
    PAGE.write_text(text, encoding="utf-8")


def metrics_table(rows: Sequence[Listing]) -> str:
    """Every quantity, a row each; what holds for the whole metric stands in its first row."""
    columns = (
        "quantity", "speaks to", "unit", "better", "range", "source", "clip", "needs", "s a clip", "gates",
    )  # fmt: skip
    lines = []
    for row in rows:
        cost = "" if row["cost_s"] is None else f"{row['cost_s']:.2g}"
        for index, each in enumerate(row["quantities"]):
            first = index == 0
            lines.append(
                (
                    f"`{each['name']}`",
                    (row["question"] or "") if first else "",
                    each["unit"] or "none",
                    BETTER[each["better"]],
                    _range(each),
                    (row["source"] or "") if first else "",
                    (", ".join(row["of_clip"]) or "pictures") if first else "",
                    row["needs"] if first else "",
                    cost if first else "",
                    _verdict(each["gates"]),
                )
            )
    return _markdown(columns, lines)


def costs_table(costs: Mapping[str, Any]) -> str:
    """What all metrics together take on each clip, and what others take for a part of it."""
    report = costs["report"]
    rows = [
        (row["clip"], f"{row['decode_s']:.1f} s", f"{row['all_s']:.1f} s", f"{row['real_time_factor']:.1f}")
        for row in report["clips"]
    ]
    table = _markdown(
        ("clip of 5 s", "decoding", "decoding and every metric", "times the clip's length"), rows
    )
    measured = (
        f"One process on one core of {report['cores']}, {report['date']}; load average at the end "
        f"{report['load_average']}. {report['peak_mib']} MiB at most, {len(rows)} decoded clips held."
    )
    peers = _markdown(("beside it, on the first clip", "takes"), list(report["peers"].items()))
    return f"{table}\n\n{measured}\n\n{peers}" if report["peers"] else f"{table}\n\n{measured}"


def gates_table(validations: Sequence[Validation]) -> str:
    """Every gate, a row each."""
    columns = ("quantity", "damage", "must", "verdict", "n", "found")
    return _markdown(columns, [_gate(gate) for row in validations for gate in row.gates])


def _gate(gate: GateRecord) -> tuple[str, ...]:
    damage = gate.damage.replace("_", " ") or "none"
    unit = f" ({gate.damage_unit})" if gate.damage_unit else ""
    verdict = gate.verdict if gate.verdict == "passed" else f"**{gate.verdict}**"
    figures = ", ".join(
        f"{name.replace('_', ' ')} {value:.3g}" for name, value in gate.figures.items() if value is not None
    )
    return (f"`{gate.quantity}`", damage + unit, gate.asked, verdict, str(gate.n), figures or gate.said)


def _verdict(gates: Listing) -> str:
    count = f" ({gates['passed']} of {gates['asked']})" if gates["asked"] else ""
    verdict = f"**{gates['verdict']}**" if gates["verdict"] == "failed" else gates["verdict"]
    return f"{verdict}{count}"


def _range(quantity: Listing) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (quantity["low"], quantity["high"]))
    return f"{low}..{high}" if low or high else ""


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def _between(text: str, marker: str, new: str) -> str:
    start, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, rest = text.split(start)
    return f"{before}{start}\n{new}\n{end}{rest.split(end)[1]}"


def _draw(validation: Validation) -> bool:
    """Whether there was anything to draw; few colours, for a small file."""
    picture = gates_png(validation)
    if picture is None:
        return False
    flat = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    flat.save(HERE / f"gates-{validation.metric}.png", optimize=True)
    return True


if __name__ == "__main__":
    main()
