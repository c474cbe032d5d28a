"""Columns of text into columns of values, a whole column at a time; what cannot be read is null, and stays findable.

The usual spelling of every column is read by one expression, all columns together. Only texts that expression cannot
read go, each distinct one once, through the scalar readers (``money.parse_amount``, ``japanese_calendar.parse_date``),
so that both ways agree on what a figure or a date is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from gateway.formats.identifiers import normal_number
from gateway.formats.japanese_calendar import ERAS, parse_date
from gateway.formats.layouts import Field
from gateway.formats.money import parse_amount
from gateway.formats.text import REPLACEMENT
from gateway.schemas.records.header import Unit
from gateway.schemas.records.repayment_columns import LIMITS, within_limits

_LARGEST = 2**53
_PATTERNS = {"yyyymmdd": "%Y%m%d", "yyyy/mm/dd": "%Y/%m/%d", "yyyy-mm-dd": "%Y-%m-%d", "any": "%Y/%m/%d"}
_SPELLINGS = {
    "yyyymmdd": "西暦年月日8桁 例 20260331",
    "yyyy/mm/dd": "西暦年月日 例 2026/03/31",
    "yyyy-mm-dd": "西暦年月日 例 2026-03-31",
    "era_yymmdd": "和暦年月日6桁 例 080331",
    "any": "年月日 例 2026/03/31",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """Columns as text and as values, by the same names.

    ``text`` is null where there is nothing (blank, or a date of only zeros, since fixed width has no blank); a value
    is null there too, and where the text is no value of its field.
    """

    text: pl.DataFrame
    values: pl.DataFrame

    def unread(self, name: str) -> pl.Series:
        """Rows in which there was a text and no value came of it."""
        return (self.text[name].is_not_null() & self.values[name].is_null()).arg_true()


def typed(cells: pl.DataFrame, fields: Mapping[str, Field], unit: Unit) -> Typed:
    """Columns of cells as values.

    Money comes in the source's unit and leaves in yen. What the canonical record would not take (a bank code of
    five digits) is no value.

    Args:
        cells: columns of text, named as ``fields``.
        fields: how each column is written.
        unit: unit of the amounts.
    """
    text = cells.select(_trimmed(name, field) for name, field in fields.items())
    values = text.select(_limited(_expression(pl.col(name), field, unit), name) for name, field in fields.items())
    blanks, nulls = text.null_count().row(0), values.null_count().row(0)
    left = [name for name, blank, null in zip(fields, blanks, nulls, strict=True) if null > blank]
    slow = [_read_singly(text[name], values[name], fields[name], unit) for name in left]
    return Typed(text, values.with_columns(slow))


def _trimmed(name: str, field: Field) -> pl.Expr:
    cell = pl.col(name).str.strip_chars(" \u3000")
    said = cell.str.strip_chars("0") if field.type == "date" else cell
    return pl.when(said != "").then(cell).alias(name)


def _limited(value: pl.Expr, name: str) -> pl.Expr:
    return (pl.when(within_limits(name, value)).then(value) if name in LIMITS else value).alias(name)


def _expression(cell: pl.Expr, field: Field, unit: Unit) -> pl.Expr:
    match field.type:
        case "text":
            return pl.when(~cell.str.contains(REPLACEMENT, literal=True)).then(cell)
        case "kana":
            return pl.when(~cell.str.contains(REPLACEMENT, literal=True)).then(cell.str.normalize("NFKC"))
        case "code":
            return pl.when(cell.str.contains(r"^[0-9A-Z-]+$")).then(cell)
        case "integer":
            return cell.cast(pl.Int64, strict=False)
        case "amount":
            return _in_yen(cell.cast(pl.Int64, strict=False), unit)
        case "decimal":
            return _decimal(cell, field.scale)
        case "date":
            return _date(cell, field)
        case "timestamp":
            local = cell.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
            return local.dt.replace_time_zone("Asia/Tokyo").dt.convert_time_zone("UTC")
        case "enum":
            codes = field.codes or {}
            flags = any(isinstance(meaning, bool) for meaning in codes.values())
            return cell.replace_strict(codes, default=None, return_dtype=pl.Boolean() if flags else pl.String())


def _in_yen(value: pl.Expr, unit: Unit) -> pl.Expr:
    largest = _LARGEST // unit.yen
    return pl.when(value.is_between(-largest, largest)).then(value * unit.yen)


def _decimal(cell: pl.Expr, scale: int) -> pl.Expr:
    """A rate as text with a point, which stands before the last ``scale`` digits where it is not written."""
    if not scale:
        return pl.when(cell.str.contains(r"^[0-9]{1,3}(?:\.[0-9]{1,4})?$")).then(cell)
    digits = pl.when(cell.str.contains(r"^[0-9]{1,7}$")).then(cell.str.zfill(scale + 1))
    return digits.str.head(-scale) + "." + digits.str.tail(scale)


def _date(cell: pl.Expr, field: Field) -> pl.Expr:
    if field.format != "era_yymmdd":
        day = cell.str.to_date(_PATTERNS[field.format], strict=False)
        return pl.when(day >= ERAS["明治"]).then(day)
    year = pl.when(cell.str.contains(r"^[0-9]{6}$")).then(cell.str.slice(0, 2)).cast(pl.Int32)
    heisei = year >= field.heisei_from
    base = pl.when(heisei).then(ERAS["平成"].year - 1).otherwise(ERAS["令和"].year - 1)
    day = ((base + year).cast(pl.String) + cell.str.slice(2)).str.to_date("%Y%m%d", strict=False)
    return pl.when((year > 0) & (heisei | (day >= ERAS["令和"]))).then(day)


def _read_singly(text: pl.Series, value: pl.Series, field: Field, unit: Unit) -> pl.Series:
    """``value`` with what only the scalar reader of its type can read; each distinct text is read once.

    Amounts with thousands separators are spared that: where there is one, a whole column has them.
    """
    parse = _SCALAR.get(field.format if field.type == "date" else field.type)
    if parse is None:
        return value
    if parse is _whole_number:
        value = value.fill_null(text.to_frame().select(_grouped(pl.col(value.name), field, unit)).to_series())
    known: dict[str, Any] = {}
    for each in text.filter(value.is_null() & text.is_not_null()).unique():
        try:
            known[each] = parse(each)
        except ValueError:
            continue
    if not known:
        return value
    name = value.name
    read = pl.col(name).replace_strict(known, default=None, return_dtype=value.dtype)
    read = _in_yen(read, unit) if field.type == "amount" else read
    return value.fill_null(text.to_frame().select(_limited(read, name)).to_series())


def _grouped(cell: pl.Expr, field: Field, unit: Unit) -> pl.Expr:
    plain = pl.when(cell.str.contains(r"^-?[0-9]{1,3}(?:,[0-9]{3})+$")).then(
        cell.str.replace_all(",", "", literal=True)
    )
    return _limited(_expression(plain, field, unit), field.to or field.name)


def _whole_number(text: str) -> int | None:
    value = parse_amount(text)
    return value if value is not None and abs(value) < _LARGEST else None


def _day(text: str) -> date | None:
    day = parse_date(text)
    return day if day >= ERAS["明治"] else None


def _number(text: str) -> str | None:
    return None if REPLACEMENT in text else normal_number(text)


_SCALAR: dict[str, Callable[[str], Any]] = {
    "any": _day,
    "amount": _whole_number,
    "integer": _whole_number,
    "code": _number,
}


def spelling(field: Field) -> str:
    """How a value of this field is to be written, for the person who has to correct it."""
    if field.type == "enum":
        return "・".join(field.codes or ())
    if field.type == "date":
        return _SPELLINGS[field.format]
    limit = LIMITS.get(field.to or "", {})
    return {
        "amount": "整数の金額",
        "decimal": f"小数点のない数字（小数 {field.scale}桁）" if field.scale else "数値 例 1.875",
        "integer": f"{limit.get('minimum', 0)}〜{limit['maximum']}の整数" if "maximum" in limit else "整数",
        "timestamp": "年月日時分秒14桁 例 20260405093000",
        "code": _CODES.get(limit.get("pattern", ""), "英数字とハイフン 32文字以内"),
    }.get(field.type, f"{limit.get('maxLength', 200)}文字以内の文字")


_CODES = {r"^\d{4}$": "数字4桁", r"^\d{3}$": "数字3桁", r"^(\d{2}|\d{5})$": "数字2桁または5桁"}


def single(text: str, field: Field) -> str | int | date | None:
    """One value alone, for header and trailer: the same reading as that of a column.

    Raises:
        ValueError: the text is no value of this field.
    """
    name = field.to or field.name
    column = typed(pl.DataFrame({name: [text]}), {name: field}, Unit.YEN)
    if len(column.unread(name)):
        raise ValueError(text)
    value: str | int | date | None = column.values[name][0]
    return value
