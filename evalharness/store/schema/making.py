"""The tables of what is made: systems, prompts, jobs, purchases, clips, exhibits, measurements."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from evalharness.labels import (
    FailureKind,
    JobState,
    MeasurementStatus,
    Task,
)
from evalharness.purchases import OPEN_STAGES, PurchaseStage
from evalharness.store.schema.columns import METADATA, Name, UtcTime, among, one_of

__all__ = [
    "OPEN_PURCHASE",
    "clips",
    "contents",
    "exhibits",
    "jobs",
    "measurements",
    "prompts",
    "purchases",
    "systems",
]

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
    one_of("task", Task, name="ck_prompts_task"),
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
    one_of("state", JobState, name="ck_jobs_state"),
    CheckConstraint("attempts >= 0", name="ck_jobs_attempts"),
    one_of("failure", FailureKind, name="ck_jobs_failure"),
    CheckConstraint(
        "(state = 'failed' AND failure IS NOT NULL AND message IS NOT NULL)"
        " OR (state <> 'failed' AND failure IS NULL AND message IS NULL)",
        name="ck_jobs_failed_has_reason",
    ),
)

# Creates at vendors: each is a row before it is sent. The index lets a job have one open purchase at most, so
# that nothing can be paid for twice, whatever a program does.
OPEN_PURCHASE = among("stage", OPEN_STAGES)
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
    one_of("stage", PurchaseStage, name="ck_purchases_stage"),
    CheckConstraint("number >= 1", name="ck_purchases_number"),
    CheckConstraint(f"{among('stage', TASKLESS)} OR task_id IS NOT NULL", name="ck_purchases_task"),
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
    Column("flaw", Text),
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
    one_of("status", MeasurementStatus, name="ck_measurements_status"),
    CheckConstraint(
        "(status = 'value' AND value IS NOT NULL AND reason IS NULL)"
        " OR (status <> 'value' AND value IS NULL AND reason IS NOT NULL AND reason <> '')",
        name="ck_measurements_three_endings",
    ),
    # Leaves out infinities, and NaN, which PostgreSQL sorts above every number (SQLite has none).
    CheckConstraint("value BETWEEN -1e308 AND 1e308", name="ck_measurements_finite"),
)
