"""`evalharness arena`: the blind voting page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalharness.cli.options import StudyFolder, out
from evalharness.config import load_study

__all__ = ["arena", "open_arena"]

Host = Annotated[str | None, typer.Option(help="Address to listen on; default from study.toml.")]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on, 0 for any free one; default from study.toml.")
]


def arena(folder: StudyFolder = Path(), host: Host = None, port: Port = None) -> None:
    """Serve the voting page until interrupted. Votes are safe the moment the page says 'saved'."""
    open_arena(load_study(folder).folder, host, port)


def open_arena(folder: Path, host: str | None, port: int | None) -> None:
    """Serve `folder`'s arena; returns when interrupted."""
    from arena_ui.serve import run  # Streamlit is loaded by the command that needs it alone

    settings = load_study(folder).settings.arena
    out.print(f"Study: {folder}\nStop with Ctrl-C; votes are kept.")
    run(folder, host=host or settings.host, port=settings.port if port is None else port, open_browser=False)
