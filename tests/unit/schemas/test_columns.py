"""Lines of a record, turned into columns and into the rows that are published."""

from __future__ import annotations

from datetime import date
from typing import Any, get_type_hints

import pytest

from gateway.schemas.records import FinancialStatement, TrialBalance, TrialBalanceLine


def books(*lines: dict[str, Any]) -> TrialBalance:
    return TrialBalance.model_validate(
        {"period_from": date(2024, 4, 1), "period_to": date(2024, 4, 30), "lines": lines}
    )


CASES = {
    "each line says something else": (
        {"source_name": "現金", "closing_yen": 130},
        {"source_name": "売上高", "section": "収益"},
    ),
    "all lines say the same": (
        {"source_name": "現金", "closing_yen": 130},
        {"source_name": "売上高", "closing_yen": 140},
    ),
    "all lines say one thing": ({"source_name": "現金"}, {"source_name": "売上高"}),
    "a line says that it has no value": (
        {"source_name": "現金", "closing_yen": None},
        {"source_name": "売上高", "closing_yen": 1},
    ),
    "there is but one line": ({"source_name": "現金", "is_total": True},),
}


@pytest.mark.parametrize("lines", CASES.values(), ids=CASES)
def test_columns_and_rows_say_what_the_lines_say_and_mean(lines: tuple[dict[str, Any], ...]) -> None:
    record = books(*lines)
    meant = [{**dict.fromkeys(get_type_hints(TrialBalanceLine)), "is_total": False, **line} for line in lines]
    assert record.columns == {name: tuple(line[name] for line in meant) for name in meant[0]}
    assert record.table.rows() == [{name: value for name, value in line.items() if value is not None} for line in meant]


def test_a_row_of_a_statement_is_an_amount_at_the_first_level_unless_it_says_otherwise() -> None:
    record = FinancialStatement.model_validate(
        {
            "statement_type": "BS",
            "fiscal_year_start": date(2023, 4, 1),
            "fiscal_year_end": date(2024, 3, 31),
            "lines": [
                {"source_name": "現金", "amount_yen": 5},
                {"source_name": "資産の部", "row": "title", "level": 1},
            ],
        }
    )
    unsaid = {"row": "amount", "level": 0, "is_total": False}
    assert record.table.rows() == [{**unsaid, **line} for line in record.lines]
    assert (record.columns["row"], record.columns["level"]) == (("amount", "title"), (0, 1))


@pytest.mark.parametrize("model", [TrialBalance, FinancialStatement])
def test_the_published_schema_says_what_saying_nothing_means(model: type[TrialBalance | FinancialStatement]) -> None:
    [line] = [part for name, part in model.model_json_schema()["$defs"].items() if name.endswith("Line")]
    published = {name: field["default"] for name, field in line["properties"].items() if "default" in field}
    record = model.model_construct(lines=({"source_name": "現金"},))
    assert record.table.rows() == [{"source_name": "現金", **published}]


def test_asking_for_columns_and_rows_does_not_change_what_a_record_says() -> None:
    asked, other = (books({"source_name": "現金"}) for _ in range(2))
    asked.table.rows()[0]["mapping"] = "alias"
    assert asked.columns
    assert (asked, asked.model_dump_json()) == (other, other.model_dump_json())
