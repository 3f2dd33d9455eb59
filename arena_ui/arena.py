"""The arena of this process: one study, its store, its booth.

Routes and Streamlit pages run in one process and share it. `open_arena` is called once, by `asgi.build`;
pages ask `current()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arena_ui.booth import Booth
from arena_ui.tokens import Sealer, load_key
from evalharness.config import Study, load_study
from evalharness.errors import ConfigError
from evalharness.store import Store

__all__ = ["Arena", "current", "open_arena"]


@dataclass(frozen=True, slots=True)
class Arena:
    """What pages and routes need."""

    study: Study
    store: Store
    booth: Booth


_open: list[Arena] = []


def open_arena(folder: Path) -> Arena:
    """Open the study in `folder` for voting and make it this process's arena.

    Raises ConfigError where the folder is no study, StoreError where its database refuses.
    """
    study = load_study(folder)
    store = Store.open(study.database_url)
    arena = Arena(study, store, Booth(study, store, Sealer(load_key(study.folder))))
    _open[:] = [arena]
    return arena


def current() -> Arena:
    """This process's arena. Raises ConfigError where none was opened."""
    if not _open:
        raise ConfigError("No arena is open in this process. Start one with 'python -m arena_ui FOLDER'.")
    return _open[0]
