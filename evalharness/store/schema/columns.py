"""What all tables are made of: names, moments, labels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, MetaData, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["METADATA", "Name", "UtcTime", "among", "one_of"]

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


def one_of(column: str, labels: type[StrEnum], *, name: str) -> CheckConstraint:
    """A column that holds one of the labels, or nothing."""
    return CheckConstraint(among(column, labels), name=name)


def among(column: str, labels: Iterable[StrEnum]) -> str:
    """SQL for it."""
    allowed = ", ".join(f"'{label}'" for label in labels)
    return f"{column} IN ({allowed})"
