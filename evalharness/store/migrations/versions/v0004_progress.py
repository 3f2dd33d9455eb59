"""How far a vendor's task has come: running and downloaded, each with its moment."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from evalharness.store.migrations.constraints import replace_check

revision = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

Time = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
OPEN_BEFORE = "stage IN ('intended', 'submitted')"
OPEN = "stage IN ('intended', 'submitted', 'running', 'downloaded')"


def upgrade() -> None:
    """Let purchases stand in two more stages."""
    op.add_column("purchases", sa.Column("running_at", Time))
    op.add_column("purchases", sa.Column("downloaded_at", Time))
    replace_check(
        "purchases",
        "ck_purchases_stage",
        "stage IN ('intended', 'submitted', 'delivered', 'withdrawn', 'ended', 'abandoned')",
        "stage IN ('intended', 'submitted', 'running', 'downloaded', 'delivered', 'withdrawn', 'ended', "
        "'abandoned')",
    )
    replace_check(
        "purchases",
        "ck_purchases_task",
        "stage NOT IN ('submitted', 'delivered', 'ended') OR task_id IS NOT NULL",
        "stage IN ('intended', 'withdrawn', 'abandoned') OR task_id IS NOT NULL",
    )
    replace_check(
        "purchases",
        "ck_purchases_closed",
        f"({OPEN_BEFORE}) = (closed_at IS NULL)",
        f"({OPEN}) = (closed_at IS NULL)",
    )
    op.drop_index("ux_purchases_open", "purchases")
    op.create_index(
        "ux_purchases_open",
        "purchases",
        ["system", "prompt_id", "seed"],
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )


def downgrade() -> None:
    """Refuse: going back would lose where paid tasks stand."""
    raise NotImplementedError("A study's schema only moves forward; restore a backup instead.")
