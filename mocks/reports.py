"""What a bank's branches write into 業況報告書 about firms that do not exist: drawn from the firms' own books.

A branch knows what its customer shows it: last month's sales, cash, whether money is short. The report says that, in
the words of the form and in whole 千円, so that it agrees with itself.
"""

from __future__ import annotations

from datetime import date, timedelta

from gateway.formats.forms import Value, filled_form
from mocks.ledgers import CASH, DEBT, OFFICER, PURCHASES, SALES, SGA, YEAR, Books, Month

CLEAR_CHANGE = 5  # percent of sales from which a trend is called one

OBSERVED = {
    "sales_decline": "主要取引先からの受注が減り、月商の減少が続いている。代表者は固定費の見直しに着手した。",
    "cost_spike": "仕入価格が上がり、販売価格に転嫁できていない。粗利が急に細っている。",
    "customer_lost": "大口の取引先を失った。新規の開拓を進めているが、時間がかかる見込み。",
    None: "業況は安定している。設備の更新を検討中。",
}
ISSUES = {"sales_decline": "sales", "cost_spike": "cost", "customer_lost": "customer_concentration", None: "facility"}


def workbook(kept: Books, guarantees: tuple[str, str], as_of: date, reported_on: date) -> bytes:
    """The form about one firm, filled in.

    Args:
        kept: the firm's books up to the end of the half year.
        guarantees: the corporation's id and the bank's code.
        as_of: last day of the half year.
        reported_on: the day the branch signs.
    """
    return filled_form("monitoring-report", report(kept, guarantees, as_of, reported_on))


def report(kept: Books, guarantees: tuple[str, str], as_of: date, reported_on: date) -> dict[str, Value]:
    """The same as answers, by the form's pointers."""
    firm = kept.firm
    scenario = firm.trouble.scenario if firm.trouble else None
    answers: dict[str, Value] = {
        "/cgc_id": guarantees[0],
        "/bank_code": guarantees[1],
        "/branch_code": firm.loans[0]["branch_code"],
        "/reporter_name": "融資課 担当",
        "/reported_on": reported_on,
        "/period_from": date(as_of.year, as_of.month - 5, 1) if as_of.month > 5 else date(as_of.year - 1, 10, 1),
        "/period_to": as_of,
        "/company_name": firm.name,
        "/entity_type": "corporation" if firm.corporate_number else "sole_proprietor",
        f"/references/{firm.reference['scheme']}": firm.reference["value"],
        "/profile/jsic": firm.trade.jsic,
        "/profile/employees": firm.employees,
        "/contact/frequency": "monthly" if scenario else "quarterly",
        "/contact/visit_count": 6 if scenario else 2,
        "/contact/methods/0": "visit",
        "/contact/last_on": as_of - timedelta(days=10),
        "/contact/counterpart": "representative",
        "/repayment/state": "as_agreed",
        "/issues/0": ISSUES[scenario],
        "/observation": OBSERVED[scenario],
        "/support/needed": "want_cgc_visit" if scenario else "none",
    }
    numbers = {f"/guarantee_nos/{place}": number for place, number in enumerate(firm.guarantees[:5])}
    return {**answers, **numbers, **_figures(kept.months)}


def _figures(months: list[Month]) -> dict[str, Value]:
    last, recent = months[-1], months[-3:]
    sales, before = (_thousands(month.moved(SALES)) for month in (last, months[-1 - YEAR]))
    change = (sales - before) * 100 / before
    profit = sum(month.operating_profit for month in recent)
    spent = sum(month.moved(account) for month in recent for account in (PURCHASES, *SGA)) // len(recent)
    left = last.closing(CASH) * 10 // spent
    return {
        "/performance/monthly_sales_yen": sales,
        "/performance/monthly_sales_prior_yen": before,
        "/performance/sales_trend": "up" if change > CLEAR_CHANGE else "down" if change < -CLEAR_CHANGE else "flat",
        "/performance/profit_state": "profit" if profit > 0 else "loss",
        "/cash/deposits_yen": _thousands(last.closing(CASH)),
        "/cash/borrowings_yen": _thousands(last.closing(DEBT) + last.closing(OFFICER)),
        "/cash/state": "normal" if left >= 15 else "tight" if left >= 7 else "very_tight",
    }


def _thousands(yen: int) -> int:
    """Cut off to whole 千円, as a branch writes it."""
    return yen // 1_000 * 1_000
