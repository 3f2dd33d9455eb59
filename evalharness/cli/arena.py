"""`evalharness arena`: the blind voting page."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from evalharness.cli.options import StudyFolder, out, progress_bar
from evalharness.config import load_study

__all__ = ["arena", "open_arena"]

Host = Annotated[str | None, typer.Option(help="Address to listen on; default from study.toml.")]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port to listen on, 0 for any free one; default from study.toml."),
]


def arena(folder: StudyFolder = Path(), host: Host = None, port: Port = None) -> None:
    """Serve the voting page until interrupted. Votes are safe the moment the page says 'saved'."""
    open_arena(load_study(folder).folder, host, port)


def open_arena(folder: Path, host: str | None, port: int | None) -> None:
    """Serve `folder`'s arena; returns when interrupted."""
    from arena_ui.serve import run  # Streamlit is loaded by the command that needs it alone

    settings = load_study(folder).settings.arena
    with ExitStack() as opening:
        progress = opening.enter_context(progress_bar("fetch exhibits"))

        def announce(url: str) -> None:
            opening.close()  # the bar is done
            out.print(f"The arena is open at {url}\nStop with Ctrl-C; votes are kept.")

        run(
            folder,
            host or settings.host,
            settings.port if port is None else port,
            announce=announce,
            progress=progress,
        )
