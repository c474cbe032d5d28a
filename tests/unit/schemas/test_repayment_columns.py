"""The columns of repayment_status say what the record says."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from gateway.schemas.findings import Finding, Severity
from gateway.schemas.place import Place
from gateway.schemas.records import RepaymentStatus
from gateway.schemas.records.repayment_columns import (
    COLUMNS,
    DEFAULTS,
    LIMITS,
    REQUIRED,
    completed,
    frame_of,
    row_records,
    within_limits,
)
from gateway.schemas.trusted import trusted

NOT_COLUMNS = {"kind", "references", "missing"}
ROW: dict[str, Any] = {
    "bank_code": "9991",
    "guarantee_no": "13-1",
    "as_of": "2026-03-31",
    "balance_yen": 5,
    "status": "performing",
}


DTYPES: dict[tuple[str, str | None], pl.DataType] = {
    ("string", None): pl.String(),
    ("string", "date"): pl.Date(),
    ("string", "date-time"): pl.Datetime("us", "UTC"),
    ("integer", None): pl.Int64(),
    ("boolean", None): pl.Boolean(),
}


def test_every_field_of_the_record_is_a_column_of_its_type() -> None:
    assert set(RepaymentStatus.model_fields) - NOT_COLUMNS == set(COLUMNS)
    assert {name: DTYPES[said["type"], said.get("format")] for name, said in LIMITS.items()} == COLUMNS


def test_required_columns_and_defaults_are_the_records() -> None:
    record = RepaymentStatus.model_validate(ROW)
    assert set(ROW) == REQUIRED
    assert {name: getattr(record, name) for name in DEFAULTS} == DEFAULTS
    assert [name for name in COLUMNS if name not in REQUIRED and getattr(record, name) is not None] == list(DEFAULTS)


def test_a_frame_is_completed_with_defaults_and_keys_and_keeps_the_rest() -> None:
    frame = completed(pl.DataFrame({"guarantee_no": ["1"], "as_of": [date(2026, 3, 31)], "unit": [None], "other": [7]}))
    row = frame.row(0, named=True)
    assert {name: row[name] for name in DEFAULTS} == DEFAULTS
    assert (row["series"], row["valid_on"], row["other"], row["balance_yen"]) == ("1/", date(2026, 3, 31), 7, None)


def test_a_row_without_its_number_has_no_key() -> None:
    assert frame_of([{name: value for name, value in ROW.items() if name != "guarantee_no"}])["series"].to_list() == [
        None
    ]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("bank_code", "9991", "999"),
        ("cgc_id", "14130", "131"),
        ("branch_code", "001", "0011"),
        ("guarantee_no", "A-1", "a-1"),
        ("fi_loan_no", "1" * 32, "1" * 33),
        ("company_name", "㈱" * 200, "㈱" * 201),
        ("status", "arrears", "late"),
        ("payment_kind", "late", "early"),
        ("correction", "cancel", "undo"),
        ("balance_yen", -(2**53) + 1, -(2**53)),
        ("months_in_arrears", 0, -1),
    ],
)
def test_the_limits_of_a_column_are_the_records(name: str, good: object, bad: object) -> None:
    frame = pl.DataFrame({name: [good, bad, None]})
    assert frame.select(within_limits(name, pl.col(name))).to_series().to_list() == [True, False, None]
    RepaymentStatus.model_validate(ROW | {name: good})
    with pytest.raises(ValueError, match=name):
        RepaymentStatus.model_validate(ROW | {name: bad})


def test_no_rows_give_no_records() -> None:
    assert list(row_records(frame_of([ROW]).clear())) == []


def test_instants_are_spelt_as_in_everything_that_is_sealed() -> None:
    (record,) = row_records(frame_of([ROW | {"produced_at": "2026-04-05T00:30:00.000000Z"}]))
    assert record["produced_at"] == "2026-04-05T00:30:00.000000Z"


def test_a_trusted_instance_is_the_validated_one() -> None:
    place = Place(line=3, column=4)
    values = {
        "code": "R01",
        "severity": Severity.REFUSE,
        "record": 1,
        "place": trusted(Place, {"line": 3, "column": 4, "sheet": None, "cell": None, "pointer": None}),
        "field": "balance_yen",
        "params": {"found": "x"},
    }
    made, validated = trusted(Finding, values), Finding.model_validate(values | {"place": place})
    assert made == validated
    assert made.model_dump_json() == validated.model_dump_json()
    assert made.model_copy(update={"record": 2}) == validated.model_copy(update={"record": 2})
