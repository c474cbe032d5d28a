"""Rules over a trial balance alone."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.formats.money import Interval
from gateway.rules.accounts import is_deduction, may_be_negative
from gateway.rules.books import SIGN, Books, amounts_of, is_of_balance_sheet, side_of_line
from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.accounts import Side
from gateway.schemas.findings import Severity
from gateway.schemas.records import TrialBalanceLine

KIND = "trial_balance"

_LEAP_YEAR_DAYS = 366


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
    leaves = [line for line in view.record.lines if not line.get("is_total")]
    debits = Interval.sum_of(view.exactly(line.get("debit_yen") or 0) for line in leaves)
    credits_ = Interval.sum_of(view.exactly(line.get("credit_yen") or 0) for line in leaves)
    if not debits.meets(credits_) and not _balance_without_breakdowns(view):
        yield Hit("", {"debit": debit, "credit": credit, "difference": debit - credit})


def _balance_without_breakdowns(view: Books) -> bool:
    """Whether the movements balance once accounts that are broken down below (補助科目) count only by their parts."""
    lines = view.record.lines
    rows = [lines[part.start + leaf] for part in view.sheet.parts for leaf in part.outline.leaves()]
    debits = Interval.sum_of(view.exactly(line.get("debit_yen") or 0) for line in rows)
    return len(rows) < len(lines) and debits.meets(
        Interval.sum_of(view.exactly(line.get("credit_yen") or 0) for line in rows)
    )


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
        opening, debit, credit, found = amounts_of(line)
        if opening is None or debit is None or credit is None or found is None:
            continue
        flow = debit - credit
        side = None if is_deduction(line["source_name"]) else side_of_line(line)
        expected = [opening + sign * flow for sign in ((SIGN[side],) if side else (1, -1))]
        if found not in expected and not _meets_rounded(view, line, side):
            nearest = min(expected, key=lambda value: abs(value - found))
            params: dict[str, str | int] = {"account": line["source_name"], "expected": nearest, "found": found}
            yield Hit(f"/lines/{number}/closing_yen", params)


def _meets_rounded(view: Books, line: TrialBalanceLine, side: Side | None) -> bool:
    """Whether the figures, rounded as they are, may stand for figures that add up."""
    if view.sheet.is_exact:
        return False
    opening, debit, credit, closing = (view.exactly(value or 0) for value in amounts_of(line))
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
        found = line.get("closing_yen") or 0
        is_account = is_of_balance_sheet(line) and not line.get("is_total")
        if is_account and not may_be_negative(line["source_name"]) and view.exactly(found).high < 0:
            yield Hit(f"/lines/{number}/closing_yen", {"account": line["source_name"], "found": found})


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
