"""First frames of places by day: sea, mountains, fields, sky."""

from __future__ import annotations

import numpy as np
from canvas import HEIGHT, WIDTH, Canvas, X, Y, blurred, ellipse, line, noise, polygon, ridge, smooth


def lighthouse() -> Canvas:
    """A lighthouse on a cliff at dusk, lamp lit, sea below."""
    c = Canvas((0, "23305c"), (0.35, "7a5a86"), (0.55, "f0976a"), (0.64, "ffd9a0"), (1, "ffd9a0"))
    c.paint(smooth(0.5, 0.8, noise(1, 150, 5, 3.5)) * smooth(330, 80, Y), "e58a7c", 0.75)
    c.halo(250, 300, 190, "ffd28a", 0.8)
    c.mirror(306, ripple=4, tint="2a3a66", depth=0.45)
    cliff = polygon((854, 480), (470, 480), (505, 410), (560, 372), (590, 322), (650, 300), (854, 288))
    rock = noise(3, 40, 5) - 0.5 * noise(4, 14, 3, 0.5)
    c.paint(cliff, np.clip(np.array([62, 50, 58]) * (0.75 + rock[..., None]), 0, 255))
    c.paint(cliff * smooth(316, 296, Y + 14 * noise(6, 30)), "5f6b46", 0.9)
    c.paint(
        blurred(np.exp(-(((Y - 440) / 10) ** 2)) * smooth(430, 500, X) * smooth(640, 520, X), 4),
        "f4e6dc",
        0.5,
    )
    c.lathe(690, 118, 300, lambda t: 21 + 15 * t**1.3, _bands(118, 300), gloss=0.05, ambient=0.4)
    c.lathe(690, 92, 118, lambda t: 17 + 0 * t, "38404e", gloss=0.4)
    c.paint(polygon((667, 120), (713, 120), (708, 112), (672, 112)), "2a2f3a")
    c.paint(polygon((670, 92), (710, 92), (690, 68)), "8e2f2a")
    c.glow(polygon((690, 105), (0, 20), (0, 150)) * smooth(60, 690, X), "fff2c0", 0.55)
    c.halo(690, 105, 26, "fff4c8", 1.0)
    c.paint(polygon((748, 300), (748, 268), (772, 250), (796, 268), (796, 300)), "cfc2b4")
    c.paint(polygon((742, 270), (772, 246), (802, 270)), "7c3a32")
    c.glow(ellipse(764, 283, 5, 6), "ffd070", 0.9)
    return c


def _bands(top: float, bottom: float) -> np.ndarray:
    red = (np.floor((Y - top) / (bottom - top) * 5) % 2 == 0)[..., None]
    return np.where(red, np.array([186, 58, 48]), np.array([240, 232, 222])).astype(np.float32)


def mountain_lake() -> Canvas:
    """Snowy peaks mirrored in a still lake at sunrise."""
    c = Canvas((0, "5d8fc4"), (0.35, "bcd3e6"), (0.6, "ffe3c4"), (1, "ffe3c4"))
    c.paint(smooth(0.55, 0.85, noise(21, 120, 5, 4)) * smooth(220, 60, Y), "ffffff", 0.7)
    peaks = ridge(215, 190, 8, 260, 0.48)
    light = noise(22, 50, 5, 0.8) - np.roll(noise(22, 50, 5, 0.8), 9, axis=1)
    rock = np.array([104, 112, 138]) * (1 + 2.4 * light[..., None])
    c.paint(peaks, np.clip(rock, 30, 255))
    snow = peaks * smooth(-14, 14, 215 - Y + 90 * (noise(23, 34, 4) - 0.5))
    c.paint(snow, np.clip(np.array([240, 240, 248]) * (0.95 + 1.3 * light[..., None]), 90, 255))
    c.paint(ridge(268, 60, 31, 140), "53705f")
    c.paint(ridge(292, 46, 32, 12, 0.75), "2b4a3c")
    c.paint(smooth(60, 0, np.abs(Y - 286)), "f7e6d4", 0.35)
    c.mirror(306, ripple=2.2, tint="2d5c74", depth=0.3)
    for x, y, r in ((110, 446, 60), (196, 462, 34), (40, 470, 46), (742, 466, 52)):
        c.shadow(x, y + r * 0.45, r * 1.3, r * 0.2, 0.5)
        stone = ellipse(x, y, r, r * 0.5) * (y + r * 0.42 > Y)
        c.paint(
            stone,
            np.array([120, 116, 112])
            * (0.55 + 0.9 * smooth(y + r * 0.4, y - r * 0.5, Y) * noise(24, 20))[..., None],
        )
    return c


def dunes() -> Canvas:
    """Desert dunes in low sun with a caravan on the ridge."""
    c = Canvas((0, "4f7fb0"), (0.4, "f3c9a0"), (0.6, "f6b877"), (1, "f6b877"))
    c.halo(170, 150, 60, "fff6d8", 1.0)
    c.halo(170, 150, 230, "ffdc9c", 0.6)
    for base, height, seed, size, lit, dark in (
        (250, 30, 41, 420, "e0a06a", "b97a52"),
        (300, 46, 42, 380, "dd9450", "96583c"),
        (372, 80, 43, 460, "e39a4c", "7c4632"),
    ):
        dune = _dune(base, height, seed, size)
        c.paint(dune[0], dark)
        c.paint(dune[1], lit)
        c.shade(
            dune[0] * (0.5 + 0.5 * np.sin(Y * 0.55 + 26 * noise(seed, 90, 3, 4))) * smooth(240, 480, Y), 0.10
        )
    for i in range(6):
        x = 398 + i * 40
        y = 343 - 0.13 * (x - 398) + 4 * np.sin(i * 1.7)
        _camel(c, x, y)
    return c


def _dune(base: float, height: float, seed: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """All of a dune, and its side in the sun."""
    rng = np.random.default_rng(seed)
    phase = rng.random(3) * 6.28
    x = np.arange(WIDTH)
    top = base - height * (
        0.6 * np.sin(6.28 * x / size + phase[0]) + 0.4 * np.sin(13.1 * x / size + phase[1])
    )
    crest = X + 0.9 * (Y - top[None, :]) + 60 * (noise(seed + 5, 160, 2) - 0.5)
    slope = np.interp(crest, x, np.gradient(top))
    dune = np.clip(Y - top[None, :] + 0.5, 0, 1)
    return dune, dune * smooth(0.06, -0.06, slope.astype(np.float32))


def _camel(c: Canvas, x: float, y: float) -> None:
    dark = "3a2420"
    c.paint(ellipse(x, y - 17, 10, 5), dark)
    c.paint(ellipse(x - 1, y - 22, 5, 4), dark)
    for leg in (-7, -4, 5, 8):
        c.paint(line(x + leg, y - 15, x + leg * 1.1, y, 2.2, 1.4), dark)
    c.paint(line(x + 9, y - 18, x + 15, y - 27, 3, 2), dark)
    c.paint(ellipse(x + 17, y - 28, 4, 2), dark)


def windmill() -> Canvas:
    """A windmill over a ripe wheat field, clouds gathering."""
    c = Canvas((0, "4a86c2"), (0.5, "b8d8ec"), (0.66, "f2ead2"), (1, "f2ead2"))
    clouds = noise(61, 150, 6, 2.4)
    c.paint(
        smooth(0.48, 0.7, clouds) * smooth(300, 40, Y),
        np.clip(255 * (0.62 + 0.6 * np.roll(clouds, 14, 0))[..., None], 0, 255),
    )
    c.paint(ridge(312, 22, 62, 200), "7f9a78")
    c.paint(ridge(322, 12, 63, 20, 0.7), "4e6b46")
    depth = smooth(322, 480, Y)
    ears = noise(64, 7, 2, 0.28) * depth + noise(65, 3.2, 2, 0.6) * (1 - depth)
    field = np.array([226, 172, 74]) * (0.62 + 0.62 * ears)[..., None]
    c.paint(np.clip(Y - 326 - 6 * np.sin(X / 90) + 0.5, 0, 1), np.clip(field, 0, 255))
    c.shade(np.clip(Y - 330, 0, 1) * smooth(0.5, 0.75, noise(66, 260, 2, 3)), 0.25)
    c.lathe(600, 168, 336, lambda t: 26 + 26 * t, "e6ddd0", gloss=0.02, ambient=0.45)
    c.lathe(600, 134, 170, lambda t: 29 * np.sqrt(np.clip(1 - (1 - t) ** 2, 0, 1)), "6e4632", gloss=0.1)
    for y in (210, 262):
        c.paint(polygon((593, y + 16), (593, y), (607, y), (607, y + 16)), "4a4a56")
    c.paint(polygon((588, 336), (588, 304), (612, 304), (612, 336)), "5a3a26")
    for quarter in range(4):
        a = 0.5 + quarter * np.pi / 2
        u, v = np.cos(a), np.sin(a)
        at = lambda along, across: (600 + along * u - across * v, 162 + along * v + across * u)  # noqa: B023, E731 - used in this round alone
        c.paint(polygon(at(24, 3), at(128, 3), at(128, 24), at(24, 24)), "f4ead8", 0.88)
        for k in range(6):
            c.paint(line(*at(24 + 20.8 * k, 2), *at(24 + 20.8 * k, 25), 1.8), "6a4a34")
        c.paint(line(600, 162, *at(130, 3), 4.5, 3), "5a3a28")
    c.paint(ellipse(600, 162, 8, 8), "3a2a20")
    return c


def balloons() -> Canvas:
    """Hot-air balloons over misty hills in the morning."""
    c = Canvas((0, "6aa6d8"), (0.5, "f9dcc0"), (0.8, "f7c9a0"), (1, "f7c9a0"))
    c.halo(690, 250, 200, "fff0c8", 0.8)
    for base, height, seed, colour in (
        (300, 50, 71, "a8a2b4"),
        (342, 56, 72, "7d8a94"),
        (390, 60, 73, "55705f"),
        (440, 50, 74, "35523c"),
    ):
        c.paint(ridge(base, height, seed, 260, 0.45), colour)
        c.paint(smooth(46, 0, np.abs(Y - base - 34)) * noise(seed, 120, 3, 4), "fff0e0", 0.65)
    palette = (
        ("d2453c", "f5e6c8"),
        ("2f6fa8", "f2b43c"),
        ("7a4a94", "f08a6c"),
        ("3c8a6a", "f4e0a0"),
        ("e08a2c", "fff0d0"),
    )
    for (x, y, r), colours in zip(
        ((250, 150, 92), (560, 120, 52), (705, 232, 34), (420, 286, 26), (110, 296, 20)), palette, strict=True
    ):
        _balloon(c, x, y, r, colours)
    return c


def _balloon(c: Canvas, x: float, y: float, r: float, colours: tuple[str, str]) -> None:
    bottom = y + 1.45 * r

    def envelope(t: np.ndarray) -> np.ndarray:
        upper = np.sqrt(np.clip(1 - ((t - 0.41) / 0.41) ** 2, 0, 1))
        fall = np.cos(np.clip((t - 0.41) / 0.59, 0, 1) * np.pi / 2)
        lower = 0.16 + 0.84 * np.clip(fall, 0, 1) ** 0.8
        return np.asarray(r * np.where(t < 0.41, upper, lower), np.float32)

    rows = envelope(np.clip((np.arange(HEIGHT) - y + r) / (bottom - y + r), 0, 1))[:, None]
    gore = np.floor(np.arcsin(np.clip((X - x) / np.maximum(rows, 1), -1, 1)) / np.pi * 8 + 0.5) % 2 == 0
    first, second = (np.array([int(k[i : i + 2], 16) for i in (0, 2, 4)]) for k in colours)
    for side in (-1, 1):
        c.paint(
            line(x + side * r * 0.15, bottom, x + side * r * 0.1, bottom + r * 0.34, max(1, r * 0.02)),
            "40302a",
        )
    c.lathe(
        x,
        y - r,
        bottom,
        envelope,
        np.where(gore[..., None], first, second).astype(np.float32),
        gloss=0.12,
        ambient=0.42,
    )
    c.lathe(x, bottom + r * 0.32, bottom + r * 0.56, lambda t: r * (0.16 - 0.02 * t), "7a5030", gloss=0.02)
    c.halo(x, bottom + r * 0.1, r * 0.13, "ffc060", 0.9)


def sailboat() -> Canvas:
    """A small sailing boat on a calm bay before sunset."""
    c = Canvas((0, "3d6ea6"), (0.35, "e8a98a"), (0.58, "ffd896"), (1, "ffd896"))
    c.paint(smooth(0.52, 0.8, noise(81, 130, 5, 5)) * smooth(260, 60, Y), "ffb89a", 0.8)
    c.halo(560, 246, 26, "fffbe0", 1.0)
    c.halo(560, 246, 170, "ffd080", 0.75)
    c.paint(ridge(268, 44, 82, 300) * smooth(420, 120, X), "6a5a7c")
    c.paint(ridge(272, 36, 83, 220) * smooth(560, 800, X), "75607c")
    _boat(c)
    c.mirror(282, ripple=3.4, tint="2c4a70", depth=0.32)
    glitter = noise(84, 7, 2, 6) * np.exp(-(((X - 560) / (24 + 0.5 * np.clip(Y - 282, 0, None))) ** 2))
    c.glow(smooth(0.45, 0.8, glitter) * np.clip(Y - 284, 0, 1), "fff0b0", 0.95)
    return c


def _boat(c: Canvas) -> None:
    c.paint(line(300, 276, 300, 92, 4, 2.5), "5a3a28")
    main = polygon((305, 96), (305, 262), (392, 262), (372, 200), (342, 140))
    jib = polygon((295, 108), (295, 264), (222, 264), (256, 196))
    c.paint(main, np.array([252, 240, 220]) * (0.7 + 0.3 * smooth(300, 380, X))[..., None])
    c.paint(jib, np.array([244, 214, 186]) * (0.72 + 0.28 * smooth(220, 290, X))[..., None])
    for y in (140, 180, 220):
        c.shade(np.exp(-((Y - y) ** 2) / 1.2) * main, 0.2)
    hull = polygon((212, 266), (406, 262), (382, 288), (238, 288))
    c.paint(hull, np.array([150, 52, 40]) * (0.7 + 0.4 * smooth(292, 262, Y))[..., None])
    c.paint(line(212, 266, 406, 262, 4), "f2e6d0")
    c.paint(ellipse(352, 250, 6, 8), "2c3c5c")
    c.paint(ellipse(352, 238, 4.5, 5), "d8a888")


def forest_path() -> Canvas:
    """A path through tall trees with shafts of light."""
    c = Canvas((0, "dfe9a8"), (0.5, "a9c47c"), (0.7, "5d7f46"), (1, "2e4a28"))
    c.paint(smooth(0.4, 0.7, noise(91, 60, 5)), "eef3c0", 0.5)
    c.halo(430, 130, 220, "fffbd8", 0.8)
    rng = np.random.default_rng(92)
    for layer, tone in enumerate(("8ea870", "6a8852", "3f5a36", "22381f")):
        for x in rng.permutation(np.linspace(-20, WIDTH + 20, 17 - 3 * layer)):
            width = (7 + 9 * layer) * (0.7 + 0.6 * rng.random())
            foot = 300 + 34 * layer
            if abs(x - 430) < 60 + 55 * layer:
                continue
            lean = 10 * (rng.random() - 0.5)
            trunk = line(x, foot, x + lean, -20, width, width * 0.6)
            bark = 0.75 + 0.5 * noise(93 + layer, 16, 3, 0.16)
            c.paint(trunk, np.array([int(tone[i : i + 2], 16) for i in (0, 2, 4)]) * bark[..., None])
            c.glow(
                line(x - width * 0.3, foot, x + lean - width * 0.2, -20, width * 0.2) * trunk, "f6f4c0", 0.16
            )
        leaves = smooth(0.52 - 0.02 * layer, 0.66, noise(95 + layer, 54 + 16 * layer, 5)) * smooth(
            190 + 20 * layer, 0, Y
        )
        c.paint(leaves, tone, 0.85)
        c.paint(np.clip(Y - (286 + 34 * layer) + 14 * noise(99 + layer, 30, 4), 0, 1), tone)
    half = 16 + 1.05 * np.clip(Y - 296, 0, None)
    path = smooth(1.1, 0.8, np.abs(X - 430 - 50 * np.sin((Y - 296) / 70)) / half) * smooth(292, 306, Y)
    c.paint(path, np.array([178, 146, 100]) * (0.62 + 0.55 * noise(97, 16, 4, 3))[..., None])
    c.shade(path * smooth(0.45, 0.6, noise(98, 90, 3, 4)), 0.35)
    for x, w in ((330, 26), (420, 44), (520, 20), (600, 34)):
        ray = blurred(polygon((x, -10), (x + w, -10), (x - 170 + 2.6 * w, 420), (x - 230, 420)), 9)
        c.glow(ray * smooth(440, 60, Y), "fffad0", 0.3)
    return c


def kite() -> Canvas:
    """A red kite in the wind over a green hill, a child holding its string."""
    c = Canvas((0, "3d8bd0"), (0.6, "a9d6f2"), (1, "e6f4fa"))
    clouds = noise(131, 130, 6, 1.9)
    c.paint(
        smooth(0.5, 0.68, clouds), np.clip(255 * (0.76 + 0.4 * np.roll(clouds, 12, 0))[..., None], 0, 255)
    )
    hill = np.clip(Y - (400 - 90 * np.exp(-(((X - 250) / 260) ** 2)) + 10 * np.sin(X / 80)) + 0.5, 0, 1)
    c.paint(ridge(372, 30, 132, 240), "86b48a")
    grass = (
        np.array([96, 158, 66])
        * (0.6 + 0.5 * noise(133, 5, 2, 0.35) + 0.25 * noise(134, 120, 3, 2))[..., None]
    )
    c.paint(hill, np.clip(grass, 0, 255))
    x = np.linspace(262, 606, 60)
    y = 276 - 160 * ((x - 262) / 344) + 42 * np.sin(np.pi * (x - 262) / 344)
    for k in range(59):
        c.paint(line(x[k], y[k], x[k + 1], y[k + 1], 1.3), "f4f4f4", 0.85)
    top, right, low, left = (640, 48), (690, 126), (606, 190), (574, 92)
    c.paint(polygon(top, right, low), "c93a30")
    c.paint(polygon(top, low, left), "ef6a3c")
    c.paint(polygon(left, right, low), "a82a2c", 0.55)
    c.paint(line(*top, *low, 3), "5a2a20")
    c.paint(line(*left, *right, 3), "5a2a20")
    previous = low
    for k in range(1, 9):
        point = (low[0] - 7 * k + 16 * np.sin(k), low[1] + 13 * k)
        c.paint(line(*previous, *point, 2), "6a3a30")
        if k % 2 == 0:
            bow = "f4c83c" if k % 4 else "3c74c0"
            c.paint(polygon(point, (point[0] - 11, point[1] - 6), (point[0] - 11, point[1] + 6)), bow)
            c.paint(polygon(point, (point[0] + 11, point[1] - 6), (point[0] + 11, point[1] + 6)), bow)
        previous = point
    c.shadow(240, 326, 34, 6, 0.4)
    c.paint(line(238, 300, 230, 324, 7, 6), "2f4468")
    c.paint(line(244, 300, 252, 324, 7, 6), "2f4468")
    c.paint(line(241, 278, 241, 300, 16, 15), "e8b02c")
    c.paint(line(244, 282, 262, 276, 6, 5), "e8b02c")
    c.ball(242, 263, 10, "e6b48c", gloss=0.1, ambient=0.5)
    c.paint(ellipse(240, 258, 11, 7), "5a3420")
    return c


SCENES = {
    "lighthouse": lighthouse,
    "mountain-lake": mountain_lake,
    "dunes": dunes,
    "windmill": windmill,
    "balloons": balloons,
    "sailboat": sailboat,
    "forest-path": forest_path,
    "kite": kite,
}
