"""What every statement must satisfy, whoever prints it: totals, the balance of both sides, the chain of profits.

All three hold for trial balances and financial statements alike and respect rounding: figures printed in 千円 or 百万円
stand for an interval of exact values, and only figures that cannot be exact together are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from gateway.formats.money import Interval
from gateway.rules.accounts import PROFITS, etax_family, general_code, stem
from gateway.rules.outline import Bounds, Outline, Span
from gateway.rules.rule import Hit, Words, document_rule
from gateway.rules.sheet import Part, Sheet
from gateway.schemas.findings import Severity

ACCOUNTS = ("trial_balance", "financial_statement")

NOT_SUMS = frozenset({*PROFITS, "income_taxes", "liabilities_and_net_assets"})
"""Totals that other identities speak of: they are not the sum of the rows around them."""

STEPS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "gross_profit": (("cost_of_sales", -1, "E1"),),
    "operating_profit": (("sga", -1, "E2"),),
    "ordinary_profit": (("non_operating_income", 1, "D2"), ("non_operating_expense", -1, "E3")),
    "pretax_profit": (("extraordinary_income", 1, "D3"), ("extraordinary_loss", -1, "E4")),
    "net_profit": (("income_taxes", -1, "F1"),),
}
"""Result -> what leads to it from the result before: canonical account, sign, family of e-Tax codes."""


class Accounts(Protocol):
    """A view that these rules can look at: the books or a filed statement."""

    @property
    def sheet(self) -> Sheet:
        """The rows and amounts."""
        ...

    @property
    def has_totals(self) -> bool:
        """Whether any row is, or may be, a total."""
        ...

    @property
    def is_balanceable(self) -> bool:
        """Whether assets must equal liabilities and net assets within this document."""
        ...

    @property
    def imbalance(self) -> Severity:
        """How grave it is when they do not."""
        ...

    def sides(self) -> tuple[Interval, Interval] | None:
        """Both sides over single accounts, where totals do not state them; None if they cannot be known."""
        ...


@document_rule(
    "V20",
    ACCOUNTS,
    Severity.WARN,
    Words(
        ja="「{account}」の{column}が内訳の合計と一致しません（内訳の合計 {expected:,}、記載 {found:,}）。",
        en="{account}: the {column} differs from the sum of its parts (sum {expected:,}, stated {found:,}).",
        remedy_ja="「{account}」の内訳に漏れや重複がないか確認してください。",
        remedy_en="Check whether an account below {account} is missing or counted twice.",
    ),
    "domain note 11, V20",
)
def totals_are_the_sum_of_their_parts(view: Accounts) -> Iterator[Hit]:
    """A total equals the sum of the rows it closes, in every column, within rounding.

    *Because* a missing or doubled account shows here first, and everything computed from the total would be wrong.
    *Accepts* 現金 100, 売掛金 200, 流動資産合計 300. Totals whose parts the document does not show are not looked at.
    *Finds* 現金 100, 売掛金 200, 流動資産合計 310.
    *Remedy* add the missing account, or correct the total.
    *Source* domain note 11, V20; structure of HOT010, domain note 6.6.
    """
    if not view.has_totals:
        return
    sheet = view.sheet
    not_sums = {row for key, row in sheet.totals.items() if key in NOT_SUMS}
    for part in sheet.parts:
        sums = [(total, addends) for total, addends in part.outline.sums() if part.start + total not in not_sums]
        for column in sheet.columns if sums else ():
            yield from _broken_sums(sheet, part, column, sums)


def _broken_sums(sheet: Sheet, part: Part, column: str, sums: Sequence[tuple[int, list[int]]]) -> Iterator[Hit]:
    within = slice(part.start, part.end)
    values = sheet.columns[column][within]
    lows, highs = (bound[within] for bound in sheet.bounds(column))
    for total, addends in sums:
        low, high, found = lows[total], highs[total], values[total]
        if low is None or high is None or found is None:
            continue
        readings = part.outline.worth(addends, lows, highs)
        if readings and not any(low <= most and least <= high for least, most in readings):
            expected = _as_printed(part.outline, addends, values, readings)
            params: dict[str, str | int] = {
                "account": part.outline.rows[total].name,
                "column": column,
                "expected": expected,
                "found": found,
            }
            yield Hit(f"/lines/{part.start + total}/{column}", params)


def _as_printed(outline: Outline, addends: list[int], values: Bounds, readings: list[Span]) -> int:
    """The sum a reader would get from the printed figures."""
    printed = outline.worth(addends, values, values)
    return printed[0][0] if printed else readings[0][0]


@document_rule(
    "V21",
    ACCOUNTS,
    Severity.REFUSE,
    Words(
        ja="貸借が一致しません（資産 {assets:,}、負債及び純資産 {claims:,}、差額 {difference:,}）。",
        en="Both sides differ (assets {assets:,}, liabilities and net assets {claims:,}, difference {difference:,}).",
        remedy_ja="資産の部と、負債及び純資産の部の金額を確認してください。",
        remedy_en="Check the amounts of assets, liabilities and net assets.",
    ),
    "domain note 11, V21",
)
def assets_equal_liabilities_and_net_assets(view: Accounts) -> Iterator[Hit]:
    """Assets equal liabilities and net assets: grave in a filed statement, a warning in a trial balance.

    *Because* double entry leaves no other possibility: what does not balance is not a firm's accounts.
    *Accepts* 資産合計 500, 負債合計 300, 純資産合計 200; a trial balance that does not promise every account.
    *Finds* 資産合計 500, 負債合計 300, 純資産合計 190.
    *Remedy* correct the side that was copied or computed wrongly.
    *Source* domain note 11, V21.
    """
    if not view.is_balanceable:
        return
    stated = False
    for row, assets, claims in _stated_sides(view.sheet):
        stated = True
        if not assets.meets(claims):
            yield Hit(f"/lines/{row}/{view.sheet.balance}", _difference(assets, claims), view.imbalance)
    sides = None if stated else view.sides()
    if sides and not sides[0].meets(sides[1]):
        yield Hit("", _difference(*sides), view.imbalance)


def _stated_sides(sheet: Sheet) -> Iterator[tuple[int, Interval, Interval]]:
    """What the totals state of both sides, with the row of the total that is compared."""
    exact = {key: span for key, row in sheet.totals.items() if (span := sheet.exactly(row))}
    assets, both = exact.get("total_assets"), exact.get("liabilities_and_net_assets")
    liabilities, net = exact.get("total_liabilities"), exact.get("net_assets")
    claims = liabilities + net if liabilities and net else None
    if assets and (claims or both):
        yield sheet.totals["total_assets"], assets, claims or both or assets
    if both and claims:
        yield sheet.totals["liabilities_and_net_assets"], both, claims


def _difference(assets: Interval, claims: Interval) -> dict[str, str | int]:
    left, right = (assets.low + assets.high) // 2, (claims.low + claims.high) // 2
    return {"assets": left, "claims": right, "difference": left - right}


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
    results = [("sales", _sales(sheet)), *((key, sheet.totals.get(key)) for key in PROFITS)]
    stated = [(key, row) for key, row in results if row is not None]
    for (before, start), (result, row) in pairwise(stated):
        steps = PROFITS[0 if before == "sales" else PROFITS.index(before) + 1 : PROFITS.index(result) + 1]
        yield from _broken_step(sheet, start, row, [item for step in steps for item in STEPS[step]])


def _broken_step(sheet: Sheet, start: int, row: int, items: list[tuple[str, int, str]]) -> Iterator[Hit]:
    found = sheet.exactly(row)
    between = range(min(start, row) + 1, max(start, row))
    if any(etax_family(sheet.codes[each]).startswith("F0") for each in between if each not in sheet.totals.values()):
        return
    terms = [_profit(sheet, start)] + [_item(sheet, key, sign, family) for key, sign, family in items]
    known = [term for term in terms if term is not None]
    if found is None or len(known) < len(terms):
        return
    expected = Interval.sum_of(known)
    if not expected.meets(found) and not expected.meets(_profit(sheet, row) or found):
        values = sheet.columns[sheet.balance]
        params: dict[str, str | int] = {
            "account": sheet.rows[row].name,
            "expected": (expected.low + expected.high) // 2,
        }
        yield Hit(f"/lines/{row}/{sheet.balance}", {**params, "found": values[row] or 0})


def _profit(sheet: Sheet, row: int) -> Interval | None:
    """A result as it counts: a row called 損失 and nothing else means a loss, with its minus or without."""
    span, name = sheet.exactly(row), sheet.rows[row].name
    is_loss = span is not None and "損失" in name and "利益" not in name and span.low > 0
    return -span if span and is_loss else span


def _sales(sheet: Sheet) -> int | None:
    """The row that states all sales: a total, or the only sales there are."""
    rows = [sheet.totals["sales"]] if "sales" in sheet.totals else sheet.rows_of("sales")
    return rows[0] if len(rows) == 1 and not (sheet.rows_of("sales_returns") and "sales" not in sheet.totals) else None


def _item(sheet: Sheet, key: str, sign: int, family: str) -> Interval | None:
    """What an item of the chain adds: its total, its only row, zero where its family is absent; None if unknown."""
    rows = [sheet.totals[key]] if key in sheet.totals else sheet.rows_of(key)
    if key == "income_taxes":
        rows = _taxes(sheet)
    if not rows:
        return Interval(0, 0) if sheet.has_none_of(family) else None
    spans = [span for row in rows if (span := sheet.exactly(row))]
    if len(spans) != 1 and key != "income_taxes":
        return None
    amount = Interval.sum_of(spans)
    return amount if sign > 0 else -amount


def _taxes(sheet: Sheet) -> list[int]:
    """Taxes of the term and deferred taxes, or the one row that sums them up; nothing where that is not clear."""
    rows = sheet.rows_of("income_taxes")
    sums = [row for row in rows if general_code(sheet.codes[row]) == "10F100060" or "合計" in sheet.rows[row].name]
    unclear = len(rows) > 1 and any(stem(sheet.rows[row].name) == "法人税等" for row in rows)
    return sums[:1] or ([] if unclear else rows)
