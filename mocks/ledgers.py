"""The books of firms that do not exist: two years of double entry, as trial balances and as filed statements.

Every amount is posted twice, every month opens with what the month before closed with, so books are consistent by
construction. The first of the two years is closed, taxed and filed; the second is what trial balances tell of.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from mocks.people import Firm, month_start

MONTHS = 24
YEAR = 12
LOAN_FROM_OFFICER = 500_000  # an owner lends in round sums when cash runs out
MARGIN = 7  # of 100 of sales, before depreciation
TAX_PER_100 = 30
INTEREST_PER_1000 = 15  # a year


class Account(NamedTuple):
    """An account of the chart: e-Tax code, name, section; assets and costs are debit accounts."""

    code: str
    name: str
    section: str

    @property
    def sign(self) -> int:
        """1 where debits increase it, -1 where credits do."""
        return 1 if self.code[2] in "AE" else -1


CASH = Account("10A100020", "現金及び預金", "流動資産")
RECEIVABLE = Account("10A100090", "売掛金", "流動資産")
STOCK = Account("10A100280", "商品", "流動資産")
TOOLS = Account("10A210410", "工具、器具及び備品", "有形固定資産")
PAYABLE = Account("10B100040", "買掛金", "流動負債")
TAX_PAYABLE = Account("10B100640", "未払法人税等", "流動負債")
OFFICER = Account("10B100930", "役員借入金", "流動負債")
DEBT = Account("10B200080", "長期借入金", "固定負債")
CAPITAL = Account("10C110010", "資本金", "株主資本")
RETAINED = Account("10C130370", "繰越利益剰余金", "株主資本")
SALES = Account("10D100020", "売上高", "売上高")
PURCHASES = Account("10E100130", "仕入高", "売上原価")
OFFICER_PAY = Account("10E200090", "役員報酬", "販売費及び一般管理費")
DEPRECIATION = Account("10E200220", "減価償却費", "販売費及び一般管理費")
SALARIES = Account("10E200370", "給料手当", "販売費及び一般管理費")
RENT = Account("10E200720", "地代家賃", "販売費及び一般管理費")
UTILITIES = Account("10E201040", "水道光熱費", "販売費及び一般管理費")
INTEREST = Account("10E300020", "支払利息", "営業外費用")

SHEET = (CASH, RECEIVABLE, STOCK, TOOLS, PAYABLE, TAX_PAYABLE, OFFICER, DEBT, CAPITAL, RETAINED)
OVERHEAD = {OFFICER_PAY: 30, SALARIES: 45, RENT: 16, UTILITIES: 9}  # shares of 100 of what does not move with sales
SGA = (OFFICER_PAY, DEPRECIATION, SALARIES, RENT, UTILITIES)
RESULT = (SALES, PURCHASES, *SGA, INTEREST)
CHART = (*SHEET, *RESULT)

Balances = Mapping[Account, int]


@dataclass(slots=True)
class Month:
    """One month's postings on top of what it opened with; yen, positive on the account's own side."""

    first_on: date
    opening: Balances
    debit: dict[Account, int] = field(default_factory=lambda: dict.fromkeys(CHART, 0))
    credit: dict[Account, int] = field(default_factory=lambda: dict.fromkeys(CHART, 0))

    def post(self, debit: Account, credit: Account, yen: int) -> None:
        """One entry, on both its sides."""
        self.debit[debit] += yen
        self.credit[credit] += yen

    def moved(self, account: Account) -> int:
        """By how much the account grew."""
        return account.sign * (self.debit[account] - self.credit[account])

    def closing(self, account: Account) -> int:
        """What the account closes with."""
        return self.opening[account] + self.moved(account)

    @property
    def operating_profit(self) -> int:
        """Sales less goods and overhead of the month."""
        return self.moved(SALES) - self.moved(PURCHASES) - sum(map(self.moved, SGA))


class Books(NamedTuple):
    """A firm's two years, month by month; the first of them is closed and filed."""

    firm: Firm
    months: list[Month]

    @property
    def term(self) -> tuple[date, date]:
        """First and last day of the filed year."""
        return self.months[0].first_on, self.months[YEAR].first_on - timedelta(days=1)

    @property
    def filed(self) -> Balances:
        """What the accounts held at the end of the filed year, before it was closed."""
        last = self.months[YEAR - 1]
        return {account: last.closing(account) for account in CHART}


def books(firm: Firm, as_of: date) -> Books:
    """Two years of a firm's books up to a month's end; what it owes then is what its loans say."""
    draw = random.Random(f"books/{firm.bank}/{firm.kana}/{firm.balance_yen}")
    size = max(1_500_000, firm.balance_yen * draw.randrange(18, 32) // 100, _instalments(firm)[1] * 15)
    opening: Balances = _founded(firm, size)
    months: list[Month] = []
    for number in range(MONTHS):
        if number == YEAR:
            opening, _ = _closed(opening)
        month = Month(month_start(as_of, MONTHS - 1 - number), opening)
        _trade(month, firm, size * draw.randrange(97, 104) // 100)
        _pay(month, firm, size, is_last=number == MONTHS - 1)
        months.append(month)
        opening = {account: month.closing(account) for account in CHART}
    return Books(firm, months)


def _founded(firm: Firm, size: int) -> dict[Account, int]:
    """What the books open with two years ago: what is owned less what is owed is retained."""
    last, usual = _instalments(firm)
    opening = dict.fromkeys(CHART, 0) | {
        CASH: size * 2,
        RECEIVABLE: size,
        STOCK: size * 8 // 10,
        TOOLS: size * 4,
        PAYABLE: size * firm.trade.cost // 100,
        DEBT: firm.balance_yen + last + usual * (MONTHS - 1),
        CAPITAL: 3_000_000,
    }
    opening[RETAINED] = sum(account.sign * yen for account, yen in opening.items())
    return opening


def _instalments(firm: Firm) -> tuple[int, int]:
    """What the firm repays in the last month, and in every month before."""
    last = sum(loan["principal_paid_yen"] for loan in firm.loans)
    return last, sum(loan["scheduled_amount_yen"] for loan in firm.loans)


def _trade(month: Month, firm: Firm, size: int) -> None:
    """Sell and buy on a month's credit; collect and pay what is due from the month before."""
    sales, cost = size, firm.trade.cost
    if month.first_on.month == firm.trade.busy_month:
        sales = sales * 108 // 100
    if firm.trouble and firm.trouble.since <= month.first_on:
        since = firm.trouble.since
        months = (month.first_on.year - since.year) * 12 + month.first_on.month - since.month + 1
        match firm.trouble.scenario:
            case "sales_decline":
                sales = sales * max(45, 100 - 9 * months) // 100
            case "customer_lost":
                sales = sales * 68 // 100
            case "cost_spike":
                cost += 16
    month.post(CASH, RECEIVABLE, month.opening[RECEIVABLE])
    month.post(PAYABLE, CASH, month.opening[PAYABLE])
    month.post(RECEIVABLE, SALES, sales)
    month.post(PURCHASES, PAYABLE, sales * cost // 100)


def _pay(month: Month, firm: Firm, size: int, is_last: bool) -> None:
    """Overhead, wear, interest, instalments, last year's tax; the owner lends what is short."""
    size = size // 1_000 * 1_000
    overhead = size * (100 - firm.trade.cost - MARGIN) // 100
    for account, share in OVERHEAD.items():
        month.post(account, CASH, overhead * share // 100)
    month.post(DEPRECIATION, TOOLS, size // 100)
    month.post(INTEREST, CASH, month.opening[DEBT] * INTEREST_PER_1000 // 1_000 // YEAR)
    month.post(DEBT, CASH, _instalments(firm)[0 if is_last else 1])
    month.post(TAX_PAYABLE, CASH, month.opening[TAX_PAYABLE])
    short = -month.closing(CASH)
    if short > 0:
        month.post(CASH, OFFICER, -(-short // LOAN_FROM_OFFICER) * LOAN_FROM_OFFICER)


def _closed(closing: Balances) -> tuple[dict[Account, int], int]:
    """What a new year opens with after the old one's result was taxed and carried over, and the tax."""
    profit = -sum(account.sign * closing[account] for account in RESULT)
    tax = max(0, profit * TAX_PER_100 // 10_000 * 100)
    carried = {**closing, **dict.fromkeys(RESULT, 0)}
    carried[RETAINED] += profit - tax
    carried[TAX_PAYABLE] += tax
    return carried, tax


LEDGER_COLUMNS = (
    "Month",
    "Ledger_Account_Number",
    "Debit_Amount",
    "Credit_Amount",
    "Ledger_Account_Name",
    "Beginning_Balance",
    "Ending_Balance",
    "eTax_Category",
)


def trial_balance_csv(month: Month) -> bytes:
    """One month as the vendor's software exports it: UTF-8 with a byte order mark, an account a line."""
    rows = [",".join(LEDGER_COLUMNS)]
    for one in CHART:
        flows = (month.debit[one], month.credit[one])
        row = (
            f"{month.first_on:%Y-%m}",
            one.code,
            *flows,
            one.name,
            month.opening[one],
            month.closing(one),
            one.section,
        )
        rows.append(",".join(map(str, row)))
    return ("\ufeff" + "\n".join(rows) + "\n").encode()


def filed_statements(kept: Books) -> dict[str, bytes]:
    """The closed year as e-Tax takes it (HOT010 3.0, CP932): balance sheet and profit and loss, by file name."""
    sheet, tax = _closed(kept.filed)
    return {
        "HOT010_3.0_BS_10.csv": _hot010(kept, "BS", _balance_sheet(sheet)),
        "HOT010_3.0_PL_10.csv": _hot010(kept, "PL", _profit_and_loss(kept.filed, tax)),
    }


Line = tuple[str, int | None, int, str]
"""Name, amount (None for a title), level, code."""


def _hot010(kept: Books, statement: str, lines: Iterator[Line]) -> bytes:
    first, last = kept.term
    title = {"BS": "貸借対照表", "PL": "損益計算書"}[statement]
    head = [f"A,{statement},,,", f"B,{kept.firm.name},,,", f"C1,{first},,,", f"C2,{last},,,", f"{title},,,,"]
    body = [
        f"{name},{'' if yen is None else yen},{'T' if yen is None else 1},{level},{code}"
        for name, yen, level, code in lines
    ]
    return "".join(row + "\r\n" for row in head + body).encode("cp932")


def _balance_sheet(sheet: Balances) -> Iterator[Line]:
    current, fixed = sum(sheet[a] for a in (CASH, RECEIVABLE, STOCK)), sheet[TOOLS]
    owed = sum(sheet[a] for a in (PAYABLE, TAX_PAYABLE, OFFICER))
    equity = sheet[CAPITAL] + sheet[RETAINED]
    yield from (("資産の部", None, 2, "10A000010"), ("流動資産", None, 3, "10A100010"))
    yield from (_line(account, sheet, 4) for account in (CASH, RECEIVABLE, STOCK))
    yield from (("流動資産合計", current, 4, "10A101160"), ("固定資産", None, 3, "10A200010"))
    yield from (
        ("有形固定資産", None, 4, "10A210010"),
        _line(TOOLS, sheet, 5),
        ("有形固定資産合計", fixed, 5, "10A210950"),
    )
    yield from (("固定資産合計", fixed, 4, "10A200020"), ("資産合計", current + fixed, 3, "10A000020"))
    yield from (("負債の部", None, 2, "10B000010"), ("流動負債", None, 3, "10B100010"))
    yield from (_line(account, sheet, 4) for account in (PAYABLE, TAX_PAYABLE, OFFICER))
    yield from (("流動負債合計", owed, 4, "10B101070"), ("固定負債", None, 3, "10B200010"), _line(DEBT, sheet, 4))
    yield from (("固定負債合計", sheet[DEBT], 4, "10B200670"), ("負債合計", owed + sheet[DEBT], 3, "10B000020"))
    yield from (("純資産の部", None, 2, "10C000010"), ("株主資本", None, 3, "10C100010"), _line(CAPITAL, sheet, 4))
    yield from (("利益剰余金", None, 4, "10C130010"), _line(RETAINED, sheet, 5))
    yield from (("利益剰余金合計", sheet[RETAINED], 5, "10C130390"), ("株主資本合計", equity, 4, "10C100040"))
    yield from (("純資産合計", equity, 3, "10C000030"), ("負債純資産合計", owed + sheet[DEBT] + equity, 3, "10C000040"))


def _profit_and_loss(year: Balances, tax: int) -> Iterator[Line]:
    gross = year[SALES] - year[PURCHASES]
    overhead = sum(year[account] for account in SGA)
    ordinary = gross - overhead - year[INTEREST]
    yield from (("売上高", None, 2, "10D100010"), _line(SALES, year, 3), ("売上高合計", year[SALES], 3, "10D100030"))
    yield from (("売上原価", None, 2, "10E100010"), ("期首商品棚卸高", year[STOCK], 3, "10E100100"))
    yield from (_line(PURCHASES, year, 3), ("期末商品棚卸高", -year[STOCK], 3, "10E100140"))
    yield from (("売上原価合計", year[PURCHASES], 3, "10E100030"), ("売上総利益", gross, 2, "10F000010"))
    yield ("販売費及び一般管理費", None, 2, "10E200010")
    yield from (_line(account, year, 3) for account in SGA)
    yield from (("販売費及び一般管理費合計", overhead, 3, "10E201330"), ("営業利益", gross - overhead, 2, "10F000110"))
    yield from (("営業外費用", None, 2, "10E300010"), _line(INTEREST, year, 3))
    yield from (("営業外費用合計", year[INTEREST], 3, "10E300910"), ("経常利益", ordinary, 2, "10F000130"))
    yield from (("税引前当期純利益", ordinary, 2, "10F000150"), ("法人税、住民税及び事業税", tax, 2, "10F100010"))
    yield ("当期純利益", ordinary - tax, 2, "10F000160")


def _line(account: Account, yen: Balances, level: int) -> Line:
    return account.name, yen[account], level, account.code
