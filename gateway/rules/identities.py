"""What every statement must satisfy, whoever prints it: its totals are sums, and its two sides are equal.

Both hold for trial balances and financial statements alike and respect rounding: figures printed in 千円 or 百万円
stand for an interval of exact values, and only figures that cannot be exact together are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.formats.money import Interval
from gateway.rules.accounts import PROFITS
from gateway.rules.outline import Bounds, Sum
from gateway.rules.rule import Hit, Words, document_rule
from gateway.rules.sheet import Part, Sheet
from gateway.schemas.findings import Severity

ACCOUNTS = ("trial_balance", "financial_statement")

NOT_SUMS = frozenset({*PROFITS, "income_taxes", "liabilities_and_net_assets"})
"""Totals that other identities speak of: they are not the sum of the rows around them."""


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
    for part in sheet.parts:
        sums = list(part.outline.sums())
        for column in sheet.columns if sums else ():
            yield from _broken_sums(sheet, part, column, sums)


def _broken_sums(sheet: Sheet, part: Part, column: str, sums: Sequence[Sum]) -> Iterator[Hit]:
    within = slice(part.start, part.end)
    values = sheet.columns[column][within]
    lows, highs = (bound[within] for bound in sheet.bounds(column))
    for stated in sums:
        row = stated.total
        if stated.is_plain and values[row] == _plain_sum(values, stated.addends):
            continue
        low, high, found = lows[row], highs[row], values[row]
        if low is None or high is None or found is None or sheet.stated_total(part.start + row) in NOT_SUMS:
            continue
        readings = part.outline.worth(stated, lows, highs)
        if readings and not any(low <= most and least <= high for least, most in readings):
            printed = part.outline.worth(stated, values, values) or readings
            named = {"account": part.outline.rows[row].name, "column": column}
            yield Hit(f"/lines/{part.start + row}/{column}", {**named, "expected": printed[0][0], "found": found})


def _plain_sum(values: Bounds, addends: Sequence[int]) -> int | None:
    try:
        return sum([values[addend] for addend in addends])  # type: ignore[misc]  # None is what is asked for here
    except TypeError:
        return None


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
