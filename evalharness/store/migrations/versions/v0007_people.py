"""People: how voters came, what they were tried for, what they reported, and what owners did."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from evalharness.store.migrations.constraints import replace_check

revision = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Time = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
APPEND_ONLY = ("faults", "audit")


def upgrade() -> None:
    """Keep people's arrivals apart from their answers, and take answers in five steps."""
    op.add_column("exhibits", sa.Column("flaw", sa.Text))
    op.add_column("voters", sa.Column("open_data", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("voters", sa.Column("interface", sa.Text, nullable=False, server_default="en"))
    op.add_column("voters", sa.Column("erased_at", Time))
    # Alembic has no word for a column with a named constraint on SQLite.
    op.execute(
        "ALTER TABLE votes ADD COLUMN strength TEXT CONSTRAINT ck_votes_strength CHECK "
        "(strength IS NULL OR (strength IN ('slight', 'strong') AND outcome IN ('left', 'right')))"
    )
    replace_check(
        "battles",
        "ck_battles_purpose",
        "purpose IN ('comparison', 'trap', 'repeat', 'swapped_repeat')",
        "purpose IN ('comparison', 'trap', 'repeat', 'swapped_repeat', 'gold')",
    )
    _arrivals()
    _screenings()
    _faults()
    _audit()
    for table in APPEND_ONLY:
        _refuse_changes(table)
    _keep_rulings()


def downgrade() -> None:
    """Refuse: going back would lose who is to be paid."""
    raise NotImplementedError("A study's schema only moves forward; restore a backup instead.")


def _arrivals() -> None:
    op.create_table(
        "arrivals",
        sa.Column("voter_id", Name, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("person_key", Name, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("arrived_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("voter_id", name="pk_arrivals"),
        sa.ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_arrivals_voter"),
        sa.UniqueConstraint("person_key", name="uq_arrivals_person"),
    )


def _screenings() -> None:
    op.create_table(
        "screenings",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("voter_id", Name, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_screenings"),
        sa.ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_screenings_voter"),
        sa.CheckConstraint(
            "kind IN ('device', 'headphones', 'language', 'training')", name="ck_screenings_kind"
        ),
    )
    op.create_index("ix_screenings_voter", "screenings", ["voter_id"])


def _faults() -> None:
    op.create_table(
        "faults",
        sa.Column("battle_id", Name, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("battle_id", name="pk_faults"),
        sa.ForeignKeyConstraint(["battle_id"], ["battles.id"], name="fk_faults_battle"),
        sa.CheckConstraint("kind IN ('picture', 'sound', 'stutter', 'other')", name="ck_faults_kind"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )


def _refuse_changes(table: str) -> None:
    """Triggers by which `table` only ever grows."""
    message = f"{table} is append only"
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


def _keep_rulings() -> None:
    """Triggers by which decisions only ever grow; the reason alone may be taken away with the person."""
    kept = ("number", "voter_id", "decision", "author", "created_at")
    message = "rulings are append only; a newer one overrules"
    same = " AND ".join(f"NEW.{name} = OLD.{name}" for name in kept)
    allowed = f"NEW.reason = 'taken away with the person' AND {same}"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION refuse_change_of_rulings() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER rulings_append_only BEFORE DELETE OR TRUNCATE ON rulings "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_rulings()"
        )
        op.execute(
            f"CREATE TRIGGER rulings_unchanged BEFORE UPDATE ON rulings FOR EACH ROW WHEN (NOT ({allowed})) "
            "EXECUTE FUNCTION refuse_change_of_rulings()"
        )
        return
    for change, unless in (("UPDATE", f"WHEN NOT ({allowed}) "), ("DELETE", "")):
        op.execute(
            f"CREATE TRIGGER rulings_refuse_{change.lower()} BEFORE {change} ON rulings {unless}"
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
