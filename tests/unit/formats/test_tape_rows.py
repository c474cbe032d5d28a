"""Tapes as bytes: blocks of records, their roles, their cells, and numbers put back into them."""

from __future__ import annotations

import io
from typing import Any

import pytest

from gateway.errors import Unreadable
from gateway.formats.layouts import Layout, load_layouts
from gateway.formats.tape_rows import (
    LONGEST_LINE,
    Role,
    Roles,
    Splitter,
    blocks,
    control_cells,
    control_value,
    with_number,
)
from gateway.schemas.place import Place

CSV, FIXED = load_layouts()


def pieces(raw: bytes, at_once: int, layout: Layout = CSV) -> list[list[bytes]]:
    return [block.pieces for block in blocks(io.BytesIO(raw), layout, at_once)]


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("closed", [True, False])
def test_blocks_are_the_file_and_hold_no_more_than_asked(end: bytes, closed: bool) -> None:
    raw = end.join(b"2,%d" % number for number in range(10)) + (end if closed else b"")
    found = pieces(raw, 4)
    assert [len(block) for block in found] == [4, 4, 2]
    assert b"".join(piece for block in found for piece in block) == raw


def test_contents_are_without_their_line_ends_and_know_their_line() -> None:
    found = list(blocks(io.BytesIO(b"a\r\nb\nc\n"), CSV, 2))
    assert [(block.first_line, block.contents) for block in found] == [(1, [b"a", b"b"]), (3, [b"c"])]


def test_lines_across_chunks_stay_whole() -> None:
    raw = b"".join(b"2,%0*d\r\n" % (100 + number % 7, number) for number in range(30_000))
    assert len(raw) > 3 << 20
    lines = [piece for block in pieces(raw, 1_000) for piece in block]
    assert lines == raw.splitlines(keepends=True)


@pytest.mark.parametrize("end", [b"", b"\n2,1\n"])
def test_a_line_no_tape_has_is_unreadable(end: bytes) -> None:
    raw = b"2,1\n" + b"9" * (LONGEST_LINE + 2) + end
    with pytest.raises(Unreadable) as caught:
        pieces(raw, 10)
    assert caught.value.place == Place(line=2)


def test_an_empty_file_has_no_blocks() -> None:
    assert pieces(b"", 10) == []


def test_records_are_known_by_what_they_start_with() -> None:
    contents = [b"1,13", "データ区分,保証番号".encode("cp932"), b"2,a", b'"2",b', b"5,c", b"", b"\x1a", b"8,1", b"9"]
    assert Roles(CSV).of(contents) == {
        0: Role.HEADER,
        1: Role.LABELS,
        4: Role.UNKNOWN,
        5: Role.BLANK,
        6: Role.BLANK,
        7: Role.TRAILER,
        8: Role.END,
    }


def test_a_value_is_not_mistaken_for_another_that_starts_like_it() -> None:
    roles = Roles(CSV)
    roles.of([b"labels"])
    assert roles.of([b"91,x", b"22,x"]) == {0: Role.UNKNOWN, 1: Role.UNKNOWN}


LABELS = [field.name for field in CSV.data.fields]


def cells(*lines: str, labels: list[str] = LABELS) -> Any:
    return Splitter(CSV, labels).split([line.encode("cp932") for line in lines])


def line(**values: str) -> str:
    return ",".join(values.get(field.to or "", "") for field in CSV.data.fields)


def test_cells_are_found_by_their_label() -> None:
    found = Splitter(CSV, ["残高", "データ区分", "保証番号"]).split([b"5,2,13-1"])
    assert found.frame.to_dicts() == [{"balance_yen": "5", "guarantee_no": "13-1"}]


def test_quotes_are_taken_off_and_doubled_quotes_halved() -> None:
    found = cells(line(company_name='"a ""b"", c"'), line(company_name="d"))
    assert found.frame["company_name"].to_list() == ['a "b", c', "d"]
    assert found.broken == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (line() + ",", "24項目"),
        (line()[1:], "22項目"),
        (line(company_name='"a'), "引用符の誤り"),
        (line(company_name='a"b'), "引用符の誤り"),
        (line(company_name='"a"b'), "引用符の誤り"),
    ],
)
def test_a_broken_record_breaks_no_other(text: str, found: str) -> None:
    split = cells(line(guarantee_no="1"), text, line(guarantee_no="3"))
    assert split.broken == {1: (found, "23項目")}
    assert split.frame["guarantee_no"].to_list() == ["1", None, "3"]


def test_a_second_byte_that_looks_like_a_sign_splits_nothing() -> None:
    tricky = "表ソ十能ミ｜"  # second bytes are backslashes and bars
    assert cells(line(company_name=tricky)).frame["company_name"].to_list() == [tricky]


def test_bytes_that_are_no_text_take_nothing_with_them() -> None:
    raw = line(guarantee_no="1", company_name="@", fi_loan_no="L").encode().replace(b"@", b"\x81")
    split = Splitter(CSV, LABELS).split([line().encode(), raw])
    assert (split.replaced, split.frame["company_name"].to_list()) == (1, [None, "\ufffd"])
    assert split.frame["fi_loan_no"].to_list() == [None, "L"]


def test_fixed_fields_are_cut_by_bytes_and_decoded_each_by_itself() -> None:
    record = bytearray(b" " * 200)
    record[4:8], record[31:41] = b"13-1", "ｻｸﾗ桜商".encode("cp932")[:9].ljust(10)
    split = Splitter(FIXED).split([bytes(record), bytes(record)[:-1], b" " * 200])
    assert split.frame["guarantee_no"].to_list() == ["13-1           ", "", " " * 15]
    assert split.frame["company_name"].str.strip_chars().to_list() == ["ｻｸﾗ桜商", "", ""]
    assert split.broken == {1: ("199バイト", "200バイト")}


def test_a_character_cut_in_two_by_its_field_is_replaced_and_counted() -> None:
    record = bytearray(b" " * 200)
    record[60:62] = "桜".encode("cp932")
    split = Splitter(FIXED).split([bytes(record)])
    assert split.replaced == 1
    assert "\ufffd" in split.frame["company_name"][0]


def test_control_records_are_read_by_cell_or_byte() -> None:
    assert CSV.trailer is not None
    assert FIXED.trailer is not None
    assert control_cells('8,"1,0",　x '.encode("cp932"), CSV) == ["8", "1,0", "x"]
    assert [control_value(b"8,12", total, CSV) for total in CSV.trailer.totals] == ["12", ""]
    assert control_value(b"8     012", FIXED.trailer.totals[0], FIXED) == "012"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"8,1,2", b"8,45,2"),
        (b'"8","0001","2"', b'"8","0045","2"'),
        (b'8,"1,000",2', b'8,"45",2'),
        (b"8,,2", b"8,45,2"),
        (b"8", b"8,45"),
    ],
)
def test_a_number_takes_its_place_and_leaves_the_rest(before: bytes, after: bytes) -> None:
    assert CSV.trailer is not None
    assert with_number(before, CSV.trailer.totals[0], 45, CSV) == after


def test_a_number_in_a_fixed_field_is_filled_with_zeros() -> None:
    assert FIXED.trailer is not None
    record = b"8".ljust(200)
    assert with_number(record, FIXED.trailer.totals[1], 45, FIXED)[:26] == b"8        000000000000045  "
