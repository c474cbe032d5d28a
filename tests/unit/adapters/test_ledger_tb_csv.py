from __future__ import annotations

import hashlib
import io
from datetime import date
from pathlib import Path

import pytest

from gateway.adapters.ledger_tb_csv import adapter
from gateway.errors import Unreadable
from gateway.formats.accounts import normalised_lines
from gateway.ports import Hints
from gateway.rules.books import amounts_of
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import MissingReason, TrialBalance

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples" / "01_accounting_jp" / "ledger-explorer"
HEADER = (
    "Month,Ledger_Account_Number,Debit_Amount,Credit_Amount,Ledger_Account_Name,Beginning_Balance,Ending_Balance,"
    "eTax_Category"
)
CASH = "2024-04,10A100020,50,20,現金及び預金,100,130,流動資産"
RETURNS = "2024-04,10D100111,20,0,売上値引,0,20,売上高"
MAY = "2024-05,10A100020,0,0,現金及び預金,130,130,流動資産"


def read(raw: bytes) -> list[Observed]:
    return list(adapter.read(io.BytesIO(raw), Hints()))


def document(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows)).encode()


def books(raw: bytes) -> list[TrialBalance]:
    records = [observed.record for observed in read(raw) if isinstance(observed, ObservedDocument)]
    return [record for record in records if isinstance(record, TrialBalance)]


def test_a_month_is_a_trial_balance() -> None:
    (record,) = books(document(CASH, RETURNS))
    assert (record.period_from, record.period_to, record.span) == (date(2024, 4, 1), date(2024, 4, 30), "month")
    assert (record.statements, record.complete, record.references) == (("BS", "PL"), False, ())
    line = record.lines[0]
    assert (line.get("source_code"), line.get("section"), line.get("statement"), line.get("normal_side")) == (
        "10A100020",
        "流動資産",
        "BS",
        "debit",
    )
    assert amounts_of(line) == (100, 50, 20, 130)


def test_the_side_is_the_one_on_which_the_figures_roll() -> None:
    still = "2024-04,10B100040,0,0,買掛金,9,9,流動負債"
    [record] = books(document(CASH, RETURNS, still))
    assert record.columns["normal_side"] == ("debit", "debit", "credit")


def test_columns_are_found_by_name_in_any_order_and_new_ones_are_noticed() -> None:
    names = [*reversed(HEADER.split(",")), "Memo"]
    cells = [*reversed(CASH.split(",")), "=1+1"]
    (observed,) = read(document(",".join(cells), header=",".join(names)))
    assert isinstance(observed, ObservedDocument)
    assert [(finding.code, finding.record, finding.place) for finding in observed.problems] == [
        ("R02", None, Place(line=1, column=9))
    ]
    assert observed.place_of("/lines/0/closing_yen") == Place(line=2, column=2)
    assert observed.record == books(document(CASH))[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_every_usual_encoding_reads_alike(encoding: str) -> None:
    assert books(document(CASH, RETURNS).decode().encode(encoding)) == books(document(CASH, RETURNS))


def test_months_are_told_apart_and_each_has_the_digest_of_its_own_file() -> None:
    raw = document(CASH, MAY, RETURNS)
    april, may = read(raw)
    parts = [b"".join(adapter.returned(io.BytesIO(raw), {ordinal}, Hints())) for ordinal in (0, 1)]
    assert [april.digest, may.digest] == [hashlib.sha256(part).hexdigest() for part in parts]  # type: ignore[union-attr]
    assert parts[1].decode().splitlines() == [HEADER, MAY]
    assert [record.period_to for record in books(raw)] == [date(2024, 4, 30), date(2024, 5, 31)]
    assert b"".join(adapter.returned(io.BytesIO(raw), {0, 1}, Hints())) == raw
    assert b"".join(adapter.returned(io.BytesIO(raw), set(), Hints())) == b""


def test_a_month_alone_has_the_digest_of_the_document() -> None:
    raw = document(CASH)
    assert [observed.digest for observed in read(raw)] == [hashlib.sha256(raw).hexdigest()]  # type: ignore[union-attr]


def test_masked_and_blank_amounts_are_different_kinds_of_nothing() -> None:
    (record,) = books(document("2024-04,10A100020,***,,現金及び預金,100.0,△130,流動資産"))
    line = record.lines[0]
    assert amounts_of(line) == (100, None, None, -130)
    assert record.missing == {"/lines/0/debit_yen": MissingReason.MASKED}


def test_an_amount_in_words_is_refused_at_its_cell() -> None:
    (observed,) = read(document("2024-04,10A100020,多額,0,現金及び預金,100,130,流動資産"))
    assert [(finding.code, finding.record, finding.place) for finding in observed.problems] == [
        ("R01", 0, Place(line=2, column=3))
    ]


def test_an_amount_beyond_exact_numbers_refuses_the_month_at_its_cell() -> None:
    (observed,) = read(document(f"2024-04,10A100020,{2**60},0,現金及び預金,100,130,流動資産"))
    assert isinstance(observed, Unplaced)
    assert [(finding.code, finding.place) for finding in observed.problems] == [("R01", Place(line=2, column=3))]


def test_a_month_that_does_not_exist_comes_back_and_the_others_go_on() -> None:
    first, second = read(document(MAY.replace("2024-05", "2024-13"), CASH))
    assert isinstance(first, Unplaced)
    assert isinstance(second, ObservedDocument)
    assert [(finding.code, finding.place) for finding in first.problems] == [("R01", Place(line=2, column=1))]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", Place(line=1)),
        (document(CASH, header=HEADER.replace("Month", "Period")), Place(line=1)),
        (document(), Place(line=1)),
        (document(CASH, "2024-04,1"), Place(line=3)),
        (document(CASH, '2024-04,"1'), Place(line=3, column=2)),
    ],
)
def test_a_table_of_another_shape_is_unreadable(raw: bytes, place: Place) -> None:
    with pytest.raises(Unreadable) as refused:
        read(raw)
    assert refused.value.place == place


def test_a_title_code_is_a_sum_and_not_counted_twice() -> None:
    (record,) = books(document(CASH, "2024-04,10A100010,50,20,流動資産,100,130,資産"))
    assert [line.get("is_total") for line in record.lines] == [False, True]
    assert normalised_lines(record)[1]["closing_yen"] == {"mapped": 130, "unmapped": 0, "source": 130}


def test_seven_months_of_a_real_ledger_are_read_to_the_yen() -> None:
    if not SAMPLES.exists():
        pytest.skip("the shared samples are not here")
    sources = sorted((SAMPLES / "trial_balance").glob("*.csv"))
    prior: dict[str, int] = {}
    for source in sources:
        assert adapter.recognises(source.read_bytes(), source.name)
        (observed,) = read(source.read_bytes())
        assert observed.problems == ()
        (record,) = books(source.read_bytes())
        rows, conservation = normalised_lines(record)
        assert [row["source_name"] for row in rows if "account_key" not in row] == []
        assert [sums["mapped"] - sums["source"] for sums in conservation.values()] == [0, 0, 0, 0]
        assert [
            line["source_name"]
            for line in record.lines
            if prior.get(line.get("source_code"), line.get("opening_yen")) != line.get("opening_yen")
        ] == []
        prior |= {str(line.get("source_code")): line.get("closing_yen") or 0 for line in record.lines}
    assert len(sources) == 7


def test_what_cannot_be_decoded_is_counted_once_for_the_file() -> None:
    raw = document(CASH, MAY).decode().encode("cp932").replace("及び".encode("cp932"), b"\xf9\xff", 1)
    found = [[(finding.code, finding.record, finding.params) for finding in seen.problems] for seen in read(raw)]
    assert found == [[("V41", None, {"count": 1})], []]
