"""`evalharness init`: a new study's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalharness.adapters.synthetic.demo import DEMO_SYSTEMS
from evalharness.cli.options import out
from evalharness.scaffold import write_study

__all__ = ["init"]


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; its name becomes the study's.")],
) -> None:
    """Write a commented study.toml with four synthetic systems to start from."""
    file = write_study(folder, DEMO_SYSTEMS, limit_per_category=4)
    out.print(f"Wrote {file}. Edit its systems and prompts, then: python -m evalharness generate {folder}")
