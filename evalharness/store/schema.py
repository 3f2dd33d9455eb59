"""The tables of a study, and the rules the database itself enforces.

`migrations/` makes these tables; a test holds the two together. Labels (`state`, `outcome`, …) are
text with a CHECK, so that a database can be read without this program. Votes, exclusions and
battles are append only by trigger (see the first migration).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from evalharness.purchases import OPEN_STAGES, PurchaseStage
from evalharness.records import (
    Category,
    Decision,
    FailureKind,
    JobState,
    MeasurementStatus,
    Outcome,
    Purpose,
    Question,
    Task,
)

__all__ = [
    "METADATA",
    "battle_questions",
    "battles",
    "clips",
    "contents",
    "exclusions",
    "exhibits",
    "jobs",
    "measurements",
    "prompts",
    "purchases",
    "rulings",
    "systems",
    "voters",
    "votes",
]

METADATA = MetaData()

# Names and ids sort by code point on both back ends; PostgreSQL would otherwise sort by locale.
Name = Text().with_variant(Text(collation="C"), "postgresql")


class UtcTime(TypeDecorator[datetime]):
    """A moment: timestamptz in PostgreSQL, fixed-width ISO 8601 text ending in +00:00 in SQLite.

    The text sorts as the moments do. Naive datetimes never get here: `convert.checked` refuses them.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        """The column type of this back end."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """A moment as it is stored."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.isoformat(timespec="microseconds")

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """A stored moment in UTC."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def _one_of(column: str, labels: type[StrEnum], *, name: str) -> CheckConstraint:
    return CheckConstraint(_among(column, labels), name=name)


def _among(column: str, labels: Iterable[StrEnum]) -> str:
    allowed = ", ".join(f"'{label}'" for label in labels)
    return f"{column} IN ({allowed})"


systems = Table(
    "systems",
    METADATA,
    Column("name", Name, nullable=False),
    Column("adapter", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("codename", Text),
    Column("parameters", JSON, nullable=False),
    Column("concurrency", Integer, nullable=False),
    PrimaryKeyConstraint("name", name="pk_systems"),
    CheckConstraint("concurrency >= 1", name="ck_systems_concurrency"),
)

prompts = Table(
    "prompts",
    METADATA,
    Column("id", Name, nullable=False),
    Column("task", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("spoken", Text),
    Column("reading", Text),
    Column("first_frame", Text),
    Column("tags", JSON, nullable=False),
    Column("references", JSON, nullable=False, server_default="[]"),
    Column("pictures", JSON, nullable=False, server_default="[]"),
    PrimaryKeyConstraint("id", name="pk_prompts"),
    _one_of("task", Task, name="ck_prompts_task"),
)

jobs = Table(
    "jobs",
    METADATA,
    Column("system", Name, nullable=False),
    Column("prompt_id", Name, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failure", Text),
    Column("message", Text),
    Column("updated_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("system", "prompt_id", "seed", name="pk_jobs"),
    ForeignKeyConstraint(["system"], ["systems.name"], name="fk_jobs_system"),
    ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_jobs_prompt"),
    _one_of("state", JobState, name="ck_jobs_state"),
    CheckConstraint("attempts >= 0", name="ck_jobs_attempts"),
    _one_of("failure", FailureKind, name="ck_jobs_failure"),
    CheckConstraint(
        "(state = 'failed' AND failure IS NOT NULL AND message IS NOT NULL)"
        " OR (state <> 'failed' AND failure IS NULL AND message IS NULL)",
        name="ck_jobs_failed_has_reason",
    ),
)

# Creates at vendors: each is a row before it is sent. The index lets a job have one open purchase at most, so
# that nothing can be paid for twice, whatever a program does.
OPEN_PURCHASE = _among("stage", OPEN_STAGES)
# In any other stage its vendor's task is known.
TASKLESS = (PurchaseStage.INTENDED, PurchaseStage.WITHDRAWN, PurchaseStage.ABANDONED)
purchases = Table(
    "purchases",
    METADATA,
    Column("system", Name, nullable=False),
    Column("prompt_id", Name, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("intended_at", UtcTime, nullable=False),
    Column("request", JSON, nullable=False),
    Column("task_id", Text),
    Column("poll_url", Text),
    Column("submitted_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("running_at", UtcTime),
    Column("downloaded_at", UtcTime),
    PrimaryKeyConstraint("system", "prompt_id", "seed", "number", name="pk_purchases"),
    ForeignKeyConstraint(
        ["system", "prompt_id", "seed"],
        ["jobs.system", "jobs.prompt_id", "jobs.seed"],
        name="fk_purchases_job",
    ),
    _one_of("stage", PurchaseStage, name="ck_purchases_stage"),
    CheckConstraint("number >= 1", name="ck_purchases_number"),
    CheckConstraint(f"{_among('stage', TASKLESS)} OR task_id IS NOT NULL", name="ck_purchases_task"),
    CheckConstraint(f"({OPEN_PURCHASE}) = (closed_at IS NULL)", name="ck_purchases_closed"),
    Index(
        "ux_purchases_open",
        "system",
        "prompt_id",
        "seed",
        unique=True,
        sqlite_where=text(OPEN_PURCHASE),
        postgresql_where=text(OPEN_PURCHASE),
    ),
)

# Distinct files by hash: two jobs may deliver the same bytes, and a measurement is of the bytes.
contents = Table(
    "contents",
    METADATA,
    Column("sha256", Name, nullable=False),
    PrimaryKeyConstraint("sha256", name="pk_contents"),
)

clips = Table(
    "clips",
    METADATA,
    Column("system", Name, nullable=False),
    Column("prompt_id", Name, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("sha256", Name, nullable=False),
    Column("path", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("streams", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("adapter", Text, nullable=False),
    Column("adapter_version", Text, nullable=False),
    Column("request", JSON, nullable=False),
    Column("provider_task_id", Text),
    Column("latency_s", Float(53)),
    Column("cost_usd", Float(53)),
    PrimaryKeyConstraint("system", "prompt_id", "seed", name="pk_clips"),
    ForeignKeyConstraint(
        ["system", "prompt_id", "seed"], ["jobs.system", "jobs.prompt_id", "jobs.seed"], name="fk_clips_job"
    ),
    ForeignKeyConstraint(["sha256"], ["contents.sha256"], name="fk_clips_content"),
    UniqueConstraint("system", "prompt_id", "seed", "sha256", name="uq_clips_content"),
    CheckConstraint("bytes > 0", name="ck_clips_bytes"),
)

exhibits = Table(
    "exhibits",
    METADATA,
    Column("number", Integer, nullable=False, autoincrement=True),  # order of making: the newest is current
    Column("id", Name, nullable=False),
    Column("system", Name, nullable=False),
    Column("prompt_id", Name, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("clip_sha256", Name, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("streams", JSON, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("loudness_lufs", Float(53)),
    Column("recipe", JSON, nullable=False),
    PrimaryKeyConstraint("number", name="pk_exhibits"),
    UniqueConstraint("id", name="uq_exhibits_id"),
    UniqueConstraint("id", "system", "prompt_id", "seed", name="uq_exhibits_clip"),
    ForeignKeyConstraint(
        ["system", "prompt_id", "seed", "clip_sha256"],
        ["clips.system", "clips.prompt_id", "clips.seed", "clips.sha256"],
        name="fk_exhibits_clip",
    ),
    CheckConstraint("bytes > 0", name="ck_exhibits_bytes"),
    Index("ix_exhibits_clip", "system", "prompt_id", "seed"),
)

measurements = Table(
    "measurements",
    METADATA,
    Column("clip_sha256", Name, nullable=False),
    Column("metric", Name, nullable=False),
    Column("version", Name, nullable=False),
    Column("status", Text, nullable=False),
    Column("value", Float(53)),
    Column("unit", Text, nullable=False),
    Column("reason", Text),
    Column("details", JSON, nullable=False),
    PrimaryKeyConstraint("clip_sha256", "metric", "version", name="pk_measurements"),
    ForeignKeyConstraint(["clip_sha256"], ["contents.sha256"], name="fk_measurements_content"),
    _one_of("status", MeasurementStatus, name="ck_measurements_status"),
    CheckConstraint(
        "(status = 'value' AND value IS NOT NULL AND reason IS NULL)"
        " OR (status <> 'value' AND value IS NULL AND reason IS NOT NULL AND reason <> '')",
        name="ck_measurements_three_endings",
    ),
    # Leaves out infinities, and NaN, which PostgreSQL sorts above every number (SQLite has none).
    CheckConstraint("value BETWEEN -1e308 AND 1e308", name="ck_measurements_finite"),
)

voters = Table(
    "voters",
    METADATA,
    Column("id", Name, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("consented_at", UtcTime, nullable=False),
    Column("consent_version", Text, nullable=False),
    Column("token_hash", Text),
    PrimaryKeyConstraint("id", name="pk_voters"),
    UniqueConstraint("token_hash", name="uq_voters_token_hash"),
)

battles = Table(
    "battles",
    METADATA,
    Column("id", Name, nullable=False),
    Column("voter_id", Name, nullable=False),
    Column("prompt_id", Name, nullable=False),
    Column("category", Text, nullable=False),
    Column("left_system", Name, nullable=False),
    Column("left_seed", BigInteger, nullable=False),
    Column("left_exhibit", Name, nullable=False),
    Column("right_system", Name, nullable=False),
    Column("right_seed", BigInteger, nullable=False),
    Column("right_exhibit", Name, nullable=False),
    Column("first_system", Name, nullable=False),  # the pair without its sides, in code point order
    Column("second_system", Name, nullable=False),
    Column("probability", Float(53), nullable=False),
    Column("policy", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("purpose", Text, nullable=False, server_default="comparison"),
    Column("expected", Text),
    Column("repeats", Name, ForeignKey("battles.id")),  # no name: SQLite tells none of a column added later
    PrimaryKeyConstraint("id", name="pk_battles"),
    ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_battles_voter"),
    ForeignKeyConstraint(
        ["left_exhibit", "left_system", "prompt_id", "left_seed"],
        ["exhibits.id", "exhibits.system", "exhibits.prompt_id", "exhibits.seed"],
        name="fk_battles_left",
    ),
    ForeignKeyConstraint(
        ["right_exhibit", "right_system", "prompt_id", "right_seed"],
        ["exhibits.id", "exhibits.system", "exhibits.prompt_id", "exhibits.seed"],
        name="fk_battles_right",
    ),
    UniqueConstraint("id", "voter_id", name="uq_battles_voter"),
    UniqueConstraint(
        "voter_id", "prompt_id", "first_system", "second_system", "purpose", name="uq_battles_pair"
    ),
    CheckConstraint(
        "first_system < second_system"
        " AND ((first_system = left_system AND second_system = right_system)"
        " OR (first_system = right_system AND second_system = left_system))",
        name="ck_battles_pair",
    ),
    CheckConstraint("probability > 0 AND probability <= 1", name="ck_battles_probability"),
    _one_of("category", Category, name="ck_battles_category"),
    _one_of("purpose", Purpose, name="ck_battles_purpose"),
    _one_of("expected", Outcome, name="ck_battles_expected"),
    Index("ix_battles_created", "created_at"),
)

battle_questions = Table(
    "battle_questions",
    METADATA,
    Column("battle_id", Name, nullable=False),
    Column("question", Name, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("battle_id", "question", name="pk_battle_questions"),
    ForeignKeyConstraint(["battle_id"], ["battles.id"], name="fk_battle_questions_battle"),
    UniqueConstraint("battle_id", "position", name="uq_battle_questions_position"),
    _one_of("question", Question, name="ck_battle_questions_question"),
)

votes = Table(
    "votes",
    METADATA,
    Column("battle_id", Name, nullable=False),
    Column("question", Name, nullable=False),
    Column("voter_id", Name, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("evidence", JSON, nullable=False),
    PrimaryKeyConstraint("battle_id", "question", name="pk_votes"),
    ForeignKeyConstraint(
        ["battle_id", "voter_id"], ["battles.id", "battles.voter_id"], name="fk_votes_battle_of_voter"
    ),
    ForeignKeyConstraint(
        ["battle_id", "question"],
        ["battle_questions.battle_id", "battle_questions.question"],
        name="fk_votes_question_asked",
    ),
    _one_of("outcome", Outcome, name="ck_votes_outcome"),
)

exclusions = Table(
    "exclusions",
    METADATA,
    Column("number", Integer, nullable=False, autoincrement=True),
    Column("battle_id", Name, nullable=False),
    Column("question", Name, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("number", name="pk_exclusions"),
    ForeignKeyConstraint(
        ["battle_id", "question"], ["votes.battle_id", "votes.question"], name="fk_exclusions_vote"
    ),
    UniqueConstraint("battle_id", "question", "reason", "author", name="uq_exclusions_once"),
    CheckConstraint("reason <> ''", name="ck_exclusions_reason"),
)

# What was decided on voters; of each pair of opposites the newest holds.
rulings = Table(
    "rulings",
    METADATA,
    Column("number", Integer, nullable=False, autoincrement=True),
    Column("voter_id", Name, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("number", name="pk_rulings"),
    ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_rulings_voter"),
    _one_of("decision", Decision, name="ck_rulings_decision"),
    CheckConstraint("reason <> ''", name="ck_rulings_reason"),
    Index("ix_rulings_voter", "voter_id"),
)
