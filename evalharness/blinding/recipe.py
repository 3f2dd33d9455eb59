"""The one form in which every clip of a study is shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from evalharness.config import BlindingSettings
from evalharness.media.writing import as_rate

__all__ = ["BlindingRecipe"]

VERSION = 1
"""Changes whenever the same clips and settings would give other exhibits."""
RATE_HZ = 48_000


@dataclass(frozen=True, slots=True)
class BlindingRecipe:
    """Everything that decides an exhibit's form; two exhibits of one recipe differ in content alone."""

    width: int
    height: int
    fps: float
    loudness_lufs: float
    true_peak_db: float
    normalise_loudness: bool
    crf: int = 17
    """x264's quality: 17 is hard to tell from the source at arm's length."""
    preset: str = "veryfast"
    bits_per_pixel: float = 0.5
    """Ceiling of the picture's bit rate over any second, so that grain cannot choke a voter's line."""
    group_s: float = 1.0
    """Distance of key frames."""
    sound_bit_rate: int = 192_000
    spare_bytes: int = 64
    """Bytes at the file's end that are drawn anew for each showing."""

    @classmethod
    def of(cls, settings: BlindingSettings) -> BlindingRecipe:
        """The recipe a study's `[blinding]` asks for."""
        return cls(**settings.model_dump())

    @property
    def rate(self) -> Fraction:
        """Pictures a second, exactly."""
        return as_rate(self.fps)

    @property
    def x264(self) -> dict[str, str]:
        """The encoder's settings: key frames at fixed distance, none at cuts."""
        group = str(max(1, round(self.group_s * self.rate)))
        ceiling = str(round(self.bits_per_pixel * self.width * self.height * float(self.rate)))
        return {
            "crf": str(self.crf),
            "preset": self.preset,
            "maxrate": ceiling,
            "bufsize": ceiling,
            "g": group,
            "keyint_min": group,
            "sc_threshold": "0",
        }

    def record(self) -> dict[str, Any]:
        """The recipe as JSON values, for an exhibit's record."""
        return {"version": VERSION, **asdict(self)}
