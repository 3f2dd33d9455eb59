"""What a voter can do with what is kept of them."""

from __future__ import annotations

from arena_ui.arena import current
from arena_ui.session import visitor
from arena_ui.yours import yours

__all__ = ["page"]


def page() -> None:
    """The page."""
    arena = current()
    guest = visitor(arena)
    if guest.voter is not None:
        yours("voter", guest.language, arena.booth.people.return_code(guest.voter))
    else:
        yours("withdrawn" if guest.withdrew else "nobody", guest.language)
