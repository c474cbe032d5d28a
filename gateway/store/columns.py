"""The columns that tables are made of: instants, whole numbers, bytes and long texts, alike in both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text, TypeDecorator
from sqlmodel import Field

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as UTC microseconds alike in both engines."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """To microseconds; a naive datetime is a bug."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """From microseconds."""
        return None if value is None else EPOCH + value * MICROSECOND


def whole_number(**options: Any) -> Any:
    """A 64-bit whole number."""
    return Field(sa_column=Column(BigInteger, **options))


def counted() -> Any:
    """A key that the database counts up."""
    # SQLite numbers only a plain INTEGER primary key by itself.
    return Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )


def instant(**options: Any) -> Any:
    """An instant."""
    return Field(sa_column=Column(Instant, **({"nullable": False} | options)))


def some_bytes(**options: Any) -> Any:
    """Bytes."""
    return Field(sa_column=Column(LargeBinary, **({"nullable": False} | options)))


def long_text(**options: Any) -> Any:
    """A text of any length."""
    return Field(sa_column=Column(Text, **({"nullable": False} | options)))
