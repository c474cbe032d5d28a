from __future__ import annotations

import io

import pytest

from gateway.adapters.etax_hot010_csv import TYPES, adapter
from gateway.errors import Unreadable
from gateway.ports import Hints
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import FinancialStatement

CASH = "現金及び預金,1200,1,3,10A100020"


def document(*rows: str, kind: str = "BS", start: str = "2023-04-01", name: str = "株式会社架空") -> bytes:
    header = (f"A,{kind},,,", f"B,{name},,,", f"C1,{start},,,", "C2,2024-03-31,,,", "貸借対照表,,,,")
    return ("\r\n".join((*header, "資産の部,,T,2,10A000010", *rows)) + "\r\n").encode("cp932")


def read(raw: bytes, filename: str | None = None) -> Observed:
    (observed,) = adapter.read(io.BytesIO(raw), Hints(filename=filename))
    return observed


def statement(raw: bytes, filename: str | None = None) -> FinancialStatement:
    observed = read(raw, filename)
    assert isinstance(observed, ObservedDocument)
    assert isinstance(observed.record, FinancialStatement)
    assert observed.problems == ()
    return observed.record


def problems(raw: bytes, filename: str | None = None) -> list[tuple[str, Place]]:
    return [(finding.code, finding.place) for finding in read(raw, filename).problems]


@pytest.mark.parametrize("kind", TYPES)
def test_every_statement_type_is_read_and_recognised(kind: str) -> None:
    raw = document(CASH, kind=kind)
    assert adapter.recognises(raw, None)
    assert statement(raw, f"HOT010_3.0_{kind}_10.csv").statement_type == kind


def test_a_statement_names_its_firm_but_refers_to_nobody() -> None:
    record = statement(document(CASH))
    assert (record.company_name, record.references, record.industry) == ("株式会社架空", (), "10")


def test_rows_are_amounts_texts_and_titles() -> None:
    record = statement(document(CASH, "注記,要領による,2,3,10A100025", "合計,1200,1,2,10A000020"))
    columns = ("row", "level", "amount_yen", "text", "is_total")
    assert list(zip(*map(record.columns.__getitem__, columns), strict=True)) == [
        ("title", 0, None, None, False),
        ("title", 2, None, None, False),
        ("amount", 3, 1200, None, False),
        ("text", 3, None, "要領による", False),
        ("amount", 2, 1200, None, True),
    ]


def test_deductions_stay_negative_as_filed() -> None:
    assert statement(document("貸倒引当金,-80,1,3,10A101050")).lines[-1].get("amount_yen") == -80


def test_a_blank_amount_is_unknown_not_zero() -> None:
    assert statement(document("現金及び預金,,1,3,10A100020")).lines[-1].get("amount_yen") is None


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("現金,1,1,4,10A100020", Place(line=7, column=4)),
        ("現金,1,1,1,10A100020", Place(line=7, column=4)),
        ("現金,1,1,x,10A100020", Place(line=7, column=4)),
        ("現金,1,1,3,10A000010", Place(line=7, column=5)),
        ('現金,"1,000",1,3,10A100020', Place(line=7, column=2)),
        ("現金,1,000,1,3,10A100020", Place(line=7)),
        ("現金,1,1,3", Place(line=7)),
    ],
)
def test_a_departure_from_the_layout_is_named_with_its_place(row: str, place: Place) -> None:
    assert problems(document(row)) == [("V43", place)]


def test_every_departure_is_found_not_just_the_first() -> None:
    raw = document("現金,1,1,9,10A100020", "売掛金,x,1,3,10A100020", "商品,1,9,3,10A100280")
    assert [code for code, _ in problems(raw)] == ["V43", "R01", "V43", "R01"]


def test_levels_may_fall_back_by_any_number() -> None:
    assert (
        problems(document("甲,,T,3,10A100010", "乙,,T,4,10A100570", "丙,1,1,5,10A100610", "丁,1,1,2,10A000020")) == []
    )


def test_the_file_name_must_not_say_another_statement() -> None:
    assert problems(document(CASH), "HOT010_3.0_PL_10.csv") == [("V42", Place(line=1, column=2))]
    assert problems(document(CASH), "決算書.csv") == []


def test_what_cannot_be_decoded_is_counted() -> None:
    raw = document(CASH).replace("架空".encode("cp932"), b"\xf9\xff")
    assert problems(raw) == [("V41", Place())]


def test_a_term_that_is_no_date_refuses_the_statement_at_its_place() -> None:
    observed = read(document(CASH, start="2023-02-30"))
    assert isinstance(observed, Unplaced)
    assert [(finding.code, finding.place) for finding in observed.problems] == [("R01", Place(line=3, column=2))]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", Place(line=1, column=1)),
        (b"A,XX,,,\r\nB,x,,,\r\nC1,2023-04-01,,,\r\nC2,2024-03-31,,,\r\n", Place(line=1, column=2)),
        (b"A,BS,,,\r\nC1,2023-04-01,,,\r\n", Place(line=2, column=1)),
        (b'A,BS,,,\r\nB,"x,,,\r\n', Place(line=2, column=2)),
    ],
)
def test_a_header_that_is_not_there_is_unreadable(raw: bytes, place: Place) -> None:
    with pytest.raises(Unreadable) as refused:
        read(raw)
    assert refused.value.place == place


def test_a_statement_without_rows_is_refused() -> None:
    raw = b"A,BS,,,\r\nB,x,,,\r\nC1,2023-04-01,,,\r\nC2,2024-03-31,,,\r\n"
    observed = read(raw)
    assert isinstance(observed, Unplaced)
    assert [(finding.code, finding.field) for finding in observed.problems] == [("R01", "lines")]


def test_lines_of_nothing_but_commas_are_passed_over() -> None:
    assert len(statement(document(CASH, ",,,,", "")).lines) == 3


def test_the_statement_comes_back_as_it_came() -> None:
    raw = document(CASH)
    assert b"".join(adapter.returned(io.BytesIO(raw), {0}, Hints())) == raw
    assert b"".join(adapter.returned(io.BytesIO(raw), set(), Hints())) == b""
