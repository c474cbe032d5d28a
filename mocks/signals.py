"""Signals: what a corporation's targeting tool makes of the lines it reads. A double of a real one, kept simple.

Each signal is a fact about the newest lines of one firm, with the lines that show it. None is a score, and a firm of
which nothing is known is not listed. Amounts are integer yen.

    SIG01  a repayment was cancelled after rescheduling: the loan was eased           repayment_status
    SIG03  sales fall and the firm makes a loss or is short of cash                   monitoring_report
    SIG06  the first instalment is missed: arrears were 0 months, or are 1            repayment_status
    SIG07  cash lasts less than a month                                               trial_balance
    SIG08  sales of three months are 20 % below a quarter of the year filed last      trial_balance, financial_statement
    SIG09  an operating loss over three months after a year with an operating profit  trial_balance, financial_statement

Source: domain note 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.client import FollowedLine

RECENT = 3  # months
DROP_PER_100 = 20
QUARTERS = 4
EASED = "auto_debit_not_stopped"
SHORT_OF_CASH = ("tight", "very_tight")
NOT_OPERATING = frozenset({"interest_expense", "interest_income", "misc_income", "income_taxes"})


class Reason(NamedTuple):
    """Why to look at a firm, and the line that shows it."""

    signal: str
    ja: str
    en: str
    line: FollowedLine


@dataclass
class File:
    """What was read of one firm: the newest line of each kind, in the order of valid dates."""

    subject: str
    name: str = ""
    loans: dict[str, list[FollowedLine]] = field(default_factory=dict)
    months: dict[str, FollowedLine] = field(default_factory=dict)
    statements: dict[str, FollowedLine] = field(default_factory=dict)
    report: FollowedLine | None = None

    def add(self, followed: FollowedLine) -> None:
        """Put a line into the file; a later one for the same date takes the place of the earlier."""
        line = followed.line or {}
        record, valid_on = line["record"], line["valid"]["to"]
        match line["kind"]:
            case "repayment_status":
                self.loans.setdefault(line["key"]["series"], []).append(followed)
                self.name = record.get("company_name") or self.name
            case "trial_balance":
                self.months[valid_on] = followed
            case "financial_statement":
                self.statements[record["statement_type"]] = followed
            case "monitoring_report":
                self.report = followed

    def reasons(self) -> Iterator[Reason]:
        """Every reason to look at this firm."""
        for history in self.loans.values():
            yield from _arrears(history)
            yield from _eased(history[-1])
        if self.report is not None:
            yield from _worse(self.report)
        recent = [self.months[day] for day in sorted(self.months)][-RECENT:]
        if len(recent) == RECENT:
            yield from _cash(recent)
            if "PL" in self.statements:
                yield from _results(recent, self.statements["PL"])


def _record(followed: FollowedLine) -> Mapping[str, Any]:
    record: Mapping[str, Any] = (followed.line or {})["record"]
    return record


def _arrears(history: Sequence[FollowedLine]) -> Iterator[Reason]:
    months = [_record(followed).get("months_in_arrears", 0) for followed in history]
    if months[-1] == 1 or (months[-1] > 1 and 0 in months[:-1]):
        number, since = (_record(history[-1]).get(name) for name in ("guarantee_no", "arrears_since"))
        yield Reason("SIG06", f"{number} が {since} から延滞", f"{number} in arrears since {since}", history[-1])


def _eased(followed: FollowedLine) -> Iterator[Reason]:
    superseded = (followed.line or {})["supersedes"]
    if superseded and superseded["reason"] == EASED:
        number, day = (_record(followed).get(name) for name in ("guarantee_no", "value_date"))
        yield Reason(
            "SIG01",
            f"{number} の {day} の入金が取消、条件変更後",
            f"{number}: repayment of {day} cancelled, eased",
            followed,
        )


def _worse(followed: FollowedLine) -> Iterator[Reason]:
    record = _record(followed)
    sales, cash = record["performance"], record["cash"]
    if sales.get("sales_trend") == "down" and (
        sales.get("profit_state") == "loss" or cash.get("state") in SHORT_OF_CASH
    ):
        yield Reason(
            "SIG03", "業況報告: 月商減少、赤字または資金繰り難", "report: sales down, loss or short of cash", followed
        )


def _cash(recent: Sequence[FollowedLine]) -> Iterator[Reason]:
    held = _sum(recent[-1], "closing_yen", "cash_and_deposits")
    spent = sum(_sum(month, "credit_yen", "cash_and_deposits") for month in recent)
    if held * len(recent) < spent:
        months = held * len(recent) * 10 // spent / 10
        yield Reason("SIG07", f"手元資金 {months} か月分", f"cash for {months} months", recent[-1])


def _results(recent: Sequence[FollowedLine], filed: FollowedLine) -> Iterator[Reason]:
    sales = sum(_sum(month, "credit_yen", "sales") - _sum(month, "debit_yen", "sales") for month in recent)
    filed_sales, filed_profit = _filed(filed, "sales"), _filed(filed, "operating_profit")
    if sales * QUARTERS * 100 <= filed_sales * (100 - DROP_PER_100):
        change = sales * QUARTERS * 100 // filed_sales - 100
        yield Reason(
            "SIG08", f"3か月の売上が前期比 {change}%", f"three months' sales {change} % on last year", recent[-1]
        )
    profit = sum(_operating_profit(month) for month in recent)
    if profit < 0 < filed_profit:
        yield Reason(
            "SIG09", f"3か月の営業損失 {-profit:,} 円", f"operating loss of {-profit:,} yen in three months", recent[-1]
        )


def _operating_profit(month: FollowedLine) -> int:
    """Credits less debits of the month on every account above operating profit."""
    return sum(
        row.get("credit_yen", 0) - row.get("debit_yen", 0)
        for row in _record(month)["lines"]
        if row.get("statement") == "PL" and not row["is_total"] and row.get("account_key") not in NOT_OPERATING
    )


def _sum(followed: FollowedLine, column: str, account: str) -> int:
    rows = _record(followed)["lines"]
    return sum(row.get(column, 0) for row in rows if row.get("account_key") == account and not row["is_total"])


def _filed(followed: FollowedLine, account: str) -> int:
    """What a filed statement states for an account: its total, or its one row."""
    rows = [row for row in _record(followed)["lines"] if row.get("account_key") == account]
    return max((row.get("amount_yen", 0) for row in rows), default=0, key=abs)
