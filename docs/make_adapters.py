"""Make the tables of models in docs/adapters.md and README.md from data/adapters/*.toml.

    python docs/make_adapters.py

Writes what stands between the markers `<!-- models -->` and `<!-- local -->`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tables import between, markdown

from evalharness.cli.adapters import WITHOUT_VENDOR, capabilities, listed
from evalharness.cli.options import TASKS

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Put the tables in their places."""
    rows = list(listed())
    page, readme = ROOT / "docs" / "adapters.md", ROOT / "README.md"
    text = between(page.read_text(encoding="utf-8"), "models", by_route(rows))
    page.write_text(between(text, "local", without_vendor()), encoding="utf-8")
    readme.write_text(between(readme.read_text(encoding="utf-8"), "models", by_model(rows)), encoding="utf-8")


def by_route(rows: Iterable[Mapping[str, Any]]) -> str:
    """Every model by every route, with what it can do."""
    table = [
        {"adapter": f"`{row['adapter']}`", "model": f"`{row['name']}`", **capabilities(row)} for row in rows
    ]
    return markdown(list(table[0]), [list(line.values()) for line in table])


def by_model(rows: Iterable[Mapping[str, Any]]) -> str:
    """Every model once, with its routes and the span of their prices."""
    models: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        models.setdefault(row["name"], []).append(row)
    lines = []
    for name, routes in sorted(models.items()):
        prices = sorted(price for row in routes for price in row["clip_usd"].values() if price is not None)
        ends = dict.fromkeys(f"${price:.2f}" for price in (prices[0], prices[-1])) if prices else {}
        lines.append(
            (
                name,
                ", ".join(f"`{row['adapter']}`" for row in routes),
                " ".join(TASKS[task] for task in TASKS if any(task in row["ids"] for row in routes)),
                " or ".join(dict.fromkeys(row["audio"] for row in routes)),
                " to ".join(ends) or "?",
                "verified" if any(row["verified_live"] for row in routes) else "unverified",
            )
        )
    return markdown(("model", "adapters", "tasks", "sound", "5 s", "live"), lines)


def without_vendor() -> str:
    """The adapters that ask no vendor."""
    return markdown(("adapter", "clips"), [(f"`{name}`", said) for name, said in WITHOUT_VENDOR.items()])


if __name__ == "__main__":
    main()
