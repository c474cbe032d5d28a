"""Rules over a trial balance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from operator import itemgetter, not_
from typing import Any

from gateway.formats.money import Interval, interval
from gateway.rules.accounts import Accounts, by_account, is_deduction, may_be_negative, side_of, statement_of
from gateway.rules.outline import Span, plus
from gateway.rules.rule import Hit, Words, document_rule
from gateway.rules.sheet import Sheet
from gateway.rules.texts import holds_long_number
from gateway.schemas.accounts import Side
from gateway.schemas.findings import Severity
from gateway.schemas.records import TrialBalance, TrialBalanceLine

KIND = "trial_balance"

Column = tuple[Any, ...]

_COLUMNS = itemgetter(
    "source_name", "section", "is_total", "normal_side", "opening_yen", "debit_yen", "credit_yen", "closing_yen"
)
_SIGN = {"debit": 1, "credit": -1, None: 0}
_LEAP_YEAR_DAYS = 366


@dataclass(frozen=True)
class Books:
    """A trial balance as the rules look at it, made in one pass over its lines.

    The pass only sorts lines out: what adds up at first sight is never looked at again, and what does not is judged
    by its rule with names, sides and rounding in view.

    Attributes:
        has_long_number: whether any text holds twelve digits or more.
        has_totals: whether any line is a total.
        unexplained: lines whose closing does not follow from opening and movements as whole yen on a known side.
        negatives: lines whose closing is negative.
        debit_yen, credit_yen: movements of all lines that are not totals, None where one is not stated.
    """

    record: TrialBalance
    has_long_number: bool
    has_totals: bool
    unexplained: Sequence[int]
    negatives: Sequence[int]
    debit_yen: int | None
    credit_yen: int | None

    @classmethod
    def of(cls, record: TrialBalance) -> Books:
        """The one pass."""
        names, sections, totals, sides, opening, debit, credit, closing = zip(
            *map(_COLUMNS, map(vars, record.lines)), strict=True
        )
        sums = totals if True in totals else None
        header = record.company_name, record.correction_reason, record.department, record.provisional_reason
        return cls(
            record=record,
            has_long_number=holds_long_number((*names, *set(sections), *header, record.software)),
            has_totals=sums is not None,
            unexplained=_unexplained(sides, opening, debit, credit, closing),
            negatives=_negatives(closing),
            debit_yen=_sum(debit, sums),
            credit_yen=_sum(credit, sums),
        )

    @cached_property
    def sheet(self) -> Sheet:
        """The lines as rows and columns, for the identities that every statement must satisfy."""
        return Sheet.of_trial_balance(self.record)

    @cached_property
    def accounts(self) -> Accounts:
        """The lines by account, to be compared with an earlier document."""
        return by_account(map(vars, self.record.lines))

    @property
    def is_balanceable(self) -> bool:
        """Only a trial balance that promises every account, of assets as well as of liabilities."""
        return self.record.complete

    @property
    def imbalance(self) -> Severity:
        """Between closings a warning: the books may be in the middle of something."""
        return Severity.WARN

    def exactly(self, value_yen: int) -> Interval:
        """What a printed amount may exactly be."""
        return interval(value_yen, self.record.unit, self.record.rounding)

    def sides(self) -> tuple[Interval, Interval] | None:
        """Balances of all debit and all credit accounts, where not even the profit of the period makes them equal."""
        leaves = [line for line in self.record.lines if not line.is_total and line.closing_yen is not None]
        sheet = [line for line in leaves if (line.statement or statement_of(line.source_code)) == "BS"]
        assets = [self.exactly(line.closing_yen or 0) for line in sheet if _side(line) == "debit"]
        claims = [self.exactly(line.closing_yen or 0) for line in sheet if _side(line) == "credit"]
        if not (assets and claims and self._cannot_balance(sheet) and self._cannot_balance(leaves)):
            return None
        return Interval.sum_of(assets), Interval.sum_of(claims)

    def _cannot_balance(self, lines: list[TrialBalanceLine]) -> bool:
        """Whether debit and credit balances differ however deductions are read; never where a side is unknown."""
        readings: list[Span] = [(0, 0)]
        for line in lines:
            side, amount = _side(line), self.exactly(line.closing_yen or 0)
            if side is None:
                return False
            own = amount if side == "debit" else -amount
            both = (own, -own) if is_deduction(line.source_name) else (own,)
            readings = plus(readings, [(reading.low, reading.high) for reading in both])
        return bool(readings) and not any(low <= 0 <= high for low, high in readings)


def _unexplained(sides: Column, opening: Column, debit: Column, credit: Column, closing: Column) -> Sequence[int]:
    flows = zip(sides, opening, debit, credit, closing, strict=True)
    try:
        wrong = [o + _SIGN[s] * (d - c) != e for s, o, d, c, e in flows]
    except TypeError:  # an amount is missing somewhere; asking each of all lines first would cost more than the sums
        return range(len(sides))
    return [number for number, is_wrong in enumerate(wrong) if is_wrong] if True in wrong else ()


def _negatives(closing: Column) -> Sequence[int]:
    if None not in closing and min(closing) >= 0:
        return ()
    return [number for number, value in enumerate(closing) if value is not None and value < 0]


def _sum(column: Column, totals: Column | None) -> int | None:
    if None in column:
        return None
    return sum(column) if totals is None else sum(compress(column, map(not_, totals)))


def _side(line: TrialBalanceLine) -> Side | None:
    return line.normal_side or side_of(line.source_code)


@document_rule(
    "V22",
    KIND,
    Severity.WARN,
    Words(
        ja="借方合計 {debit:,} と貸方合計 {credit:,} が一致しません（差額 {difference:,}）。",
        en="Debits of {debit:,} and credits of {credit:,} differ (by {difference:,}).",
        remedy_ja="出力されていない科目や、片側だけの仕訳がないか確認してください。",
        remedy_en="Check for accounts that were left out of the export and for one-sided entries.",
    ),
    "domain note 11, V22",
)
def debits_equal_credits(view: Books) -> Iterator[Hit]:
    """All debits of the period equal all credits, where balance sheet and profit and loss are both in the document.

    *Because* every entry has two sides; a difference means that accounts are missing.
    *Accepts* 現金 借方 300, 売上高 貸方 300; a balance sheet alone, whatever its movements.
    *Finds* 現金 借方 300, 売上高 貸方 200.
    *Remedy* export every account of the period.
    *Source* domain note 11, V22.
    """
    debit, credit = view.debit_yen, view.credit_yen
    if debit is None or credit is None or debit == credit or not {"BS", "PL"} <= set(view.record.statements):
        return
    leaves = [line for line in view.record.lines if not line.is_total]
    debits = Interval.sum_of(view.exactly(line.debit_yen or 0) for line in leaves)
    credits_ = Interval.sum_of(view.exactly(line.credit_yen or 0) for line in leaves)
    if not debits.meets(credits_) and not _balance_without_breakdowns(view):
        yield Hit("", {"debit": debit, "credit": credit, "difference": debit - credit})


def _balance_without_breakdowns(view: Books) -> bool:
    """Whether the movements balance once accounts that are broken down below (補助科目) count only by their parts."""
    lines = view.record.lines
    rows = [lines[part.start + leaf] for part in view.sheet.parts for leaf in part.outline.leaves()]
    debits = Interval.sum_of(view.exactly(line.debit_yen or 0) for line in rows)
    return len(rows) < len(lines) and debits.meets(Interval.sum_of(view.exactly(line.credit_yen or 0) for line in rows))


@document_rule(
    "V23",
    KIND,
    Severity.WARN,
    Words(
        ja="「{account}」の期末残高が、期首残高と増減からの計算と一致しません（計算 {expected:,}、記載 {found:,}）。",
        en="{account}: closing does not follow from opening and movements (computed {expected:,}, stated {found:,}).",
        remedy_ja="「{account}」の期首残高、借方、貸方、期末残高を確認してください。",
        remedy_en="Check opening, debit, credit and closing of {account}.",
    ),
    "domain note 11, V23",
)
def closing_follows_from_opening_and_movements(view: Books) -> Iterator[Hit]:
    """Closing is opening plus the movements on the account's own side less those on the other.

    *Because* a balance that does not follow from its movements was typed, cut off or taken from another period.
    *Accepts* 現金 100 + 50 - 20 = 130. Where the side is not known, or depends on who prints it (値引, 累計額),
    either will do.
    *Finds* 現金 100 + 50 - 20 = 120.
    *Remedy* export the account again, or correct the figure.
    *Source* domain note 11, V23; domain note 6.3 for signs.
    """
    for number in view.unexplained:
        line = view.record.lines[number]
        opening, debit, credit, found = line.opening_yen, line.debit_yen, line.credit_yen, line.closing_yen
        if opening is None or debit is None or credit is None or found is None:
            continue
        flow = debit - credit
        side = None if is_deduction(line.source_name) else _side(line)
        expected = [opening + sign * flow for sign in ((_SIGN[side],) if side else (1, -1))]
        if found not in expected and not _meets_rounded(view, line, side):
            nearest = min(expected, key=lambda value: abs(value - found))
            params: dict[str, str | int] = {"account": line.source_name, "expected": nearest, "found": found}
            yield Hit(f"/lines/{number}/closing_yen", params)


def _meets_rounded(view: Books, line: TrialBalanceLine, side: Side | None) -> bool:
    """Whether the figures, rounded as they are, may stand for figures that add up."""
    if view.sheet.is_exact:
        return False
    opening, debit, credit, closing = (
        view.exactly(value or 0) for value in (line.opening_yen, line.debit_yen, line.credit_yen, line.closing_yen)
    )
    grown = {"debit": [opening + debit - credit], "credit": [opening + credit - debit]}
    return any(each.meets(closing) for each in (grown[side] if side else grown["debit"] + grown["credit"]))


@document_rule(
    "NEG",
    KIND,
    Severity.WARN,
    Words(
        ja="「{account}」の残高がマイナスです（{found:,}）。",
        en="The balance of {account} is negative ({found:,}).",
        remedy_ja="科目の誤り、消込の漏れ、二重計上がないか確認してください。",
        remedy_en="Check for entries on the wrong account, open items not cleared, or amounts posted twice.",
    ),
    "accounting practice; domain note 6.3 for signs",
)
def balances_stand_on_their_own_side(view: Books) -> Iterator[Hit]:
    """No balance sheet account stands on the other side than its own.

    *Because* nobody owes less than nothing: a negative receivable or payable hides an error, or another account.
    *Accepts* 売掛金 100; 減価償却累計額, 貸倒引当金 or 自己株式 with a minus; a loss carried forward; an overdrawn
    当座預金.
    *Finds* 受取手形 -100.
    *Remedy* post to the right account, or clear the open items.
    *Source* accounting practice.
    """
    for number in view.negatives:
        line = view.record.lines[number]
        found = line.closing_yen or 0
        is_balance = (line.statement or statement_of(line.source_code)) == "BS" and not line.is_total
        if is_balance and not may_be_negative(line.source_name) and view.exactly(found).high < 0:
            yield Hit(f"/lines/{number}/closing_yen", {"account": line.source_name, "found": found})


@document_rule(
    "V50",
    KIND,
    Severity.INFO,
    Words(
        ja="暫定の試算表です（{reason}）。",
        en="The trial balance is provisional ({reason}).",
        remedy_ja="集計が終わった後の試算表を送ってください。",
        remedy_en="Send the trial balance again once the books have been computed.",
    ),
    "domain note 6.7, freee",
)
def a_provisional_trial_balance_says_so(view: Books) -> Iterator[Hit]:
    """A trial balance whose own system says that it is still being computed goes in and is marked.

    *Because* whoever decides by it must know that the figures may still move.
    *Accepts* a trial balance that is up to date.
    *Finds* one with ``up_to_date`` false, and the reason its system gives.
    *Remedy* send it again when it is up to date.
    *Source* domain note 6.7, freee ``up_to_date``.
    """
    if view.record.provisional:
        yield Hit("/provisional", {"reason": view.record.provisional_reason or "—"})


@document_rule(
    "V51",
    KIND,
    Severity.WARN,
    Words(
        ja="対象期間（{period_from}～{period_to}）が逆順であるか、12か月を超えています。",
        en="The period ({period_from} to {period_to}) runs backwards or is longer than twelve months.",
        remedy_ja="対象期間の開始日と終了日を確認してください。",
        remedy_en="Check the first and last day of the period.",
    ),
    "domain note 6.3",
)
def the_period_is_at_most_a_year(view: Books) -> Iterator[Hit]:
    """The period begins before it ends, and is not longer than a year.

    *Because* no fiscal year is longer; a period that ends before it begins belongs to no place in any series.
    *Accepts* 2024-04-01 to 2025-03-31.
    *Finds* 2024-04-01 to 2025-04-30 (a warning); 2024-04-30 to 2024-04-01 (refused).
    *Remedy* correct the dates.
    *Source* domain note 6.3; 会社計算規則 59条 for the length of a fiscal year.
    """
    first, last = view.record.period_from, view.record.period_to
    days = (last - first).days + 1
    if 1 <= days <= _LEAP_YEAR_DAYS:
        return
    params: dict[str, str | int] = {"period_from": first.isoformat(), "period_to": last.isoformat()}
    yield Hit("/period_to", params, Severity.REFUSE if days < 1 else Severity.WARN)
