"""Creates at vendors: each a row before it is sent, and one open for a job at most."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Time = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
STAGES = "'intended', 'submitted', 'delivered', 'withdrawn', 'ended', 'abandoned'"
OPEN = "stage IN ('intended', 'submitted')"


def upgrade() -> None:
    """Make the table and its index."""
    op.create_table(
        "purchases",
        sa.Column("system", Name, nullable=False),
        sa.Column("prompt_id", Name, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("intended_at", Time, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("task_id", sa.Text),
        sa.Column("poll_url", sa.Text),
        sa.Column("submitted_at", Time),
        sa.Column("closed_at", Time),
        sa.PrimaryKeyConstraint("system", "prompt_id", "seed", "number", name="pk_purchases"),
        sa.ForeignKeyConstraint(
            ["system", "prompt_id", "seed"],
            ["jobs.system", "jobs.prompt_id", "jobs.seed"],
            name="fk_purchases_job",
        ),
        sa.CheckConstraint(f"stage IN ({STAGES})", name="ck_purchases_stage"),
        sa.CheckConstraint("number >= 1", name="ck_purchases_number"),
        sa.CheckConstraint(
            "stage NOT IN ('submitted', 'delivered', 'ended') OR task_id IS NOT NULL",
            name="ck_purchases_task",
        ),
        sa.CheckConstraint(f"({OPEN}) = (closed_at IS NULL)", name="ck_purchases_closed"),
    )
    op.create_index(
        "ux_purchases_open",
        "purchases",
        ["system", "prompt_id", "seed"],
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )


def downgrade() -> None:
    """Refuse: going back would lose what was paid for."""
    raise NotImplementedError("A study's schema only moves forward; restore a backup instead.")
