"""The tables of who judges it: voters, what they were shown and answered, and what was decided on them."""

from __future__ import annotations

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
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from evalharness.labels import (
    Category,
    Decision,
    FaultKind,
    Outcome,
    Purpose,
    Question,
    ScreeningKind,
    Strength,
)
from evalharness.store.schema.columns import METADATA, Name, UtcTime, among, one_of

__all__ = [
    "arrivals",
    "audit",
    "battle_questions",
    "battles",
    "exclusions",
    "faults",
    "rulings",
    "screenings",
    "voters",
    "votes",
]

voters = Table(
    "voters",
    METADATA,
    Column("id", Name, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("consented_at", UtcTime, nullable=False),
    Column("consent_version", Text, nullable=False),
    Column("token_hash", Text),
    Column("open_data", Boolean, nullable=False, server_default=false()),
    Column("interface", Text, nullable=False, server_default="en"),
    Column("erased_at", UtcTime),
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
    one_of("category", Category, name="ck_battles_category"),
    one_of("purpose", Purpose, name="ck_battles_purpose"),
    one_of("expected", Outcome, name="ck_battles_expected"),
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
    one_of("question", Question, name="ck_battle_questions_question"),
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
    Column("strength", Text),
    PrimaryKeyConstraint("battle_id", "question", name="pk_votes"),
    ForeignKeyConstraint(
        ["battle_id", "voter_id"], ["battles.id", "battles.voter_id"], name="fk_votes_battle_of_voter"
    ),
    ForeignKeyConstraint(
        ["battle_id", "question"],
        ["battle_questions.battle_id", "battle_questions.question"],
        name="fk_votes_question_asked",
    ),
    one_of("outcome", Outcome, name="ck_votes_outcome"),
    CheckConstraint(
        f"strength IS NULL OR ({among('strength', Strength)} AND outcome IN ('left', 'right'))",
        name="ck_votes_strength",
    ),
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
    one_of("decision", Decision, name="ck_rulings_decision"),
    CheckConstraint("reason <> ''", name="ck_rulings_reason"),
    Index("ix_rulings_voter", "voter_id"),
)

# What could name a voter: the only table of people that is emptied.
arrivals = Table(
    "arrivals",
    METADATA,
    Column("voter_id", Name, nullable=False),
    Column("platform", Text, nullable=False),
    Column("person_key", Name, nullable=False),
    Column("person", Text),
    Column("details", JSON, nullable=False),
    Column("arrived_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("voter_id", name="pk_arrivals"),
    ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_arrivals_voter"),
    UniqueConstraint("person_key", name="uq_arrivals_person"),
)

screenings = Table(
    "screenings",
    METADATA,
    Column("number", Integer, nullable=False, autoincrement=True),
    Column("voter_id", Name, nullable=False),
    Column("kind", Text, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("details", JSON, nullable=False),
    PrimaryKeyConstraint("number", name="pk_screenings"),
    ForeignKeyConstraint(["voter_id"], ["voters.id"], name="fk_screenings_voter"),
    one_of("kind", ScreeningKind, name="ck_screenings_kind"),
    Index("ix_screenings_voter", "voter_id"),
)

faults = Table(
    "faults",
    METADATA,
    Column("battle_id", Name, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("battle_id", name="pk_faults"),
    ForeignKeyConstraint(["battle_id"], ["battles.id"], name="fk_faults_battle"),
    one_of("kind", FaultKind, name="ck_faults_kind"),
)

audit = Table(
    "audit",
    METADATA,
    Column("number", Integer, nullable=False, autoincrement=True),
    Column("author", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("number", name="pk_audit"),
)
