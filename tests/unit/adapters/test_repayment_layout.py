"""Repayment tapes: what is read, what is found wrong, what is given back."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gateway.adapters.repayment_layout import adapter
from gateway.errors import Unreadable
from gateway.ports import ROWS_AT_ONCE, Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import ROW_COLUMNS, ObservedRows, Tape
from gateway.schemas.place import Place
from gateway.schemas.records import RepaymentStatus
from gateway.schemas.records.repayment_columns import COLUMNS, row_records
from mocks.tapes import Sending, faulty_tape, first_line, loan_book, write_tape

LAYOUTS = ("guarantee_csv", "guarantee_fixed200")
OURS = Hints(layouts=(str(Path(__file__).parent / "layouts"),))
BOOK = loan_book(3, 60)


def read(raw: bytes, hints: Hints = Hints()) -> list[ObservedRows]:  # noqa: B008 - frozen
    return list(adapter.read(io.BytesIO(raw), hints))


def rows(raw: bytes, hints: Hints = Hints()) -> list[dict[str, Any]]:  # noqa: B008 - frozen
    return [record for observed in read(raw, hints) for record in row_records(observed.frame)]


def problems(raw: bytes, hints: Hints = Hints()) -> list[Finding]:  # noqa: B008 - frozen
    return [problem for observed in read(raw, hints) for problem in observed.problems]


def back(raw: bytes, *refused: int, hints: Hints = Hints()) -> bytes:  # noqa: B008 - frozen
    return b"".join(adapter.returned(io.BytesIO(raw), refused, hints))


def changed(raw: bytes, line: int, old: str, new: str) -> bytes:
    """The tape with one text replaced in one line."""
    lines = raw.split(b"\r\n")
    assert old.encode("cp932") in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old.encode("cp932"), new.encode("cp932"), 1)
    return b"\r\n".join(lines)


@pytest.mark.parametrize("layout_id", LAYOUTS)
def test_a_written_tape_reads_as_the_records_it_was_written_from(layout_id: str) -> None:
    found = rows(write_tape(layout_id, BOOK, 1))
    assert found == [{"kind": "repayment_status"} | row for row in BOOK]
    assert [RepaymentStatus.model_validate(record).guarantee_no for record in found] == [
        row["guarantee_no"] for row in BOOK
    ]


@pytest.mark.parametrize("layout_id", LAYOUTS)
def test_every_frame_has_all_columns_in_their_types(layout_id: str) -> None:
    for observed in read(write_tape(layout_id, BOOK, 1)):
        schema = dict(observed.frame.schema)
        assert schema == {**ROW_COLUMNS, **COLUMNS, "series": pl.String(), "valid_on": pl.Date()}
        assert observed.tape == Tape(f"{layout_id}/1", 1)


def test_rows_come_in_frames_that_fit_in_memory() -> None:
    raw = write_tape("guarantee_csv", loan_book(3, ROWS_AT_ONCE + 5), 1)
    frames = [observed.frame for observed in read(raw)]
    assert [frame.height for frame in frames] == [ROWS_AT_ONCE - 2, 7, 0]
    assert pl.concat(frames)["ordinal"].to_list() == list(range(ROWS_AT_ONCE + 5))
    assert pl.concat(frames)["line"].to_list() == list(range(3, ROWS_AT_ONCE + 8))


@pytest.mark.parametrize("layout_id", LAYOUTS)
def test_every_cell_error_is_found_in_its_line_and_nothing_else(layout_id: str) -> None:
    tape = faulty_tape(5, loan_book(3, 400), 0.3, codes=("R01", "R03"), sending=Sending(layout_id))
    found = [(problem.place.line, problem.code) for problem in problems(tape.faulty) if problem.record is not None]
    assert sorted(found, key=lambda each: each[0] or 0) == tape.expected
    assert len(tape.expected) == 120


def test_an_unreadable_cell_says_what_stood_there_and_what_should() -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), 4, "2026/04/27", "2026/04/31")
    assert problems(raw) == [
        Finding(
            code="R01",
            severity=Severity.REFUSE,
            record=1,
            place=Place(line=4, column=12),
            field="next_due_on",
            params={"field": "次回約定日", "found": "2026/04/31", "expected": "年月日 例 2026/03/31"},
        )
    ]


def test_what_a_finding_shows_is_short_and_never_a_my_number() -> None:
    raw = write_tape("guarantee_csv", BOOK, 1)
    for cell, shown in (("123456789018", "*" * 12), ("9" * 50, "9" * 40 + "…")):
        faulty = changed(raw, 4, ",0,,0,0,", f",{cell},,0,0,")
        assert [problem.params["found"] for problem in problems(faulty)] == [shown]


def test_a_row_of_no_known_type_goes_back_by_itself() -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), 4, "2,13-", "7,13-")
    (problem,) = problems(raw)
    assert (problem.code, problem.record, problem.params["found"], problem.params["expected"]) == ("R01", 1, "7", "2")


def test_quoted_cells_may_hold_the_delimiter() -> None:
    raw = write_tape("guarantee_csv", [BOOK[0] | {"company_name": "サクラ, ヒカリ商会"}, BOOK[1]], 1)
    assert b'"' in raw
    assert [row["company_name"] for row in rows(raw)] == ["サクラ, ヒカリ商会", BOOK[1]["company_name"]]


def test_a_quote_that_is_never_closed_breaks_its_own_row_only() -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), 4, "2,13-", '2,"13-')
    (problem,) = [problem for problem in problems(raw) if problem.record is not None]
    assert (problem.code, problem.place.line, problem.params["found"]) == ("R01", 4, "引用符の誤り")


def test_bytes_that_are_no_text_refuse_their_row_and_warn_of_the_document() -> None:
    raw = write_tape("guarantee_csv", [BOOK[0] | {"company_name": "＠＠"}, BOOK[1]], 1).replace(
        b"\x81\x97", b"\x81 ", 1
    )
    found = [(problem.code, problem.record, dict(problem.params)) for problem in problems(raw)]
    assert found == [
        ("R01", 0, {"field": "債務者名", "found": "\ufffd ＠", "expected": "cp932 の文字"}),
        ("V41", None, {"count": 1}),
    ]


def test_unknown_columns_are_one_warning_and_handed_on_for_searching() -> None:
    raw = write_tape("guarantee_csv", BOOK[:1], 1).decode("cp932").split("\r\n")
    raw[1], raw[2] = raw[1] + ",備考,個人番号", raw[2] + ",至急,123456789018"
    tape = "\r\n".join(raw).encode("cp932")
    assert [(problem.code, problem.params) for problem in problems(tape)] == [("R02", {"found": "備考、個人番号"})]
    unmapped = read(tape)[0].unmapped
    assert unmapped is not None
    assert unmapped.to_dicts() == [{"備考": "至急", "個人番号": "123456789018"}]
    assert read(tape)[0].columns["個人番号"] == 25


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("8,60,", "8,61,", "件数"), ("8,60,", "8,,", "件数"), ("8,60,", "8,60,1", "残高合計"), ("8,60,", "8,x,", "件数")],
)
def test_a_trailer_that_does_not_hold_refuses_the_file(old: str, new: str, field: str) -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), 63, old, new)
    (problem,) = problems(raw)
    assert (problem.code, problem.severity, problem.record) == ("V18", Severity.REFUSE, None)
    assert (problem.place.line, problem.params["field"]) == (63, field)


@pytest.mark.parametrize("layout_id", LAYOUTS)
@pytest.mark.parametrize("lost", [1, 2, 10], ids=["the end", "the trailer too", "some rows too"])
def test_a_file_that_was_cut_off_is_refused(layout_id: str, lost: int) -> None:
    raw = b"".join(write_tape(layout_id, BOOK, 1).splitlines(keepends=True)[:-lost])
    assert [(problem.code, problem.severity) for problem in problems(raw)] == [("V18", Severity.REFUSE)]


def test_a_sum_with_an_unreadable_amount_is_not_compared_and_says_so() -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), 4, f",{BOOK[1]['balance_yen']},", ",1O,")
    assert [(problem.code, problem.record) for problem in problems(raw)] == [("R01", 1), ("V18S", None)]


def test_a_count_is_compared_whatever_the_rows_are_like() -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), 4, f",{BOOK[1]['balance_yen']},", ",1O,")
    assert "V18" in [problem.code for problem in problems(changed(raw, 63, "8,60,", "8,59,"))]


@pytest.mark.parametrize(
    ("line", "old", "new", "at"),
    [
        (1, "2026/03/31", "2026/02/29", Place(line=1, column=4)),
        (1, "9991", "999", Place(line=1, column=3)),
        (1, "1,13", "3,13", Place(line=1)),
        (2, "残高,", "残高額,", Place(line=2)),
        (2, "支店コード", "融資番号", Place(line=2)),
        (4, "2,13", "1,13", Place(line=4)),
        (62, "2,13", "8,13", Place(line=63)),
    ],
)
def test_what_departs_from_the_layout_outside_its_rows_is_unreadable(line: int, old: str, new: str, at: Place) -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), line, old, new)
    with pytest.raises(Unreadable) as caught:
        read(raw)
    assert caught.value.place == at


def test_rows_without_a_header_are_unreadable() -> None:
    lines = write_tape("guarantee_csv", BOOK, 1).splitlines(keepends=True)
    with pytest.raises(Unreadable, match="Header or labels are missing"):
        read(b"".join(lines[1:]))


def test_a_document_of_no_known_layout_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="No known layout"):
        read(b"a,b\r\n1,2\r\n")


def test_header_and_labels_may_stand_in_either_order() -> None:
    lines = write_tape("guarantee_csv", BOOK, 1).splitlines(keepends=True)
    assert rows(b"".join([lines[1], lines[0], *lines[2:]])) == rows(b"".join(lines))


def test_blank_lines_and_an_end_of_file_mark_mean_nothing() -> None:
    raw = write_tape("guarantee_csv", BOOK, 1)
    assert problems(raw.replace(b"\r\n2,", b"\r\n\r\n2,", 1) + b"\x1a") == []


def test_a_layout_of_a_further_folder_reads_thousands_and_events() -> None:
    lines = ("9991\t13-1\tE1\t2026-03-31\t20260327\t1,500\tA\t桜", "9991\t13-1\tＥ2\t2026-03-31\t\t0\tB\t")
    raw = "\n".join(lines).encode("utf-8-sig")
    first, last = read(raw, Hints(filename="x.tsv", layouts=OURS.layouts))
    record, other = first.frame.to_dicts()
    assert (record["balance_yen"], record["unit"], record["rounding"]) == (1_500_000, "thousand", "floor")
    assert (record["series"], record["valid_on"]) == ("13-1//event/E1", date(2026, 3, 27))
    assert (other["event_no"], other["valid_on"]) == ("E2", date(2026, 3, 31))
    assert [(p.code, p.record, p.params["field"]) for p in first.problems] == [("R03", 1, "債務者名")]
    assert (last.problems, last.tape) == ((), Tape("test_branch_tsv/2", None))


def packed(*records: str) -> bytes:
    return b"".join(record.encode("cp932").ljust(40) for record in records)


def test_records_without_line_ends_are_cut_by_their_length() -> None:
    raw = packed("H9202603319991", "D13-1        0000000123451桜商会", "D13-2        -000000000029", "T000002")
    (first, last) = read(raw, OURS)
    assert first.frame["balance_yen"].to_list() == [12_345, -2]
    assert first.frame["company_name"].to_list() == ["桜商会", None]
    assert first.frame["line"].to_list() == [2, 3]
    assert [(p.code, p.record, p.field) for p in first.problems] == [("R01", 1, "status")]
    assert last.problems == ()


def test_a_last_record_that_is_too_short_is_a_broken_row() -> None:
    raw = packed("H9202603319991", "D13-1        0000000123451桜商会") + b"D13-2"
    assert [(p.code, p.record) for p in problems(raw, OURS)] == [("R01", 1), ("V18", None)]


@pytest.mark.parametrize("layout_id", LAYOUTS)
def test_all_rows_given_back_are_the_file_with_the_next_number(layout_id: str) -> None:
    assert back(write_tape(layout_id, BOOK, 41), *range(60)) == write_tape(layout_id, BOOK, 42)


@pytest.mark.parametrize("layout_id", LAYOUTS)
def test_some_rows_given_back_are_a_file_of_just_these(layout_id: str) -> None:
    chosen = [3, 17, 59]
    raw = back(write_tape(layout_id, BOOK, 41), *chosen)
    assert raw == write_tape(layout_id, [BOOK[index] for index in chosen], 42)
    assert problems(raw) == []


@pytest.mark.parametrize("layout_id", LAYOUTS)
def test_faulty_rows_come_back_as_they_were_sent(layout_id: str) -> None:
    tape = faulty_tape(5, loan_book(3, 200), 0.1, sending=Sending(layout_id))
    start = first_line(layout_id)
    refused = sorted(line - start for line, _ in tape.expected)
    given = back(tape.faulty, *refused)
    sent = tape.faulty.splitlines(keepends=True)
    assert given.splitlines(keepends=True)[start - 1 : -2] == [sent[start - 1 + index] for index in refused]
    before = [
        digest
        for seen in read(tape.faulty)
        for digest in seen.frame["digest"].gather(refused if len(seen.frame) else [])
    ]
    assert [digest for seen in read(given) for digest in seen.frame["digest"]] == before
    assert "V18" not in [problem.code for problem in problems(given)]


def test_a_wrong_trailer_is_not_mended_by_giving_everything_back() -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 1), 63, "8,60,", "8,61,")
    assert [problem.code for problem in problems(back(raw, *range(60)))] == ["V18"]


def test_where_nothing_was_refused_nothing_comes_back() -> None:
    assert back(write_tape("guarantee_csv", BOOK, 1)) == b""


def test_a_full_sequence_number_starts_over() -> None:
    raw = back(write_tape("guarantee_fixed200", BOOK, 999_999), 0)
    assert [seen.tape.sequence for seen in read(raw) if seen.tape] == [0, 0]


def test_quotes_and_zeros_of_a_header_are_kept() -> None:
    raw = changed(write_tape("guarantee_csv", BOOK, 7), 1, "2026/03/31,7,", '"2026/03/31","0007",')
    assert back(raw, 1).splitlines()[0].decode("cp932").startswith('1,13,9991,"2026/03/31","0008",')


def test_records_without_line_ends_come_back_without() -> None:
    raw = packed("H9202603319991", "D13-1        0000000123451桜商会", "D13-2        -000000000029", "T000002")
    assert back(raw, 1, hints=OURS) == packed("H9202603319991", "D13-2        -000000000029", "T000001")


def test_a_tape_is_recognised_and_another_csv_is_not() -> None:
    assert [adapter.recognises(write_tape(layout_id, BOOK, 1)[:2_000], None) for layout_id in LAYOUTS] == [True, True]
    assert not adapter.recognises("勘定科目,残高\r\n".encode("cp932"), "tape.csv")
