from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.errors import NotConserved
from gateway.formats.accounts import (
    BALANCES,
    Mapped,
    conserved,
    is_total_code,
    is_total_name,
    map_account,
    normal_side,
    normalised_lines,
)
from gateway.schemas.accounts import chart
from gateway.schemas.records import FinancialStatement, StatementLine, TrialBalance, TrialBalanceLine


@pytest.mark.parametrize("account", [a for a in chart().accounts.values() if a.etax], ids=lambda account: account.key)
def test_a_code_of_the_chart_is_its_account_whatever_the_name(account: object) -> None:
    codes = [code.replace("*", "9") for code in account.etax]  # type: ignore[attr-defined]
    found = {map_account(code, "何か") for code in codes}
    assert found == {Mapped(account.key, "code")}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "name", "section", "statement", "expected"),
    [
        ("10E110999", "当期製品製造原価", None, "CR", Mapped("manufacturing_cost", "alias")),
        ("10E110998", "当期総製造費用", None, "CR", Mapped("manufacturing_cost_incurred", "alias")),
        ("10D100101", "電子取引総売上高", None, None, Mapped("sales", "code")),
        ("10D100112", "売上値引", None, None, Mapped("sales_returns", "code")),
        ("10E100131", "仕入", None, None, Mapped("purchases", "code")),
        ("10E200050", "広告宣伝費", None, None, Mapped("sga_other", "section")),
        ("10A210010-1", "看板", None, "BS", Mapped("ppe_other", "section")),
        ("10A210010-2", "建物附属設備", None, "BS", Mapped("buildings", "alias")),
        ("11A100090", "未成工事支出金", None, None, Mapped("work_in_process", "code")),
        ("32A100060", "受取手形", None, "BS", Mapped("notes_receivable", "alias")),
        ("10A100800", "差入保証金", "投資その他の資産", None, Mapped("current_assets_other", "section")),
        (None, "現金", None, None, Mapped("cash_and_deposits", "alias")),
        (None, "現金･預金", None, None, Mapped("cash_and_deposits", "alias")),
        ("1000", "売 掛 金", "流動資産", "BS", Mapped("accounts_receivable", "alias")),
        (None, "リース債務", "流動負債", None, Mapped("lease_current", "alias")),
        (None, "リース債務", "固定負債", None, Mapped("lease_noncurrent", "alias")),
        (None, "役員借入金", "固定負債", "BS", Mapped("officer_debt_long", "alias")),
        (None, "短期借入金", "固定負債", "BS", Mapped("short_term_debt", "alias")),
        (None, "減価償却費", None, "PL", Mapped("depreciation_sga", "alias")),
        (None, "減価償却費", None, "CR", Mapped("depreciation_cost", "alias")),
        (None, "旅費交通費", None, "CR", Mapped("manufacturing_cost_other", "section")),
        (None, "当期純損益金額", None, "BS", Mapped("profit_of_the_year", "alias")),
        (None, "当期純損益金額", None, "PL", Mapped("net_profit", "alias")),
        (None, "固定資産売却益", "営業外収益", "PL", Mapped("non_operating_income_other", "section")),
        (None, "賞与", "販売管理費", None, Mapped("sga_other", "section")),
        (None, "謎の資産", "流動資産", "BS", Mapped("current_assets_other", "section")),
        (None, "謎の科目", None, "BS", Mapped(None, "unmapped")),
        ("10X000000", "諸口", "#N/A", None, Mapped(None, "unmapped")),
    ],
)
def test_accounts_are_mapped_by_code_then_name_then_section(
    code: str | None, name: str, section: str | None, statement: str | None, expected: Mapped
) -> None:
    assert map_account(code, name, section, statement) == expected


def test_a_product_may_mean_something_of_its_own_by_a_name() -> None:
    assert map_account(None, "[製]外注費", None, "PL", "freee") == Mapped("outsourcing_cost", "vendor")
    assert map_account(None, "[製]外注費", None, "PL", "other") == Mapped(None, "unmapped")


@given(
    *[st.one_of(st.none(), st.text(max_size=12))] * 2, st.text(max_size=12), st.sampled_from([None, "BS", "PL", "CR"])
)
def test_whatever_is_mapped_is_mapped_to_an_account_of_the_chart(
    code: str | None, section: str | None, name: str, statement: str | None
) -> None:
    key, how = map_account(code, name, section, statement)
    assert (key is None) == (how == "unmapped")
    assert key is None or key in chart().accounts


def test_sums_are_known_by_code_and_by_name() -> None:
    assert [is_total_code(code) for code in ("10A000020", "10D100030", "10D100020", None)] == [True, True, False, False]
    names = ("資産の部合計", "売上総利益", "小計", "売掛金", "減価償却累計額", "謎")
    assert [is_total_name(name) for name in names] == [True, True, True, False, False, False]


@pytest.mark.parametrize(
    ("key", "amounts", "side"),
    [
        ("accounts_receivable", (100, 50, 20, 130), "debit"),
        ("sales", (0, 20, 0, 20), "debit"),
        ("sales", (0, 0, 0, 0), "credit"),
        ("accounts_payable", (0, 5, 0, 99), "credit"),
        (None, (10, 5, 2, 7), "credit"),
        (None, (10, 5, 2, 99), None),
        ("sales", (None, None, None, 5), "credit"),
    ],
)
def test_the_side_is_where_the_figures_roll_else_where_the_chart_has_it(
    key: str | None, amounts: tuple[int | None, ...], side: str | None
) -> None:
    assert normal_side(key, dict(zip(BALANCES, amounts, strict=True))) == side


YEN = st.one_of(st.none(), st.integers(-(10**12), 10**12))
CODES = st.one_of(st.none(), st.sampled_from(["10A100020", "10D100101", "10E299999", "10X000000", "7"]))
NAMES = st.sampled_from(["現金", "売掛金", "流動資産合計", "謎", "減価償却費", "リース債務"])
SECTIONS = st.one_of(st.none(), st.sampled_from(["流動資産", "固定負債", "販売管理費", "謎"]))
BOOK_LINES = st.builds(
    TrialBalanceLine,
    source_code=CODES,
    source_name=NAMES,
    section=SECTIONS,
    statement=st.sampled_from([None, "BS", "PL", "CR"]),
    is_total=st.booleans(),
    opening_yen=YEN,
    debit_yen=YEN,
    credit_yen=YEN,
    closing_yen=YEN,
)
STATEMENT_LINES = st.builds(
    StatementLine,
    source_code=CODES,
    source_name=NAMES,
    row=st.sampled_from(["amount", "text", "title"]),
    level=st.integers(0, 5),
    is_total=st.booleans(),
    amount_yen=YEN,
)


@given(st.lists(BOOK_LINES, min_size=1, max_size=30).map(tuple))
def test_no_yen_of_a_trial_balance_is_lost_in_mapping(lines: tuple[TrialBalanceLine, ...]) -> None:
    record = TrialBalance(period_from=date(2024, 4, 1), period_to=date(2024, 4, 30), lines=lines)
    rows, conservation = normalised_lines(record)
    assert sorted(conservation) == sorted(BALANCES)
    for column, sums in conservation.items():
        exact = sum(line.get(column) or 0 for line in lines if not line.get("is_total"))
        assert sums["mapped"] + sums["unmapped"] == sums["source"] == exact
    assert [{name: value for name, value in row.items() if name not in {"account_key", "mapping"}} for row in rows] == [
        {name: value for name, value in line.items() if value is not None} for line in lines
    ]


@given(st.lists(STATEMENT_LINES, min_size=1, max_size=30).map(tuple), st.sampled_from(["BS", "PL", "SC", "SS", "NT"]))
def test_no_yen_of_a_statement_is_lost_in_mapping(lines: tuple[StatementLine, ...], kind: str) -> None:
    record = FinancialStatement(
        statement_type=kind, fiscal_year_start=date(2023, 4, 1), fiscal_year_end=date(2024, 3, 31), lines=lines
    )
    rows, conservation = normalised_lines(record)
    sums = conservation["amount_yen"]
    exact = sum(line.get("amount_yen") or 0 for line in lines if not line.get("is_total"))
    assert sums["mapped"] + sums["unmapped"] == sums["source"] == exact
    assert [row["row"] != "amount" for row in rows] == ["mapping" not in row for row in rows]


@given(st.lists(BOOK_LINES, min_size=1, max_size=10).map(tuple), st.data())
def test_a_mapping_that_alters_loses_or_doubles_any_yen_is_caught(
    lines: tuple[TrialBalanceLine, ...], data: st.DataObject
) -> None:
    record = TrialBalance(period_from=date(2024, 4, 1), period_to=date(2024, 4, 30), lines=lines)
    rows, _ = normalised_lines(record)
    stated = [
        (number, name) for number, row in enumerate(rows) for name in BALANCES if row.get(name) and not row["is_total"]
    ]
    assume(stated)
    number, column = data.draw(st.sampled_from(stated))
    sabotage = data.draw(st.sampled_from(["alter", "drop", "double", "call it a total"]))
    if sabotage == "alter":
        rows[number][column] += data.draw(st.integers(1, 10**12)) * data.draw(st.sampled_from([1, -1]))
    elif sabotage == "drop":
        del rows[number]
    elif sabotage == "double":
        rows.append(rows[number])
    else:
        rows[number]["is_total"] = True
    with pytest.raises(NotConserved):
        conserved(record.columns, rows, BALANCES)


def test_a_total_is_not_counted_under_the_section_it_stands_in() -> None:
    lines = (
        TrialBalanceLine(source_name="売上債権", section="流動資産", statement="BS", is_total=True, closing_yen=5),
        TrialBalanceLine(source_name="流動資産", section="資産", statement="BS", is_total=True, closing_yen=5),
        TrialBalanceLine(source_name="売掛金", section="売上債権", statement="BS", closing_yen=5),
    )
    rows, conservation = normalised_lines(
        TrialBalance(period_from=date(2024, 4, 1), period_to=date(2024, 4, 30), lines=lines)
    )
    assert [row.get("account_key") for row in rows] == [None, "current_assets", "accounts_receivable"]
    assert conservation["closing_yen"] == {"mapped": 5, "unmapped": 0, "source": 5}


def test_an_account_of_a_statement_counts_under_the_title_above_it() -> None:
    lines = (
        StatementLine(source_name="販売費及び一般管理費", row="title", level=2),
        StatementLine(source_name="会費", level=3, amount_yen=10),
        StatementLine(source_name="営業外費用", row="title", level=2),
        StatementLine(source_name="保証料", level=3, amount_yen=20),
    )
    record = FinancialStatement(
        statement_type="PL", fiscal_year_start=date(2023, 4, 1), fiscal_year_end=date(2024, 3, 31), lines=lines
    )
    rows, _ = normalised_lines(record)
    assert [row.get("account_key") for row in rows] == [None, "sga_other", None, "non_operating_expense_other"]
