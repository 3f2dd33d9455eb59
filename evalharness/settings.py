"""Tables of study.toml on those who vote: who sends them, what they agree to, what they are tried for, whose
votes count, and how what they said is published."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evalharness.labels import Sorting

__all__ = [
    "CheckSettings",
    "ConsentSettings",
    "ExitCodes",
    "Platform",
    "PublishingSettings",
    "QualitySettings",
    "RecruitingSettings",
    "ScreeningSettings",
    "Settings",
]

ORIGIN = re.compile(r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?")
PLACE_OF_CODE = "{code}"


class Settings(BaseModel):
    """A table of study.toml: no unknown key, no value of another type, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Platform(StrEnum):
    """Who sends voters."""

    OPEN = "open"
    """Nobody: whoever has the address may vote."""
    PROLIFIC = "prolific"
    MTURK = "mturk"
    GENERIC = "generic"
    """Any other platform that names people in its links."""


DEFAULTS: dict[str, dict[str, Any]] = {
    Platform.PROLIFIC: {
        "person_parameter": "PROLIFIC_PID",
        "study_parameter": "STUDY_ID",
        "session_parameter": "SESSION_ID",
        "exit_url": "https://app.prolific.com/submissions/complete?cc={code}",
    },
    Platform.MTURK: {
        "person_parameter": "workerId",
        "study_parameter": "hitId",
        "session_parameter": "assignmentId",
        "embedded_in": ["https://worker.mturk.com", "https://workersandbox.mturk.com"],
    },
}
"""What a platform is known to want, where study.toml says nothing else."""


class ExitCodes(Settings):
    """`[recruiting.codes]`: what a voter takes back to the platform, by how it ended."""

    completed: str = ""
    screened_out: str = ""
    failed_checks: str = ""
    no_consent: str = ""

    @model_validator(mode="after")
    def _usable(self) -> ExitCodes:
        given = [code for code in self.model_dump().values() if code]
        if given and (len(given) < len(type(self).model_fields) or len(set(given)) < len(given)):
            raise ValueError(f"give four different codes: {', '.join(type(self).model_fields)}")
        if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", code) for code in given):
            raise ValueError("a code holds letters, digits, '_' and '-' alone")
        return self


class RecruitingSettings(Settings):
    """`[recruiting]`: who sends voters, what their links say, and where they go afterwards."""

    platform: Annotated[Platform, Field(strict=False)] = Platform.OPEN
    person_parameter: str = Field(default="", pattern=r"^\w*$")
    """Name in the link of what the platform calls the person."""
    study_parameter: str = Field(default="", pattern=r"^\w*$")
    session_parameter: str = Field(default="", pattern=r"^\w*$")
    exit_url: str = ""
    """Where a voter's code is taken; empty: the page shows the code alone."""
    codes: ExitCodes = ExitCodes()
    embedded_in: list[str] = []
    """Origins whose pages may show this one in a frame."""

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, given: Any) -> Any:
        return {**DEFAULTS.get(str(given.get("platform")), {}), **given} if isinstance(given, dict) else given

    @field_validator("embedded_in")
    @classmethod
    def _origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin such as 'https://example.org'")
        return origins

    @model_validator(mode="after")
    def _whole(self) -> RecruitingSettings:
        names = [self.person_parameter, self.study_parameter, self.session_parameter]
        named = [name for name in names if name]
        if self.platform is Platform.OPEN:
            if named or self.exit_url or self.codes.completed:
                raise ValueError("parameters, exit_url and codes are for a platform; name it")
            return self
        if not self.person_parameter:
            raise ValueError("person_parameter must say which parameter of a link names the person")
        if len(set(named)) < len(named) or "lang" in named:
            raise ValueError("the parameters need different names, none of them 'lang'")
        if not self.codes.completed:
            raise ValueError(f"codes must be given: {', '.join(ExitCodes.model_fields)}")
        if self.platform is Platform.MTURK:
            if self.exit_url or not self.session_parameter:
                raise ValueError("mturk names where to submit in each link: session_parameter, no exit_url")
        elif self.exit_url and not (
            self.exit_url.startswith("https://") and self.exit_url.count(PLACE_OF_CODE) == 1
        ):
            raise ValueError("exit_url starts with 'https://' and holds '{code}' once")
        return self

    def way_out(self, code: str) -> str:
        """Where to send a voter with this code; "" where the platform only wants to be told it."""
        return self.exit_url.replace(PLACE_OF_CODE, code)


class ConsentSettings(Settings):
    """`[consent]`: what the first screen says of the study. Whoever changes it asks for another consent."""

    operator: str = Field(default="", max_length=200)
    """Who runs the study."""
    contact: str = Field(default="", max_length=200)
    """Whom to ask."""
    reward: str = Field(default="", max_length=200)
    """What voters get for it."""
    minimum_age: int = Field(default=18, ge=0, le=99)
    """0: nobody is asked."""
    ask_open_data: bool = True
    """Whether voters are asked if their answers may be published one by one; a box apart from taking part."""


class PublishingSettings(Settings):
    """`[publishing]`: how a bundle of the study is to be named, cited and used."""

    title: str = Field(default="", max_length=200)
    """Left out: the study's name."""
    authors: list[str] = Field(default=[], max_length=100)
    """Names as BibTeX takes them, "Lovelace, Ada" or "{Media Lab}"."""
    licence: str = Field(default="", max_length=100)
    """Of the votes, an SPDX identifier such as CC-BY-4.0; left out, the bundle says that none is stated."""
    url: str = Field(default="", max_length=300)
    """Where the bundle will be found."""
    sort: Annotated[Sorting, Field(strict=False)] = Sorting.RATING
    """What puts systems in order on a board; ranks stay what they are."""


class ScreeningSettings(Settings):
    """`[screening]`: what voters, their screens and their ears are tried for before the first pair."""

    device: bool = True
    """Whether the browser has to play H.264 with AAC, and to keep the limits below."""
    least_width: int = Field(default=0, ge=0, le=20_000)
    """Of the screen, in CSS pixels; 0: any. Screens may be turned: the longer side counts as the width."""
    least_height: int = Field(default=0, ge=0, le=20_000)
    least_refresh_hz: int = Field(default=0, ge=0, le=1000)
    least_mbit_s: float = Field(default=0, ge=0, le=10_000)
    """Of the download from this arena; 0: it is not measured."""
    phones: bool = True
    """Whether phones are let in."""
    headphones: bool = False
    """Whether voters show that they wear headphones, where clips have sound."""
    languages: bool = False
    """Whether voters complete sentences in the languages that they say they know and that clips speak."""
    training: int = Field(default=0, ge=0, le=6)
    """Pairs with feedback before the first that counts."""

    @property
    def has_limits(self) -> bool:
        """Whether a screen or connection can be too small."""
        limits = self.least_width, self.least_height, self.least_refresh_hz, self.least_mbit_s
        return any(limits) or not self.phones

    @model_validator(mode="after")
    def _limits_are_looked_at(self) -> ScreeningSettings:
        if self.has_limits and not self.device:
            raise ValueError("limits on screen, connection or phones need device = true")
        return self


class CheckSettings(Settings):
    """`[checks]`: pairs among a session's comparisons that test the voter, and count for no system."""

    traps: int = Field(default=0, ge=0, le=10)
    """Pairs whose words ask for one answer outright."""
    repeats: int = Field(default=0, ge=0, le=10)
    """Pairs that the voter has judged, again."""
    swapped_repeats: int = Field(default=0, ge=0, le=10)
    """The same with sides exchanged."""
    golds: int = Field(default=0, ge=0, le=10)
    """Pairs of which one side was spoiled on purpose; `blind` makes the spoiled copies."""
    first_after: int = Field(default=3, ge=1)
    """Comparisons before the first check."""
    apart: int = Field(default=4, ge=1)
    """Pairs between one and its repeat."""


class QualitySettings(Settings):
    """`[quality]`: when a voter is not paid, and when their votes do not count."""

    traps_forgiven_in_pay: int = Field(default=1, ge=0)
    """Platforms want two failed checks before a place is given back."""
    traps_forgiven: int = Field(default=0, ge=0)
    golds_forgiven: int = Field(default=1, ge=0)
    """Who looks may yet prefer a spoiled clip to a very bad one."""
    most_faults: float = Field(default=0.3, gt=0, le=1)
    """Share of pairs that a voter may put aside as faulty; three are never too many."""
    least_consistency: float = Field(default=0.5, ge=0, le=1)
    """Share of repeated pairs that a voter should answer as before."""
    consistency_level: float = Field(default=0.01, gt=0, lt=1)
    """Chance of as few, or fewer, for one who answers that share as before: a few repeats decide nothing."""
    habit_level: float = Field(default=0.001, gt=0, lt=1)
    """Chance of so long a run of one answer, or of so many on one side, in a board of honest voters."""
    e_value: float = Field(default=1000.0, gt=1)
    """Evidence for favouring a system, a side or nothing: at most one honest voter in so many has it."""
    idle_hours: float = Field(default=12.0, gt=0)
    """Whoever has not finished and did nothing for so long has left; until then no rule judges them."""
