"""How the arena looks: one set of colours and sizes for Streamlit and for our own components."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["ICON", "PAGE_STYLE", "SCRIPT", "THEME", "asset", "styles"]

ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect x="1" y="6" width="14" height="20" rx="4" fill="#2a54dc"/>
<rect x="17" y="6" width="14" height="20" rx="4" fill="#9fb4f8"/>
</svg>"""
"""The browser tab's icon, from here and not from another site."""

PAGE_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 4.2rem clamp(.9rem, 4vw, 3rem) 1.5rem; }
[data-testid="stDialog"] { display: none; }
</style>"""
"""Streamlit leaves more room above a page than a phone has, and tells voters to restart a server when a
connection is lost; the player says itself what becomes of their vote."""

THEME: dict[str, Any] = {
    "theme.light.primaryColor": "#2a54dc",
    "theme.light.backgroundColor": "#f7f7f5",
    "theme.light.secondaryBackgroundColor": "#ffffff",
    "theme.light.textColor": "#16181d",
    "theme.dark.primaryColor": "#86a4ff",
    "theme.dark.backgroundColor": "#101216",
    "theme.dark.secondaryBackgroundColor": "#191c22",
    "theme.dark.textColor": "#eceef2",
    "theme.baseRadius": "0.75rem",
    "theme.headingFontSizes": ["2.2rem", "1.4rem"],
}
SCRIPT = Path(__file__).with_name("base.js").read_text(encoding="utf-8")
"""What components share: asking a route, copying a code. It goes before the component's own script."""


@lru_cache(maxsize=32)
def asset(module_file: str, name: str) -> str:
    """The text of a file beside a module."""
    return Path(module_file).with_name(name).read_text(encoding="utf-8")


def styles(own: str) -> str:
    """A component's style sheet: what all share, then its own."""
    return asset(__file__, "base.css") + "\n" + own
