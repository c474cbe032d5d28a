"""Rules that compare a document with the one before it in its series, as that one was normalised."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from statistics import median
from typing import Any

from gateway.formats.accounts import map_account
from gateway.formats.money import Interval, interval
from gateway.rules.accounts import ByAccount, by_account, general_code, stem
from gateway.rules.books import Books, is_of_balance_sheet
from gateway.rules.identities import ACCOUNTS
from gateway.rules.rule import Hit, Words, history_rule
from gateway.rules.standing import closing_of, follows_on, names_of, standings
from gateway.rules.statements import Filed
from gateway.schemas.findings import Severity
from gateway.schemas.records import Rounding, StatementLine, TrialBalance, TrialBalanceLine, Unit

_SPREAD = math.log10(5)  # a slip of 1,000 shows as anything from 200 to 5,000, since firms grow and shrink as well
_MOST = 1_000 / 5  # what grew less, and shrank less, is no slip
_LEAST = 1 / _MOST
_FEWEST_ACCOUNTS = 3  # below, one account's ordinary leap would look like a slip
_CAPITAL_STOCK = "10C110010"
_KEY_FIGURES = frozenset({"sales", "total_assets", "cash_and_deposits", "net_assets", "capital_stock"})


@dataclass(frozen=True)
class Past:
    """The record that stands before a document in its series, in its JSON form."""

    record: Mapping[str, Any]

    @cached_property
    def accounts(self) -> ByAccount:
        """Its lines by account."""
        return by_account(self.record.get("lines", ()))

    def beside(self, view: Books | Filed, column: str) -> list[int | None]:
        """What each line of a document amounted to in this record; None where it had no such account, or not just one.

        A firm's chart rarely changes: where both show the same accounts in the same order, lines stand beside lines.
        """
        names, lines = names_of(view.record.lines), self.record.get("lines", ())
        if len(set(names)) == len(names) and names == names_of(lines):
            return [line.get(column) for line in lines]
        amounts: list[int | None] = [None] * len(names)
        for account, (number, _) in view.accounts.items():
            if account in self.accounts:
                amounts[number] = self.accounts[account][1].get(column)
        return amounts

    def exactly(self, value_yen: int) -> Interval:
        """What a figure of that record may exactly be."""
        return interval(value_yen, Unit(self.record.get("unit", "yen")), Rounding(self.record.get("rounding", "none")))


@history_rule(
    "V24",
    "trial_balance",
    Severity.WARN,
    Words(
        ja="「{account}」の期首残高が前回（{since}まで）の残高と一致しません（前回 {expected:,}、今回 {found:,}）。",
        en="{account}: opening differs from what stood before (to {since}: {expected:,}, now {found:,}).",
        remedy_ja="前回の試算表の後に過去の仕訳を修正した場合は、修正後の前回分も送ってください。",
        remedy_en="If earlier entries were changed after the last trial balance, send that one again too.",
    ),
    "domain note 11, V24",
)
def opening_is_the_closing_before(view: Books, past: Past) -> Iterator[Hit]:
    """What an account opens with is what it closed with, account by account, within the fiscal year.

    *Because* a difference means that the past was changed after it was reported.
    *Accepts* 現金 130 at the end of April and at the beginning of May; accounts that one of both months does not show;
    profit and loss accounts that open with nothing, since a new year begins.
    *Finds* 現金 130 at the end of April, 120 at the beginning of May.
    *Remedy* send the changed earlier month as well.
    *Source* domain note 11, V24; domain note 3.7, 期首残高.
    """
    column = _continued_column(view.record, past.record)
    changed = list(_changed_openings(view, past, column)) if column else []
    if changed and _slip(view, past) is None:
        yield from changed


def _changed_openings(view: Books, past: Past, column: str) -> Iterator[Hit]:
    pairs = zip(view.record.columns["opening_yen"], past.beside(view, column), strict=True)
    for number, (opening, before) in enumerate(pairs):
        if opening == before or opening is None or before is None:
            continue
        line = view.record.lines[number]
        if (is_of_balance_sheet(line) or opening != 0) and not view.exactly(opening).meets(past.exactly(before)):
            params = {"account": line["source_name"], "expected": before, "found": opening}
            yield Hit(f"/lines/{number}/opening_yen", {**params, "since": str(past.record["period_to"])})


def _continued_column(record: TrialBalance, previous: Mapping[str, Any]) -> str | None:
    """Which of the earlier balances this one must open with; None where none must.

    The closing where this period begins the day after; the opening where both begin on the same day (cumulative).
    """
    first, last = _day(previous.get("period_from")), _day(previous.get("period_to"))
    years = _day(previous.get("fiscal_year_start")), record.fiscal_year_start
    other_year = None not in years and years[0] != years[1]
    if other_year or last is None or last >= record.period_to:
        return None
    if last + timedelta(days=1) == record.period_from:
        return "closing_yen"
    return "opening_yen" if first == record.period_from else None


@history_rule(
    "V28",
    ACCOUNTS,
    Severity.WARN,
    Words(
        ja="金額が前回のおよそ {factor} になっています。単位（円・千円・百万円）の取り違えの可能性があります。",
        en="Amounts are about {factor} those before: the unit (yen, thousand, million) may have slipped.",
        remedy_ja="出力した単位と、単位の表示が合っているか確認してください。",
        remedy_en="Check that the amounts are in the unit the document states.",
    ),
    "domain note 11, V28",
)
def amounts_keep_their_unit(view: Books | Filed, past: Past) -> Iterator[Hit]:
    """Accounts do not all grow or shrink a thousandfold from one document to the next.

    *Because* 千円 exported as 円 is the commonest of all slips, and makes a firm a thousand times as large or small.
    *Accepts* sales of 50,000,000 after 48,000,000; one account that grows a thousandfold among others; whatever a
    month closes with that opens with exactly what stood before.
    *Finds* 売上高 50,000, 売掛金 9,000, 買掛金 4,000 after 売上高 48,000,000, 売掛金 8,800,000, 買掛金 4,100,000.
    *Remedy* export again in the unit the document states.
    *Source* domain note 11, V28; peers note, capability 7.
    """
    power = _slip(view, past)
    if power is not None and not (isinstance(view, Books) and _goes_on(view.record, past.record)):
        yield Hit("", {"factor": f"{'×' if power > 0 else '÷'}{10 ** abs(power):,}"})


def _goes_on(record: TrialBalance, previous: Mapping[str, Any]) -> bool:
    opening, last = standings(record)[0], _day(previous.get("period_to"))
    return last is not None and follows_on(opening, record.period_from, closing_of(previous.get("lines", ())), last)


def _slip(view: Books | Filed, past: Past) -> int | None:
    """The power of ten, a multiple of three, by which the middle account moved; None where it did not."""
    column, columns = "closing_yen" if isinstance(view, Books) else "amount_yen", view.record.columns
    pairs = zip(columns[column], past.beside(view, column), strict=True)
    grown = {number: abs(now / before) for number, (now, before) in enumerate(pairs) if now and before}
    if 2 * sum([_LEAST < factor < _MOST for factor in grown.values()]) > len(grown):
        return None  # the middle one is among these
    if len(grown) < _FEWEST_ACCOUNTS and not any(_is_key_figure(view.record.lines[number]) for number in grown):
        return None
    middle = math.log10(median(grown.values()))
    power = 3 * round(middle / 3)
    return power if power and abs(middle - power) <= _SPREAD else None


def _is_key_figure(line: TrialBalanceLine | StatementLine) -> bool:
    return map_account(line.get("source_code"), line["source_name"]).account_key in _KEY_FIGURES


@history_rule(
    "V27P",
    "financial_statement",
    Severity.WARN,
    Words(
        ja="事業年度（{term_from}から）が前の事業年度（{earlier_to}まで）と重なっています。",
        en="The term (from {term_from}) overlaps the one before (to {earlier_to}).",
        remedy_ja="事業年度の日付を確認してください。前の決算書の訂正であれば、同じ日付で送ってください。",
        remedy_en="Check the dates; a correction of the earlier statement must carry the same dates.",
    ),
    "domain note 11, V27",
)
def terms_do_not_overlap(view: Filed, past: Past) -> Iterator[Hit]:
    """A term begins after the one before it has ended.

    *Because* the months in both would be counted twice.
    *Accepts* 2023-04-01 to 2024-03-31 after a term to 2023-03-31.
    *Finds* 2023-04-01 to 2024-03-31 after a term to 2023-06-30.
    *Remedy* correct the dates of the wrong one.
    *Source* domain note 11, V27.
    """
    record, last = view.record, _day(past.record.get("fiscal_year_end"))
    if last is not None and record.fiscal_year_start <= last < record.fiscal_year_end:
        first = record.fiscal_year_start.isoformat()
        yield Hit("/fiscal_year_start", {"term_from": first, "earlier_to": last.isoformat()})


@history_rule(
    "V29",
    "financial_statement",
    Severity.INFO,
    Words(
        ja="資本金が前期の {expected:,} から {found:,} に変わりました。",
        en="Capital stock changed from {expected:,} to {found:,}.",
        remedy_ja="増資・減資があれば、そのままで構いません。",
        remedy_en="Nothing to do if capital was raised or reduced.",
    ),
    "domain note 11, V29",
)
def capital_stock_stays(view: Filed, past: Past) -> Iterator[Hit]:
    """Capital stock is what it was a term ago, unless it was raised or reduced.

    *Because* it is registered and rarely changes; a different figure is either news or another firm's.
    *Accepts* 資本金 10,000,000 after 10,000,000.
    *Finds* 資本金 30,000,000 after 10,000,000.
    *Remedy* none where capital was raised or reduced; else check the amount.
    *Source* domain note 11, V29.
    """
    now = [(number, line) for number, line in view.accounts.values() if _is_capital(line)]
    before = [line for _, line in past.accounts.values() if _is_capital(line)]
    if len(now) != 1 or len(before) != 1:
        return
    [(number, line)], [earlier] = now, before
    found, expected = line["amount_yen"], earlier["amount_yen"]
    if not view.sheet.exactly_yen(found).meets(past.exactly(expected)):
        yield Hit(f"/lines/{number}/amount_yen", {"expected": expected, "found": found})


def _is_capital(line: Mapping[str, Any]) -> bool:
    """Whether a row states the capital stock of a corporation; a sole proprietor's 元入金 changes every year."""
    code, name = line.get("source_code"), line["source_name"]
    is_capital = (general_code(code) or "") == _CAPITAL_STOCK or stem(name) == "資本金"
    return is_capital and line.get("amount_yen") is not None


def _day(value: Any) -> date | None:
    return value if value is None or isinstance(value, date) else date.fromisoformat(str(value))
