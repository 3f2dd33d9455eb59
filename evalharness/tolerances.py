"""`[regression]` of study.toml: by how much a release may be worse than the one before, and what decides."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from evalharness.settings import Settings

__all__ = ["Part", "RegressionSettings", "ServiceTolerances"]

Share = Annotated[float, Field(ge=0, le=10)]


class Part(StrEnum):
    """What a comparison of two releases rests on."""

    VOTES = "votes"
    METRICS = "metrics"
    SERVICE = "service"


class ServiceTolerances(Settings):
    """`[regression.service]`: how much dearer, slower and less reliable a candidate may be."""

    price_rise: Share = 0.10
    """Of the mean price of a clip, as a share of the baseline's."""
    latency_rise: Share = 0.25
    """Of the median time to a clip, as a share of the baseline's."""
    failure_rise: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Of the share of clips that failed, refusals apart; a difference of two shares."""
    refusal_rise: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Of the share of prompts refused by moderation; a difference of two shares."""


class RegressionSettings(Settings):
    """`[regression]`: settle it before the candidate's clips and votes are looked at."""

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance that the votes, and again that the metrics, call a candidate worse that is not."""
    margin_elo: float = Field(default=50.0, gt=0, le=1500)
    """Non-inferiority margin of the votes: 50 Elo is a win rate of 42.9 %."""
    decide_by: Annotated[list[Part], Field(min_length=1, strict=False)] = list(Part)  # noqa: RUF012 - pydantic copies it
    """The parts that decide; the others are told."""
    deciding: list[str] | None = None
    """Quantities that decide, as `<metric>.<quantity>`; without, those of the table that comes along."""
    effects: dict[str, Annotated[float, Field(gt=0)]] = {}  # noqa: RUF012
    """Smallest effect that matters by quantity, in its unit, where the table's does not fit."""
    unit: str = Field(default="voter", pattern="^(voter|prompt)$")
    """One score a voter, or a prompt (say with one voter)."""
    votes_per_score: int | None = Field(default=None, ge=1)
    """Votes that close a score; without, 20 a voter and 1 a prompt."""
    silence: int = Field(default=50, ge=1)
    """Votes of others after which a voter counts as gone."""
    releases: list[str] = []  # noqa: RUF012
    """Systems that are releases of one family, oldest first."""
    service: ServiceTolerances = ServiceTolerances()

    @field_validator("releases")
    @classmethod
    def _in_order(cls, names: list[str]) -> list[str]:
        if len(names) == 1 or len(set(names)) < len(names):
            raise ValueError("name two or more systems, oldest first, none of them twice")
        return names

    @field_validator("decide_by", mode="before")
    @classmethod
    def _parts(cls, names: list[str]) -> list[Part]:
        unknown = [name for name in names if name not in set(Part)]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(Part)}")
        return [Part(name) for name in names]
