"""Invented systems with known flaws: four for the demo, three releases of one. Light imports only."""

from __future__ import annotations

from evalharness.records import System

__all__ = ["DEMO_RELEASES", "DEMO_SYSTEMS"]

DEMO_SYSTEMS: tuple[System, ...] = (
    # Nearly perfect; masked until its owner comes forward.
    System(
        name="aurora-1.2",
        adapter="synthetic",
        codename="mystery-otter",
        parameters={"style": 1, "crf": 17, "fps": 24.0, "latency_s": 41.0, "cost_usd": 0.42},
    ),
    # Pretty pictures, the sound clearly late.
    System(
        name="basalt-2",
        adapter="synthetic",
        parameters={
            "style": 2,
            "sound_offset_s": 0.12,
            "fps": 30.0,
            "crf": 20,
            "scale": 1.25,
            "gain_db": -5.0,
            "latency_s": 63.0,
            "cost_usd": 0.30,
        },
    ),
    # Sound in time, soft and grainy pictures that do not move smoothly.
    System(
        name="cirrus-0.9",
        adapter="synthetic",
        parameters={
            "style": 3,
            "blur": 1.6,
            "noise": 7.0,
            "flicker": 0.02,
            "fps": 20.0,
            "crf": 26,
            "scale": 0.75,
            "latency_s": 18.0,
            "cost_usd": 0.08,
        },
    ),
    # Wrong lips, loose timing, lost pictures.
    System(
        name="dune-3",
        adapter="synthetic",
        parameters={
            "style": 4,
            "lip_error_rate": 0.45,
            "sound_jitter_s": 0.15,
            "frame_drop_rate": 0.2,
            "fps": 25.0,
            "crf": 23,
            "gain_db": 3.0,
            "latency_s": 29.0,
            "cost_usd": 0.15,
        },
    ),
)
"""From near-perfect to visibly and audibly flawed; sizes, rates and levels differ, as real systems' do."""

LATE_S = 0.12
"""By how much the second of the releases lets its sound lag."""

DEMO_RELEASES: tuple[System, ...] = tuple(
    System(
        name=f"aurora-{release}",
        adapter="synthetic",
        revision=release,
        parameters={
            "style": 1,
            "crf": crf,
            "sound_offset_s": offset_s,
            "latency_s": latency_s,
            "cost_usd": 0.30,
        },
    )
    for release, crf, offset_s, latency_s in (
        ("1.0", 18, 0.0, 40.0),
        ("1.1", 19, LATE_S, 37.0),
        ("1.2", 20, 0.0, 36.0),
    )
)
"""Releases of one system, oldest first: the second is late in sound, the third mends that."""
