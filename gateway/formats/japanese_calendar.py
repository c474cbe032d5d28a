"""Dates as Japanese offices write them, and the half years by which banks report."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.formats.text import narrow

ERAS: dict[str, date] = {
    "令和": date(2019, 5, 1),
    "平成": date(1989, 1, 8),
    "昭和": date(1926, 12, 25),
    "大正": date(1912, 7, 30),
    "明治": date(1868, 1, 25),
}
"""First day of each era. Its year 1 is the calendar year of that day."""

_SIGNS = {
    name: sign
    for sign, names in {
        "令和": "令和 令 R r ㋿",
        "平成": "平成 平 H h ㍻",
        "昭和": "昭和 昭 S s ㍼",
        "大正": "大正 大 T t ㍽",
        "明治": "明治 明 M m ㍾",
    }.items()
    for name in names.split()
}
_ERA = re.compile(
    rf"({'|'.join(_SIGNS)})\.?\s*(元|[0-9]{{1,2}})"
    r"(?:年\s*([0-9]{1,2})月\s*([0-9]{1,2})日|([./-])\s*([0-9]{1,2})\5\s*([0-9]{1,2}))"
)
_COMMON = re.compile(
    r"([0-9]{4})(?:年\s*([0-9]{1,2})月\s*([0-9]{1,2})日|([./-])([0-9]{1,2})\4([0-9]{1,2})|([0-9]{2})([0-9]{2}))"
)


def parse_date(text: str) -> date:
    """A date in any of the spellings in use: ISO, slashes, eight digits, era letters, 令和6年3月31日, full-width.

    A date after its era's last day is taken as printed (systems still print H31/5/1); one before its era's first
    day does not exist. Six digits are refused: nothing says which calendar they are in.

    Raises:
        ValueError: not a date, or a day that does not exist.

    Source: domain note 6.8.

    >>> parse_date("令和元年5月1日"), parse_date("H30/7/1")
    (datetime.date(2019, 5, 1), datetime.date(2018, 7, 1))
    """
    plain = narrow(text).strip()
    if found := _COMMON.fullmatch(plain):
        year, month, day = (int(part) for part in found.groups() if part and part.isdigit())
        return date(year, month, day)
    if found := _ERA.fullmatch(plain):
        sign, year_text, *rest = (part for part in found.groups() if part and part not in "./-")
        first = ERAS[_SIGNS[sign]]
        year_of_era = 1 if year_text == "元" else int(year_text)
        day_named = date(first.year + year_of_era - 1, int(rest[0]), int(rest[1]))
        if year_of_era == 0 or day_named < first:
            raise ValueError(f"before the era began: {text!r}")
        return day_named
    raise ValueError(f"not a date: {text!r}")


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


@dataclass(frozen=True, slots=True, order=True)
class HalfYear:
    """Half of a fiscal year that begins in April: ``2025H1`` is April to September 2025, ``2025H2`` what follows.

    Source: domain notes 5.1 and N05.
    """

    year: int
    half: Literal[1, 2]

    def __str__(self) -> str:
        return f"{self.year}H{self.half}"

    @staticmethod
    def of(period_from: date, period_to: date) -> HalfYear | None:
        """The half year that is exactly this period, or None where the period is not a half year."""
        year, half = (period_from.year, 1) if period_from.month == 4 else (period_from.year, 2)
        found = HalfYear(year, 1 if half == 1 else 2)
        return found if (found.starts_on, found.ends_on) == (period_from, period_to) else None

    @property
    def starts_on(self) -> date:
        """First day of the half."""
        return date(self.year, 4 if self.half == 1 else 10, 1)

    @property
    def ends_on(self) -> date:
        """Last day of the half: the base month's end (基準月末)."""
        return date(self.year, 9, 30) if self.half == 1 else date(self.year + 1, 3, 31)

    @property
    def window(self) -> tuple[date, date]:
        """The two months after the half in which its report is due: ``(opens_on, closes_on)``."""
        if self.half == 1:
            return date(self.year, 10, 1), date(self.year, 11, 30)
        return date(self.year + 1, 4, 1), date(self.year + 1, 5, 31)
