from __future__ import annotations

import pytest

from gateway.formats.cells import Cell, Kind
from gateway.formats.form_reading import FormReading
from gateway.formats.form_template import first_cell, templates
from gateway.schemas.place import Place
from gateway.schemas.records import MissingReason

REPORT = templates()["monitoring-report"]
LABELS = {first_cell(field.label): Cell(Kind.TEXT, field.question) for field in REPORT.fields}


def read(**answers: str) -> FormReading:
    reading = FormReading(REPORT, "報告", LABELS | {cell: Cell(Kind.TEXT, text) for cell, text in answers.items()}, 3)
    assert reading.is_misplaced() is False
    reading.read()
    return reading


def found(reading: FormReading, *codes: str) -> list[tuple[str, str, str | None]]:
    return [(f.code, f.severity.value, f.place.cell) for f in reading.findings if f.code in codes]


def test_gaps_in_a_list_are_closed_and_each_member_keeps_its_cell() -> None:
    reading = read(C33="人手不足", F33="その他", B25="100", A26="2025年3月期", B26="200")
    assert reading.content["issues"] == ["labour", "other"]
    assert reading.content["performance"]["results"] == [
        {"sales_yen": 100_000},
        {"period": "2025年3月期", "sales_yen": 200_000},
    ]
    places = {pointer: place.cell for pointer, place in reading.places.items()}
    assert [places[f"/issues/{n}"] for n in (0, 1)] == ["C33", "F33"]
    assert places["/issues"] == "C33"
    assert places["/performance/results/1/period"] == "A26"
    assert reading.places[""] == Place(sheet="報告")


def test_references_are_numbered_by_those_that_are_there() -> None:
    assert read(D10="0012345").content["references"] == [{"value": "0012345", "scheme": "bank_customer"}]
    both = read(B10="7000012050002", D10="0012345")
    assert [each["scheme"] for each in both.content["references"]] == ["corporate_number", "bank_customer"]
    assert both.places["/references/1/value"].cell == "D10"


def test_an_answer_that_cannot_be_read_closes_its_gap_too() -> None:
    reading = read(B33="売れない", C33="人手不足")
    assert reading.content["issues"] == ["labour"]
    assert reading.places["/issues/0"].cell == "C33"
    assert found(reading, "R01") == [("R01", "refuse", "B33")]


def test_a_finding_names_record_sheet_cell_label_and_what_was_expected() -> None:
    reading = read(B22="まあまあ")
    [finding] = [each for each in reading.problems if each.code == "R01"]
    assert (finding.record, finding.place, finding.field) == (
        3,
        Place(sheet="報告", cell="B22"),
        "/performance/sales_trend",
    )
    assert finding.params == {
        "field": "月商の増減傾向",
        "found": "まあまあ",
        "expected": "増加・横ばい・減少・不明 のいずれか",
    }
    assert reading.content["missing"] == {"/performance/sales_trend": MissingReason.PARSE_ERROR}


def test_asterisks_mean_masked_and_are_no_fault() -> None:
    reading = read(B21="****")
    assert reading.content["missing"] == {"/performance/monthly_sales_yen": MissingReason.MASKED}
    assert found(reading, "R01") == []


def test_everything_required_and_blank_is_found_at_once() -> None:
    required = [first_cell(field.cells[0]) for field in REPORT.fields if field.required != "no"]
    assert found(read(), "R03") == [("R03", "refuse", cell) for cell in required]


def test_who_leaves_content_out_need_not_fill_it_in() -> None:
    required = [first_cell(field.cells[0]) for field in REPORT.fields if field.required == "always"]
    assert found(read(B15="省略する"), "R03") == [("R03", "refuse", cell) for cell in required]


def test_any_cell_of_a_list_fulfils_what_is_required() -> None:
    assert "B12" not in [cell for _, _, cell in found(read(D12="13-0001"), "R03")]


def test_what_cannot_be_read_is_not_called_missing_as_well() -> None:
    assert "B22" not in [cell for _, _, cell in found(read(B22="まあまあ"), "R03")]


def test_what_stands_beside_the_form_is_named_with_its_cell() -> None:
    assert found(read(H5="本部確認済", A60="メモ"), "R02") == [("R02", "warn", "H5"), ("R02", "warn", "A60")]


def test_many_cells_beside_the_form_are_counted_instead_of_listed() -> None:
    strays = [
        finding for finding in read(**{f"H{row}": "x" for row in range(1, 201)}).problems if finding.code == "R02"
    ]
    assert len(strays) == 51
    assert strays[-1].params == {"found": "H51 ほか、計150セル"}


@pytest.mark.parametrize("written", ["123456789018", "1234-5678-9018", "１２３４　５６７８　９０１８"])
def test_a_my_number_beside_the_form_is_found_and_never_quoted(written: str) -> None:
    assert found(read(H5=written), "V06") == [("V06", "warn", "H5")]
    labelled = read(H5="マイナンバー", I5=written)
    assert found(labelled, "V06") == [("V06", "refuse", "I5")]
    assert [f.params["found"] for f in labelled.problems if f.place.cell == "I5"] == ["*" * 12] * 2


def test_a_my_number_in_the_wrong_cell_is_never_quoted() -> None:
    [finding] = [each for each in read(B10="1234-5678-9018").problems if each.code == "R01"]
    assert finding.params["found"] == "*" * 12


def test_a_form_whose_labels_moved_is_not_trusted() -> None:
    moved = dict(LABELS)
    moved["A23"], moved["B23"] = moved["B23"], moved["A23"]
    reading = FormReading(REPORT, "報告", moved, 0)
    assert reading.is_misplaced() is True
    assert [(f.code, f.place.cell, f.params) for f in reading.problems] == [
        ("F01", "A23", {"field": "収支実績の期", "count": 2})
    ]


def test_labels_are_compared_by_what_they_say_not_by_their_width() -> None:
    spelled = LABELS | {"C10": Cell(Kind.TEXT, "顧客番号 (CIF)"), "A9": Cell(Kind.TEXT, "事業者名*")}
    assert FormReading(REPORT, "報告", spelled, 0).is_misplaced() is False
