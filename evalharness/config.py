"""study.toml and the environment, read once at the rim into a `Study`.

A study is a folder. `load_study(folder)` reads `study.toml` in it, checks every key, and answers
with frozen settings; a wrong key or value is a ConfigError of one sentence that names the key,
what was found and what is allowed. Secrets never stand in study.toml.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from evalharness.errors import ConfigError
from evalharness.labels import Scale
from evalharness.records import Question, System
from evalharness.settings import (
    CheckSettings,
    ConsentSettings,
    Platform,
    PublishingSettings,
    QualitySettings,
    RecruitingSettings,
    ScreeningSettings,
    Settings,
)
from evalharness.storage import Storage, storage_at
from evalharness.systems import Name, SystemSettings
from evalharness.tolerances import RegressionSettings

__all__ = [
    "ArenaSettings",
    "BlindingSettings",
    "ExecutorName",
    "GenerationSettings",
    "PairingSettings",
    "PromptSettings",
    "StorageSettings",
    "Study",
    "StudySettings",
    "WorkSettings",
    "load_study",
]

STUDY_FILE = "study.toml"


class PromptSettings(Settings):
    """`[prompts]`: which suites, and how much of them."""

    suites: list[str] = Field(default=["text-to-video", "image-to-video", "audio-sync"], min_length=1)
    """Names of suites that come with evalharness, or paths of .jsonl files."""
    ids: list[str] = Field(default=[])
    """Only these prompts; empty means all."""
    languages: list[str] = Field(default=[])
    tags: list[str] = Field(default=[])
    limit_per_category: int | None = Field(default=None, ge=1)


class GenerationSettings(Settings):
    """`[generation]`: what every system is asked for."""

    seeds: list[int] = Field(default=[1], min_length=1)
    duration_s: float = Field(default=5.0, gt=0, le=120)
    width: int = Field(default=854, ge=64, le=4096)
    height: int = Field(default=480, ge=64, le=4096)
    fps: float = Field(default=24.0, gt=0, le=120)
    attempts: int = Field(default=3, ge=1, le=20)
    timeout_s: float = Field(default=900.0, gt=0)

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("name no seed twice")
        return seeds


class BlindingSettings(Settings):
    """`[blinding]`: the one form in which every clip is shown."""

    width: int = Field(default=854, ge=64, le=4096, multiple_of=2)
    height: int = Field(default=480, ge=64, le=4096, multiple_of=2)
    fps: float = Field(default=24.0, gt=0, le=120)
    loudness_lufs: float = Field(default=-23.0, ge=-50, le=-5)
    true_peak_db: float = Field(default=-1.0, ge=-20, le=0)
    normalise_loudness: bool = True
    """Off only for studies on loudness itself; recorded with every exhibit."""


class StorageSettings(Settings):
    """`[storage]`: where clips and exhibits lie; left out, in the study's folder."""

    url: str = ""
    """Any URL that fsspec knows, such as s3://bucket/prefix."""
    endpoint: str = ""
    """Address of an S3-compatible server that is not Amazon's, such as http://127.0.0.1:9000."""

    @field_validator("url", "endpoint")
    @classmethod
    def _no_secret(cls, url: str, info: ValidationInfo) -> str:
        scheme, separator, place = url.partition("://")
        before, at, _ = (place or url).rpartition("@")  # a host's user may stand there, a key may not
        named = ":" in before or scheme in ("s3", "s3a", "http", "https")
        if (at and named) or "?" in place or "#" in place:
            # Not as a ValueError: its message would repeat the input, keys and all.
            raise ConfigError(
                f"study.toml: storage.{info.field_name}: the URL holds more than a place; leave keys and "
                "options out, credentials are read from the environment."
            )
        if url and not (scheme and separator):
            raise ValueError("give a URL, such as s3://bucket/prefix or file:///mnt/clips")
        return url

    @model_validator(mode="after")
    def _endpoint_of_s3(self) -> StorageSettings:
        if self.endpoint and not self.url.startswith(("s3://", "s3a://")):
            raise ValueError("endpoint is for url = 's3://…' alone")
        return self


class ExecutorName(StrEnum):
    """Where work that computes runs."""

    HERE = "here"
    """In this process, one order after the other."""
    PROCESSES = "processes"
    """In a process a core."""
    RAY = "ray"
    """On a Ray cluster."""


class WorkSettings(Settings):
    """`[work]`: where clips are computed and measured; `--executor` takes its place."""

    executor: Annotated[ExecutorName, Field(strict=False)] = ExecutorName.PROCESSES
    ray_address: str = ""
    """host:port of a Ray cluster's head, or auto; empty: RAY_ADDRESS, else this machine alone."""


class PairingSettings(Settings):
    """`[pairing]`: which battle comes next."""

    policy: Literal["balanced", "gap_aware", "uniform"] = "balanced"
    explore: float = Field(default=0.1, gt=0, le=1)
    """Under gap_aware: share of the battles drawn from all pairs alike."""
    newcomer_votes: int = Field(default=30, ge=0)
    """Under gap_aware: with fewer votes in a category a system is placed first."""
    quota: int = Field(default=0, ge=0)
    """Under gap_aware: votes that every two systems shall have in every category before gaps matter."""
    battles_per_pair: int | None = Field(default=None, ge=1)
    """Battles wanted of every two systems in each category; None: as many as voters will judge."""
    battles_per_prompt: int | None = Field(default=None, ge=1)
    battles_per_category: int | None = Field(default=None, ge=1)
    ticket_life_s: float = Field(default=7200, ge=60, le=7 * 86400)
    """Seconds a voter may take to answer a pair before it comes back for somebody else."""


class ArenaSettings(Settings):
    """`[arena]`: the voting page."""

    title: str = Field(default="Which clip is better?", min_length=1, max_length=120)
    questions: list[Question] = Field(default=[Question.OVERALL, Question.AV_SYNC, Question.LIP_ACCURACY])
    scale: Annotated[Scale, Field(strict=False)] = Scale.FOUR
    """Left, right, about the same, both bad; or five steps from much better to much better."""
    presentation: Literal["auto", "side_by_side", "in_turn"] = "auto"
    """Both clips at once, or one after the other at full width; auto: in turn where the window is narrow."""
    votes_per_voter: int = Field(default=20, ge=1, le=2000)
    """Battles a voter is asked for before the thanks page."""
    watch_share: float = Field(default=0.9, ge=0, le=1)
    """Share of each clip that must have been seen before voting."""
    break_after_minutes: float = Field(default=10.0, ge=0, le=600)
    """Minutes of voting after which a break is offered, and again after as many; 0: never."""
    longest_session_minutes: float = Field(default=30.0, ge=0, le=600)
    """Minutes after which a voter has to rest before they see another pair; 0: no end."""
    leaderboard: Literal["never", "after_session", "always"] = "after_session"
    own_board: Literal["never", "after_session"] = "never"
    """Whether voters may see afterwards which systems they preferred, and who made what they saw."""
    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=0, le=65535)
    """0 takes any free port."""
    allowed_hosts: list[str] = Field(default=[])
    """Names the arena goes by, such as "study.example.org" or "*.example.org"; empty: any."""
    trusted_proxies: list[str] = Field(default=[])
    """Addresses or networks of proxies that are believed when they say who asks, and that it is by TLS."""
    votes_per_minute: int = Field(default=60, ge=0, le=100_000)
    """What one voter may send; clips and pages in proportion. 0: no limits."""
    voters_per_network: int = Field(default=50, ge=1, le=100_000)
    """A /24 (IPv6: /48) may send as much as so many voters."""
    drain_s: float = Field(default=3.0, ge=0, le=300)
    """Seconds between SIGTERM, from which /readyz says no, and the end of listening."""

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, proxies: list[str]) -> list[str]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is no address and no network such as '10.0.0.0/8'") from None
        return proxies

    @field_validator("questions", mode="before")
    @classmethod
    def _from_labels(cls, labels: Any) -> Any:
        if not isinstance(labels, list):
            return labels
        unknown = [label for label in labels if label not in set(Question)]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a question; allowed: {', '.join(Question)}")
        return [Question(label) for label in labels]

    @field_validator("questions")
    @classmethod
    def _overall_first(cls, questions: list[Question]) -> list[Question]:
        if not questions or questions[0] is not Question.OVERALL or len(set(questions)) < len(questions):
            raise ValueError("start with 'overall' and name no question twice")
        return questions


class StudySettings(Settings):
    """All of study.toml."""

    name: Name
    database: str = "sqlite:///study.db"
    """SQLAlchemy URL; a relative SQLite path counts from the study's folder."""
    prompts: PromptSettings = PromptSettings()
    generation: GenerationSettings = GenerationSettings()
    blinding: BlindingSettings = BlindingSettings()
    storage: StorageSettings = StorageSettings()
    work: WorkSettings = WorkSettings()
    pairing: PairingSettings = PairingSettings()
    checks: CheckSettings = CheckSettings()
    quality: QualitySettings = QualitySettings()
    arena: ArenaSettings = ArenaSettings()
    recruiting: RecruitingSettings = RecruitingSettings()
    consent: ConsentSettings = ConsentSettings()
    screening: ScreeningSettings = ScreeningSettings()
    regression: RegressionSettings = RegressionSettings()
    publishing: PublishingSettings = PublishingSettings()
    systems: list[SystemSettings] = Field(min_length=1)

    @field_validator("database")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("start with 'sqlite:///' or 'postgresql+psycopg://'")
        if not url.startswith("sqlite") and urlsplit(url).password:
            # Not as a ValueError: its message would repeat the input, password and all.
            raise ConfigError(
                "study.toml: database: the URL holds a password; leave it out, "
                "it is read from PGPASSWORD or ~/.pgpass."
            )
        return url

    @model_validator(mode="after")
    def _paid_voters_learn_no_names(self) -> StudySettings:
        if self.arena.own_board != "never" and self.recruiting.platform is not Platform.OPEN:
            raise ValueError(
                "arena.own_board names the systems behind every pair, which people who are sent and paid "
                "could pass on; leave it at 'never', or set recruiting.platform = 'open'"
            )
        return self

    @model_validator(mode="after")
    def _distinct_names(self) -> StudySettings:
        shown = [label for system in self.systems for label in {system.name, system.codename} if label]
        repeated = sorted({label for label in shown if shown.count(label) > 1})
        if repeated:
            raise ValueError(f"two systems share the name or codename {', '.join(repeated)}")
        return self

    @model_validator(mode="after")
    def _releases_are_systems(self) -> StudySettings:
        names = [system.name for system in self.systems]
        unknown = [name for name in self.regression.releases if name not in names]
        if unknown:
            raise ValueError(f"regression.releases names {unknown[0]!r}; the systems are {', '.join(names)}")
        return self


class Study:
    """A study's folder and settings; where its things lie."""

    def __init__(self, folder: Path, settings: StudySettings) -> None:
        self.folder = folder
        self.settings = settings
        self.storage: Storage = storage_at(folder, settings.storage.url, settings.storage.endpoint)
        self.systems: tuple[System, ...] = tuple(system.record() for system in settings.systems)

    @property
    def clips(self) -> Path:
        """Where clips lie on this machine, named by their content hash."""
        return self.path("clips")

    @property
    def exhibits(self) -> Path:
        """Where exhibits lie on this machine, opaquely named."""
        return self.path("exhibits")

    @property
    def reports(self) -> Path:
        """Where reports are written."""
        return self.folder / "reports"

    @property
    def database_url(self) -> str:
        """The database URL, a relative SQLite path resolved against the study's folder."""
        scheme, separator, path = self.settings.database.partition(":///")
        if scheme == "sqlite" and separator:
            return f"sqlite:///{(self.folder / path).resolve()}"
        return self.settings.database

    def path(self, relative: str) -> Path:
        """Where a clip or exhibit lies on this machine: with a storage elsewhere, in its cache or not yet."""
        return self.storage.root / relative


def load_study(folder: Path) -> Study:
    """Read and check `study.toml` in `folder`.

    Raises ConfigError with one sentence: the key, what was found, what is allowed.
    """
    folder = folder.resolve()
    file = folder / STUDY_FILE
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} is not a study: it holds no {STUDY_FILE}. "
            f"Make one with 'python -m evalharness init {folder.name}', or name the folder of a study."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from error
    try:
        return Study(folder, StudySettings.model_validate(table))
    except ValidationError as error:
        raise ConfigError(_sentence(file, error)) from error


def _sentence(file: Path, error: ValidationError) -> str:
    """The first problem of a validation as one sentence; the number of further ones follows."""
    first, *others = error.errors()
    key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
    problem = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        found = "this key is not known"
        problem = f"allowed here: {', '.join(sorted(_fields_at(first['loc'][:-1])))}"
    elif first["type"] == "missing":
        found, problem = "nothing", "it must be given"
    else:
        found = repr(first["input"]) if len(repr(first["input"])) < 80 else repr(first["input"])[:77] + "…"
    more = f" ({len(others)} more problem{'s' if len(others) > 1 else ''} after that.)" if others else ""
    return f"{file.name}: {key}: found {found}; {problem[:1].lower() + problem[1:]}.{more}"


def _fields_at(location: tuple[int | str, ...]) -> set[str]:
    """Names of the keys allowed at `location`, a table of study.toml or an entry of `[[systems]]`."""
    model: type[BaseModel] = StudySettings
    for part in location:
        if part == "systems":
            model = SystemSettings
        elif isinstance(part, str):
            model = type(model.model_fields[part].default)
    return set(model.model_fields)
