"""Whole statements, in every style they are printed in: nothing is invented, and no wrong amount goes unnoticed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from gateway.rules.books import amounts_of
from gateway.rules.pack import check_document, standard_pack
from gateway.schemas.findings import Severity
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import FinancialStatement, Record, TrialBalance

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples"
TITLE = None

BALANCE_SHEET: list[tuple[str, int, int | None, str]] = [
    ("資産の部", 2, TITLE, "10A000010"),
    ("流動資産", 3, TITLE, "10A100010"),
    ("現金及び預金", 4, 1_000, "10A100020"),
    ("売掛金", 4, 500, "10A100090"),
    ("貸倒引当金", 5, -20, "10A100100"),
    ("短期の特別な勘定", 4, 7, "10A100010-1"),
    ("流動資産合計", 4, 1_487, "10A101160"),
    ("固定資産", 3, TITLE, "10A200010"),
    ("有形固定資産", 4, TITLE, "10A210010"),
    ("建物", 5, 900, "10A210030"),
    ("減価償却累計額", 6, -400, "10A210040"),
    ("建物（純額）", 6, 500, "10A210070"),
    ("構築物", 5, 100, "10A210130"),
    ("減価償却累計額", 5, -60, "10A210920"),
    ("有形固定資産合計", 5, 540, "10A210950"),
    ("投資その他の資産", 4, TITLE, "10A230010"),
    ("保険積立金", 5, 40, "10A230570"),
    ("敷金", 5, 20, "10A230650"),
    ("投資その他の資産", 5, 60, "10A230880"),
    ("固定資産", 4, 600, "10A200020"),
    ("資産合計", 3, 2_087, "10A000020"),
    ("負債の部", 2, TITLE, "10B000010"),
    ("流動負債", 3, TITLE, "10B100010"),
    ("買掛金", 4, 600, "10B100040"),
    ("未払金", 4, 100, "10B100630"),
    ("流動負債合計", 4, 700, "10B101070"),
    ("負債合計", 3, 700, "10B000020"),
    ("純資産の部", 2, TITLE, "10C000010"),
    ("株主資本", 3, TITLE, "10C100010"),
    ("資本金", 4, 500, "10C110010"),
    ("利益剰余金", 4, TITLE, "10C130010"),
    ("利益準備金", 5, 25, "10C130020"),
    ("その他利益剰余金", 5, TITLE, "10C130030"),
    ("繰越利益剰余金", 6, 872, "10C130370"),
    ("利益剰余金合計", 5, 897, "10C130390"),
    ("自己株式", 4, -10, "10C100020"),
    ("株主資本合計", 4, 1_387, "10C100040"),
    ("純資産合計", 3, 1_387, "10C000030"),
    ("負債純資産合計", 2, 2_087, "10C000040"),
]
PROFIT_AND_LOSS: list[tuple[str, int, int | None, str]] = [
    ("売上高", 2, TITLE, "10D100020"),
    ("商品売上高", 3, 4_000, "10D100020-1"),
    ("役務収益", 3, 1_000, "10D100020-2"),
    ("売上高合計", 3, 5_000, "10D100030"),
    ("売上原価", 2, TITLE, "10E100020"),
    ("商品期首たな卸高", 3, 200, "10E100100"),
    ("当期商品仕入高", 3, 3_000, "10E100130"),
    ("商品期末たな卸高", 3, -150, "10E100140"),
    ("売上原価合計", 3, 3_050, "10E100030"),
    ("売上総利益", 2, 1_950, "10F000010"),
    ("販売費及び一般管理費", 2, TITLE, "10E200010"),
    ("役員報酬", 3, 600, "10E200090"),
    ("地代家賃", 3, 400, "10E200720"),
    ("販売費及び一般管理費合計", 3, 1_000, "10E201330"),
    ("営業利益", 2, 950, "10F000110"),
    ("営業外費用", 2, TITLE, "10E300010"),
    ("支払利息", 3, 25, "10E300020"),
    ("雑損失", 3, 5, "10E300890"),
    ("営業外費用合計", 3, 30, "10E300910"),
    ("経常利益", 2, 920, "10F000130"),
    ("税引前当期純利益", 2, 920, "10F000150"),
    ("法人税、住民税及び事業税", 3, 271, "10F100070"),
    ("法人税等合計", 2, 271, "10F100060"),
    ("当期純利益", 2, 649, "10F000160"),
]
STATEMENTS = {"BS": BALANCE_SHEET, "PL": PROFIT_AND_LOSS}
TOTAL_CODES = {row[3] for rows in STATEMENTS.values() for row in rows if row[0].endswith("合計")} | {
    "10A230880",
    "10A200020",
}


def codes(record: Record) -> list[str]:
    observed = ObservedDocument(record=record, ordinal=0, digest="0" * 64)
    return [found.code for found in check_document(standard_pack(), observed)]


def statement(kind: str, rows: list[tuple[str, int, int | None, str]]) -> FinancialStatement:
    lines = [
        {
            "source_name": name,
            "level": level,
            "source_code": code,
            "row": "title" if amount is TITLE else "amount",
            "amount_yen": amount,
            "is_total": code in TOTAL_CODES,
        }
        for name, level, amount, code in rows
    ]
    return FinancialStatement.model_validate(
        {
            "statement_type": kind,
            "fiscal_year_start": "2023-04-01",
            "fiscal_year_end": "2024-03-31",
            "lines": lines,
        }
    )


@pytest.mark.parametrize("kind", ["BS", "PL"])
def test_a_consistent_statement_passes(kind: str) -> None:
    assert codes(statement(kind, STATEMENTS[kind])) == []


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        pytest.param(kind, at, id=f"{kind} {row[0]} {row[3]}")
        for kind, rows in STATEMENTS.items()
        for at, row in enumerate(rows)
        if row[2] is not TITLE
    ],
)
def test_one_yen_in_any_row_is_noticed(kind: str, at: int) -> None:
    rows = list(STATEMENTS[kind])
    name, level, amount, code = rows[at]
    rows[at] = (name, level, (amount or 0) + 1, code)
    assert set(codes(statement(kind, rows))) & {"V20", "V21", "V25"}


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        pytest.param(kind, at, id=f"{kind} {row[0]} {row[3]}")
        for kind, rows in STATEMENTS.items()
        for at, row in enumerate(rows)
        if row[2] is not TITLE and row[3] not in TOTAL_CODES and row[3][2] != "F" and "純額" not in row[0]
    ],
)
def test_a_missing_account_is_noticed(kind: str, at: int) -> None:
    rows = STATEMENTS[kind][:at] + STATEMENTS[kind][at + 1 :]
    assert "V20" in codes(statement(kind, rows))


Line = tuple[str, int, int, bool]


def postfix(rows: list[Line]) -> list[Line]:
    """The same tree with each total below what it adds up."""
    turned: list[Line] = []
    open_totals: list[Line] = []
    for row in rows:
        while open_totals and open_totals[-1][1] >= row[1]:
            turned.append(open_totals.pop())
        if row[3]:
            open_totals.append(row)
        else:
            turned.append(row)
    return turned + open_totals[::-1]


HEADER_STYLE: list[Line] = [
    ("資産", 1, 160, True),
    ("流動資産", 2, 100, True),
    ("現金", 3, 30, False),
    ("売掛金", 3, 70, False),
    ("固定資産", 2, 60, True),
    ("有形固定資産", 3, 50, True),
    ("土地", 4, 50, False),
    ("電話加入権", 3, 10, False),
]


def trial_balance(rows: list[Line]) -> TrialBalance:
    lines: list[dict[str, Any]] = [
        {
            "source_name": name,
            "level": level,
            "statement": "BS",
            "normal_side": "debit",
            "is_total": is_total,
            "opening_yen": amount,
            "debit_yen": 0,
            "credit_yen": 0,
            "closing_yen": amount,
        }
        for name, level, amount, is_total in rows
    ]
    return TrialBalance.model_validate({"period_from": "2024-04-01", "period_to": "2024-04-30", "lines": lines})


@pytest.mark.parametrize("rows", [HEADER_STYLE, postfix(HEADER_STYLE)], ids=["totals above", "totals below"])
def test_totals_are_found_above_and_below_their_accounts(rows: list[Line]) -> None:
    assert codes(trial_balance(rows)) == []
    for at, (name, level, amount, is_total) in enumerate(rows):
        broken = [*rows[:at], (name, level, amount + 1, is_total), *rows[at + 1 :]]
        assert "V20" in codes(trial_balance(broken)), name


def test_a_group_without_accounts_is_not_taken_for_its_neighbours() -> None:
    rows = [*postfix(HEADER_STYLE)[:-1], ("繰延資産", 2, 0, True), ("資産", 1, 160, True)]
    assert codes(trial_balance(rows)) == []


def test_a_full_year_of_real_books_has_faults_in_its_totals_and_none_in_its_accounts() -> None:
    book = SAMPLES / "01_accounting_jp" / "ledger-explorer" / "balance_sheet" / "ALL.csv"
    if not book.exists():
        pytest.skip("the sample files are not beside the project")
    rows = list(csv.reader(book.read_text("utf-8-sig").splitlines()))[1:]
    lines = [
        {
            "source_code": row[3],
            "source_name": row[7],
            "level": int(row[1]),
            "is_total": row[2] == "T",
            "statement": "BS",
            "normal_side": "debit" if row[3][2] == "A" else "credit",
            **dict(zip(("opening_yen", "debit_yen", "credit_yen", "closing_yen"), map(to_yen, row[8:12]), strict=True)),
        }
        for row in rows
    ]
    record = TrialBalance.model_validate({"period_from": "2021-04-01", "period_to": "2022-03-31", "lines": lines})
    observed = ObservedDocument(record=record, ordinal=0, digest="0" * 64)
    found = [(f.code, int((f.field or "").split("/")[2])) for f in check_document(standard_pack(), observed)]
    rolls = [n for n, line in enumerate(record.lines) if line.get("is_total") and not follows(line)]
    assert rolls == [number for code, number in found if code == "V23"]
    assert [number for code, number in found if not record.lines[number].get("is_total") and code != "NEG"] == []
    assert {"受取手形"} == {record.lines[number]["source_name"] for code, number in found if code == "NEG"}
    assert len([code for code, _ in found if code == "V20"]) == 8


def to_yen(text: str) -> int:
    return int(text.removesuffix(".0"))


def follows(line: Any) -> bool:
    opening, debit, credit, closing = amounts_of(line)
    flow = debit - credit if line["normal_side"] == "debit" else credit - debit
    return bool(closing == opening + flow)


def test_a_filed_statement_that_does_not_balance_goes_back() -> None:
    rows = [(n, lv, 1_388 if code == "10C000030" else a, code) for n, lv, a, code in BALANCE_SHEET]
    observed = ObservedDocument(record=statement("BS", rows), ordinal=0, digest="0" * 64)
    found = check_document(standard_pack(), observed)
    assert {each.code: each.severity for each in found} == {"V20": Severity.WARN, "V21": Severity.REFUSE}
