"""Laws of the columns: a row is the record it stands for, whichever way it came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from gateway.schemas.identifiers import instant_text
from gateway.schemas.records import RepaymentStatus
from gateway.schemas.records.header import Correction, Rounding, Unit
from gateway.schemas.records.repayment_columns import frame_of, row_records
from gateway.schemas.records.repayment_status import CoverageMode, LoanStatus

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEN = st.integers(-(2**53) + 1, 2**53 - 1)
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
NUMBERS = st.text("0123456789AZ-", min_size=1, max_size=32)
INSTANTS = st.integers(0, 2**51).map(lambda us: EPOCH + timedelta(microseconds=us))

RECORDS = st.builds(
    RepaymentStatus,
    cgc_id=st.none() | st.sampled_from(["13", "14130"]),
    bank_code=st.just("9991"),
    guarantee_no=NUMBERS,
    fi_loan_no=st.none() | NUMBERS,
    company_name=st.none() | st.text(max_size=20),
    coverage_mode=st.sampled_from(CoverageMode),
    as_of=DAYS,
    paid_on=st.none() | DAYS,
    event_no=st.none() | st.text(st.characters(codec="utf-8"), max_size=8),
    balance_yen=YEN,
    principal_yen=st.none() | YEN,
    is_revolving=st.booleans(),
    has_proper_loan=st.none() | st.booleans(),
    months_in_arrears=st.none() | st.integers(0, 999),
    status=st.sampled_from(LoanStatus),
    unit=st.sampled_from(Unit),
    rounding=st.sampled_from(Rounding),
    correction=st.sampled_from(Correction),
    produced_at=st.none() | INSTANTS,
)


def canonical(record: RepaymentStatus) -> dict[str, Any]:
    """The record's JSON form without empty collections, instants as they are spelt in sealed bytes."""
    plain = record.model_dump(mode="json", exclude_none=True, exclude={"references", "missing"})
    return plain | ({"produced_at": instant_text(record.produced_at)} if record.produced_at else {})


@given(st.lists(RECORDS, min_size=1, max_size=6))
def test_rows_are_the_records_they_were_made_of(records: list[RepaymentStatus]) -> None:
    plain = [canonical(record) for record in records]
    assert list(row_records(frame_of(plain))) == plain


@given(st.lists(RECORDS, min_size=1, max_size=6))
def test_keys_of_rows_are_those_of_their_records(records: list[RepaymentStatus]) -> None:
    frame = frame_of(canonical(record) for record in records)
    assert frame["series"].to_list() == [record.series for record in records]
    assert frame["valid_on"].to_list() == [record.valid_on for record in records]


@given(st.lists(RECORDS, min_size=1, max_size=6), st.integers(0, 6))
def test_rows_say_the_same_in_one_frame_or_two(records: list[RepaymentStatus], cut: int) -> None:
    whole = frame_of(canonical(record) for record in records)
    parts = [*row_records(whole[:cut]), *row_records(whole[cut:])]
    assert parts == list(row_records(whole))
    assert pl.concat([whole[:cut], whole[cut:]]).equals(whole)
