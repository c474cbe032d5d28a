"""One cell of a workbook: what it holds, once its number format has said what a number means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum


class Kind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"  # a number shown as a percentage: 0.05 is 5 %
    DATE = "date"
    FLAG = "flag"
    ERROR = "error"  # #N/A and its like
    UNCALCULATED = "uncalculated"  # a formula whose result was never stored


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as the file holds it: a number as plain decimal text, a date as ISO text, a flag as true or false."""

    kind: Kind
    text: str


_BUILT_IN_PERCENTS = frozenset({9, 10})
_BUILT_IN_DATES = frozenset({*range(14, 18), 22, *range(27, 32), 34, 35, 36, *range(50, 59)})
_CUSTOM_FROM = 164
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\[[^\]]*\]|General|G/標準|[eE][+-]', re.IGNORECASE)
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?")
_LARGEST_POWER = 30

_DAY_BEFORE_1900, _DAY_0_OF_1904 = date(1899, 12, 31), date(1904, 1, 1)
_FICTIONAL_LEAP_DAY = 60  # 29 February 1900 never was, but every spreadsheet counts it
_LAST_SERIAL = 2_958_465  # 31 December 9999


def format_kind(number: int, code: str | None) -> Kind:
    """What numbers under a number format are: a date, a percentage or a number.

    Args:
        number: its id; those below 164 are built in, and some of them mean dates only in Japanese Excel.
        code: its code, where the workbook defines one.

    Source: ECMA-376 part 1, 18.8.30.

    >>> format_kind(57, None), format_kind(164, 'ggge"年"m"月"'), format_kind(165, "0.00E+00")
    (<Kind.DATE: 'date'>, <Kind.DATE: 'date'>, <Kind.NUMBER: 'number'>)
    """
    if code is None:
        if number in _BUILT_IN_DATES:
            return Kind.DATE
        return Kind.PERCENT if number in _BUILT_IN_PERCENTS else Kind.NUMBER
    signs = set(_LITERAL.sub("", code.partition(";")[0]).lower())
    if signs & set("yegd") or ("m" in signs and not signs & set("hs")):
        return Kind.DATE
    return Kind.PERCENT if "%" in signs else Kind.NUMBER


def number_cell(stored: str, kind: Kind, epoch_1904: bool) -> Cell:
    """A stored number as the cell a person sees. What is no number at all becomes an error cell.

    A date keeps its day and loses its time of day; a number too large or too small for any date stays a number.

    >>> number_cell("45930", Kind.DATE, False), number_cell("1.5E3", Kind.NUMBER, False).text
    (Cell(kind=<Kind.DATE: 'date'>, text='2025-09-30'), '1500')
    """
    plain = _plain(stored)
    if plain is None:
        return Cell(Kind.ERROR, stored[:40])
    if kind is Kind.DATE:
        day = serial_date(Decimal(plain), epoch_1904)
        return Cell(Kind.DATE, day.isoformat()) if day else Cell(Kind.NUMBER, plain)
    return Cell(kind, plain)


def iso_date_cell(stored: str) -> Cell:
    """A date stored as text in ISO 8601, as strict workbooks do; what is none stays text."""
    try:
        return Cell(Kind.DATE, date.fromisoformat(stored[:10]).isoformat())
    except ValueError:
        return Cell(Kind.TEXT, stored)


def serial_date(serial: Decimal, epoch_1904: bool = False) -> date | None:
    """The day a spreadsheet's day number stands for, or None where it stands for none.

    >>> serial_date(Decimal(59)), serial_date(Decimal(60)), serial_date(Decimal(61))
    (datetime.date(1900, 2, 28), None, datetime.date(1900, 3, 1))
    """
    if not 1 <= serial <= _LAST_SERIAL - (1462 if epoch_1904 else 0):
        return None
    day = int(serial)
    if epoch_1904:
        return _DAY_0_OF_1904 + timedelta(days=day)
    if day == _FICTIONAL_LEAP_DAY:
        return None
    return _DAY_BEFORE_1900 + timedelta(days=day - (day > _FICTIONAL_LEAP_DAY))


def _plain(stored: str) -> str | None:
    """The number without exponent and outer spaces; None for what is none or has an absurd magnitude."""
    if _PLAIN.fullmatch(stored):
        return stored
    try:
        number = Decimal(stored.strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_POWER:
        return "0" if number == 0 else None
    return f"{number:f}"
