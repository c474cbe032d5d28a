from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from datetime import date
from typing import Any

import openpyxl
import pytest

from gateway.adapters.monitoring_workbook import adapter
from gateway.errors import Unreadable
from gateway.formats.forms import MACHINE_SHEET, Typed, Value, filled_form, templates, values_of, write_form
from gateway.ports import Hints
from gateway.schemas.observed import ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import MonitoringReport

FORM = "monitoring-report"
GOOD: dict[str, Value | Typed] = {
    "/bank_code": "9991",
    "/reporter_name": "佐藤",
    "/reported_on": date(2025, 10, 20),
    "/period_from": date(2025, 4, 1),
    "/period_to": date(2025, 9, 30),
    "/company_name": "早目商店",
    "/entity_type": "corporation",
    "/guarantee_nos/0": "13-0001",
    "/contact/frequency": "monthly",
    "/performance/sales_trend": "flat",
    "/performance/profit_state": "profit",
    "/cash/state": "normal",
    "/repayment/state": "as_agreed",
    "/support/needed": "none",
}
BAD = GOOD | {"/cash/state": Typed("ふつう")}


def read(raw: bytes) -> list[ObservedDocument | Unplaced]:
    return list(adapter.read(io.BytesIO(raw), Hints()))


def report(*sheets: dict[str, Value | Typed]) -> bytes:
    return filled_form(FORM, *sheets)


def returned(raw: bytes, refused: Collection[int]) -> bytes:
    return b"".join(adapter.returned(io.BytesIO(raw), refused, Hints()))


def edited(raw: bytes, **cells: Any) -> bytes:
    """The workbook after a clerk wrote into cells of the first sheet."""
    book = openpyxl.load_workbook(io.BytesIO(raw))
    for cell, value in cells.items():
        book.worksheets[0][cell] = value
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def codes(observed: ObservedDocument | Unplaced) -> list[str]:
    return [finding.code for finding in observed.problems]


def test_each_sheet_is_a_report_with_its_own_digest_and_places() -> None:
    first, second = read(report(GOOD, GOOD | {"/company_name": "別商店"}))
    assert isinstance(first, ObservedDocument)
    assert isinstance(second, ObservedDocument)
    assert [first.ordinal, second.ordinal] == [0, 1]
    assert [first.record.company_name, second.record.company_name] == ["早目商店", "別商店"]
    assert first.digest != second.digest
    assert second.place_of("/cash/state") == Place(sheet="業況報告書 (2)", cell="B30")
    assert second.place_of("/support/fi_actions/7") == Place(sheet="業況報告書 (2)")


def test_the_digest_depends_on_what_stands_on_the_sheet_alone() -> None:
    [alone], [beside, _] = read(report(GOOD)), read(report(GOOD, BAD))
    assert alone.digest == beside.digest
    assert read(edited(report(GOOD), H1="x"))[0].digest != alone.digest


def test_a_form_says_which_form_it_is_and_in_which_unit() -> None:
    [observed] = read(report(GOOD))
    assert isinstance(observed, ObservedDocument)
    record = observed.record
    assert isinstance(record, MonitoringReport)
    assert (record.template_id, record.template_version) == ("monitoring-report", "1")
    assert (record.unit, record.rounding) == ("thousand", "unknown")


def test_a_report_survives_the_way_onto_the_form_and_back() -> None:
    [observed] = read(report(GOOD))
    assert isinstance(observed, ObservedDocument)
    again = values_of(templates()[FORM], observed.record.model_dump())
    [second] = read(filled_form(FORM, again))
    assert isinstance(second, ObservedDocument)
    assert second.record == observed.record


def test_one_bad_sheet_does_not_hold_up_the_others() -> None:
    assert [codes(each) for each in read(report(GOOD, BAD, GOOD))] == [[], ["R01"], []]


def test_a_sheet_left_blank_is_passed_over_and_a_blank_workbook_is_unreadable() -> None:
    assert [each.ordinal for each in read(report({}, GOOD, {}))] == [0]
    with pytest.raises(Unreadable) as caught:
        read(write_form(FORM))
    assert "記入済み" in caught.value.ja


def test_what_the_record_itself_does_not_take_is_found_at_its_cell() -> None:
    [observed] = read(report(GOOD | {"/observation": "あ" * 2_001, "/plan/items/1/kpi": "粗利率"}))
    assert isinstance(observed, Unplaced)
    assert [(f.code, f.place.cell) for f in observed.problems] == [("R01", "B34"), ("R03", "A43")]


def test_an_answer_too_long_for_the_record_leaves_the_rest_to_be_checked() -> None:
    [observed] = read(report(GOOD | {"/observation": "あ" * 2_001}))
    assert isinstance(observed, ObservedDocument)
    assert codes(observed) == ["R01"]
    assert observed.record.missing == {"/observation": "parse_error"}


def test_without_bank_or_period_there_is_no_record_but_every_reason() -> None:
    [observed] = read(report({"/company_name": "早目商店"}))
    assert isinstance(observed, Unplaced)
    assert {"D5", "B7", "D7", "B30"} <= {finding.place.cell for finding in observed.problems}
    assert set(codes(observed)) == {"R03"}


@pytest.mark.parametrize(
    ("stamp", "version", "found"),
    [("monitoring-report 第0版", "0", "0"), ("monitoring-report 第2026a版", "2026a", "2026a"), (None, "1", None)],
)
def test_another_version_is_read_and_said_so(stamp: str | None, version: str, found: str | None) -> None:
    [observed] = read(edited(report(GOOD), F3=stamp))
    assert isinstance(observed, ObservedDocument)
    assert isinstance(observed.record, MonitoringReport)
    assert observed.record.template_version == version
    assert [f.params["found"] for f in observed.problems if f.code == "F02"] == ([found] if found else [])


def test_a_sheet_moved_out_of_its_workbook_still_says_which_version_it_is() -> None:
    book = openpyxl.load_workbook(io.BytesIO(report(GOOD)))
    del book[MACHINE_SHEET]
    book.worksheets[0].title = "A社"
    written = io.BytesIO()
    book.save(written)
    [observed] = read(written.getvalue())
    assert codes(observed) == []
    assert observed.digest == read(report(GOOD))[0].digest


def test_a_form_without_any_version_is_read_with_a_warning() -> None:
    book = openpyxl.load_workbook(io.BytesIO(edited(report(GOOD), F3=None)))
    del book[MACHINE_SHEET]
    written = io.BytesIO()
    book.save(written)
    [observed] = read(written.getvalue())
    assert codes(observed) == ["F02"]


def test_moved_labels_stop_a_sheet_from_being_read() -> None:
    [observed] = read(edited(report(GOOD), A29="現金"))
    assert isinstance(observed, Unplaced)
    assert [(f.code, f.severity, f.place.cell) for f in observed.problems] == [("F01", "refuse", "A29")]


def test_a_cell_that_is_there_twice_is_unreadable_since_two_readers_may_differ() -> None:
    with zipfile.ZipFile(io.BytesIO(report(GOOD))) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", b'<row r="90"><c r="B9"><v>1</v></c></row></sheetData>')
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    with pytest.raises(Unreadable) as caught:
        read(written.getvalue())
    assert caught.value.place == Place(sheet="業況報告書", cell="B9")


def test_any_excel_file_is_taken_so_that_its_sender_hears_what_to_do() -> None:
    assert adapter.recognises(report(GOOD)[:65_536], None)
    assert not adapter.recognises(b'{"kind":"monitoring_report"}', "report.xlsx")


def test_other_sheets_are_named_and_hidden_ones_are_not_read() -> None:
    book = openpyxl.load_workbook(io.BytesIO(report(GOOD)))
    book.create_sheet("メモ")["A1"] = "x"
    book.create_sheet("空")
    hidden = book.copy_worksheet(book.worksheets[0])
    hidden.sheet_state = "hidden"
    written = io.BytesIO()
    book.save(written)
    [observed] = read(written.getvalue())
    assert [(f.code, f.record, f.place) for f in observed.problems] == [("R02", None, Place(sheet="メモ"))]


def test_refused_reports_come_back_as_the_workbook_with_the_others_hidden() -> None:
    raw = report(GOOD, BAD, {}, BAD)
    back = returned(raw, {1, 2})
    states = {sheet.title: sheet.sheet_state for sheet in openpyxl.load_workbook(io.BytesIO(back)).worksheets}
    shown = [name for name, state in states.items() if state == "visible"]
    assert shown == ["業況報告書 (2)", "業況報告書 (4)"]
    assert [codes(each) for each in read(back)] == [["R01"], ["R01"]]


def test_a_workbook_refused_as_a_whole_comes_back_as_it_was() -> None:
    raw = report(BAD, BAD)
    assert returned(raw, {0, 1}) == raw
    assert returned(raw, ()) == b""


def test_a_returned_sheet_that_was_mended_is_accepted() -> None:
    mended = openpyxl.load_workbook(io.BytesIO(returned(report(GOOD, BAD), {1})))
    mended["業況報告書 (2)"]["B30"] = "普通"
    written = io.BytesIO()
    mended.save(written)
    assert [codes(each) for each in read(written.getvalue())] == [[]]
