"""Clips from reference pictures: their prompts, and a board of their own."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from evalharness.store.migrations.constraints import replace_check

revision = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Let prompts name reference pictures."""
    op.add_column("prompts", sa.Column("references", sa.JSON, nullable=False, server_default="[]"))
    replace_check(
        "prompts",
        "ck_prompts_task",
        "task IN ('text_to_video', 'image_to_video')",
        "task IN ('text_to_video', 'image_to_video', 'reference_to_video')",
    )
    replace_check(
        "battles",
        "ck_battles_category",
        "category IN ('text-to-video', 'image-to-video', 'audio-sync')",
        "category IN ('text-to-video', 'image-to-video', 'reference-to-video', 'audio-sync')",
    )


def downgrade() -> None:
    """Refuse: going back would lose what votes were given on."""
    raise NotImplementedError("A study's schema only moves forward; restore a backup instead.")
