"""What is found in rows beside the rules: repeated keys, My Numbers in texts."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from gateway.rules import my_number, repayment  # noqa: F401 - importing them declares their rules
from gateway.rules.rows import RepeatedKeys, my_numbers, row_rules
from gateway.rules.rule import REGISTRY
from gateway.schemas.findings import Severity
from gateway.schemas.observed import ObservedRows
from gateway.schemas.place import Place
from gateway.schemas.records.repayment_columns import KIND, frame_of


def frame(first: int, *rows: dict[str, Any], **how: Any) -> ObservedRows:
    usual = {"bank_code": "9991", "as_of": "2026-03-31", "balance_yen": 1, "status": "performing"}
    columns = frame_of(usual | row for row in rows).with_columns(
        pl.int_range(pl.len()).alias("ordinal") + first, pl.int_range(pl.len()).alias("line") + first + 3
    )
    return ObservedRows(kind=KIND, frame=columns, columns={"guarantee_no": 2}, **how)


def loan(number: int, **more: Any) -> dict[str, Any]:
    return {"guarantee_no": f"13-{number:07d}", "cgc_id": "13", **more}


def test_the_second_and_third_row_of_a_key_are_found_and_the_first_is_not() -> None:
    found = RepeatedKeys().findings(frame(0, loan(1), loan(2), loan(1), loan(1)))
    assert [(one.code, one.record) for one in found] == [("R04", 2), ("R04", 3)]
    assert (found[0].place, found[0].params) == (Place(line=5, column=2), {"key": "13-0000001/ 2026-03-31"})


def test_a_key_is_remembered_across_frames_however_many() -> None:
    repeated = RepeatedKeys()
    sizes = [3, 1, 4, 1, 5, 9, 2, 6]
    numbers = iter(range(1, 100))
    for size in sizes:
        assert repeated.findings(frame(0, *(loan(next(numbers)) for _ in range(size)))) == []
    again = repeated.findings(frame(40, *(loan(number) for number in (1, 50, 17, 31, 32))))
    assert [one.record for one in again] == [40, 42, 43]


@pytest.mark.parametrize(
    "other",
    [
        {"cgc_id": "14"},
        {"bank_code": "9992"},
        {"fi_loan_no": "L2"},
        {"as_of": "2026-02-28"},
        {"coverage_mode": "event", "event_no": "1", "paid_on": "2026-03-31"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_differs_in_any_part_of_the_key_is_another_record(other: dict[str, Any]) -> None:
    assert RepeatedKeys().findings(frame(0, loan(1), loan(1) | other)) == []


def test_rows_without_a_key_are_not_each_others_repetition() -> None:
    unread = {"cgc_id": "13"}
    assert RepeatedKeys().findings(frame(0, unread, unread)) == []


def test_two_files_do_not_know_each_other() -> None:
    assert [RepeatedKeys().findings(frame(0, loan(1))) for _ in range(2)] == [[], []]


def test_a_my_number_in_a_name_is_a_warning_and_shown_masked() -> None:
    (found,) = my_numbers(frame(0, loan(1), loan(2, company_name="サクラ 1234-5678-9018")))
    assert (found.code, found.severity, found.record) == ("V06", Severity.WARN, 1)
    assert (found.field, found.params) == ("company_name", {"found": "****-****-**18"})


def test_a_labelled_my_number_in_a_column_nobody_mapped_is_refused() -> None:
    unmapped = pl.DataFrame({"個人番号": [None, "123456789018"], "備考": ["123456789012", "なし"]})
    rows = frame(0, loan(1), loan(2), unmapped=unmapped)
    (found,) = my_numbers(rows)
    assert (found.severity, found.record, found.field) == (Severity.REFUSE, 1, "個人番号")


def test_numbers_of_loans_are_never_taken_for_my_numbers() -> None:
    assert my_numbers(frame(0, {"guarantee_no": "123456789018", "fi_loan_no": "123456789018"})) == []


def test_rules_over_history_are_told_from_rules_over_one_row() -> None:
    alone, beside = row_rules(KIND, history=False), row_rules(KIND, history=True)
    assert [rule.code for rule in beside] == ["V11", "V12"]
    assert [rule.code for rule in alone] == sorted(
        code for code, rule in REGISTRY.items() if rule.form == "rows" and KIND in rule.kinds
    )
