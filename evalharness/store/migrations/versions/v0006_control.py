"""Quality control: battles that test the voter, and rulings on voters."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from evalharness.store.migrations.constraints import replace_unique

revision = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Time = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
PAIR = ("voter_id", "prompt_id", "first_system", "second_system")


def upgrade() -> None:
    """Let a voter see a pair again on purpose, and keep what is decided on voters, with reason and author."""
    _add_column(
        "battles",
        "purpose TEXT DEFAULT 'comparison' NOT NULL",
        "ck_battles_purpose CHECK (purpose IN ('comparison', 'trap', 'repeat', 'swapped_repeat'))",
    )
    _add_column(
        "battles",
        "expected TEXT",
        "ck_battles_expected CHECK (expected IN ('left', 'right', 'tie', 'both_bad'))",
    )
    name = 'TEXT COLLATE "C"' if op.get_bind().dialect.name == "postgresql" else "TEXT"
    op.execute(f"ALTER TABLE battles ADD COLUMN repeats {name} REFERENCES battles (id)")
    replace_unique("battles", "uq_battles_pair", PAIR, (*PAIR, "purpose"))
    op.create_index("ix_battles_created", "battles", ["created_at"])
    op.create_table(
        "rulings",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("voter_id", Name, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_rulings"),
        sa.ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_rulings_voter"),
        sa.CheckConstraint(
            "decision IN ('accepted', 'returned', 'used', 'excluded')", name="ck_rulings_decision"
        ),
        sa.CheckConstraint("reason <> ''", name="ck_rulings_reason"),
    )
    op.create_index("ix_rulings_voter", "rulings", ["voter_id"])


def downgrade() -> None:
    """Refuse: going back would lose what was decided on voters."""
    raise NotImplementedError("A study's schema only moves forward; restore a backup instead.")


def _add_column(table: str, column: str, constraint: str) -> None:
    """With a named constraint, which Alembic has no word for on SQLite."""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} CONSTRAINT {constraint}")
