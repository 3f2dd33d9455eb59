"""What a rendered person looks like: every choice that a seed makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalharness.adapters.synthetic.persona import persona

__all__ = ["Look", "look_of"]

Colour = tuple[float, float, float]

# sRGB 0-255: skin, its lips, and the hair colours that go with it (by index into _HAIR).
_COMPLEXIONS: tuple[tuple[Colour, Colour, tuple[int, ...]], ...] = (
    ((236, 196, 172), (158, 66, 68), (0, 1, 2, 3, 4)),
    ((226, 182, 152), (148, 60, 62), (0, 1, 2, 3)),
    ((214, 168, 134), (142, 56, 58), (0, 1, 2)),
    ((188, 138, 104), (128, 52, 54), (0, 1)),
    ((150, 104, 76), (108, 46, 48), (0, 1)),
    ((116, 78, 58), (92, 40, 44), (0,)),
)
_HAIR: tuple[Colour, ...] = ((34, 27, 25), (62, 42, 31), (104, 68, 42), (168, 128, 78), (116, 60, 38))
_IRISES: tuple[Colour, ...] = ((74, 48, 30), (96, 66, 38), (86, 98, 72), (82, 112, 138))
_SHIRTS: tuple[Colour, ...] = (
    (58, 84, 122), (128, 62, 66), (84, 110, 92), (206, 200, 188), (72, 74, 86), (186, 140, 84),
    (112, 92, 128),
)  # fmt: skip
_WALLS: tuple[tuple[Colour, Colour], ...] = (
    ((176, 190, 198), (112, 130, 146)), ((204, 190, 170), (150, 130, 110)),
    ((170, 182, 166), (104, 122, 112)), ((190, 178, 190), (124, 112, 134)),
    ((120, 132, 150), (66, 76, 96)), ((214, 204, 190), (166, 158, 150)),
)  # fmt: skip
_FEMININE_HAIR = ("bob", "long", "swept", "parted")
_MASCULINE_HAIR = ("short", "swept")


@dataclass(frozen=True, slots=True)
class Look:
    """One person and the room; colours are sRGB 0 to 1, lengths in head units or as factors of 1."""

    skin: Colour
    lips: Colour
    hair: Colour
    iris: Colour
    shirt: Colour
    wall: tuple[Colour, Colour]
    """Background colours, light and dark end."""
    style: str
    """Hair: short, swept, parted, bob or long."""
    side: float
    """-1 or 1: on which side the hair is parted."""
    collar: str
    """crew or v."""
    feminine: bool
    jaw: float
    """Width of the jaw."""
    cheek: float
    nose: float
    """Width of the nose."""
    lip_fullness: float
    brow: float
    """Thickness of the eyebrows."""
    eye: float
    """Size of the eyes."""
    size: float
    """Head size in the frame."""
    light: tuple[float, float, float]
    """Where the key light comes from: x right, y down, z towards the viewer; a unit vector."""
    warmth: float
    """-1 cool to 1 warm key light."""


def look_of(seed: int) -> Look:
    """The look of a seed; the same for any frame size."""
    rng = np.random.default_rng([seed, 0x1F])
    feminine = persona(seed).feminine
    skin, lips, hairs = _COMPLEXIONS[rng.integers(len(_COMPLEXIONS))]
    hair = int(rng.choice(hairs))
    iris = _IRISES[rng.integers(len(_IRISES) if hair >= 2 else 2)]
    styles = _FEMININE_HAIR if feminine else _MASCULINE_HAIR
    light = np.array([-rng.uniform(0.30, 0.55), -rng.uniform(0.40, 0.60), 0.80])
    light /= np.linalg.norm(light)
    wall = _WALLS[rng.integers(len(_WALLS))]
    return Look(
        skin=_unit(skin, rng.uniform(0.97, 1.03)),
        lips=_unit(lips) if feminine else _unit(_between(lips, skin, 0.18)),
        hair=_unit(_HAIR[hair], rng.uniform(0.9, 1.15)),
        iris=_unit(iris),
        shirt=_unit(_SHIRTS[rng.integers(len(_SHIRTS))], rng.uniform(0.9, 1.1)),
        wall=(_unit(wall[0]), _unit(wall[1])),
        style=styles[rng.integers(len(styles))],
        side=float(rng.choice((-1.0, 1.0))),
        collar=str(rng.choice(("crew", "v"))),
        feminine=feminine,
        jaw=rng.uniform(0.90, 0.97) if feminine else rng.uniform(1.02, 1.09),
        cheek=rng.uniform(0.97, 1.03),
        nose=rng.uniform(0.86, 0.98) if feminine else rng.uniform(0.94, 1.10),
        lip_fullness=rng.uniform(1.02, 1.18) if feminine else rng.uniform(0.92, 1.06),
        brow=rng.uniform(0.70, 0.85) if feminine else rng.uniform(1.25, 1.5),
        eye=rng.uniform(1.03, 1.12) if feminine else rng.uniform(0.95, 1.04),
        size=rng.uniform(0.95, 1.05),
        light=(float(light[0]), float(light[1]), float(light[2])),
        warmth=rng.uniform(-0.4, 1.0),
    )


def _between(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def _unit(colour: Colour, factor: float = 1.0) -> Colour:
    red, green, blue = (min(1.0, channel / 255.0 * factor) for channel in colour)
    return red, green, blue
