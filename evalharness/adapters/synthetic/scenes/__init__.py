"""Scenes of physics, one file each: `load(family)` gives the class that `wording.family_of` names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from .stage import Scene

__all__ = ["FAMILIES", "load"]

FAMILIES: Mapping[str, str] = {
    "ball": "ball:Ball",
    "bell": "bell:Bell",
    "cradle": "cradle:Cradle",
    "door": "door:Door",
    "drop": "drop:Drop",
    "drum": "drum:Drum",
    "footsteps": "footsteps:Footsteps",
    "glass": "glass:Glass",
    "hammer": "hammer:Hammer",
    "ice": "footsteps:Ice",
    "still": "still:Still",
}
"""Where each family of scenes is."""


def load(family: str) -> type[Scene]:
    """The scene's class. Raises KeyError for a name that is not in FAMILIES."""
    module, name = FAMILIES[family].split(":")
    found: type[Scene] = getattr(import_module(f".{module}", __name__), name)
    return found
