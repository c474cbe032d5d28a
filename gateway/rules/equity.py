"""Rules that compare the profit and loss statement of a term with its statement of changes in net assets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.formats.money import Interval
from gateway.formats.text import match_key
from gateway.rules.accounts import total_key
from gateway.rules.continuity import Past
from gateway.rules.rule import Hit, Words, beside_rule
from gateway.rules.statements import Filed
from gateway.schemas.findings import Severity

Rows = Sequence[Mapping[str, Any]]
Exactly = Callable[[int], Interval]
Found = tuple[int, Interval]
"""A row, and what the amount that it leads to may exactly be."""

_RETAINED = ("利益剰余金合計", "利益剰余金", "繰越利益剰余金")
_OPENING = frozenset(map(match_key, ("当期首残高", "前期末残高")))
_CLOSING = frozenset(map(match_key, ("当期末残高",)))
_CHANGES = frozenset(map(match_key, ("当期変動額合計",)))


@beside_rule(
    "V26",
    "financial_statement",
    Severity.INFO,
    Words(
        ja="損益計算書の当期純利益（{profit:,}）と、株主資本等変動計算書の利益剰余金の増減に配当を加えた額（{gained:,}）が"
        "一致しません。",
        en="Net profit ({profit:,}) differs from the change of retained earnings before dividends ({gained:,}).",
        remedy_ja="両計算書の当期純利益、配当、期首・期末の利益剰余金を確認し、正しい方を送り直してください。",
        remedy_en="Check net profit, dividends and both balances of retained earnings; send the right statement again.",
    ),
    "domain note 11, V26",
)
def retained_earnings_grow_by_what_was_earned(view: Filed, other: Past) -> Iterator[Hit]:
    """Retained earnings grow by the net profit of the term, less the dividends.

    *Because* both statements of a term come from the same books; where they differ, one of them was copied wrongly or
    belongs to another closing.
    *Accepts* 当期純利益 2,600,000; 利益剰余金 1,620,000 at first, 剰余金の配当 -500,000, 3,720,000 at last; terms of
    which only one of both statements was sent; retained earnings that something else changed, too (a reserve, own
    shares, a change of policy): then nothing is said.
    *Finds* 当期純利益 2,600,000; 利益剰余金 1,620,000 at first, 4,720,000 at last, and no dividend.
    *Remedy* correct the statement that is wrong and send it again.
    *Source* domain note 11, V26; 会社計算規則 96条.
    """
    record, past = view.record, other.record
    if str(past.get("fiscal_year_start")) != record.fiscal_year_start.isoformat():
        return
    here, there = view.sheet.exactly_yen, other.exactly
    if record.statement_type == "PL":
        profit, gain = _net_profit(record.lines, here), _gain(past.get("lines", ()), there)
    else:
        gain, profit = _gain(record.lines, here), _net_profit(past.get("lines", ()), there)
    if profit is None or gain is None or profit[1].meets(gain[1]):
        return
    row = (profit if record.statement_type == "PL" else gain)[0]
    yield Hit(f"/lines/{row}/amount_yen", {"profit": profit[1].middle, "gained": gain[1].middle})


def _net_profit(lines: Rows, exactly: Exactly) -> Found | None:
    """The row that states the profit of the term, and its amount; None where none does, or two disagree.

    What is called a loss and printed without a minus is one all the same.
    """
    stated = {}
    for row, line in enumerate(lines):
        name, amount = str(line["source_name"]), line.get("amount_yen")
        if amount is None or total_key(line.get("source_code"), name, "PL", bool(line.get("is_total"))) != "net_profit":
            continue
        is_loss = "損失" in name and "利益" not in name
        stated[-abs(amount) if is_loss else amount] = row
    return next((row, exactly(amount)) for amount, row in stated.items()) if len(stated) == 1 else None


def _gain(lines: Rows, exactly: Exactly) -> Found | None:
    """What retained earnings gained before dividends, in the first group that states its whole change."""
    for name in _RETAINED:
        titles = [row for row, line in enumerate(lines) if _is_title(line) and match_key(line["source_name"]) == name]
        if len(titles) == 1 and (gain := _of_group(lines, titles[0], exactly)) is not None:
            return gain
    return None


def _of_group(lines: Rows, title: int, exactly: Exactly) -> Found | None:
    """Closing less opening and dividends; None unless opening, closing, profit and dividends are all there is."""
    balances: dict[str, list[int]] = {"opening": [], "closing": []}
    dividends: list[int] = []
    level = lines[title].get("level", 0)
    for row in range(title + 1, len(lines)):
        line = lines[row]
        if line.get("level", 0) <= level:
            break
        name, amount = match_key(line["source_name"]), line.get("amount_yen")
        if line.get("row", "amount") != "amount" or name in _CHANGES or _is_profit(name):
            continue
        if name in _OPENING | _CLOSING:
            balances["opening" if name in _OPENING else "closing"].append(row)
        elif "配当" in name and "積立" not in name and "準備" not in name and amount is not None:
            dividends.append(amount)
        elif amount != 0:
            return None  # something else changed it, or an amount is missing
    stated = [lines[row].get("amount_yen") for rows in balances.values() for row in rows]
    if list(map(len, balances.values())) != [1, 1] or None in stated:
        return None
    opening, closing = (exactly(amount) for amount in stated if amount is not None)
    paid = Interval.sum_of(exactly(-abs(amount)) for amount in dividends)
    return balances["closing"][0], closing - opening - paid


def _is_profit(name: str) -> bool:
    return name.startswith("当期純")


def _is_title(line: Mapping[str, Any]) -> bool:
    return line.get("row") == "title"
