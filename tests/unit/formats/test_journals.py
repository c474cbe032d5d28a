"""Journals as trial balances: what a month adds up to, where its tax goes, and that no yen comes or goes."""

from __future__ import annotations

import csv
import io
import random
from datetime import date
from pathlib import Path

import pytest
from exported import amounts, back, books, found, read

from gateway.adapters import ledger_tb_csv, moneyforward_journal_csv, yayoi_journal_csv
from gateway.errors import Unreadable
from gateway.formats.journals import Posting, taxed
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.place import Place
from gateway.schemas.records import TrialBalance

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
LEDGER = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples" / "01_accounting_jp" / "ledger-explorer"
YAYOI, MONEYFORWARD = yayoi_journal_csv.adapter, moneyforward_journal_csv.adapter
NINETEEN = (
    "取引No,取引日,借方勘定科目,借方補助科目,借方部門,借方取引先,借方税区分,借方インボイス,借方金額(円),"
    "貸方勘定科目,貸方補助科目,貸方部門,貸方取引先,貸方税区分,貸方インボイス,貸方金額(円),摘要,タグ,メモ"
)
WITH_TAX = "取引日,借方勘定科目,借方税区分,借方金額,借方税額,貸方勘定科目,貸方税区分,貸方金額,貸方税額"


def sample(adapter: str, case: str) -> bytes:
    return next((GOLDEN / adapter / case).glob("input.*")).read_bytes()


def movements(record: TrialBalance) -> dict[str, tuple[int | None, ...]]:
    return {name: four[1:3] for name, four in amounts(record).items()}


def posting(account: str, side: str, yen: int, tax: int = 0, tax_class: str = "") -> Posting:
    return Posting(account, "debit" if side == "debit" else "credit", yen, tax, tax_class, Place(line=1), Place(line=1))


@pytest.mark.skipif(not LEDGER.exists(), reason="the samples are not here")
@pytest.mark.parametrize("layout", ["yayoi", "moneyforward"])
def test_the_journal_of_a_real_ledger_adds_up_to_the_stated_leaves(layout: str) -> None:
    """A month of 439 rows that nobody here wrote, in either layout, against the trial balance its program stated."""
    journal = list(csv.DictReader(io.StringIO((LEDGER / "journal" / "2021-04.csv").read_text("utf-8-sig"))))
    if layout == "yayoi":
        rows = [_yayoi_row(row) for row in journal]
        [record] = books(YAYOI, "\r\n".join(rows).encode("cp932"))
    else:
        rows = [_moneyforward_row(row) for row in journal]
        [record] = books(MONEYFORWARD, "\r\n".join([NINETEEN, *rows]).encode())
    [stated] = books(ledger_tb_csv.adapter, (LEDGER / "trial_balance" / "2021-04.csv").read_bytes())
    assert movements(record) == movements(stated)
    assert (record.period_from, record.period_to) == (stated.period_from, stated.period_to)
    assert all(line.get("opening_yen") is None and line.get("closing_yen") is None for line in record.lines)


def _half(row: dict[str, str], account: str, amount: str, tax_class: str, tax: str) -> tuple[str, str, str, str]:
    return row[account], row[amount] or "0", row[tax_class], row[tax] or "0"


def _yayoi_row(row: dict[str, str]) -> str:
    debit = _half(row, "JP06e_GE24_02", "Debit_Amount", "JP02j_BS09_02", "GE05kw_01")
    credit = _half(row, "JP06f_GE24_02", "Credit_Amount", "JP02k_BS09_02", "GE05kB_01")
    cells = ["2000", row["JP07a"], "", row["JP07a_GL03_03"].replace("-", "/")]
    for account, amount, tax_class, tax in (debit, credit):
        cells += [account, "", "", tax_class, amount if account else "0", tax if account else "0"]
    return ",".join([*cells, "", "", "", "0", "", "", "0", "0", "NO"])


def _moneyforward_row(row: dict[str, str]) -> str:
    debit = (row["JP06e_GE24_02"], "", "", "", "", "", row["Debit_Amount"] if row["JP06e_GE24_02"] else "")
    credit = (row["JP06f_GE24_02"], "", "", "", "", "", row["Credit_Amount"] if row["JP06f_GE24_02"] else "")
    return ",".join([row["JP07a"], row["JP07a_GL03_03"], *debit, *credit, "", "", ""])


@pytest.mark.parametrize(
    ("adapter", "case"),
    [
        (YAYOI, "import_25_columns"),
        (YAYOI, "import_27_columns"),
        (YAYOI, "list_tax_beside"),
        (YAYOI, "list_tax_within_closing_20th"),
        (MONEYFORWARD, "nineteen_columns"),
        (MONEYFORWARD, "twenty_seven_columns"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_sound_journal_has_no_findings_but_that_its_months_were_taken_as_whole(adapter: object, case: str) -> None:
    assert isinstance(adapter, type(YAYOI) | type(MONEYFORWARD))
    stated = case.startswith("list")
    assert {one.code for one in found(adapter, sample(adapter.name, case))} == (set() if stated else {"R05"})


def test_a_compound_slip_a_reversal_and_a_closing_entry_are_added_up() -> None:
    april, may = books(YAYOI, sample("yayoi_journal_csv", "import_25_columns"))
    assert movements(april)["普通預金"] == (110_000, 255_000)
    assert movements(may)["旅費交通費"] == (-3_300, 0)
    assert (april.includes_adjusting, may.includes_adjusting) == (None, True)
    assert april.series.endswith("/仕訳帳")


def test_months_that_close_on_the_twentieth_are_those_of_the_period() -> None:
    raw = sample("yayoi_journal_csv", "list_tax_within_closing_20th")
    periods = [(one.period_from, one.period_to) for one in books(YAYOI, raw)]
    assert periods == [(date(2026, 3, 21), date(2026, 4, 20)), (date(2026, 4, 21), date(2026, 5, 20))]


def test_an_amount_that_cannot_be_read_refuses_its_month_since_a_sum_without_it_would_be_a_guess() -> None:
    problems = found(MONEYFORWARD, sample("moneyforward_journal_csv", "drifted"))
    assert [(one.code, one.place.line, one.place.column) for one in problems if one.severity == "refuse"] == [
        ("R01", 4, 9)
    ]


def test_an_entry_of_no_day_refuses_the_whole_and_says_where() -> None:
    with pytest.raises(Unreadable) as refused:
        read(YAYOI, sample("yayoi_journal_csv", "unreadable_day"))
    assert refused.value.place == Place(line=3, column=4)


def test_what_goes_back_is_the_whole_of_the_refused_month() -> None:
    raw = sample("yayoi_journal_csv", "list_tax_within_closing_20th")
    again = books(YAYOI, back(YAYOI, raw, 1))
    assert again == books(YAYOI, raw)[1:]


def test_each_sum_knows_where_its_first_amount_stands() -> None:
    observed = read(YAYOI, sample("yayoi_journal_csv", "import_25_columns"))[0]
    assert isinstance(observed, ObservedDocument)
    assert observed.place_of("/lines/0/credit_yen") == Place(line=3, column=15)
    assert observed.place_of("/lines/0/debit_yen") == Place(line=1, column=9)


def test_tax_that_is_within_the_amounts_stays_unless_the_books_are_kept_without() -> None:
    within = [posting("仕入高", "debit", 1_100, 100, "課対仕入込10%"), posting("買掛金", "credit", 1_100)]
    assert taxed(within, "unknown") == (within, "inclusive")
    split, method = taxed(within, "exclusive")
    assert [(one.account, one.yen) for one in split] == [("仕入高", 1_000), ("買掛金", 1_100), ("仮払消費税等", 100)]
    assert method == "exclusive"


def test_tax_beside_the_amounts_is_posted_where_only_then_both_sides_agree() -> None:
    beside = [posting("売掛金", "debit", 1_100), posting("売上高", "credit", 1_000, 100, "課税売上10%")]
    added, method = taxed(beside, "unknown")
    assert [(one.account, one.side, one.yen) for one in added][2:] == [("仮受消費税等", "credit", 100)]
    assert method == "exclusive"


def test_tax_of_a_class_nobody_knows_is_moved_nowhere() -> None:
    within = [posting("諸口", "debit", 1_100, 100, "?"), posting("現金", "credit", 1_100)]
    assert taxed(within, "exclusive") == (within, "inclusive")
    odd = [posting("諸口", "debit", 1_000, 100, "?"), posting("現金", "credit", 1_100)]
    assert taxed(odd, "exclusive") == (odd, "unknown")


@pytest.mark.parametrize("stated", ["inclusive", "exclusive", "unknown"])
def test_no_yen_comes_or_goes_in_a_thousand_journals(stated: str) -> None:
    draw = random.Random(4)
    for _ in range(1_000):
        postings, inside = [], draw.random() < 0.5
        for _ in range(draw.randint(1, 12)):
            net = draw.randint(-10_000, 1_000_000)
            tax = net // 10 if draw.random() < 0.7 else 0
            postings.append(posting("仕入高", "debit", net + tax * inside, tax, "課対仕入10%" if tax else ""))
            postings.append(posting("買掛金", "credit", net + tax))
        settled, _ = taxed(postings, stated)  # type: ignore[arg-type]  # one of the three
        sums = {side: sum(one.yen for one in settled if one.side == side) for side in ("debit", "credit")}
        assert sums["debit"] == sums["credit"] == sum(one.yen for one in postings if one.side == "credit")
