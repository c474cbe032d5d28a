from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gateway.formats.cells import Cell, Kind
from gateway.formats.form_entries import Typed, answer, content, expectation
from gateway.formats.form_template import Slot, templates
from gateway.formats.money import Masked

SLOTS = {slot.pointer: slot for slot in templates()["monitoring-report"].slots}
SALES, CHANGE, TREND = (f"/performance/{name}" for name in ("monthly_sales_yen", "sales_change_pct", "sales_trend"))


def text(value: str) -> Cell:
    return Cell(Kind.TEXT, value)


def number(value: str) -> Cell:
    return Cell(Kind.NUMBER, value)


@pytest.mark.parametrize(
    ("pointer", "cell", "value"),
    [
        (SALES, number("12340"), 12_340_000),
        (SALES, number("1234.567"), 1_234_567),
        (SALES, number("0.33333333333333331"), 333),
        (SALES, text("１２，３４０千円"), 12_340_000),
        (SALES, text("千円"), None),
        ("/cash/deposits_yen", text("△500"), -500_000),
        ("/cash/deposits_yen", text("(500)"), -500_000),
        (CHANGE, Cell(Kind.PERCENT, "-0.17733333333333334"), Decimal("-17.7")),
        (CHANGE, number("-5"), Decimal("-5.0")),
        (CHANGE, text("▲５．０％"), Decimal("-5.0")),
        ("/cash/months_left", text("1.25"), Decimal("1.3")),
        ("/contact/visit_count", number("3"), 3),
        ("/contact/visit_count", text("３"), 3),
        ("/bank_code", number("133"), "0133"),
        ("/bank_code", text("０１３３"), "0133"),
        ("/references/corporate_number", text("7-0000-1205-0002"), "7000012050002"),
        ("/references/corporate_number", number("7000012050002"), "7000012050002"),
        ("/guarantee_nos/0", text(" ａ13 ー 0001 "), "A13-0001"),
        ("/reported_on", Cell(Kind.DATE, "2025-10-20"), date(2025, 10, 20)),
        ("/reported_on", text("令和7年10月20日"), date(2025, 10, 20)),
        ("/reported_on", number("20251020"), date(2025, 10, 20)),
        ("/reported_on", number("45950"), date(2025, 10, 20)),
        (TREND, text(" 横 ばい"), "flat"),
        ("/omission/claimed", text("省略する"), True),
        ("/company_name", text(" ㈱早目 "), "㈱早目"),
        ("/performance/results/0/period", Cell(Kind.DATE, "2025-03-31"), "2025-03-31"),
        (CHANGE, Cell(Kind.UNCALCULATED, ""), None),
    ],
)
def test_an_answer_is_read_as_its_canonical_value(pointer: str, cell: Cell, value: Any) -> None:
    assert answer(SLOTS[pointer], cell) == value


@pytest.mark.parametrize(
    ("pointer", "cell"),
    [
        (SALES, text("約1200")),
        (SALES, number("-1")),
        (SALES, text("△1")),
        (SALES, Cell(Kind.ERROR, "#N/A")),
        (SALES, Cell(Kind.FLAG, "true")),
        (SALES, Cell(Kind.UNCALCULATED, "")),
        (SALES, number("1" + "0" * 20)),
        (CHANGE, number("-100.1")),
        (CHANGE, text("-")),
        ("/contact/visit_count", number("2.5")),
        ("/contact/visit_count", number("1000")),
        ("/bank_code", text("133")),
        ("/bank_code", number("99991")),
        ("/bank_code", text("①133")),
        ("/references/corporate_number", text("123456789018")),
        ("/reported_on", text("2025/9/31")),
        ("/reported_on", number("31")),
        ("/reported_on", Cell(Kind.PERCENT, "45950")),
        (TREND, text("増")),
        (TREND, text("up")),
    ],
)
def test_anything_else_is_no_answer(pointer: str, cell: Cell) -> None:
    assert is_answer(pointer, cell) is False


def is_answer(pointer: str, cell: Cell) -> bool:
    try:
        answer(SLOTS[pointer], cell)
    except ValueError:
        return False
    return True


def test_asterisks_are_told_from_nonsense() -> None:
    with pytest.raises(Masked):
        answer(SLOTS[SALES], text("***"))


@pytest.mark.parametrize("slot", SLOTS.values(), ids=lambda slot: slot.pointer)
def test_every_cell_says_in_japanese_what_it_takes(slot: Slot) -> None:
    said = expectation(slot)
    assert said.isascii() is False
    assert "None" not in said


@pytest.mark.parametrize(
    ("pointer", "value", "typed"),
    [
        (SALES, 12_340_000, 12_340),
        (SALES, 1_234_567, 1_234.567),
        (CHANGE, Decimal("-17.7"), -0.177),
        (TREND, "flat", "横ばい"),
        ("/omission/claimed", True, "省略する"),
        ("/bank_code", "0133", "0133"),
        ("/reported_on", date(2025, 10, 20), date(2025, 10, 20)),
        (TREND, Typed("まあまあ"), "まあまあ"),
    ],
)
def test_a_canonical_value_is_typed_as_a_person_would(pointer: str, value: Any, typed: Any) -> None:
    assert content(SLOTS[pointer], value) == typed


@pytest.mark.parametrize(
    ("pointer", "value"), [(TREND, "sideways"), (SALES, "12340"), (SALES, True), ("/bank_code", 133), (TREND, 1)]
)
def test_what_the_form_has_no_words_for_is_refused(pointer: str, value: Any) -> None:
    with pytest.raises(ValueError, match=pointer):
        content(SLOTS[pointer], value)
