"""What prompts show, by hash: a picture that is replaced would make clips of another prompt."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Let prompts keep the hashes of their pictures."""
    op.add_column("prompts", sa.Column("pictures", sa.JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Refuse: going back would lose what clips were asked with."""
    raise NotImplementedError("A study's schema only moves forward; restore a backup instead.")
