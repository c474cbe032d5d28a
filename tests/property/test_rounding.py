"""Rounding never makes consistent figures wrong, and never hides what no rounding explains."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.money import Interval, interval
from gateway.rules.pack import check_document, check_history, standard_pack
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import FinancialStatement, Record, Rounding, TrialBalance, Unit

UNITS = st.sampled_from([Unit.YEN, Unit.THOUSAND, Unit.MILLION])
WAYS = st.sampled_from([Rounding.FLOOR, Rounding.HALF_UP])
AMOUNTS = st.integers(0, 5_000_000_000)
SIGNED = st.integers(-5_000_000_000, 5_000_000_000)
GROUPS = st.lists(AMOUNTS, min_size=1, max_size=5)

Printed = tuple[str, int, int | None, str]
"""Name, level, amount (None: a title) and code of a row."""


def rounded(value: int, unit: Unit, way: Rounding) -> int:
    """As a source prints it: toward zero, or to the nearest with halves away from zero."""
    size = abs(value) + (unit.yen // 2 if way is Rounding.HALF_UP else 0)
    return (1 if value >= 0 else -1) * (size // unit.yen * unit.yen)


def codes(record: Record) -> list[str]:
    return [f.code for f in check_document(standard_pack(), ObservedDocument(record=record, ordinal=0, digest=""))]


def statement(kind: str, rows: Sequence[Printed], unit: Unit, way: Rounding) -> FinancialStatement:
    lines = [
        {
            "source_name": name,
            "level": level,
            "row": "title" if amount is None else "amount",
            "amount_yen": amount,
            "source_code": code or None,
            "is_total": name.endswith("合計"),
        }
        for name, level, amount, code in rows
    ]
    term = {"fiscal_year_start": "2023-04-01", "fiscal_year_end": "2024-03-31"}
    return FinancialStatement.model_validate(
        {"statement_type": kind, **term, "unit": unit, "rounding": way, "lines": lines}
    )


def printed(rows: Sequence[Printed], unit: Unit, way: Rounding) -> list[Printed]:
    return [(n, level, None if a is None else rounded(a, unit, way), code) for n, level, a, code in rows]


def group(title: str, level: int, amounts: Sequence[int], code: str = "") -> list[Printed]:
    members: list[Printed] = [(f"{title}の{n}", level + 1, amount, "") for n, amount in enumerate(amounts)]
    return [(title, level, None, ""), *members, (f"{title}合計", level + 1, sum(amounts), code)]


@st.composite
def balance_sheets(draw: st.DrawFn) -> list[Printed]:
    current, fixed, debts, capital = draw(GROUPS), draw(GROUPS), draw(GROUPS), draw(AMOUNTS)
    assets, liabilities = sum(current) + sum(fixed), sum(debts)
    retained = assets - liabilities - capital
    return [
        ("資産の部", 2, None, ""),
        *group("流動資産", 3, current),
        *group("固定資産", 3, fixed),
        ("資産合計", 3, assets, "10A000020"),
        ("負債の部", 2, None, ""),
        *group("流動負債", 3, debts),
        ("負債合計", 3, liabilities, "10B000020"),
        ("純資産の部", 2, None, ""),
        ("資本金", 3, capital, "10C110010"),
        ("繰越利益剰余金", 3, retained, "10C130370"),
        ("純資産合計", 3, assets - liabilities, "10C000030"),
        ("負債純資産合計", 2, assets, "10C000040"),
    ]


@st.composite
def profits_and_losses(draw: st.DrawFn) -> list[Printed]:
    sales, cost, sga = draw(GROUPS), draw(GROUPS), draw(GROUPS)
    income, expense, gain, loss, taxes = (draw(AMOUNTS) for _ in range(5))
    gross = sum(sales) - sum(cost)
    operating = gross - sum(sga)
    ordinary = operating + income - expense
    pretax = ordinary + gain - loss
    return [
        *group("売上高", 2, sales, "10D100030"),
        *group("売上原価", 2, cost, "10E100030"),
        ("売上総利益", 2, gross, "10F000010"),
        *group("販売費及び一般管理費", 2, sga, "10E201330"),
        ("営業利益", 2, operating, "10F000110"),
        ("営業外収益合計", 2, income, "10D200740"),
        ("営業外費用合計", 2, expense, "10E300910"),
        ("経常利益", 2, ordinary, "10F000130"),
        ("特別利益合計", 2, gain, "10D300670"),
        ("特別損失合計", 2, loss, "10E401090"),
        ("税引前当期純利益", 2, pretax, "10F000150"),
        ("法人税等合計", 2, taxes, "10F100060"),
        ("当期純利益", 2, pretax - taxes, "10F000160"),
    ]


@given(balance_sheets(), UNITS, WAYS, st.booleans())
def test_a_balance_sheet_passes_however_it_is_rounded(
    rows: list[Printed], unit: Unit, way: Rounding, said: bool
) -> None:
    stated = way if said else Rounding.UNKNOWN
    assert codes(statement("BS", printed(rows, unit, way), unit, stated)) == []


@given(profits_and_losses(), UNITS, WAYS, st.booleans())
def test_a_chain_of_profits_passes_however_it_is_rounded(
    rows: list[Printed], unit: Unit, way: Rounding, said: bool
) -> None:
    stated = way if said else Rounding.UNKNOWN
    assert codes(statement("PL", printed(rows, unit, way), unit, stated)) == []


Moved = tuple[int, int, int]
"""Opening, debit and credit of an account, exact."""


def books(accounts: Sequence[Moved], unit: Unit, way: Rounding, month: str = "04") -> TrialBalance:
    """Debit accounts and, so that both sides are equal, one credit account that takes all movements."""
    debit, credit = sum(a[1] for a in accounts), sum(a[2] for a in accounts)
    moved = [(f"科目{n}", "BS", "debit", o, d, c, o + d - c) for n, (o, d, c) in enumerate(accounts)]
    moved.append(("売上高", "PL", "credit", 0, credit, debit, debit - credit))
    names = ("source_name", "statement", "normal_side", "opening_yen", "debit_yen", "credit_yen", "closing_yen")
    lines = [
        dict(zip(names, (*line[:3], *(rounded(value, unit, way) for value in line[3:])), strict=True)) for line in moved
    ]
    period = {"period_from": f"2024-{month}-01", "period_to": f"2024-{month}-30", "statements": ["BS", "PL"]}
    return TrialBalance.model_validate({**period, "unit": unit, "rounding": way, "lines": lines})


@given(st.lists(st.tuples(SIGNED, AMOUNTS, AMOUNTS), min_size=1, max_size=6), UNITS, WAYS)
def test_a_trial_balance_passes_however_it_is_rounded(accounts: list[Moved], unit: Unit, way: Rounding) -> None:
    assert set(codes(books(accounts, unit, way))) <= {"NEG"}


@given(
    st.lists(st.tuples(SIGNED, AMOUNTS, AMOUNTS), min_size=1, max_size=6),
    st.tuples(UNITS, WAYS),
    st.tuples(UNITS, WAYS),
)
def test_months_that_round_differently_still_follow_each_other(
    accounts: list[Moved], first: tuple[Unit, Rounding], second: tuple[Unit, Rounding]
) -> None:
    earlier = books(accounts, *first)
    later = books([(o + d - c, 0, 0) for o, d, c in accounts], *second, month="05")
    assert history(later.model_copy(update={"period_from": earlier.period_to.replace(month=5, day=1)}), earlier) == []


def history(record: Record, earlier: Record) -> list[str]:
    observed = ObservedDocument(record=record, ordinal=0, digest="")
    return [
        f.code for f in check_history(standard_pack(), observed, earlier.model_dump(mode="json", exclude_none=True))
    ]


def first_beyond(span: Interval, unit: Unit, way: Rounding) -> int:
    """The lowest figure a source may print that no exact value within the interval explains."""
    figure = span.high // unit.yen * unit.yen - 2 * unit.yen
    while interval(figure, unit, way).low <= span.high:
        figure += unit.yen
    return figure


@given(GROUPS, UNITS, WAYS)
def test_a_total_one_unit_beyond_its_interval_is_always_found(amounts: list[int], unit: Unit, way: Rounding) -> None:
    rows = printed(group("流動資産", 3, amounts), unit, way)
    span = Interval.sum_of(interval(row[2] or 0, unit, way) for row in rows[1:-1])
    beyond = first_beyond(span, unit, way)
    name, level, _, code = rows[-1]
    within = [*rows[:-1], (name, level, beyond - unit.yen, code)]
    assert codes(statement("BS", within, unit, way)) == []
    outside = [*rows[:-1], (name, level, beyond, code)]
    assert codes(statement("BS", outside, unit, way)) == ["V20"]


@given(AMOUNTS, AMOUNTS, UNITS, WAYS)
def test_assets_one_unit_beyond_both_claims_are_always_found(
    debts: int, capital: int, unit: Unit, way: Rounding
) -> None:
    claims = [rounded(value, unit, way) for value in (debts, capital)]
    beyond = first_beyond(Interval.sum_of(interval(value, unit, way) for value in claims), unit, way)
    for assets, expected in ((beyond - unit.yen, []), (beyond, ["V21"])):
        rows: list[Printed] = [
            ("資産合計", 3, assets, ""),
            ("負債合計", 3, claims[0], ""),
            ("純資産合計", 3, claims[1], ""),
        ]
        assert codes(statement("BS", rows, unit, way)) == expected


@given(AMOUNTS, AMOUNTS, UNITS, WAYS)
def test_a_profit_one_unit_beyond_its_interval_is_always_found(
    sales: int, cost: int, unit: Unit, way: Rounding
) -> None:
    figures = [rounded(value, unit, way) for value in (sales, cost)]
    span = interval(figures[0], unit, way) - interval(figures[1], unit, way)
    beyond = first_beyond(span, unit, way)
    for gross, expected in ((beyond - unit.yen, []), (beyond, ["V25"])):
        rows: list[Printed] = [
            ("売上高", 2, figures[0], ""),
            ("売上原価", 2, figures[1], ""),
            ("売上総利益", 2, gross, ""),
        ]
        assert codes(statement("PL", rows, unit, way)) == expected


@given(AMOUNTS, AMOUNTS, AMOUNTS, UNITS, WAYS)
def test_a_closing_one_unit_beyond_its_interval_is_always_found(
    opening: int, debit: int, credit: int, unit: Unit, way: Rounding
) -> None:
    figures = [rounded(value, unit, way) for value in (opening, debit, credit)]
    spans = [interval(figure, unit, way) for figure in figures]
    beyond = first_beyond(spans[0] + spans[1] - spans[2], unit, way)
    for closing, expected in ((beyond - unit.yen, False), (beyond, True)):
        names = ("opening_yen", "debit_yen", "credit_yen", "closing_yen")
        line = {"source_name": "普通預金", "normal_side": "debit", **dict(zip(names, (*figures, closing), strict=True))}
        period = {"period_from": "2024-04-01", "period_to": "2024-04-30"}
        record = TrialBalance.model_validate({**period, "unit": unit, "rounding": way, "lines": [line]})
        assert ("V23" in codes(record)) is expected


CASES = 3_400  # at each of three scales: ten thousand in all


def accounts_of(amounts: Mapping[str, int]) -> FinancialStatement:
    rows: list[Printed] = [(name, 2, amount, "") for name, amount in amounts.items()]
    return statement("PL", rows, Unit.YEN, Rounding.NONE)


def a_year_later(world: random.Random, amounts: Mapping[str, int]) -> dict[str, int]:
    """Accounts grow and shrink; one in twenty leaps up to a hundredfold either way."""
    factors = {name: world.lognormvariate(0, 0.4) for name in amounts}
    leaps = {name: 10 ** world.uniform(-2, 2) if world.random() < 0.05 else 1.0 for name in amounts}
    return {name: int(amount * factors[name] * leaps[name]) for name, amount in amounts.items()}


@pytest.mark.parametrize(("scale", "at_least", "at_most"), [(1000, 0.99, 1.0), (0.001, 0.99, 1.0), (1, 0.0, 0.005)])
def test_a_slipped_unit_is_detected_and_growth_is_not(scale: float, at_least: float, at_most: float) -> None:
    world = random.Random(20240401)
    found = 0
    for _ in range(CASES):
        names = ["売上高", *(f"科目{n}" for n in range(world.randrange(0, 12)))]
        before: dict[str, Any] = {name: int(10 ** world.uniform(5, 9)) for name in names}
        after = {name: int(amount * scale) for name, amount in a_year_later(world, before).items()}
        found += "V28" in history(accounts_of(after), accounts_of(before))
    assert at_least <= found / (CASES) <= at_most
