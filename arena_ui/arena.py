"""The arena of this process: one study, its store, its booth, its health.

Routes and Streamlit pages run in one process and share it. `open_arena` is called once, by `asgi.build`;
pages ask `current()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from arena_ui.boards import Boards
from arena_ui.booth import Booth
from arena_ui.health import Health
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
    health: Health
    boards: Boards


_open: list[Arena] = []


def open_arena(folder: Path, progress: Callable[[int, int], None] | None = None) -> Arena:
    """Open the study in `folder` for voting and make it this process's arena.

    All that can be shown is on this machine before the first voter comes: how long a clip takes to arrive
    tells nobody where it lay. `progress(done, total)` counts exhibits that are fetched. Raises ConfigError
    where the folder is no study, StoreError where its database refuses, StorageError and MediaError where its
    exhibits cannot be had.
    """
    study = load_study(folder)
    store = Store.open(study.database_url)
    study.storage.fetch(_to_show(store), progress)
    booth = Booth(study, store, Sealer(load_key(study.folder)))
    arena = Arena(
        study,
        store,
        booth,
        Health(store.systems),
        Boards(store, study.systems, sort=study.settings.publishing.sort),
    )
    _open[:] = [arena]
    return arena


def _to_show(store: Store) -> Iterator[tuple[str, str]]:
    """Path and hash of the current exhibits, spoiled ones too, and of older ones that battles show."""
    current = (*store.exhibits(), *store.flawed_exhibits())
    drawn = {side for battle in store.battles() for side in (battle.left_exhibit, battle.right_exhibit)}
    older = (store.exhibit(exhibit_id) for exhibit_id in sorted(drawn - {exhibit.id for exhibit in current}))
    for exhibit in (*current, *older):
        yield exhibit.path, exhibit.sha256


def current() -> Arena:
    """This process's arena. Raises ConfigError where none was opened."""
    if not _open:
        raise ConfigError("No arena is open in this process. Start one with 'python -m arena_ui FOLDER'.")
    return _open[0]
