"""The chain of profits: from sales down to the profit of the term, each result follows from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from gateway.formats.money import Interval
from gateway.rules.accounts import PROFITS, etax_family, general_code, stem
from gateway.rules.identities import ACCOUNTS, Accounts
from gateway.rules.rule import Hit, Words, document_rule
from gateway.rules.sheet import Sheet
from gateway.schemas.findings import Severity

STEPS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "gross_profit": (("cost_of_sales", -1, "E1"),),
    "operating_profit": (("sga", -1, "E2"),),
    "ordinary_profit": (("non_operating_income", 1, "D2"), ("non_operating_expense", -1, "E3")),
    "pretax_profit": (("extraordinary_income", 1, "D3"), ("extraordinary_loss", -1, "E4")),
    "net_profit": (("income_taxes", -1, "F1"),),
}
"""Result -> what leads to it from the result before: canonical account, sign, family of e-Tax codes."""

_OTHER_RESULTS = "F0"
_SUM_OF_TAXES = "10F100060"


@document_rule(
    "V25",
    ACCOUNTS,
    Severity.WARN,
    Words(
        ja="「{account}」が計算と一致しません（計算上 {expected:,}、記載 {found:,}）。",
        en="{account} does not follow from the amounts above it (computed {expected:,}, stated {found:,}).",
        remedy_ja="「{account}」と、その計算のもとになる収益・費用の合計を確認してください。",
        remedy_en="Check {account} and the totals of income and cost that lead to it.",
    ),
    "domain note 11, V25",
)
def each_profit_follows_from_the_one_before(view: Accounts) -> Iterator[Hit]:
    """Sales less cost is gross profit, and so on down to the profit of the term, wherever both ends are stated.

    *Because* scores are computed from these results; one that does not follow belongs to other accounts.
    *Accepts* 売上高 900, 売上原価 500, 売上総利益 400; a step whose amounts the document does not state.
    *Finds* 売上高 900, 売上原価 500, 売上総利益 450.
    *Remedy* correct the result, or the total it is computed from.
    *Source* domain note 11, V25; domain note 6.5.
    """
    if not view.has_totals:
        return
    sheet = view.sheet
    if set(sheet.statements) == {"BS"}:
        return
    yield from _broken_taxes(sheet)
    results = [("sales", _sales(sheet)), *((key, sheet.totals.get(key)) for key in PROFITS)]
    stated = [(key, row) for key, row in results if row is not None]
    for (before, start), (result, row) in pairwise(stated):
        steps = PROFITS[0 if before == "sales" else PROFITS.index(before) + 1 : PROFITS.index(result) + 1]
        items = [item for step in steps for item in STEPS[step]]
        expected = None if _has_others_between(sheet, start, row) else _expected(sheet, start, items)
        if expected and not any(expected.meets(reading) for reading in _readings(sheet, row)):
            yield _unlike(sheet, row, expected)


def _expected(sheet: Sheet, start: int, items: list[tuple[str, int, str]]) -> Interval | None:
    """What follows from the result before and the items since; None where one of them is not known."""
    total = _readings(sheet, start)[-1]
    for key, sign, family in items:
        amount = _item(sheet, key, family)
        if amount is None:
            return None
        total = total + amount if sign > 0 else total - amount
    return total


def _has_others_between(sheet: Sheet, start: int, row: int) -> bool:
    """Whether results that the chain does not know stand between two that it does."""
    between = range(min(start, row) + 1, max(start, row))
    return any(etax_family(sheet.codes[n]).startswith(_OTHER_RESULTS) for n in between if sheet.stated_total(n) is None)


def _readings(sheet: Sheet, row: int) -> list[Interval]:
    """What a result may be: as printed; but what is called 損失 and not 利益 is a loss, with its minus or without."""
    amount, name = sheet.exactly(row) or Interval(0, 0), sheet.rows[row].name
    is_loss = "損失" in name and "利益" not in name and amount.low > 0
    return [amount, -amount] if is_loss else [amount]


def _sales(sheet: Sheet) -> int | None:
    """The row that states all sales: a total, or the only sales there are."""
    if "sales" in sheet.totals:
        return sheet.totals["sales"]
    rows = sheet.rows_of("sales")
    return rows[0] if len(rows) == 1 and not sheet.rows_of("sales_returns") else None


def _item(sheet: Sheet, key: str, family: str) -> Interval | None:
    """The amount of an item: its total, its only row, zero where nothing of its family is there; None if unknown."""
    rows = [sheet.totals[key]] if key in sheet.totals else sheet.rows_of(key)
    if key == "income_taxes":
        rows = _taxes(sheet)
    elif len(rows) > 1:
        return None
    if rows:
        return Interval.sum_of(span for row in rows if (span := sheet.exactly(row)))
    return Interval(0, 0) if sheet.has_none_of(family) else None


def _taxes(sheet: Sheet) -> list[int]:
    """Taxes of the term and deferred taxes, or the one row that sums them up; nothing where that is not clear."""
    rows = sheet.rows_of("income_taxes")
    unclear = len(rows) > 1 and any(stem(sheet.rows[row].name) == "法人税等" for row in rows)
    return _sum_of_taxes(sheet, rows) or ([] if unclear else rows)


def _sum_of_taxes(sheet: Sheet, rows: list[int]) -> list[int]:
    return [r for r in rows if general_code(sheet.codes[r]) == _SUM_OF_TAXES or "合計" in sheet.rows[r].name][:1]


def _broken_taxes(sheet: Sheet) -> Iterator[Hit]:
    rows = sheet.rows_of("income_taxes")
    sums = _sum_of_taxes(sheet, rows)
    parts = [span for row in rows if row not in sums and (span := sheet.exactly(row))]
    found = sheet.exactly(sums[0]) if sums else None
    if found and parts and not Interval.sum_of(parts).meets(found):
        yield _unlike(sheet, sums[0], Interval.sum_of(parts))


def _unlike(sheet: Sheet, row: int, expected: Interval) -> Hit:
    stated, computed = sheet.columns[sheet.balance][row] or 0, (expected.low + expected.high) // 2
    params: dict[str, str | int] = {"account": sheet.rows[row].name, "expected": computed, "found": stated}
    return Hit(f"/lines/{row}/{sheet.balance}", params)
