"""What of a bundle follows from its summary and manifest: written once, and again by whoever verifies it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evalharness.bundle import prose
from evalharness.exports import Manifest, hash_of
from evalharness.reports import (
    Summary,
    render_csv,
    render_html,
    render_json,
    render_markdown,
    render_pdf,
)

__all__ = ["MEASUREMENTS", "PAGES", "REPORT", "SUMS", "TABLES_IN", "sums"]

REPORT = "report.json"
"""The numbers; all pages are made of them."""
MEASUREMENTS = "measurements.csv"
TABLES_IN = "votes"
"""The folder of tables."""
SUMS = "SHA256SUMS"
"""A line a file, as `sha256sum --check` reads it."""

PAGES: dict[str, Callable[[Summary, Manifest], bytes]] = {
    REPORT: lambda summary, _: render_json(summary).encode(),
    "report.html": lambda summary, _: render_html(summary).encode(),
    "report.md": lambda summary, _: render_markdown(summary).encode(),
    "report.csv": lambda summary, _: render_csv(summary).encode(),
    "report.pdf": lambda summary, _: render_pdf(summary),
    "METHODS.md": lambda summary, manifest: prose.methods(summary, manifest).encode(),
    "CITATION.bib": lambda summary, manifest: prose.citation(summary, manifest).encode(),
    "README.md": lambda summary, manifest: prose.data_card(summary, manifest).encode(),
}


def sums(folder: Path) -> str:
    """SHA-256 of every file in the bundle but the list itself, by name."""
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).as_posix() != SUMS
    )
    return "".join(f"{hash_of(folder / name)}  {name}\n" for name in files)
