"""The bank that does not exist: its months follow from each other, and its faults are found by their codes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from gateway.adapters.repayment_layout import adapter
from gateway.ports import Hints
from gateway.rules import repayment  # noqa: F401 - importing it declares its rules
from gateway.rules.rows import RepeatedKeys, evaluate_rows, row_rules
from gateway.schemas.observed import ObservedRows
from gateway.schemas.records.repayment_columns import KIND
from mocks.tapes import FAULTS, FaultyTape, Sending, faulty_tape, first_line, loan_book, write_tape

FEBRUARY, MARCH = date(2026, 2, 28), date(2026, 3, 31)


def found(raw: bytes, before: Sequence[dict[str, Any]] = ()) -> list[tuple[int | None, str]]:
    """Line and code of everything found in the rows of a tape, after last month's rows if there were any."""
    balances = {row["guarantee_no"]: row["balance_yen"] for row in before}
    codes, repeated = [], RepeatedKeys()
    for observed in adapter.read(io.BytesIO(raw), Hints()):
        findings = [*observed.problems, *evaluate_rows(observed, row_rules(KIND, history=False))]
        findings += repeated.findings(observed)
        previous = [balances.get(number) for number in observed.frame["guarantee_no"]]
        frame = observed.frame.with_columns(
            pl.Series("prev_amount_yen", previous, pl.Int64), pl.lit(FEBRUARY).alias("prev_valid_on")
        )
        refused = {one.record for one in findings if one.severity == "refuse"}
        later = ObservedRows(kind=KIND, frame=frame.filter(~pl.col("ordinal").is_in(list(refused))))
        findings += evaluate_rows(later, row_rules(KIND, history=True)) if before else []
        codes += [(one.place.line, one.code) for one in findings if one.record is not None]
    return sorted(codes, key=lambda each: each[0] or 0)


def test_a_seed_gives_the_same_loans_and_another_seed_others() -> None:
    assert loan_book(1, 50) == loan_book(1, 50)
    assert loan_book(1, 50) != loan_book(2, 50)


def test_more_loans_begin_with_the_same() -> None:
    assert loan_book(1, 80)[:50] == loan_book(1, 50)


def test_months_follow_from_each_other_without_a_finding() -> None:
    before, now = loan_book(4, 3_000, FEBRUARY), loan_book(4, 3_000, MARCH)
    assert [row["guarantee_no"] for row in before] == [row["guarantee_no"] for row in now]
    assert found(write_tape("guarantee_csv", now, 2), before) == []
    assert {row["status"] for row in loan_book(4, 3_000, date(2030, 3, 31))} == {"performing", "arrears", "paid_off"}


@pytest.mark.parametrize("layout_id", ["guarantee_csv", "guarantee_fixed200"])
@pytest.mark.parametrize("rate", [0.01, 0.5])
def test_every_fault_is_found_by_its_code_and_nothing_else(layout_id: str, rate: float) -> None:
    before = loan_book(4, 1_000, FEBRUARY)
    codes = {fault.code for fault in FAULTS}
    tape = faulty_tape(9, loan_book(4, 1_000), rate, codes, Sending(layout_id, 2))
    assert found(tape.faulty, before) == tape.expected
    assert found(tape.clean, before) == []
    assert len(tape.expected) == 1_000 * rate


def test_without_last_months_tape_no_fault_needs_it() -> None:
    tape = faulty_tape(9, loan_book(4, 400), 1.0)
    assert found(tape.faulty) == tape.expected
    assert {code for _, code in tape.expected} == {fault.code for fault in FAULTS if not fault.history} - {"R04"}


def test_every_kind_of_fault_is_about_as_frequent() -> None:
    codes = [code for _, code in faulty_tape(9, loan_book(4, 3_000), 0.1).expected]
    counts = {code: codes.count(code) for code in set(codes) - {"R01"}}
    assert max(counts.values()) <= 2 * min(counts.values())


def test_lines_lead_back_to_the_clean_rows() -> None:
    tape: FaultyTape = faulty_tape(9, loan_book(4, 200), 0.1)
    lines = [line for line, _ in tape.expected]
    clean, faulty = tape.clean.splitlines(), tape.faulty.splitlines()
    assert [number for number, pair in enumerate(zip(clean, faulty, strict=True), 1) if pair[0] != pair[1]][
        :-1
    ] == lines
    start = first_line("guarantee_csv")
    assert [tape.rows[line - start]["guarantee_no"].encode() in clean[line - 1] for line in lines] == [True] * 20
