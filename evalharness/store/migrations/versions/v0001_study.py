"""The first schema: a study from prompts to votes.

A migration is frozen: it spells out its tables and labels, whatever `schema.py` says later.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

APPEND_ONLY = ("battles", "battle_questions", "votes", "exclusions")

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Time = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
Number = sa.Float(53)


def upgrade() -> None:
    """Make all tables and the triggers that keep votes."""
    _content()
    _generation()
    _showing()
    _voting()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    """Refuse: going back would lose votes."""
    raise NotImplementedError("A study's schema only moves forward; restore a backup instead.")


def _content() -> None:
    op.create_table(
        "systems",
        sa.Column("name", Name, nullable=False),
        sa.Column("adapter", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("codename", sa.Text),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("concurrency", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_systems"),
        sa.CheckConstraint("concurrency >= 1", name="ck_systems_concurrency"),
    )
    op.create_table(
        "prompts",
        sa.Column("id", Name, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("spoken", sa.Text),
        sa.Column("reading", sa.Text),
        sa.Column("first_frame", sa.Text),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_prompts"),
        sa.CheckConstraint("task IN ('text_to_video', 'image_to_video')", name="ck_prompts_task"),
    )


def _generation() -> None:
    op.create_table(
        "jobs",
        sa.Column("system", Name, nullable=False),
        sa.Column("prompt_id", Name, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("updated_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("system", "prompt_id", "seed", name="pk_jobs"),
        sa.ForeignKeyConstraint(["system"], ["systems.name"], name="fk_jobs_system"),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_jobs_prompt"),
        sa.CheckConstraint("state IN ('pending', 'running', 'done', 'failed')", name="ck_jobs_state"),
        sa.CheckConstraint("attempts >= 0", name="ck_jobs_attempts"),
        sa.CheckConstraint(
            "failure IN ('auth', 'billing', 'rate', 'moderation', 'parameter', 'server', 'timeout',"
            " 'expired', 'program', 'missing', 'media')",
            name="ck_jobs_failure",
        ),
        sa.CheckConstraint(
            "(state = 'failed' AND failure IS NOT NULL AND message IS NOT NULL)"
            " OR (state <> 'failed' AND failure IS NULL AND message IS NULL)",
            name="ck_jobs_failed_has_reason",
        ),
    )
    op.create_table(
        "contents",
        sa.Column("sha256", Name, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_contents"),
    )
    op.create_table(
        "clips",
        sa.Column("system", Name, nullable=False),
        sa.Column("prompt_id", Name, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("sha256", Name, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("streams", sa.JSON, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("adapter", sa.Text, nullable=False),
        sa.Column("adapter_version", sa.Text, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("provider_task_id", sa.Text),
        sa.Column("latency_s", Number),
        sa.Column("cost_usd", Number),
        sa.PrimaryKeyConstraint("system", "prompt_id", "seed", name="pk_clips"),
        sa.ForeignKeyConstraint(
            ["system", "prompt_id", "seed"],
            ["jobs.system", "jobs.prompt_id", "jobs.seed"],
            name="fk_clips_job",
        ),
        sa.ForeignKeyConstraint(["sha256"], ["contents.sha256"], name="fk_clips_content"),
        sa.UniqueConstraint("system", "prompt_id", "seed", "sha256", name="uq_clips_content"),
        sa.CheckConstraint("bytes > 0", name="ck_clips_bytes"),
    )


def _showing() -> None:
    op.create_table(
        "exhibits",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("id", Name, nullable=False),
        sa.Column("system", Name, nullable=False),
        sa.Column("prompt_id", Name, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("clip_sha256", Name, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("streams", sa.JSON, nullable=False),
        sa.Column("silent", sa.Boolean, nullable=False),
        sa.Column("loudness_lufs", Number),
        sa.Column("recipe", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_exhibits"),
        sa.UniqueConstraint("id", name="uq_exhibits_id"),
        sa.UniqueConstraint("id", "system", "prompt_id", "seed", name="uq_exhibits_clip"),
        sa.ForeignKeyConstraint(
            ["system", "prompt_id", "seed", "clip_sha256"],
            ["clips.system", "clips.prompt_id", "clips.seed", "clips.sha256"],
            name="fk_exhibits_clip",
        ),
        sa.CheckConstraint("bytes > 0", name="ck_exhibits_bytes"),
    )
    op.create_index("ix_exhibits_clip", "exhibits", ["system", "prompt_id", "seed"])
    op.create_table(
        "measurements",
        sa.Column("clip_sha256", Name, nullable=False),
        sa.Column("metric", Name, nullable=False),
        sa.Column("version", Name, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("value", Number),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("details", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("clip_sha256", "metric", "version", name="pk_measurements"),
        sa.ForeignKeyConstraint(["clip_sha256"], ["contents.sha256"], name="fk_measurements_content"),
        sa.CheckConstraint("status IN ('value', 'unscorable', 'failed')", name="ck_measurements_status"),
        sa.CheckConstraint(
            "(status = 'value' AND value IS NOT NULL AND reason IS NULL)"
            " OR (status <> 'value' AND value IS NULL AND reason IS NOT NULL AND reason <> '')",
            name="ck_measurements_three_endings",
        ),
        sa.CheckConstraint("value BETWEEN -1e308 AND 1e308", name="ck_measurements_finite"),
    )


def _voting() -> None:
    op.create_table(
        "voters",
        sa.Column("id", Name, nullable=False),
        sa.Column("languages", sa.JSON, nullable=False),
        sa.Column("consented_at", Time, nullable=False),
        sa.Column("consent_version", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_voters"),
        sa.UniqueConstraint("token_hash", name="uq_voters_token_hash"),
    )
    op.create_table(
        "battles",
        sa.Column("id", Name, nullable=False),
        sa.Column("voter_id", Name, nullable=False),
        sa.Column("prompt_id", Name, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("left_system", Name, nullable=False),
        sa.Column("left_seed", sa.BigInteger, nullable=False),
        sa.Column("left_exhibit", Name, nullable=False),
        sa.Column("right_system", Name, nullable=False),
        sa.Column("right_seed", sa.BigInteger, nullable=False),
        sa.Column("right_exhibit", Name, nullable=False),
        sa.Column("first_system", Name, nullable=False),
        sa.Column("second_system", Name, nullable=False),
        sa.Column("probability", Number, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_battles"),
        sa.ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_battles_voter"),
        sa.ForeignKeyConstraint(
            ["left_exhibit", "left_system", "prompt_id", "left_seed"],
            ["exhibits.id", "exhibits.system", "exhibits.prompt_id", "exhibits.seed"],
            name="fk_battles_left",
        ),
        sa.ForeignKeyConstraint(
            ["right_exhibit", "right_system", "prompt_id", "right_seed"],
            ["exhibits.id", "exhibits.system", "exhibits.prompt_id", "exhibits.seed"],
            name="fk_battles_right",
        ),
        sa.UniqueConstraint("id", "voter_id", name="uq_battles_voter"),
        sa.UniqueConstraint("voter_id", "prompt_id", "first_system", "second_system", name="uq_battles_pair"),
        sa.CheckConstraint(
            "first_system < second_system"
            " AND ((first_system = left_system AND second_system = right_system)"
            " OR (first_system = right_system AND second_system = left_system))",
            name="ck_battles_pair",
        ),
        sa.CheckConstraint("probability > 0 AND probability <= 1", name="ck_battles_probability"),
        sa.CheckConstraint(
            "category IN ('text-to-video', 'image-to-video', 'audio-sync')", name="ck_battles_category"
        ),
    )
    op.create_table(
        "battle_questions",
        sa.Column("battle_id", Name, nullable=False),
        sa.Column("question", Name, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("battle_id", "question", name="pk_battle_questions"),
        sa.ForeignKeyConstraint(["battle_id"], ["battles.id"], name="fk_battle_questions_battle"),
        sa.UniqueConstraint("battle_id", "position", name="uq_battle_questions_position"),
        sa.CheckConstraint(
            "question IN ('overall', 'visual_quality', 'motion', 'prompt_adherence', 'av_sync',"
            " 'lip_accuracy')",
            name="ck_battle_questions_question",
        ),
    )
    op.create_table(
        "votes",
        sa.Column("battle_id", Name, nullable=False),
        sa.Column("question", Name, nullable=False),
        sa.Column("voter_id", Name, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("battle_id", "question", name="pk_votes"),
        sa.ForeignKeyConstraint(
            ["battle_id", "voter_id"], ["battles.id", "battles.voter_id"], name="fk_votes_battle_of_voter"
        ),
        sa.ForeignKeyConstraint(
            ["battle_id", "question"],
            ["battle_questions.battle_id", "battle_questions.question"],
            name="fk_votes_question_asked",
        ),
        sa.CheckConstraint("outcome IN ('left', 'right', 'tie', 'both_bad')", name="ck_votes_outcome"),
    )
    op.create_table(
        "exclusions",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("battle_id", Name, nullable=False),
        sa.Column("question", Name, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_exclusions"),
        sa.ForeignKeyConstraint(
            ["battle_id", "question"], ["votes.battle_id", "votes.question"], name="fk_exclusions_vote"
        ),
        sa.UniqueConstraint("battle_id", "question", "reason", "author", name="uq_exclusions_once"),
        sa.CheckConstraint("reason <> ''", name="ck_exclusions_reason"),
    )


def _refuse_changes(table: str) -> None:
    """Triggers by which `table` only ever grows."""
    message = f"{table} are append only; a vote is taken out of the count by an exclusion"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION refuse_change_of_{table}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_{table}()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
