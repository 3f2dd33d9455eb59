"""Tables that pages of these docs keep between markers; what makes a page imports them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["between", "markdown"]


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def between(text: str, marker: str, new: str) -> str:
    """`text` with `new` between a pair of markers."""
    start, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, rest = text.split(start)
    return f"{before}{start}\n{new}\n{end}{rest.split(end)[1]}"
