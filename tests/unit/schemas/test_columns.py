"""Lines of a record, turned into columns."""

from __future__ import annotations

from datetime import date

from gateway.schemas.records import TrialBalance, TrialBalanceLine


def test_each_field_is_a_column_in_the_order_of_the_lines() -> None:
    lines = (
        TrialBalanceLine(source_name="現金", closing_yen=130),
        TrialBalanceLine(source_name="売上高", section="収益"),
    )
    record = TrialBalance(period_from=date(2024, 4, 1), period_to=date(2024, 4, 30), lines=lines)
    assert set(record.columns) == set(TrialBalanceLine.model_fields)
    assert [record.columns[name] for name in ("source_name", "section", "is_total", "closing_yen")] == [
        ("現金", "売上高"),
        (None, "収益"),
        (False, False),
        (130, None),
    ]


def test_asking_for_columns_does_not_change_what_a_record_says() -> None:
    line = TrialBalanceLine(source_name="現金")
    asked, other = (
        TrialBalance(period_from=date(2024, 4, 1), period_to=date(2024, 4, 30), lines=(line,)) for _ in range(2)
    )
    assert asked.columns
    assert (asked, hash(asked.lines), asked.model_dump_json()) == (other, hash(other.lines), other.model_dump_json())
