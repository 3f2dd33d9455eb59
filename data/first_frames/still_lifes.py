"""First frames of things: on a table, about to move."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from canvas import Canvas, Field, X, Y, blurred, ellipse, line, polygon, rgb, smooth


def _profile(*points: tuple[float, float]) -> Callable[[Field], Field]:
    """A turned outline through (height 0..1, half-width in pixels), smoothly joined."""
    heights, widths = np.array(points).T

    def radius(t: Field) -> Field:
        fine = np.linspace(0, 1, 200)
        raw = np.interp(fine, heights, widths)
        soft = np.convolve(np.pad(raw, 20, mode="edge"), np.hanning(41) / np.hanning(41).sum(), mode="valid")
        return np.interp(t, fine, soft).astype(np.float32)

    return radius


def teacup() -> Canvas:
    """A white cup of tea on a saucer, steam rising."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(300, "6f8a86", "8a5a34")
    c.shadow(450, 408, 190, 34, 0.5)
    c.body(ellipse(430, 396, 170, 30), _flat(), "e9e6df", gloss=0.1, ambient=0.6)
    c.shade(ellipse(430, 394, 112, 18), 0.22)
    handle = ellipse(548, 318, 44, 46) * (1 - ellipse(546, 318, 26, 28))
    c.paint(handle, "d9d4ca")
    c.shade(handle * smooth(548, 600, X), 0.35)
    c.lathe(430, 262, 392, _profile((0, 112), (0.35, 108), (0.75, 82), (1, 46)), "f3f0ea", gloss=0.5)
    c.paint(ellipse(430, 262, 112, 25), "dcd6cb")
    c.paint(ellipse(430, 266, 102, 20), "8a4a1c")
    c.glow(ellipse(392, 262, 40, 6, soft=6), "ffcf90", 0.5)
    for shift, lean in ((-26, 14), (10, -16), (40, 12)):
        wisp = np.exp(-(((X - 430 - shift - lean * np.sin(Y / 34 + shift)) / 9) ** 2))
        c.glow(blurred(wisp * smooth(70, 180, Y) * smooth(262, 220, Y), 5), "ffffff", 0.42)
    return c


def tulips() -> Canvas:
    """A blue vase with five tulips."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(350, "c8b79c", "6a4a30")
    c.shadow(470, 428, 120, 22, 0.5)
    heads = ((330, 110, -0.35, "d8413c"), (392, 78, -0.12, "f0a93a"), (440, 58, 0.02, "d8486e"),
             (494, 86, 0.16, "e8742c"), (548, 122, 0.36, "c33a52"))  # fmt: skip
    for x, y, lean, _ in heads:
        for k in range(16):
            a, b = k / 16, (k + 1) / 16
            at = [(432 + (x - 432) * t**1.3, 262 + (y - 262) * t) for t in (a, b)]
            c.paint(line(*at[0], *at[1], 7), "4d7a3c")
        c.paint(ellipse(432 + 0.62 * (x - 432), 214, 58, 9, turn=1.57 + 1.2 * lean), "5f9148")
    for x, y, lean, colour in heads:
        for offset, shade in ((-13, 0.8), (13, 0.72), (0, 1.0)):
            petal = ellipse(x + offset, y, 17, 35, turn=lean + offset * 0.012)
            c.paint(petal, rgb(colour) * shade)
            c.glow(petal * smooth(x + offset + 6, x + offset - 14, X), "ffe0d0", 0.22)
    c.lathe(432, 250, 424, _profile((0, 44), (0.15, 34), (0.55, 78), (1, 46)), "2f5a94", gloss=0.7)
    c.glow(ellipse(404, 330, 7, 40, turn=0.12, soft=8), "ffffff", 0.3)
    return c


def red_ball() -> Canvas:
    """A red rubber ball at the edge of a shelf over a wooden floor."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(390, "8fa3b4", "a3703e")
    c.paint(polygon((0, 196), (360, 196), (360, 222), (0, 222)), "d8c7a6")
    c.shade(polygon((0, 222), (360, 222), (352, 240), (0, 240)), 0.4)
    c.shadow(302, 197, 46, 6, 0.5)
    c.ball(300, 146, 50, "cf2f2a", gloss=0.75)
    return c


def brass_bell() -> Canvas:
    """A brass hand bell with a wooden handle."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(330, "53414e", "5e3c28")
    c.shadow(470, 418, 150, 26, 0.55)
    c.lathe(430, 70, 200, _profile((0, 15), (0.2, 22), (0.55, 13), (1, 17)), "6b3a20", gloss=0.4)
    c.lathe(430, 196, 214, lambda t: 25 + 6 * t, "c79a3e", gloss=0.8)
    c.lathe(
        430, 212, 414, _profile((0, 30), (0.25, 62), (0.7, 82), (0.92, 118), (1, 124)), "d0a040", gloss=1.0
    )
    c.shade(ellipse(430, 413, 124, 8), 0.35)
    return c


def candle() -> Canvas:
    """A lit candle in a pewter holder, in the dark."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(340, "2a2430", "4a3020", lamp=(430, 150))
    c.shade(np.ones_like(X), 0.45)
    c.halo(430, 150, 210, "ffa040", 0.65)
    c.shadow(438, 424, 110, 18, 0.6)
    c.lathe(430, 372, 420, _profile((0, 40), (0.4, 46), (0.7, 90), (1, 96)), "8a8c92", gloss=0.9)
    c.lathe(430, 196, 380, lambda t: 27 + 0 * t, "f2e2c0", gloss=0.15, ambient=0.6)
    c.glow(smooth(300, 196, Y) * (np.abs(X - 430) < 27) * (Y > 196), "ff9a30", 0.5)
    c.paint(line(430, 198, 431, 182, 3), "1a1208")
    for width, height, colour in ((17, 44, "ff8a20"), (11, 33, "ffd060"), (5, 20, "fffbe0")):
        rise = np.clip((190 - Y) / (2 * height), 0, 1)
        half = width * np.sqrt(np.clip(rise * 3, 0, 1)) * (1 - rise) ** 0.7
        flame = np.clip((half - np.abs(X - 430)) / 3, 0, 1) * (Y < 190)
        c.glow(blurred(flame.astype(np.float32), 1.5), colour, 0.95)
    return c


def snow_globe() -> Canvas:
    """A snow globe with a fir tree and a red house."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(360, "3c4c6c", "4b3424")
    c.shadow(450, 440, 150, 22, 0.5)
    c.paint(ellipse(430, 220, 150, 150), "9fc0dc")
    c.glow(ellipse(430, 220, 150, 150) * smooth(330, 90, Y), "e8f4ff", 0.5)
    ground = ellipse(430, 220, 148, 148) * np.clip(Y - 286 + 6 * np.sin(X / 40) + 0.5, 0, 1)
    c.paint(ground, "f4f8fc")
    for level in range(4):
        top, half = 150 + 30 * level, 24 + 15 * level
        c.paint(
            polygon((380, top), (380 - half, top + 50), (380 + half, top + 50)),
            rgb("2f6a44") * (0.8 + 0.08 * level),
        )
        c.glow(polygon((380, top), (380 - half, top + 50), (380 - half * 0.3, top + 50)), "d0f0d8", 0.16)
    c.paint(polygon((448, 300), (448, 246), (512, 246), (512, 300)), "b8402f")
    c.paint(polygon((438, 250), (480, 208), (522, 250)), "f6f9fc")
    c.paint(polygon((470, 300), (470, 270), (488, 270), (488, 300)), "5a2a1c")
    c.glow(ellipse(500, 266, 6, 6), "ffd870", 0.9)
    rng = np.random.default_rng(9)
    for across, down, size in rng.random((70, 3)):
        c.paint(ellipse(310 + 240 * across, 100 + 190 * down, 1 + 2 * size, 1 + 2 * size), "ffffff", 0.9)
    rim = ellipse(430, 220, 150, 150) * smooth(118, 150, np.hypot(X - 430, Y - 220))
    c.glow(rim, "ffffff", 0.25)
    c.glow(ellipse(372, 146, 34, 15, turn=-0.7, soft=10), "ffffff", 0.6)
    c.lathe(430, 344, 434, _profile((0, 116), (0.3, 122), (1, 142)), "6e2f2a", gloss=0.5)
    return c


def snare_drum() -> Canvas:
    """A snare drum with two crossed sticks."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(330, "7d4f43", "4a3a34")
    c.shadow(450, 438, 230, 26, 0.55)
    c.lathe(430, 262, 420, lambda t: 200 + 0 * t, "b03038", gloss=0.6)
    c.lathe(430, 258, 282, lambda t: 206 + 0 * t, "c9ccd2", gloss=1.0)
    c.lathe(430, 404, 430, lambda t: 206 + 0 * t, "c9ccd2", gloss=1.0)
    for angle in np.linspace(-1.2, 1.2, 7):
        x = 430 + 200 * np.sin(angle)
        c.paint(line(x, 280, x, 408, 5), "e4e6ea")
    c.paint(ellipse(430, 260, 206, 44), "c9ccd2")
    c.paint(ellipse(430, 258, 194, 38), "efeae0")
    c.glow(ellipse(360, 248, 90, 14, soft=14), "ffffff", 0.4)
    for x0, y0, x1, y1 in ((180, 190, 500, 262), (690, 176, 372, 266)):
        c.shade(blurred(line(x0 + 10, y0 + 16, x1 + 8, y1 + 12, 12, 8), 4), 0.35)
        c.paint(line(x0, y0, x1, y1, 15, 8), "c99a5c")
        c.paint(ellipse(x1, y1, 12, 8, turn=0.2), "d8ad70")
    return c


def water_glass() -> Canvas:
    """A glass of water close to the edge of a table."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(352, "a7b8b0", "946238")
    c.shadow(560, 436, 110, 16, 0.45)
    behind = c.picture.copy()
    inside = np.clip(86 - 0.1 * (Y - 150) - np.abs(X - 500) + 0.5, 0, 1) * (Y > 150) * (Y < 430)
    shifted = np.roll(behind[:, ::-1], 146, axis=1)
    c.paint(inside * (Y > 220), shifted * np.array([0.86, 0.95, 0.98]), 0.75)
    edge = inside * smooth(0.72, 1, np.abs(X - 500) / (86 - 0.1 * (Y - 150)))
    c.shade(edge, 0.3)
    c.glow(inside * np.exp(-(((X - 446) / 7) ** 2)), "ffffff", 0.6)
    c.glow(inside * np.exp(-(((X - 556) / 4) ** 2)), "ffffff", 0.35)
    c.paint(ellipse(500, 220, 79, 12), "d8e8ea", 0.7)
    c.glow(ellipse(476, 218, 36, 4, soft=4), "ffffff", 0.6)
    rim = ellipse(500, 150, 86, 13) * (1 - ellipse(500, 150, 82, 10.5))
    c.paint(rim, "f2f8f8", 0.85)
    c.shade(ellipse(500, 426, 58, 8, soft=6), 0.35)
    return c


def cradle() -> Canvas:
    """Newton's cradle, its first ball held aside."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(352, "8494a8", "3c2c26")
    c.shadow(440, 418, 240, 20, 0.6)
    c.paint(polygon((210, 420), (650, 420), (630, 394), (230, 394)), "1e1a1c")
    c.paint(polygon((210, 420), (650, 420), (650, 432), (210, 432)), "100d0e")
    for x in (240, 620):
        c.paint(line(x, 402, x, 86, 7), "9aa2ac")
        c.glow(line(x - 2, 400, x - 2, 88, 2), "ffffff", 0.7)
    c.paint(line(240, 86, 620, 86, 8), "aab2bc")
    c.glow(line(240, 84, 620, 84, 2), "ffffff", 0.7)
    hung = [(344 + 49 * k, 344 + 49 * k, 318.0) for k in range(1, 5)]
    for top, x, y in [(344, 344 - 232 * np.sin(0.62), 86 + 232 * np.cos(0.62)), *hung]:
        for offset in (-5, 5):
            c.paint(line(top + offset, 88, x, y - 20, 1.2), "e4e8ec", 0.9)
        chrome = np.interp((Y - y) / 25, [-1, -0.15, 0.0, 0.25, 1], [235, 190, 62, 120, 200])
        tint = chrome[..., None] * np.array([0.95, 0.99, 1.06])
        c.ball(x, y, 24.5, np.clip(tint, 0, 255).astype(np.float32), gloss=0.9, ambient=0.6)
        c.shadow(x + 8, 405, 24, 5, 0.4)
    return c


def dominoes() -> Canvas:
    """A curved row of coloured dominoes."""
    c = Canvas((0, "ffffff"), (1, "ffffff"))
    c.room(236, "d8ccbc", "a87848")
    palette = ("c8453c", "e8a83c", "4c9a6a", "3c78b8", "7a56a0")
    for k in range(16, -1, -1):
        t = k / 16
        x, y, size = 150 + 560 * t**0.85, 424 - 170 * t**0.9 + 14 * np.sin(t * 6), 1.0 - 0.62 * t
        width, height, deep = 34 * size, 118 * size, 20 * size
        c.shade(
            blurred(
                polygon(
                    (x, y),
                    (x + 1.6 * width, y + 0.2 * width),
                    (x + 2.6 * width, y - 0.4 * width),
                    (x + deep, y - 8 * size),
                ),
                5,
            ),
            0.45,
        )
        face, tone = rgb(palette[k % 5]), 0.9 + 0.15 * smooth(y, y - height, Y)
        c.paint(
            polygon((x, y), (x, y - height), (x + width, y - height * 0.97), (x + width, y + 6 * size)),
            face * tone[..., None],
        )
        c.paint(
            polygon(
                (x, y - height),
                (x + deep * 0.7, y - height - 9 * size),
                (x + width + deep * 0.7, y - height * 0.97 - 9 * size),
                (x + width, y - height * 0.97),
            ),
            np.clip(face * 1.3, 0, 255),
        )
        c.paint(
            polygon(
                (x + width, y + 6 * size),
                (x + width, y - height * 0.97),
                (x + width + deep * 0.7, y - height * 0.97 - 9 * size),
                (x + width + deep * 0.7, y - 3 * size),
            ),
            face * 0.55,
        )
        for row in range(1 + k % 3):
            c.paint(
                ellipse(x + width * 0.5, y - height * (0.3 + 0.2 * row), 4.2 * size, 4.2 * size), "fff6e8"
            )
    return c


def paper_boat() -> Canvas:
    """A paper boat on a still pond."""
    c = Canvas((0, "d8c8a8"), (0.5, "f0dcb4"), (1, "f0dcb4"))
    c.paint(_reeds(), "6f7f52")
    c.mirror(250, ripple=3, tint="3c6a72", depth=0.5)
    hull_left = polygon((250, 250), (430, 320), (430, 352), (318, 340))
    hull_right = polygon((610, 250), (430, 320), (430, 352), (542, 340))
    c.shade(blurred(ellipse(430, 352, 150, 12), 6), 0.45)
    c.paint(polygon((430, 130), (346, 292), (514, 292)), "fbf7ee")
    c.shade(polygon((430, 130), (430, 320), (514, 292)), 0.16)
    c.paint(hull_left, "f7f1e4")
    c.paint(hull_right, "ded5c2")
    c.shade(line(430, 320, 430, 352, 2), 0.4)
    for k in range(3):
        ring = ellipse(430, 352, 190 + 60 * k, 18 + 8 * k) * (1 - ellipse(430, 352, 186 + 60 * k, 16 + 8 * k))
        c.glow(ring * (Y > 350), "ffffff", 0.35 - 0.1 * k)
    return c


def _reeds() -> Field:
    """A far bank with reeds, a mask."""
    rng = np.random.default_rng(3)
    mask = np.clip(Y - 226 + 0.5, 0, 1) * np.clip(252 - Y, 0, 1)
    for x in rng.uniform(0, 854, 130):
        mask = np.maximum(mask, line(x, 240, x + rng.normal(0, 8), 240 - rng.uniform(20, 76), 3, 1))
    return mask


def _flat() -> Field:
    """The normals of something that lies flat, seen from a little above."""
    normal = np.array([0.0, -0.75, 0.66], np.float32)
    return np.broadcast_to(normal / np.linalg.norm(normal), (*X.shape, 3))


SCENES = {
    "teacup": teacup,
    "tulips": tulips,
    "red-ball": red_ball,
    "brass-bell": brass_bell,
    "candle": candle,
    "snow-globe": snow_globe,
    "snare-drum": snare_drum,
    "water-glass": water_glass,
    "cradle": cradle,
    "dominoes": dominoes,
    "paper-boat": paper_boat,
}
