from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import openpyxl
import pytest

from gateway.errors import Unreadable
from gateway.formats.workbook import Cell, Kind, Limits, Workbook, looks_like_workbook, showing_only
from gateway.schemas.place import Place

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


def relations(**targets: str) -> str:
    links = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE}/{target.partition("=")[0]}" Target="{target.partition("=")[2]}"/>'
        for name, target in targets.items()
    )
    return f"<Relationships>{links}</Relationships>"


def archive(parts: Mapping[str, str | bytes]) -> io.BytesIO:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return written


def parts_of(rows: str, texts: str = "", styles: str = "", book: str = "", main: str = MAIN) -> dict[str, str | bytes]:
    """A workbook of one sheet, by hand: what no writer would write can be said too."""
    return {
        "_rels/.rels": relations(a="officeDocument=xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{OFFICE}">{book}<sheets>'
        '<sheet name="表" sheetId="1" r:id="s1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations(
            s1="worksheet=worksheets/sheet1.xml", t="sharedStrings=/xl/texts.xml", f="styles=styles.xml"
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/texts.xml": f'<sst xmlns="{main}">{texts}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}">{styles}</styleSheet>',
    }


def cells_of(parts: Mapping[str, str | bytes], limits: Limits | None = None) -> dict[str, Cell]:
    book = Workbook(archive(parts), limits)
    return dict(book.cells(book.sheets[0]))


def seen(rows: str, texts: str = "", styles: str = "", book: str = "") -> dict[str, Cell]:
    return cells_of(parts_of(rows, texts, styles, book))


def text(value: str) -> Cell:
    return Cell(Kind.TEXT, value)


def test_shared_texts_are_joined_from_their_runs_without_furigana() -> None:
    runs = "<si><r><t>業況</t></r><r><t>報告</t></r><rPh sb='0' eb='2'><t>ギョウキョウ</t></rPh></si><si><t>次</t></si>"
    assert seen('<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>', runs) == {
        "A1": text("業況報告"),
        "B1": text("次"),
    }


def test_inline_texts_are_read_without_furigana_too() -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>東京</t><rPh><t>トウキョウ</t></rPh></is></c></row>'
    assert seen(rows) == {"A1": text("東京")}


def test_line_ends_and_escapes_become_what_a_person_sees() -> None:
    rows = '<row r="1"><c r="A1" t="str"><v>上_x000D_&#10;下_x0007__xD800_</v></c></row>'
    assert seen(rows) == {"A1": text("上\n下")}


def test_numbers_mean_what_their_style_says() -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="ge.m.d"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/></cellXfs>'
    )
    rows = "".join(f'<row r="{n}"><c r="A{n}" s="{n - 1}"><v>45930</v></c></row>' for n in (1, 2, 3))
    assert seen(rows, styles=styles) == {
        "A1": Cell(Kind.NUMBER, "45930"),
        "A2": Cell(Kind.DATE, "2025-09-30"),
        "A3": Cell(Kind.PERCENT, "45930"),
    }


def test_the_date_system_of_1904_is_honoured() -> None:
    rows = '<row r="1"><c r="A1" s="0"><v>44468</v></c></row>'
    styles = '<cellXfs><xf numFmtId="14"/></cellXfs>'
    assert seen(rows, styles=styles, book='<workbookPr date1904="1"/>') == {"A1": Cell(Kind.DATE, "2025-09-30")}


def test_of_a_formula_only_the_stored_result_counts() -> None:
    rows = (
        '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"a"</f><v>a</v></c>'
        '<c r="C1"><f>NOW()</f></c><c r="D1" t="str"><f>""</f><v></v></c>'
        '<c r="E1" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    )
    assert seen(rows) == {
        "A1": Cell(Kind.NUMBER, "2"),
        "B1": text("a"),
        "C1": Cell(Kind.UNCALCULATED, ""),
        "E1": Cell(Kind.ERROR, "#DIV/0!"),
    }


def test_flags_and_dates_in_words_are_read() -> None:
    rows = (
        '<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1" t="b"><v>0</v></c><c r="C1" t="d"><v>2025-09-30</v></c></row>'
    )
    assert seen(rows) == {
        "A1": Cell(Kind.FLAG, "true"),
        "B1": Cell(Kind.FLAG, "false"),
        "C1": Cell(Kind.DATE, "2025-09-30"),
    }


def test_empty_cells_and_cells_of_spaces_hold_nothing() -> None:
    assert seen('<row r="1"><c r="A1" s="0"/><c r="B1" t="str"><v> 　</v></c></row>') == {}


def test_cells_without_addresses_follow_one_another() -> None:
    rows = '<row><c><v>1</v></c><c><v>2</v></c></row><row><c r="C2"><v>3</v></c><c><v>4</v></c></row>'
    assert list(seen(rows)) == ["A1", "B1", "C2", "D2"]


def test_strict_workbooks_differ_in_their_namespace_only() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row>'
    assert cells_of(parts_of(rows, main=STRICT)) == {"A1": Cell(Kind.NUMBER, "1")}


def test_hidden_sheets_are_known_as_such_and_chart_sheets_are_not_sheets() -> None:
    parts = parts_of("")
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="見える" r:id="s1"/>'
        '<sheet name="隠し" state="veryHidden" r:id="s2"/><sheet name="図" r:id="s3"/></sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = relations(s1="worksheet=a.xml", s2="worksheet=b.xml", s3="chartsheet=c.xml")
    sheets = Workbook(archive(parts)).sheets
    assert [(sheet.name, sheet.hidden) for sheet in sheets] == [("見える", False), ("隠し", True)]


def refused(parts: Mapping[str, str | bytes], limits: Limits | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        cells_of(parts, limits)
    return caught.value


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
        '<row r="1"><c r="A1" s="-1"><v>1</v></c></row>',
        '<row r="1"><c r="A0"><v>1</v></c></row>',
        '<row r="1"><c r="a1"><v>1</v></c></row>',
        "<c><v>1</v></c>",
        '<row r="x"/>',
        '<row r="1">',
        '<row r="1"><c r="A1"><v>&unknown;</v></c></row>',
    ],
)
def test_damage_within_a_sheet_is_unreadable(rows: str) -> None:
    styles = '<cellXfs><xf numFmtId="0"/></cellXfs>'
    assert "damaged" in refused(parts_of(rows, "<si><t>x</t></si>", styles)).message


@pytest.mark.parametrize("part", ["_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/texts.xml"])
def test_a_missing_part_is_unreadable(part: str) -> None:
    parts = parts_of("")
    del parts[part]
    assert "damaged" in refused(parts).message


def test_a_sheet_that_leads_nowhere_is_unreadable() -> None:
    book = '<sheets><sheet name="迷子" sheetId="9"/></sheets>'
    assert "damaged" in refused(parts_of("", book=book)).message


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/texts.xml", "xl/styles.xml"])
def test_a_doctype_is_refused_wherever_it_stands(part: str) -> None:
    parts = parts_of("")
    parts[part] = '<!DOCTYPE x [<!ENTITY e "boo">]>' + str(parts[part])
    assert "damaged" in refused(parts).message


@pytest.mark.parametrize(
    "part", ["xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml", "xl/macrosheets/sheet1.xml", "xl/activeX/a.bin"]
)
def test_macros_and_links_to_other_files_are_refused_with_what_to_do(part: str) -> None:
    assert "without them" in refused(parts_of("") | {part: b""}).message


def test_what_a_cell_may_hold_is_bounded_and_the_cell_is_named() -> None:
    long = "あ" * 32_768
    found = refused(parts_of(f'<row r="1"><c r="B1" t="str"><v>{long}</v></c></row>'))
    assert found.place == Place(sheet="表", cell="B1")
    assert "characters" in refused(parts_of("", f"<si><t>{long}</t></si>")).message


def test_a_long_text_shared_by_many_cells_is_counted_each_time() -> None:
    rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 301))
    found = refused(parts_of(rows, f"<si><t>{'あ' * 30_000}</t></si>"))
    assert "larger" in found.message
    assert found.place == Place(sheet="表", cell="A267")


@pytest.mark.parametrize("address", ["XFD1", "A1048576", "XFD1048576"])
def test_a_cell_far_away_is_refused_and_named(address: str) -> None:
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="{address}"><v>1</v></c></row>'
    found = refused(parts_of(rows))
    assert found.place == Place(sheet="表", cell=address)


def test_a_cell_far_away_without_a_value_is_only_formatted() -> None:
    assert seen('<row r="1048576"><c r="XFD1048576" s="0"/></row>') == {}


def test_elements_are_counted_in_every_part() -> None:
    limits = Limits(elements=50)
    assert "larger" in refused(parts_of("<x/>" * 60), limits).message
    assert "larger" in refused(parts_of("", "<si/>" * 60), limits).message


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b"PK\x03\x04....xl/workbook.xml", True),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", True),
        (b"PK\x03\x04....word/document.xml", False),
        (b"xl/workbook.xml", False),
        (b"", False),
    ],
)
def test_a_workbook_is_recognised_by_its_first_bytes(head: bytes, is_one: bool) -> None:
    assert looks_like_workbook(head) is is_one


def test_a_password_and_the_old_format_are_answered_with_what_to_do() -> None:
    with pytest.raises(Unreadable) as caught:
        Workbook(io.BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)))
    assert "パスワード" in caught.value.ja


def test_showing_only_some_sheets_hides_the_others_and_changes_nothing_else() -> None:
    made = openpyxl.Workbook()
    for name in ("甲", "乙", "丙"):
        made.create_sheet(name)["B2"] = name
    made.create_sheet("控え")
    made["控え"].sheet_state = "veryHidden"
    source = io.BytesIO()
    made.save(source)
    shown = openpyxl.load_workbook(io.BytesIO(showing_only(source, {"乙", "丙"})))
    states = {sheet.title: sheet.sheet_state for sheet in shown.worksheets}
    assert states == {"Sheet": "hidden", "甲": "hidden", "乙": "visible", "丙": "visible", "控え": "veryHidden"}
    assert [shown["甲"]["B2"].value, shown["乙"]["B2"].value] == ["甲", "乙"]
    assert shown.active is shown["乙"]
    assert [sheet.title for sheet in shown.worksheets if sheet.sheet_view.tabSelected] in ([], ["乙"])
