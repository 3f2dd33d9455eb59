"""First frames of the night: snow, city, fire, space, a cat on a wall."""

from __future__ import annotations

import numpy as np
from canvas import HEIGHT, WIDTH, Canvas, X, Y, blurred, ellipse, line, noise, polygon, ridge, smooth


def aurora_cabin() -> Canvas:
    """A snowed-in cabin under northern lights."""
    c = Canvas((0, "050d24"), (0.55, "14305a"), (0.72, "2a5478"), (1, "2a5478"))
    rng = np.random.default_rng(51)
    for x, y, s in zip(rng.random(240) * WIDTH, rng.random(240) * 300, rng.random(240), strict=True):
        c.halo(x, y, 0.8 + s, "ffffff", 0.35 + 0.6 * s)
    for shift, colour, power in ((0, "46ff9c", 0.85), (70, "3ce0d0", 0.5), (-110, "b060ff", 0.4)):
        hem = 190 + 0.35 * shift + 46 * np.sin((X + shift) / 120) + 22 * np.sin((X - shift) / 47)
        curtain = smooth(18, -6, Y - hem) * np.exp(-np.clip(hem - Y, 0, None) / 80)
        rays = 0.35 + 0.65 * noise(52 + shift % 7, 300, 5, 0.045)
        c.glow(curtain * rays * smooth(0.25, 0.7, noise(60, 400, 2, 1)), colour, power)
    c.paint(ridge(318, 70, 53, 230), "16304a")
    for i, x in enumerate(rng.random(60) * WIDTH):
        if not 470 < x < 720:
            _fir(c, x, 356 + 16 * rng.random(), 50 + 60 * rng.random(), i)
    snow = np.clip(Y - (348 + 14 * np.sin(X / 150) + 8 * np.sin(X / 61)) + 0.5, 0, 1)
    c.paint(snow, np.array([150, 182, 214]) * (0.62 + 0.4 * noise(54, 90, 4, 3))[..., None])
    c.paint(polygon((540, 368), (540, 306), (662, 306), (662, 368)), "4a3024")
    for y in range(312, 368, 9):
        c.shade(np.exp(-((Y - y) ** 2) / 2) * polygon((540, 368), (540, 306), (662, 306), (662, 368)), 0.4)
    c.paint(polygon((522, 312), (601, 258), (680, 312), (672, 318), (601, 272), (530, 318)), "dfeaf6")
    c.paint(polygon((530, 312), (601, 262), (672, 312)), "cfe0f0")
    c.paint(polygon((632, 280), (632, 246), (648, 246), (648, 290)), "3a2a26")
    c.paint(blurred(line(642, 240, 690, 150, 10, 44), 9), "b8c4d4", 0.4)
    for x in (568, 622):
        c.paint(polygon((x - 13, 348), (x - 13, 324), (x + 13, 324), (x + 13, 348)), "ffc560")
        c.paint(line(x, 324, x, 348, 2), "5a3820")
        c.paint(line(x - 13, 336, x + 13, 336, 2), "5a3820")
        c.halo(x, 338, 38, "ffb040", 0.6)
        c.glow(ellipse(x, 376, 26, 9, soft=12), "ffb850", 0.5)
    return c


def _fir(c: Canvas, x: float, y: float, height: float, seed: int) -> None:
    for k in range(4):
        top, half = y - height * (1 - 0.2 * k), height * (0.12 + 0.06 * k)
        low = y - height * (0.62 - 0.2 * k)
        c.paint(polygon((x, top), (x - half, low), (x + half, low)), ("0b2436", "0d2a3c", "0a2030")[seed % 3])
        c.paint(
            polygon((x, top), (x - half * 0.45, top + height * 0.14), (x + half * 0.3, top + height * 0.1)),
            "8fb2cc",
            0.5,
        )


def city_night() -> Canvas:
    """A skyline at night across a river, moon above."""
    c = Canvas((0, "0c1230"), (0.4, "27305e"), (0.64, "7a4a6c"), (1, "7a4a6c"))
    c.paint(smooth(0.5, 0.8, noise(101, 140, 5, 4)) * smooth(300, 40, Y), "3c3c6c", 0.8)
    c.halo(150, 92, 90, "d8e0ff", 0.4)
    c.paint(
        ellipse(150, 92, 30, 30), np.array([240, 238, 222]) * (0.82 + 0.24 * noise(102, 16, 3))[..., None]
    )
    rng = np.random.default_rng(103)
    for layer, (tone, low, high) in enumerate(
        (("3a3560", 150, 250), ("221f40", 120, 280), ("121226", 190, 300))
    ):
        x = -10.0
        while x < WIDTH:
            width, top = 26 + 40 * rng.random(), low + (high - low) * rng.random()
            c.paint(polygon((x, 320), (x, top), (x + width, top), (x + width, 320)), tone)
            if rng.random() < 0.3:
                c.paint(line(x + width / 2, top, x + width / 2, top - 30, 2.5, 1), tone)
                c.halo(x + width / 2, top - 30, 3.5, "ff5040", 0.9)
            if layer:
                lit = rng.random((40, 12)) < 0.34
                grid_x, grid_y = ((X - x - 4) / 7).astype(int), ((Y - top - 5) / 9).astype(int)
                inside = (x + 4 < X) & (x + width - 4 > X) & (top + 5 < Y) & (Y < 312)
                pane = ((X - x - 4) % 7 < 4) & ((Y - top - 5) % 9 < 5) & inside
                on = lit[np.clip(grid_y, 0, 39), np.clip(grid_x, 0, 11)] & pane
                c.paint(on.astype(np.float32), ("ffd890", "ffe9b8", "a8d0ff")[int(rng.integers(3))], 0.9)
            x += width + 3 * rng.random()
    c.glow(np.exp(-(((Y - 318) / 26) ** 2)), "ff9a60", 0.35)
    c.mirror(324, ripple=6, tint="101634", depth=0.4)
    return c


def campfire() -> Canvas:
    """A campfire by a tent under stars."""
    c = Canvas((0, "060a1e"), (0.6, "122040"), (0.68, "0c1420"), (1, "1a140e"))
    rng = np.random.default_rng(111)
    for x, y, s in zip(rng.random(260) * WIDTH, rng.random(260) * 280, rng.random(260), strict=True):
        c.halo(x, y, 0.7 + s, "f0f4ff", 0.3 + 0.6 * s)
    c.glow(np.exp(-(((Y - 60 - 0.2 * X) / 60) ** 2)) * noise(112, 90, 5, 2), "8090d0", 0.4)
    c.paint(ridge(300, 60, 113, 14, 0.8), "070d14")
    ground = np.clip(Y - 336 + 10 * noise(114, 60, 4, 3), 0, 1)
    warm = np.exp(-((np.hypot((X - 400) / 300, (Y - 410) / 90)) ** 2))
    earth = (
        np.array([96, 70, 42])
        * (0.55 + 0.7 * noise(115, 12, 4, 3))[..., None]
        * (0.16 + 1.1 * warm)[..., None]
    )
    c.paint(ground, np.clip(earth, 0, 255))
    c.paint(polygon((560, 392), (650, 230), (790, 400)), "6a4026")
    c.paint(polygon((560, 392), (650, 230), (664, 396)), "e08a3c")
    c.paint(polygon((596, 394), (646, 262), (640, 395)), "3a1e10")
    c.shade(polygon((650, 230), (790, 400), (664, 396)) * smooth(650, 790, X), 0.6)
    c.halo(400, 360, 200, "ff8020", 0.5)
    for x0, y0, x1, y1 in ((330, 424, 446, 402), (356, 400, 468, 426), (372, 430, 430, 394)):
        c.paint(line(x0, y0, x1, y1, 17), "2e1a0e")
        c.glow(line(x0, y0 - 5, x1, y1 - 5, 4), "ff7020", 0.55)
    for scale, colour in ((1.0, "ff5a10"), (0.74, "ff9a20"), (0.5, "ffd050"), (0.26, "fff4c0")):
        rise = np.clip((408 - Y) / (150 * scale), 0, 1)
        sway = 16 * np.sin(Y / 20 + 2) * rise
        half = 46 * scale * np.sqrt(np.clip(rise * 4, 0, 1)) * (1 - rise) ** 0.8
        tongue = np.clip((half - np.abs(X - 400 - sway)) / 8, 0, 1) * (Y < 408)
        c.glow(blurred(tongue.astype(np.float32), 2.5), colour, 0.9)
    for x, y, s in zip(
        400 + 60 * rng.normal(size=40), 300 - 190 * rng.random(40), rng.random(40), strict=True
    ):
        c.halo(x, y, 1.2 + s, "ffb040", 0.9)
    for x, y, r in (
        (318, 440, 20),
        (352, 452, 18),
        (394, 456, 20),
        (438, 452, 18),
        (478, 442, 20),
        (300, 420, 14),
        (494, 424, 14),
    ):
        c.ball(
            x,
            y,
            r,
            np.array([110, 92, 80]) * (0.6 + 0.6 * noise(117, 8))[..., None],
            gloss=0.05,
            ambient=0.35,
        )
    return c


def planet() -> Canvas:
    """A ringed planet with a moon."""
    c = Canvas((0, "05060f"), (1, "0b0a1c"))
    rng = np.random.default_rng(121)
    c.glow(noise(122, 220, 6) ** 3, "5a3c9c", 1.0)
    c.glow(noise(123, 260, 6) ** 4, "b04a6a", 0.9)
    for x, y, s in zip(rng.random(420) * WIDTH, rng.random(420) * HEIGHT, rng.random(420), strict=True):
        c.halo(x, y, 0.6 + 1.1 * s**3, "ffffff", 0.25 + 0.7 * s)
    turn = -0.32
    dx, dy = X - 470, Y - 236
    a, b = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    away = np.hypot(a, b / 0.24)
    groove = 0.55 + 0.45 * np.sin(away / 3.2) * np.sin(away / 11 + 1)
    ring = smooth(196, 204, away) * smooth(322, 314, away) * (1 - 0.9 * np.exp(-(((away - 272) / 5) ** 2)))
    colour = np.array([226, 198, 158]) * (0.45 + 0.65 * groove)[..., None]
    c.paint(ring, colour, 0.9)
    stripes = np.sin(b / 9 + 1.2 * noise(124, 60, 4, 4)) * 0.5 + 0.5
    bands = np.array([214, 160, 104]) + np.array([32, 50, 66]) * (stripes - 0.3)[..., None]
    c.ball(470, 236, 138, np.clip(bands, 0, 255), gloss=0.05, ambient=0.05)
    c.shade(ellipse(470, 236, 138, 138) * np.exp(-(((b - 14) / 7) ** 2)) * 0.8, 0.7)
    c.paint(ring * np.clip(b / 2, 0, 1), colour, 0.95)
    c.ball(
        168,
        130,
        30,
        np.array([170, 170, 178]) * (0.6 + 0.6 * noise(125, 14, 4))[..., None],
        gloss=0.02,
        ambient=0.06,
    )
    return c


def moon_cat() -> Canvas:
    """A black cat on a wall before a full moon."""
    c = Canvas((0, "0f1a44"), (0.6, "34407a"), (1, "544a80"))
    rng = np.random.default_rng(271)
    for x, y, s in zip(rng.random(180) * WIDTH, rng.random(180) * 330, rng.random(180), strict=True):
        c.halo(x, y, 0.7 + s, "ffffff", 0.3 + 0.6 * s)
    c.halo(520, 190, 250, "b8c4ff", 0.45)
    craters = noise(272, 46, 4)
    c.paint(ellipse(520, 190, 128, 128), np.array([250, 244, 218]) * (0.78 + 0.32 * craters)[..., None])
    c.paint(smooth(0.55, 0.8, noise(273, 130, 5, 5)) * smooth(120, 260, Y), "7a78b0", 0.5)
    brick = np.where(
        (np.abs(Y % 26) < 2.5) | (np.abs((X + 34 * (np.floor(Y / 26) % 2)) % 68) < 2.5), 0.55, 1.0
    )
    wall = np.clip(Y - 356 + 3 * noise(274, 20), 0, 1)
    c.paint(wall, np.array([74, 56, 84]) * (brick * (0.6 + 0.6 * noise(275, 20)))[..., None])
    c.glow(np.exp(-(((Y - 358) / 4) ** 2)) * wall, "a8b0ff", 0.5)
    black = "0a0912"
    c.paint(ellipse(500, 296, 46, 66), black)
    c.paint(ellipse(484, 262, 34, 46, turn=0.2), black)
    c.ball(470, 206, 36, black, gloss=0.12, ambient=1.0)
    c.paint(polygon((438, 198), (438, 152), (466, 178)), black)
    c.paint(polygon((476, 176), (500, 152), (503, 198)), black)
    for x in (464, 484):
        c.paint(line(x, 270, x - 2, 354, 17, 15), black)
        c.paint(ellipse(x - 5, 354, 14, 7), black)
    c.paint(ellipse(520, 334, 42, 26), black)
    for k in range(40):
        t = k / 39
        c.paint(
            ellipse(548 + 46 * np.sin(t * 2.6), 346 + 96 * t - 20 * np.sin(t * 3.1), 9 - 3 * t, 9 - 3 * t),
            black,
        )
    for x in (456, 482):
        c.paint(ellipse(x, 206, 7, 8), "d8e860")
        c.paint(ellipse(x, 206, 2.2, 7), "0a0912")
    return c


SCENES = {
    "aurora-cabin": aurora_cabin,
    "city-night": city_night,
    "campfire": campfire,
    "planet": planet,
    "moon-cat": moon_cat,
}
