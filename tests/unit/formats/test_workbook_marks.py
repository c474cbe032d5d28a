"""Remarks in a sender's own workbook, as another program sees them, and what becomes of them when it comes again."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import openpyxl
import pytest
from openpyxl.comments import Comment

from gateway.adapters.monitoring_workbook import adapter
from gateway.formats.forms import Typed, Value, filled_form
from gateway.formats.workbook import Workbook
from gateway.formats.workbook_marks import AUTHOR, COLOUR, LIST_SHEET, with_remarks
from gateway.ports import Hints, Remark
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.place import Place

SHEET, CELL = "業況報告書", "B30"
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


def remark(cell: str | None = CELL, words: str = "選択肢にありません。", sheet: str = SHEET) -> Remark:
    return Remark(Place(sheet=sheet, cell=cell), "refuse", words, "一覧から選んでください。")


def opened(raw: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(raw))


def coloured(raw: bytes, sheet: str = SHEET) -> set[str]:
    """The cells that are coloured whatever they hold."""
    return {
        str(area)
        for areas, rules in opened(raw)[sheet].conditional_formatting._cf_rules.items()
        for rule in rules
        if rule.dxf is not None and rule.dxf.fill and rule.dxf.fill.bgColor.rgb == COLOUR
        for area in areas.sqref.ranges
    }


def comments(raw: bytes, sheet: str = SHEET) -> dict[str, str]:
    return {
        cell.coordinate: cell.comment.text
        for row in opened(raw)[sheet].iter_rows()
        for cell in row
        if cell.comment is not None
    }


def parts(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_remark_is_a_colour_a_comment_and_a_row_of_the_list() -> None:
    marked = with_remarks(filled_form("monitoring-report", GOOD), [remark(), remark(None, "全体について。")])
    assert coloured(marked) == {CELL}
    assert comments(marked) == {CELL: "選択肢にありません。\n一覧から選んでください。"}
    rows = list(opened(marked)[LIST_SHEET].values)
    assert rows[2:] == [
        (SHEET, CELL, "差戻し", "選択肢にありません。", "一覧から選んでください。"),
        (SHEET, "", "差戻し", "全体について。", "一覧から選んでください。"),
    ]
    assert opened(marked)[LIST_SHEET]["B3"].hyperlink.location == f"'{SHEET}'!{CELL}"


def test_two_remarks_on_one_cell_are_one_comment() -> None:
    marked = with_remarks(filled_form("monitoring-report", GOOD), [remark(words="一。"), remark(words="二。")])
    assert comments(marked)[CELL].count("一覧から選んでください。") == 2
    assert len(list(opened(marked)[LIST_SHEET].values)) == 4


def test_what_is_read_is_what_was_read_without_remarks() -> None:
    raw = filled_form("monitoring-report", GOOD, GOOD | {"/company_name": "別商店"})
    before, after = (
        list(adapter.read(io.BytesIO(one), Hints())) for one in (raw, with_remarks(raw, [remark(), remark("B31")]))
    )
    assert before == after


def test_parts_that_need_no_remark_are_copied_byte_for_byte() -> None:
    raw = filled_form("monitoring-report", GOOD, GOOD)
    before, after = parts(raw), parts(with_remarks(raw, [remark()]))
    changed = {name for name, content in before.items() if after[name] != content}
    assert changed == {
        "[Content_Types].xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
        "xl/worksheets/sheet1.xml",
    }


def test_new_remarks_take_the_place_of_the_old_ones_however_the_workbook_was_saved() -> None:
    marked = with_remarks(filled_form("monitoring-report", GOOD), [remark()])
    saved = io.BytesIO()
    opened(marked).save(saved)
    for came_back in (marked, saved.getvalue()):
        again = with_remarks(came_back, [remark("B31", "空欄です。")])
        assert coloured(again) == {"B31"}
        assert list(comments(again)) == ["B31"]
        assert [row[3] for row in opened(again)[LIST_SHEET].values][2:] == ["空欄です。"]
        assert coloured(with_remarks(again, [])) == set()
        assert comments(with_remarks(again, [])) == {}


def test_a_comment_of_the_senders_stays() -> None:
    book = opened(filled_form("monitoring-report", GOOD))
    book[SHEET][CELL].comment = Comment("確認済", "佐藤")
    saved = io.BytesIO()
    book.save(saved)
    marked = with_remarks(saved.getvalue(), [remark(), remark("B31")])
    assert comments(marked)[CELL] == "確認済"
    assert coloured(marked) == {CELL, "B31"}
    theirs = [cell.comment.author for row in opened(marked)[SHEET].iter_rows() for cell in row if cell.comment]
    assert sorted(theirs) == sorted(["佐藤", AUTHOR])


def test_words_that_no_workbook_can_hold_and_sheets_with_quotes_do_no_harm() -> None:
    book = opened(filled_form("monitoring-report", GOOD))
    book[SHEET].title = "A'B"
    saved = io.BytesIO()
    book.save(saved)
    marked = with_remarks(saved.getvalue(), [remark(words="\x07=1+1\ud800", sheet="A'B")])
    assert opened(marked)[LIST_SHEET]["D3"].value == "=1+1"
    assert opened(marked)[LIST_SHEET]["D3"].data_type == "s"
    assert opened(marked)[LIST_SHEET]["B3"].hyperlink.location == "'A''B'!B30"


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
def test_a_workbook_that_cannot_be_marked_goes_back_as_it_came(part: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts(filled_form("monitoring-report", GOOD)).items():
            archive.writestr(name, b"<torn" if name == part else content)
    assert with_remarks(out.getvalue(), [remark()]) == out.getvalue()


def test_a_sheet_that_only_lists_remarks_is_no_stray() -> None:
    marked = with_remarks(filled_form("monitoring-report", GOOD), [remark()])
    assert [sheet.name for sheet in Workbook(io.BytesIO(marked)).sheets if not sheet.hidden] == [SHEET, LIST_SHEET]
    (found,) = adapter.read(io.BytesIO(marked), Hints())
    assert isinstance(found, ObservedDocument)
    assert "R02" not in {one.code for one in found.problems}
