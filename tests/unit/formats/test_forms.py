"""A written form, opened with another library: what a clerk finds in it."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from gateway.formats.form_template import FormField, Slot, first_cell
from gateway.formats.forms import MACHINE_SHEET, Typed, filled_form, templates, values_of, write_form

FORM = "monitoring-report"
REPORT = templates()[FORM]


def opened(raw: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(raw))


BLANK = opened(write_form(FORM))
SHEET: Worksheet = BLANK[REPORT.sheet]
VALIDATIONS: dict[str, DataValidation] = {str(each.sqref): each for each in SHEET.data_validations.dataValidation}


@pytest.mark.parametrize("field", REPORT.fields, ids=lambda field: field.pointer)
def test_every_question_stands_in_its_cell_in_japanese(field: FormField) -> None:
    label = SHEET[first_cell(field.label)]
    assert label.value == field.question
    assert label.protection.locked is True


@pytest.mark.parametrize("slot", REPORT.slots, ids=lambda slot: slot.pointer)
def test_every_answer_has_an_open_cell_with_a_hint(slot: Slot) -> None:
    assert SHEET[slot.cell].protection.locked is False
    validation = VALIDATIONS[slot.cell]
    assert validation.promptTitle == slot.field.ja[:32]
    assert validation.prompt or slot.choices
    assert validation.showErrorMessage is True


@pytest.mark.parametrize("slot", [slot for slot in REPORT.slots if slot.choices], ids=lambda slot: slot.pointer)
def test_every_choice_has_its_drop_down_within_the_cell(slot: Slot) -> None:
    validation = VALIDATIONS[slot.cell]
    assert (validation.type, validation.formula1) == ("list", '"' + ",".join(slot.choices.values()) + '"')


def test_numbers_that_begin_with_zero_are_kept_as_text() -> None:
    coded = [slot.cell for slot in REPORT.slots if slot.field.type in ("digits", "identifier")]
    assert {SHEET[cell].number_format for cell in coded} == {"@"}


def test_money_shows_its_unit() -> None:
    money = [slot.cell for slot in REPORT.slots if slot.field.type == "thousand_yen"]
    assert {"千円" in SHEET[cell].number_format for cell in money} == {True}


def test_what_is_required_is_marked_by_colour_and_by_sign() -> None:
    coloured = {first_cell(str(each.sqref)) for each in SHEET.conditional_formatting}
    required = [field for field in REPORT.fields if field.required != "no"]
    assert coloured == {first_cell(field.cells[0]) for field in required}
    assert {field.question[-1] for field in required} == {"＊"}


def test_labels_are_locked_and_the_page_is_one_sheet_of_a4() -> None:
    assert SHEET.protection.sheet is True
    assert SHEET.sheet_properties.pageSetUpPr.fitToPage is True  # to one page, which is what is not said
    setup = SHEET.page_setup
    assert (setup.paperSize, setup.fitToHeight or 1, setup.fitToWidth or 1) == (9, 1, 1)
    assert SHEET.print_area == f"'{REPORT.sheet}'!$A$1:$F$46"


def test_template_and_version_stand_on_the_sheet_and_in_a_hidden_one() -> None:
    machine = BLANK[MACHINE_SHEET]
    assert machine.sheet_state == "veryHidden"
    assert [machine["B1"].value, machine["B2"].value] == [REPORT.id, REPORT.version]
    assert SHEET[REPORT.stamp_at].value == "monitoring-report 第1版"


def test_no_sheet_refers_to_another() -> None:
    with zipfile.ZipFile(io.BytesIO(write_form(FORM))) as packed:
        assert b"!" not in packed.read("xl/worksheets/sheet1.xml")


def test_the_same_values_give_the_same_bytes() -> None:
    values = {"/bank_code": "9991", "/reported_on": date(2025, 10, 20)}
    assert write_form(FORM, values) == write_form(FORM, values)


def test_what_is_known_is_filled_in_as_a_person_would() -> None:
    known = {
        "/cgc_id": "13",
        "/bank_code": "0133",
        "/period_from": date(2025, 4, 1),
        "/performance/monthly_sales_yen": 12_340_000,
        "/omission/claimed": False,
        "/issues/0": "sales",
    }
    sheet = opened(write_form(FORM, known))[REPORT.sheet]
    cells = [sheet[cell].value for cell in ("B5", "D5", "B7", "B21", "B15", "B33")]
    assert cells[2].date() == date(2025, 4, 1)
    assert cells[:2] + cells[3:] == ["東京", "0133", 12_340, "省略しない", "売上減少"]


def test_the_change_of_sales_is_computed_by_the_form_unless_it_is_stated() -> None:
    assert str(SHEET["F21"].value).startswith("=IF(")
    assert opened(write_form(FORM, {"/performance/sales_change_pct": -5}))[REPORT.sheet]["F21"].value == -0.05


def test_many_reports_are_as_many_sheets() -> None:
    book = opened(filled_form(FORM, {"/company_name": "甲"}, {"/company_name": "乙"}))
    assert book.sheetnames == ["業況報告書", "業況報告書 (2)", MACHINE_SHEET]
    assert [book.worksheets[number]["B9"].value for number in (0, 1)] == ["甲", "乙"]


def test_a_text_that_looks_like_a_formula_or_a_link_stays_a_text() -> None:
    sheet = opened(filled_form(FORM, {"/company_name": "=1+1", "/reporter_contact": Typed("http://a.example")}))
    assert sheet[REPORT.sheet]["B9"].data_type == "s"
    assert sheet[REPORT.sheet]["D6"].hyperlink is None


def test_what_a_person_typed_goes_into_its_cell_verbatim() -> None:
    typed = {"/omission/claimed": Typed(True), "/cash/state": Typed("ふつう"), "/bank_code": Typed(133)}
    sheet = opened(filled_form(FORM, typed))[REPORT.sheet]
    assert [sheet[cell].value for cell in ("B15", "B30", "D5")] == [True, "ふつう", 133]


@pytest.mark.parametrize("values", [{"/no_such": "x"}, {"/issues/5": "sales"}, {"/cash/state": "rich"}])
def test_what_the_form_cannot_say_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        write_form(FORM, values)


def test_a_record_is_turned_into_the_answers_of_its_form() -> None:
    record = {
        "bank_code": "9991",
        "cgc_id": None,
        "issues": ("sales", "cost"),
        "references": ({"scheme": "bank_customer", "value": "0012345", "scope": ""},),
        "performance": {"results": ({"period": "前期", "sales_yen": 1_000},)},
    }
    assert values_of(REPORT, record) == {
        "/bank_code": "9991",
        "/references/bank_customer": "0012345",
        "/issues/0": "sales",
        "/issues/1": "cost",
        "/performance/results/0/period": "前期",
        "/performance/results/0/sales_yen": 1_000,
    }


def test_a_list_longer_than_the_form_is_never_cut_short() -> None:
    with pytest.raises(ValueError, match="/issues"):
        values_of(REPORT, {"issues": ("sales",) * 6})
