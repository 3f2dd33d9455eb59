"""Whether a voter's screen, browser and connection will do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from evalharness.settings import ScreeningSettings

__all__ = ["PHONE_PX", "Device", "Unfit", "device_from", "unfit"]

PHONE_PX = 600
"""A screen for fingers whose shorter side has fewer CSS pixels is a phone's."""
RANGES: Mapping[str, tuple[float, float]] = {
    "width": (1, 20_000),
    "height": (1, 20_000),
    "ratio": (0.1, 16),
    "refresh_hz": (1, 1000),
    "mbit_s": (0, 100_000),
}
"""What a measurement can be."""


class Unfit(StrEnum):
    """Why a device will not do; each has words of its own."""

    CODEC = "codec"
    PHONE = "phone"
    SCREEN = "screen"
    REFRESH = "refresh"
    SPEED = "speed"


@dataclass(frozen=True, slots=True)
class Device:
    """What a page measured of where it is shown."""

    width: float
    """Of the screen, in CSS pixels."""
    height: float
    ratio: float
    """Pixels of the screen to one CSS pixel."""
    refresh_hz: float
    plays: bool
    """Whether a real clip, H.264 with AAC, played."""
    touch: bool
    """Whether it is pointed at by fingers."""
    mbit_s: float | None
    """Download from this arena; None where it was not measured."""

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return asdict(self)


def device_from(told: Mapping[str, object]) -> Device | str:
    """What the page measured, or a sentence on what of it cannot be."""
    given: dict[str, Any] = {each.name: told.get(each.name) for each in fields(Device)}
    for name in ("plays", "touch"):
        if not isinstance(given[name], bool):
            return f"{name} was {_short(given[name])}, not yes or no. Nothing was saved; reload the page."
    for name, (low, high) in RANGES.items():
        value = given[name]
        if name == "mbit_s" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            return (
                f"{name} was {_short(value)}; it lies between {low:g} and {high:g}. "
                "Nothing was saved; reload the page."
            )
    return Device(**given)


def unfit(device: Device, settings: ScreeningSettings) -> Unfit | None:
    """Why the device will not do for a study with these settings; None where it will."""
    short, long = sorted((device.width, device.height))
    wanted_short, wanted_long = sorted((settings.least_width, settings.least_height))
    speed = device.mbit_s or 0.0
    failed = {
        Unfit.CODEC: not device.plays,
        Unfit.PHONE: not settings.phones and device.touch and short < PHONE_PX,
        Unfit.SCREEN: short < wanted_short or long < wanted_long,
        # Screens of 59.94 Hz are sold, and meant, as 60.
        Unfit.REFRESH: round(device.refresh_hz) < settings.least_refresh_hz,
        Unfit.SPEED: speed < settings.least_mbit_s,
    }
    return next((reason for reason, is_so in failed.items() if is_so), None)


def _short(value: object) -> str:
    return repr(value)[:40]
