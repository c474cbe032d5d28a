"""The synthetic world: firms, their guarantees, and what befalls some of them.

Deterministic by seed and date; nobody in it exists. Corporate numbers stand on bases that begin with 9999, which no
registry office has, and banks have codes that no bank has. What happens to a firm is written down (``Trouble``), so
that what a targeting tool finds can be held against what is true.

Amounts are integer yen; a bank's portfolio is one corporation's guarantees as of the end of a half year.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal, NamedTuple

from mocks.tapes import Row, loan_book

CORPORATE_SHARE = 0.55
ANOTHER_GUARANTEE = 0.49  # a firm has 1.96 guarantees on average
MOST_GUARANTEES = 12
FALLS_BEHIND = 0.002  # share of loans whose first instalment is missed this month
SMALLEST_DEBT = 3_000_000  # of firms that are followed closely

Scenario = Literal["sales_decline", "cost_spike", "customer_lost", "first_arrears", "rescheduled"]
SCENARIOS: tuple[Scenario, ...] = ("sales_decline", "cost_spike", "customer_lost")  # of firms that are followed
ON_TAPES: tuple[Scenario, ...] = ("first_arrears", "rescheduled")  # what a repayment tape alone can show


class Trade(NamedTuple):
    """A line of business: how it is written, its JSIC code, what goods cost per 100 yen of sales, its busy month."""

    ja: str
    jsic: str
    cost: int
    busy_month: int


TRADES = {
    "ショウジ": Trade("商事", "I55", 74, 12),
    "コウギョウ": Trade("工業", "E24", 56, 10),
    "ショクヒン": Trade("食品", "I58", 66, 12),
    "ケンセツ": Trade("建設", "D06", 62, 3),
    "ウンユ": Trade("運輸", "H44", 40, 12),
    "セイサクジョ": Trade("製作所", "E25", 54, 9),
}
"""By the word that ends a firm's name on a tape."""


class Trouble(NamedTuple):
    """What happened to a firm, and the first day of it: the truth that reports only approach."""

    scenario: Scenario
    since: date


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm (事業者) with the loans one bank gave it under guarantee.

    Attributes:
        serial: its number in the portfolio; also its number at bank and vendor.
        kana: name as on the bank's tapes.
        corporate_number: None for a sole proprietor.
        loans: repayment rows as of the portfolio's date.
    """

    bank: str
    serial: int
    kana: str
    trade: Trade
    corporate_number: str | None
    employees: int
    loans: tuple[Row, ...]
    trouble: Trouble | None = None

    @property
    def name(self) -> str:
        """Name as in the register."""
        kana = next(word for word, trade in TRADES.items() if trade is self.trade)
        return ("株式会社" if self.corporate_number else "") + self.kana.replace(kana, self.trade.ja)

    @property
    def reference(self) -> dict[str, str]:
        """The number by which the corporation knows it: its corporate number, or else the bank's."""
        if self.corporate_number:
            return {"scheme": "corporate_number", "value": self.corporate_number}
        return {"scheme": "bank_customer", "scope": self.bank, "value": f"C{self.serial:07d}"}

    @property
    def tenant(self) -> str:
        """Its number at the accounting vendor."""
        return f"T-{self.bank}-{self.serial:05d}"

    @property
    def guarantees(self) -> list[str]:
        """Its guarantee numbers."""
        return [loan["guarantee_no"] for loan in self.loans]

    @property
    def balance_yen(self) -> int:
        """What it owes under guarantee."""
        return sum(loan["balance_yen"] for loan in self.loans)


@dataclass(frozen=True)
class Portfolio:
    """What one bank has guaranteed by one corporation, and who of it is worth a closer look.

    Attributes:
        followed: the firms the bank reports on; the vendor keeps the books of the first six.
    """

    bank: str
    recipient: str
    as_of: date
    firms: Sequence[Firm] = field(repr=False)
    followed: Sequence[Firm] = field(repr=False)

    @cached_property
    def rows(self) -> list[Row]:
        """The tape: every loan once, in the order of guarantee numbers."""
        return [loan for firm in self.firms for loan in firm.loans]

    @property
    def booked(self) -> Sequence[Firm]:
        """Firms whose books the vendor keeps."""
        return self.followed[:6]

    def in_trouble(self, *scenarios: Scenario) -> set[str]:
        """Who is in trouble of some kinds, or of any, by name on the tape."""
        wanted = scenarios or (*SCENARIOS, *ON_TAPES)
        return {firm.kana for firm in self.firms if firm.trouble and firm.trouble.scenario in wanted}

    @cached_property
    def cancelled(self) -> Firm:
        """The firm whose last repayment was debited although it had been rescheduled."""
        return next(firm for firm in self.firms if firm.trouble and firm.trouble.scenario == "rescheduled")


def corporate_number(serial: int) -> str:
    """A corporate number nobody has, with the check digit it would carry.

    >>> corporate_number(17)
    '9999900000017'
    """
    base = f"9999{serial:08d}"
    total = sum(int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(base)))
    return f"{9 - total % 9}{base}"


def half_year_before(today: date) -> date:
    """The last day of the half year that ended before a day.

    >>> half_year_before(date(2026, 5, 2)), half_year_before(date(2026, 10, 1)), half_year_before(date(2027, 1, 1))
    (datetime.date(2026, 3, 31), datetime.date(2026, 9, 30), datetime.date(2026, 9, 30))
    """
    ends = [date(today.year - 1, 9, 30), date(today.year, 3, 31), date(today.year, 9, 30)]
    return max(end for end in ends if end < today)


def month_start(as_of: date, months_back: int) -> date:
    """First day of the month so many months before a date's own."""
    count = as_of.year * 12 + as_of.month - 1 - months_back
    return date(count // 12, count % 12 + 1, 1)


def portfolio(seed: int, bank: str, recipient: str, loans: int, as_of: date) -> Portfolio:
    """The guarantees of one bank at one corporation, as of a month's end.

    Three of those that are followed are in trouble since some months, elsewhere about one loan in five hundred misses
    its first instalment, and one loan that was eased had an instalment debited all the same.
    """
    draw = random.Random(f"people/{seed}/{bank}")
    rows = [row | {"bank_code": bank} for row in loan_book(seed * 10 + int(bank[-1]), loans, as_of, recipient)]
    firms = list(_firms(draw, bank, rows, as_of))
    followed = _followed([firm for firm in firms if _is_sound(firm)])
    for place, scenario in enumerate(SCENARIOS):
        if place < len(followed):
            followed[place] = _befallen(followed[place], scenario, month_start(as_of, 6 - place))
    changed = {firm.serial: firm for firm in followed}
    quiet = [firm for firm in firms if _is_sound(firm) and firm.serial not in changed]
    if quiet:
        changed[quiet[-1].serial] = _befallen(quiet[-1], "rescheduled", month_start(as_of, 0))
    return Portfolio(bank, recipient, as_of, [changed.get(firm.serial, firm) for firm in firms], followed)


def _firms(draw: random.Random, bank: str, rows: Sequence[Row], as_of: date) -> Iterator[Firm]:
    start, serial = 0, 0
    while start < len(rows):
        count = 1
        while count < MOST_GUARANTEES and draw.random() < ANOTHER_GUARANTEE:
            count += 1
        serial += 1
        yield _firm(draw, bank, serial, rows[start : start + count], as_of)
        start += count


def _firm(draw: random.Random, bank: str, serial: int, rows: Sequence[Row], as_of: date) -> Firm:
    kana = rows[0]["company_name"]
    trade = next(trade for word, trade in TRADES.items() if word in kana)
    is_corporation = draw.random() < CORPORATE_SHARE
    number = corporate_number(int(bank[-1]) * 1_000_000 + serial) if is_corporation else None
    employees = draw.randrange(0, 3) if draw.random() < 0.6 else draw.randrange(3, 60)
    late = draw.random() < FALLS_BEHIND * len(rows)
    loans = [row | {"company_name": kana} for row in rows]
    firm = Firm(bank, serial, kana, trade, number, employees, tuple(loans))
    if not (late and _is_sound(firm)):
        return firm
    missed = replace(firm, loans=(_missed(loans[0], as_of), *loans[1:]))
    return replace(missed, trouble=Trouble("first_arrears", as_of.replace(day=27)))


def _missed(row: Row, as_of: date) -> Row:
    """The row of a loan whose instalment of this month was not paid."""
    instalment: int = row["principal_paid_yen"]
    changed: dict[str, Any] = {
        "status": "arrears",
        "balance_yen": row["balance_yen"] + instalment,
        "principal_paid_yen": 0,
        "interest_paid_yen": 0,
        "months_in_arrears": 1,
        "arrears_since": as_of.replace(day=27).isoformat(),
        "principal_overdue_yen": instalment,
        "interest_overdue_yen": row["interest_paid_yen"],
        "last_paid_on": (as_of.replace(day=1) - timedelta(days=1)).replace(day=27).isoformat(),
    }
    return row | changed


def _is_sound(firm: Firm) -> bool:
    """Whether every loan is a term loan that is paid as agreed."""
    return firm.trouble is None and all(
        loan["status"] == "performing" and not loan["is_revolving"] and loan["principal_paid_yen"] > 0
        for loan in firm.loans
    )


def _followed(sound: Sequence[Firm]) -> list[Firm]:
    """Ten firms for the bank to report on: five corporations, a sole proprietor, two of each."""
    large = [firm for firm in sound if firm.balance_yen >= SMALLEST_DEBT]
    corporations = [firm for firm in large if firm.corporate_number]
    persons = [firm for firm in large if not firm.corporate_number]
    return [*corporations[:5], *persons[:1], *corporations[5:7], *persons[1:3]]


def _befallen(firm: Firm, scenario: Scenario, since: date) -> Firm:
    return replace(firm, trouble=Trouble(scenario, since))
