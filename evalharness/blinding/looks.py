"""What can be seen in an exhibit without knowing what it shows: borders, sharpness, marks that stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

__all__ = ["Looks", "Mark", "look_at", "standing_marks"]

SAMPLE_EVERY = 8
UNIFORM = 2.5
SAME_COLOUR = 4.0
DARK, LIGHT = 24.0, 225.0
LARGEST_BORDER = 0.45
VISIBLE, SEEN_SHARE = 8.0, 0.5
EDGE = 12.0
STILL = 6.0
REPEATED = 0.05
BLOCK = 16
MARKED_BLOCK = 0.08
PROMPTS_NEEDED = 4
IN_MOST, IN_FEW = 0.9, 0.4


@dataclass(frozen=True, slots=True)
class Looks:
    """One exhibit's pictures."""

    border: tuple[float, ...]
    """Black or white unchanging margins in lines: left, top, right, bottom."""
    sharpness: float
    """Log of the power of fine detail over all detail; higher is sharper."""
    repeats: float
    """Share of pictures that equal the one before: a clip of lower frame rate, or a frozen one."""
    brightness: float
    """Mean luma, 16 to 235."""
    still_edges: NDArray[np.bool_]
    """Where an edge stood still in every sampled picture; (height, width)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that stays in one place through most clips of one system and few of the others'."""

    system: str
    left: int
    top: int
    right: int
    bottom: int


def look_at(frames: Iterable[VideoFrame]) -> Looks:
    """Look at all pictures of an exhibit; every eighth one closely."""
    sampled: list[NDArray[np.float32]] = []
    repeated = count = 0
    before: NDArray[np.float32] | None = None
    for count, frame in enumerate(frames, start=1):
        luma = _luma(frame)
        coarse = luma[::4, ::4].astype(np.float32)
        repeated += before is not None and float(np.abs(coarse - before).mean()) < REPEATED
        before = coarse
        if count % SAMPLE_EVERY == 1:
            sampled.append(luma.astype(np.float32))
    stack = np.stack(sampled)
    border = find_border(stack)
    left, top, right, bottom = border
    inside = stack[:, top : stack.shape[1] - bottom, left : stack.shape[2] - right]
    return Looks(
        tuple(map(float, border)),
        _sharpness(inside),
        repeated / max(1, count - 1),
        float(inside.mean()),
        _still_edges(stack, border),
    )


def _luma(frame: VideoFrame) -> NDArray[np.uint8]:
    """The Y plane as it is stored, (height, width)."""
    planar = frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p")
    plane = planar.planes[0]
    stored = np.frombuffer(bytes(plane), dtype=np.uint8).reshape(plane.height, plane.line_size)
    return stored[:, : plane.width]


def find_border(stack: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Black or white margins of luma pictures (n, height, width) in lines: left, top, right, bottom.

    A margin is of one colour in every picture and ends along a line that can be seen: a dark scene's
    empty edge, which ends where some object begins, is none.
    """
    top, bottom = _margin(stack), _margin(stack[:, ::-1])
    across = stack[:, top : stack.shape[1] - bottom].swapaxes(1, 2)
    return _margin(across), top, _margin(across[:, ::-1]), bottom


def _margin(stack: NDArray[np.float32]) -> int:
    """How many lines (axis 1) from the start on are margin."""
    colour = float(stack[0, 0].mean())
    if DARK < colour < LIGHT:
        return 0
    plain = np.abs(stack.mean(axis=2) - colour).max(axis=0) < SAME_COLOUR
    plain &= stack.std(axis=2).max(axis=0) < UNIFORM
    length = int(np.argmin(plain))
    if length == 0 or length > LARGEST_BORDER * len(plain):
        return 0
    beyond = stack[:, length : length + 2]
    seen = float((np.abs(beyond - colour).max(axis=(0, 1)) > VISIBLE).mean())
    return length if seen >= SEEN_SHARE else 0


def _sharpness(stack: NDArray[np.float32]) -> float:
    fine = stack[:, 1:-1, 1:-1] * 4 - stack[:, :-2, 1:-1] - stack[:, 2:, 1:-1] - stack[:, 1:-1, :-2]
    fine = fine - stack[:, 1:-1, 2:]
    return float(np.log((fine.var() + 1e-3) / (stack.var() + 1e-3)))


def _still_edges(stack: NDArray[np.float32], border: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    across = np.zeros(stack.shape, dtype=np.float32)
    across[:, :, 1:-1] = stack[:, :, 2:] - stack[:, :, :-2]
    down = np.zeros(stack.shape, dtype=np.float32)
    down[:, 1:-1] = stack[:, 2:] - stack[:, :-2]
    still = np.zeros(stack.shape[1:], dtype=np.bool_)
    for slope in (across, down):
        still |= (np.abs(slope).min(axis=0) > EDGE) & (slope.std(axis=0) < STILL)
    left, top, right, bottom = (side + 4 if side else 0 for side in border)
    inside = np.zeros_like(still)
    height, width = stack.shape[1:]
    inside[top : height - bottom, left : width - right] = True
    return still & inside


def standing_marks(edges: Mapping[str, Mapping[str, Sequence[NDArray[np.bool_]]]]) -> list[Mark]:
    """Look for burned-in marks: `edges[system][prompt]` holds the still edges of its exhibits.

    A system needs four prompts to be judged, so that what stays is not one scene's furniture.
    """
    shares: dict[str, NDArray[np.float64]] = {
        system: np.stack([np.mean(maps, axis=0) for maps in prompts.values()]).mean(axis=0)
        for system, prompts in edges.items()
        if len(prompts) >= PROMPTS_NEEDED
    }
    marks: list[Mark] = []
    for system, share in shares.items():
        own = share >= IN_MOST
        for other in shares.values():
            if other is not share:
                own = own & (other <= IN_FEW)
        marked = np.argwhere(_blocks(own) > MARKED_BLOCK) * BLOCK
        if len(marked):
            (top, left), (bottom, right) = marked.min(axis=0).tolist(), marked.max(axis=0).tolist()
            marks.append(Mark(system, left, top, right + BLOCK, bottom + BLOCK))
    return marks


def _blocks(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of each 16 x 16 block that is true; incomplete blocks at the end are left out."""
    down, across = mask.shape[0] // BLOCK, mask.shape[1] // BLOCK
    cut = mask[: down * BLOCK, : across * BLOCK]
    shares: NDArray[np.float64] = cut.reshape(down, BLOCK, across, BLOCK).mean(axis=(1, 3))
    return shares
