"""What can be wrong with a synthetic system, each flaw by a known amount.

Every knob at its default gives the best clip this renderer can make. Light imports only.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evalharness.adapters.parameters import Parameters

__all__ = ["Knobs"]

Share = Annotated[float, Field(ge=0, le=1)]


class Knobs(Parameters):
    """`[systems.parameters]` of a synthetic system."""

    sound_offset_s: Annotated[float, Field(ge=-5, le=5)] = 0.0
    """By how much all events are heard after they are seen; negative is too early."""
    sound_jitter_s: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Standard deviation of one more delay, drawn for each event (a spoken line is one event)."""
    lip_error_rate: Share = 0.0
    """Odds with which a phoneme is drawn with the lips of another one."""
    blur: Annotated[float, Field(ge=0, le=40)] = 0.0
    """Sigma of a Gaussian blur in pixels of a picture 480 high; it grows with the picture."""
    flicker: Share = 0.0
    """Standard deviation of each picture's brightness, as a share of it."""
    noise: Annotated[float, Field(ge=0, le=128)] = 0.0
    """Standard deviation of the noise on each colour value, which runs from 0 to 255."""
    frame_drop_rate: Share = 0.0
    """Odds with which a picture is lost and the one before is shown again."""
    gain_db: Annotated[float, Field(ge=-60, le=60)] = 0.0
    """Louder or softer than meant; what goes beyond full scale is clipped."""
    mute: bool = False
    """No sound track at all."""
    crf: Annotated[int, Field(ge=0, le=51)] = 18
    """x264's constant rate factor: higher is coarser."""
    fps: Annotated[float, Field(ge=1, le=120)] | None = None
    """The system's own frame rate, whatever was asked for."""
    scale: Annotated[float, Field(ge=0.1, le=4)] = 1.0
    """Size of its pictures against the size asked for."""
    style: Annotated[int, Field(ge=0)] = 0
    """Its hand: colours, light and faces where the prompt leaves them open; never what happens when."""
    failure_rate: Share = 0.0
    """Odds with which a request fails, always the same ones, as a remote system may."""
    latency_s: Annotated[float, Field(ge=0)] | None = None
    """The time it claims to have needed."""
    cost_usd: Annotated[float, Field(ge=0)] | None = None
    """What it claims to charge for a clip."""
