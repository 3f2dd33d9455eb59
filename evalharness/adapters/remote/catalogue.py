"""What each vendor's models can do, what they cost and where they stop: read from data/adapters/*.toml.

Ids, limits and prices change more often than code, so they are data. A model's name there (`happyhorse-1.1`)
is what `model` in study.toml says; its ids by task are what the vendor is told.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evalharness.adapters.base import SeedSupport
from evalharness.data import data_folder
from evalharness.errors import ConfigError
from evalharness.records import Task

__all__ = ["Catalogue", "Model", "Spelling", "catalogue", "catalogues"]

Positive = Annotated[float, Field(gt=0)]

PRICES = {"usd_per_s": "usd_per_s_silent", "usd_per_million_tokens": "usd_per_million_tokens_silent"}
"""Prices with sound -> prices of silent clips."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Spelling(_Table):
    """How a gateway spells a request for one model: whoever makes it named the fields.

    A name is "" where the model has no such field.
    """

    duration: str = Field(default="", pattern=r"^(\w*\{\}\w*)?$")
    """The length in words around its number, e.g. "{}s"; "" where it goes as a number."""
    resolution: str = "resolution"
    audio: str = "generate_audio"
    """Sent where sound can be switched."""
    first_frame: str = "image_url"
    """With [] at its end where it takes a list."""
    references: str = ""
    """Takes the list of reference pictures."""
    ratio_with_frame: str = ""
    """The ratio beside a first frame: "{}" for the asked one, a word, or "" where none is sent, because the
    clip takes the picture's shape."""
    fixed: Mapping[str, bool | int | str] = {}
    """Fields that every request carries: switches that we turn off, defaults that differ from the maker's."""


class Model(_Table):
    """One model by one route; what it cannot be asked is refused before anything is sent."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    ids: Mapping[Task, str] = Field(min_length=1)
    """The vendor's id or slug for each task it serves."""
    durations_s: tuple[Positive, ...] = Field(min_length=1)
    """Every length that can be asked for. In the file also as "3..15", whole seconds."""
    resolutions: Mapping[str, Annotated[int, Field(ge=64)]] = Field(min_length=1)
    """The vendor's word -> shorter side in pixels."""
    ratios: tuple[Annotated[str, Field(pattern=r"^\d+:\d+$")], ...] = Field(min_length=1)
    sizes: Mapping[str, Mapping[str, str]] = {}
    """Resolution -> ratio -> `WIDTHxHEIGHT` where the vendor has pixels of its own."""
    audio: Literal["always", "switchable", "never"]
    seed: SeedSupport
    negative_prompt: bool = False
    rewriting: Literal["none", "switch", "unknown"]
    """Whether the vendor rewrites prompts: no; yes, with a switch that we turn off; nobody says."""
    watermark: Literal["none", "switch", "hidden", "unknown"]
    """A mark: none; a visible one that we turn off; a hidden one that cannot be turned off; nobody says."""
    fps: Positive | None = None
    """Frames a second where documented; the probe of each clip has the last word."""
    references: int = Field(default=0, ge=0)
    """How many reference pictures it takes at most."""
    references_called: str = Field(default="[Image {}]", pattern=r"^[^{}]*\{\}[^{}]*$")
    """How its prompts call the picture of a number."""
    prompt_characters: int | None = Field(default=None, ge=1)
    """Longer prompts are refused: vendors cut them in silence."""
    prompt_characters_cjk: int | None = Field(default=None, ge=1)
    link_lifetime_s: Positive | None = None
    """How long a finished clip can be fetched."""
    usd_per_s: Mapping[str, Positive] = {}
    """Resolution -> US dollars for a second with sound."""
    usd_per_s_silent: Mapping[str, Positive] = {}
    usd_per_million_tokens: Mapping[str, Positive] = {}
    """Resolution -> price where billed by width x height x 24 x seconds / 1024."""
    usd_per_million_tokens_silent: Mapping[str, Positive] = {}
    typical_s: tuple[Positive, Positive] = (60.0, 300.0)
    """How long one clip usually takes, for estimates of time."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    running: int | None = Field(default=None, ge=1)
    """How many tasks an account may have running."""
    poll_s: Positive = 10.0
    """How long to wait between questions, once the first ones were asked."""
    spelling: Spelling = Spelling()
    note: str = ""

    @field_validator("durations_s", mode="before")
    @classmethod
    def _whole_seconds(cls, found: Any) -> Any:
        if not isinstance(found, str):
            return found
        low, dots, high = found.partition("..")
        if not (dots and low.isdecimal() and high.isdecimal() and 0 < int(low) <= int(high)):
            raise ValueError('give a list of seconds, or a range of whole ones such as "3..15"')
        return tuple(float(second) for second in range(int(low), int(high) + 1))

    @model_validator(mode="after")
    def _words_agree(self) -> Model:
        for key in ("sizes", *PRICES, *PRICES.values()):
            strange = set(getattr(self, key)) - set(self.resolutions)
            if strange:
                raise ValueError(f"{key} names {min(strange)!r}, which is none of its resolutions")
        for key, silent in PRICES.items():
            alone = set(getattr(self, silent)) - set(getattr(self, key))
            if alone:
                raise ValueError(f"{silent} prices {min(alone)!r}, which {key} must price too")
        if (Task.REFERENCE_TO_VIDEO in self.ids) != (self.references > 0):
            raise ValueError("references says how many pictures reference_to_video takes: give both or none")
        return self

    def pixels(self, resolution: str, ratio: str) -> tuple[int, int]:
        """Width and height of a cell: the vendor's own where known, else even numbers by the ratio."""
        known = self.sizes.get(resolution, {}).get(ratio)
        if known is not None:
            width, height = known.split("x")
            return int(width), int(height)
        short = self.resolutions[resolution]
        across, down = (int(part) for part in ratio.split(":"))
        long = 2 * round(short * max(across, down) / min(across, down) / 2)
        return (long, short) if across >= down else (short, long)

    def cost_usd(self, duration_s: float, resolution: str, ratio: str, *, audio: bool) -> float | None:
        """The list price of one clip; None where the file holds none."""
        width, height = self.pixels(resolution, ratio)
        by_tokens = self.tokens_usd(width * height * 24 * duration_s / 1024, resolution, audio=audio)
        if by_tokens is not None:
            return by_tokens
        a_second = _price(self.usd_per_s, self.usd_per_s_silent, resolution, audio=audio)
        return None if a_second is None else a_second * duration_s

    def tokens_usd(self, tokens: float, resolution: str, *, audio: bool) -> float | None:
        """The list price of so many tokens; None where the model is not billed by tokens."""
        million = _price(
            self.usd_per_million_tokens, self.usd_per_million_tokens_silent, resolution, audio=audio
        )
        return None if million is None else tokens * million / 1e6


def _price(
    loud: Mapping[str, float], silent: Mapping[str, float], resolution: str, *, audio: bool
) -> float | None:
    """Of a clip with or without sound; where silence has no price of its own it costs as much."""
    return (loud if audio or not silent else silent).get(resolution)


class Catalogue(_Table):
    """One vendor's file."""

    vendor: str
    """How people call the route."""
    page: str
    """Which documentation the file was written from, in words."""
    checked: date
    verified_live: bool
    """Whether this route has ever been tried against the vendor itself."""
    models: tuple[Model, ...] = Field(min_length=1)

    @field_validator("models")
    @classmethod
    def _distinct(cls, models: tuple[Model, ...]) -> tuple[Model, ...]:
        names = [model.name for model in models]
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise ValueError(f"two models are called {repeated[0]}")
        return models

    def model(self, name: str) -> Model:
        """The model of that name. Raises ConfigError with the nearest."""
        for model in self.models:
            if model.name == name:
                return model
        known = [model.name for model in self.models]
        near = difflib.get_close_matches(name, known, n=2)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise ConfigError(f"{self.vendor} has no model {name!r} here: {hint}Known: {', '.join(known)}.")

    def served_as(self, vendor_id: str) -> Model:
        """The model that has this id for some task. Raises ConfigError where none has."""
        for model in self.models:
            if vendor_id in model.ids.values():
                return model
        raise ConfigError(f"{self.vendor} has no model with the id {vendor_id!r} here.")


@cache
def catalogue(route: str) -> Catalogue:
    """The catalogue of a route, `data/adapters/<route>.toml`.

    Raises ConfigError where there is none, or where it says something impossible: people edit it.
    """
    file = _folder() / f"{route}.toml"
    try:
        return Catalogue.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"There is no catalogue for '{route}': {file} is not there.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name} is not valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{file.name}: {key}: {first['msg'].removeprefix('Value error, ')}.") from error


def catalogues() -> Sequence[str]:
    """The routes that have a catalogue, by name."""
    return sorted(file.stem for file in _folder().glob("*.toml"))


def _folder() -> Path:
    return data_folder() / "adapters"
