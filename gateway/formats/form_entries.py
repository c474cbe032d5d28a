"""One answer on a form, both ways: what a person typed into a cell, and the canonical value it stands for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from gateway.formats.cells import Cell, Kind, serial_date
from gateway.formats.form_template import FormField, Slot
from gateway.formats.identifiers import normal_number
from gateway.formats.japanese_calendar import parse_date
from gateway.formats.money import parse_amount
from gateway.formats.text import narrow

Value = str | int | Decimal | date | bool

_THOUSAND = 1_000
_HUNDRED = Decimal(100)
_TENTH = Decimal("0.1")
_SERIALS = range(36_526, 73_051)  # 2000 to 2099: a bare number in a date's cell is a day number only here
_MINUS = "△▲−－-"
_SEPARATORS = re.compile("[-\u2010-\u2015\u2212ー\\s]")
_FIGURE = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,30})?")


@dataclass(frozen=True, slots=True)
class Typed:
    """A cell's content exactly as a person would type it, right or wrong; for trying out what a form does with it."""

    content: str | int | float | date | bool


def answer(slot: Slot, cell: Cell) -> Value | None:
    """The canonical value of an answered cell, or None where nothing was answered.

    Money typed in 千円 becomes yen, a Japanese choice its code, a percentage the number before the sign. A fraction
    of a yen, as formulas leave it, is rounded half up.

    Raises:
        ValueError: the cell does not hold what was asked for.
    """
    if cell.kind is Kind.UNCALCULATED and slot.field.formula:
        return None
    if cell.kind in (Kind.ERROR, Kind.UNCALCULATED):
        raise ValueError("no result")
    return _READERS[slot.field.type](slot, cell)


def _text(slot: Slot, cell: Cell) -> str:
    return cell.text.strip()


def _identifier(slot: Slot, cell: Cell) -> str:
    return normal_number(cell.text).replace(" ", "")


def _digits(slot: Slot, cell: Cell) -> str:
    digits = _SEPARATORS.sub("", narrow(cell.text))
    wanted = slot.field.digits or 0
    if cell.kind is Kind.NUMBER:
        digits = digits.zfill(wanted)  # Excel drops the leading zeros of what it takes for a number
    if len(digits) != wanted or not (digits.isascii() and digits.isdigit()):
        raise ValueError("digits")
    return digits


def _integer(slot: Slot, cell: Cell) -> int:
    return int(_within(slot.field, _whole(_decimal_of(cell))))


def _decimal(slot: Slot, cell: Cell) -> Decimal:
    return _within(slot.field, _rounded(_decimal_of(cell), _TENTH))


def _percent(slot: Slot, cell: Cell) -> Decimal:
    if cell.kind is Kind.PERCENT:
        number = _decimal_of(cell) * _HUNDRED
    else:
        number = _decimal_of(Cell(cell.kind, narrow(cell.text).strip().removesuffix("%")))
    return _within(slot.field, _rounded(number, _TENTH))


def _thousand_yen(slot: Slot, cell: Cell) -> int | None:
    if cell.kind is Kind.TEXT:
        thousands = parse_amount(cell.text.removesuffix("千円"))
        return None if thousands is None else int(_within(slot.field, Decimal(thousands))) * _THOUSAND
    number = _within(slot.field, _decimal_of(cell))
    return int(_rounded(number * _THOUSAND, Decimal(1)))


def _date(slot: Slot, cell: Cell) -> date:
    is_serial = cell.kind is Kind.NUMBER and cell.text.isdigit() and int(cell.text) in _SERIALS
    day = serial_date(Decimal(cell.text)) if is_serial else None
    return day or parse_date(cell.text)


def _choice(slot: Slot, cell: Cell) -> bool | str:
    chosen = folded(cell.text)
    for code, text in slot.choices.items():
        if folded(text) == chosen:
            return code
    raise ValueError("choice")


_READERS: dict[str, Callable[[Slot, Cell], Value | None]] = {
    "text": _text,
    "identifier": _identifier,
    "digits": _digits,
    "integer": _integer,
    "decimal": _decimal,
    "percent": _percent,
    "thousand_yen": _thousand_yen,
    "date": _date,
    "choice": _choice,
}


def folded(text: str) -> str:
    """A label or choice as it compares: NFKC, without white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _decimal_of(cell: Cell) -> Decimal:
    figure = narrow(cell.text).strip().replace(",", "")
    sign = -1 if figure[:1] in set(_MINUS) else 1
    figure = figure[1:] if sign < 0 else figure
    if not _FIGURE.fullmatch(figure):
        raise ValueError("number")
    return sign * Decimal(figure)


def _whole(number: Decimal) -> Decimal:
    if number != number.to_integral_value():
        raise ValueError("whole number")
    return number


def _rounded(number: Decimal, step: Decimal) -> Decimal:
    return number.quantize(step, rounding=ROUND_HALF_UP)


def _within(field: FormField, number: Decimal) -> Decimal:
    if field.minimum is not None and number < field.minimum:
        raise ValueError("too small")
    if field.maximum is not None and number > field.maximum:
        raise ValueError("too large")
    return number


def expectation(slot: Slot) -> str:
    """What a cell takes, as the clerk reads it in a finding."""
    field = slot.field
    if field.type == "choice":
        return "・".join(slot.choices.values()) + " のいずれか"
    span = f"（{_span(field)}）" if field.minimum is not None or field.maximum is not None else ""
    return {
        "text": f"{field.max_length}文字以内の文字",
        "identifier": f"{field.max_length}文字以内の英数字とハイフン",
        "digits": f"{field.digits}桁の数字",
        "integer": f"整数{span}",
        "decimal": f"数値{span}、例 2.5",
        "percent": f"百分率{span}、例 -5.0%",
        "thousand_yen": f"千円単位の整数{span}、例 1,234" + ("" if field.minimum == 0 else "、マイナスは △500"),
        "date": "日付、例 2025/9/30、R7.9.30",
    }[field.type]


def _span(field: FormField) -> str:
    if field.maximum is None:
        return f"{field.minimum}以上"
    return f"{field.minimum}〜{field.maximum}"


def content(slot: Slot, value: Value | Typed) -> str | float | date | bool:
    """What stands in a cell for a canonical value: the inverse of ``answer``.

    Raises:
        ValueError: the form has no way to say this value here.
    """
    if isinstance(value, Typed):
        return value.content
    if slot.field.type == "choice":
        if isinstance(value, bool | str) and value in slot.choices:
            return slot.choices[value]
        raise ValueError(f"{slot.pointer}: no choice stands for {value!r}")
    if isinstance(value, date):
        return value
    if isinstance(value, bool) or (isinstance(value, str) != (slot.field.type in ("text", "identifier", "digits"))):
        raise ValueError(f"{slot.pointer}: {value!r} is not of type {slot.field.type}")
    if isinstance(value, str):
        return value
    scale = {"thousand_yen": _THOUSAND, "percent": 100}.get(slot.field.type, 1)
    return float(Decimal(value) / scale)
