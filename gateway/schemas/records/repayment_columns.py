"""``repayment_status`` as columns: the same fields, limits, defaults and keys as the record, for many rows at once.

The record (``repayment_status.py``) is the definition. What is said here again, types and keys, is said in the terms
of columns, and a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from gateway.schemas.records.repayment_status import CoverageMode, RepaymentStatus

KIND = "repayment_status"

COLUMNS: dict[str, pl.DataType] = {
    "cgc_id": pl.String(),
    "bank_code": pl.String(),
    "branch_code": pl.String(),
    "guarantee_no": pl.String(),
    "fi_loan_no": pl.String(),
    "company_name": pl.String(),
    "coverage_mode": pl.String(),
    "as_of": pl.Date(),
    "scheduled_due_on": pl.Date(),
    "paid_on": pl.Date(),
    "payment_kind": pl.String(),
    "event_no": pl.String(),
    "principal_yen": pl.Int64(),
    "balance_yen": pl.Int64(),
    "is_revolving": pl.Boolean(),
    "has_proper_loan": pl.Boolean(),
    "principal_paid_yen": pl.Int64(),
    "interest_paid_yen": pl.Int64(),
    "last_paid_on": pl.Date(),
    "value_date": pl.Date(),
    "next_due_on": pl.Date(),
    "scheduled_amount_yen": pl.Int64(),
    "months_in_arrears": pl.Int64(),
    "arrears_since": pl.Date(),
    "principal_overdue_yen": pl.Int64(),
    "interest_overdue_yen": pl.Int64(),
    "interest_paid_through": pl.Date(),
    "status": pl.String(),
    "unit": pl.String(),
    "rounding": pl.String(),
    "correction": pl.String(),
    "correction_reason": pl.String(),
    "produced_at": pl.Datetime("us", "UTC"),
    "known_at": pl.Datetime("us", "UTC"),
}
"""The kind's own columns and their types."""

REQUIRED: frozenset[str] = frozenset(name for name in COLUMNS if RepaymentStatus.model_fields[name].is_required())
"""Columns without which a row is no record."""

DEFAULTS: dict[str, str | bool] = {
    name: getattr(default, "value", default)
    for name in COLUMNS
    if (default := RepaymentStatus.model_fields[name].default) is not None and name not in REQUIRED
}
"""What a column holds where the source says nothing."""


def _limits() -> dict[str, dict[str, Any]]:
    """The record's own constraints per column, as its JSON Schema states them."""
    schema = RepaymentStatus.model_json_schema()
    limits = {}
    for name in COLUMNS:
        stated = schema["properties"][name]
        given = next(form for form in stated.get("anyOf", [stated]) if form.get("type") != "null")
        limits[name] = schema["$defs"][given["$ref"].rpartition("/")[2]] if "$ref" in given else given
    return limits


LIMITS: dict[str, dict[str, Any]] = _limits()


def within_limits(name: str, value: pl.Expr) -> pl.Expr:
    """Whether values are such that the record takes them in this column; null where there is no value.

    Money and counts by their bounds, codes by their pattern and length, code sets by their members.
    """
    limit, holds = LIMITS[name], pl.lit(True)
    if "pattern" in limit:
        holds &= value.str.contains(limit["pattern"])
    if "maxLength" in limit:
        holds &= value.str.len_chars() <= limit["maxLength"]
    if "enum" in limit:
        holds &= value.is_in(limit["enum"])
    if "minimum" in limit:
        holds &= value.is_between(limit["minimum"], limit["maximum"])
    return holds


def with_keys(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with ``series`` and ``valid_on``, by which a row is filed; the record's properties of that name."""
    event = pl.col("coverage_mode") == CoverageMode.EVENT.value
    loan = pl.concat_str("guarantee_no", pl.lit("/"), pl.col("fi_loan_no").fill_null(""))
    return frame.with_columns(
        pl.when(event).then(loan + "/event/" + pl.col("event_no").fill_null("")).otherwise(loan).alias("series"),
        pl.when(event).then(pl.coalesce("paid_on", "as_of")).otherwise("as_of").alias("valid_on"),
    )


def completed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every column of the kind (defaults where nothing is said) and the keys; other columns stay."""
    absent = [
        pl.lit(DEFAULTS.get(name), dtype).alias(name) for name, dtype in COLUMNS.items() if name not in frame.columns
    ]
    filled = [pl.col(name).fill_null(default) for name, default in DEFAULTS.items() if name in frame.columns]
    return with_keys(frame.with_columns(*absent, *filled))


def row_records(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The canonical record of each row: what has no value is left out, dates and instants are text.

    Equal to the record's own JSON form without its empty collections, so that a loan said in a bank's layout and
    the same loan said in our JSON are the same bytes.
    """
    said = [name for name in COLUMNS if name in frame.columns and frame[name].null_count() < frame.height]
    spelt = frame.with_columns(pl.lit(KIND).alias("kind"), *(_spelt(name) for name in said)).select("kind", *said)
    names = spelt.columns
    if not any(spelt.null_count().row(0)):
        return (dict(zip(names, row, strict=True)) for row in spelt.iter_rows())
    return (
        {name: value for name, value in zip(names, row, strict=True) if value is not None} for row in spelt.iter_rows()
    )


def _spelt(name: str) -> pl.Expr:
    if COLUMNS[name] == pl.Date():
        return pl.col(name).dt.to_string("%Y-%m-%d")
    if isinstance(COLUMNS[name], pl.Datetime):
        return pl.col(name).dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ")
    return pl.col(name)


def frame_of(records: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Canonical records as the columns of the kind: the inverse of ``row_records``."""
    texts = {name: pl.String() if dtype.is_temporal() else dtype for name, dtype in COLUMNS.items()}
    frame = pl.DataFrame([dict(record) for record in records], schema=texts)
    return completed(
        frame.with_columns(
            *(pl.col(name).str.to_date("%Y-%m-%d") for name, dtype in COLUMNS.items() if dtype == pl.Date()),
            *(
                pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")
                for name, dtype in COLUMNS.items()
                if isinstance(dtype, pl.Datetime)
            ),
        )
    )
