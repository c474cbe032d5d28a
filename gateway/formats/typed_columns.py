"""Columns of text into columns of values, a whole column at a time; what cannot be read is null, and stays findable.

The usual spelling of a column is read by one expression. Only texts that expression cannot read go, each distinct
one once, through the scalar readers (``money.parse_amount``, ``japanese_calendar.parse_date``), so that both ways
agree on what a figure or a date is.
"""

from __future__ import annotations

from collections.abc import Callable
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

_GROUPED = r"^-?[0-9]{1,3}(?:,[0-9]{3})+$"
_LARGEST = 2**53
_PATTERNS = {"yyyymmdd": "%Y%m%d", "yyyy/mm/dd": "%Y/%m/%d", "yyyy-mm-dd": "%Y-%m-%d", "any": "%Y/%m/%d"}
_SPELLINGS = {
    "yyyymmdd": "西暦年月日8桁 例 20260331",
    "yyyy/mm/dd": "西暦年月日 例 2026/03/31",
    "yyyy-mm-dd": "西暦年月日 例 2026-03-31",
    "era_yymmdd": "和暦年月日6桁 例 080331",
    "any": "年月日 例 2026/03/31",
}


def trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells without the blanks around them; what is only blank is null."""
    cells = pl.all().str.strip_chars(" \u3000")
    return frame.select(pl.when(cells != "").then(cells))


def typed(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    """The values of a trimmed column; null where there is no text, and where the text is no value of this field.

    Money comes in the layout's unit and leaves in yen. A date of only zeros is no date (fixed width has no blank).
    What the canonical record would not take (a bank code of five digits) is null too.
    """
    value = _READERS[field.type](text, field, unit)
    name = field.to if field.to in LIMITS else None
    if name is None:
        return value
    frame = value.alias(name).to_frame()
    return frame.select(pl.when(within_limits(name)).then(name)).to_series()


def unread(text: pl.Series, value: pl.Series, field: Field) -> pl.Series:
    """Where there was a text and no value came of it."""
    bad = text.is_not_null() & value.is_null()
    return bad & (text.str.strip_chars("0") != "") if field.type == "date" and bad.any() else bad


def spelling(field: Field) -> str:
    """How a value of this field is to be written, for the person who has to correct it."""
    if field.type == "enum":
        return "・".join(field.codes or ())
    if field.type == "date":
        return _SPELLINGS[field.format]
    limit = LIMITS.get(field.to or "", {})
    return {
        "amount": "整数の金額",
        "integer": f"{limit.get('minimum', 0)}〜{limit['maximum']}の整数" if "maximum" in limit else "整数",
        "timestamp": "年月日時分秒14桁 例 20260405093000",
        "code": _CODES.get(limit.get("pattern", ""), "英数字とハイフン 32文字以内"),
    }.get(field.type, f"{limit.get('maxLength', 200)}文字以内の文字")


_CODES = {r"^\d{4}$": "数字4桁", r"^\d{3}$": "数字3桁", r"^(\d{2}|\d{5})$": "数字2桁または5桁"}


def _rescued(text: pl.Series, value: pl.Series, parse: Callable[[str], Any]) -> pl.Series:
    """``value`` with what only the scalar reader can read; each distinct text is read once."""
    left = text.filter(text.is_not_null() & value.is_null()).unique()
    known = {}
    for each in left:
        try:
            known[each] = parse(each)
        except ValueError:
            continue
    known = {each: result for each, result in known.items() if result is not None}
    if not known:
        return value
    return value.fill_null(text.replace_strict(known, default=None, return_dtype=value.dtype))


def _decoded_well(text: pl.Series) -> pl.Series:
    whole = ~text.str.contains(REPLACEMENT, literal=True)
    return text if whole.all() else text.to_frame("t").select(pl.when(whole).then("t")).to_series()


def _text(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    return _decoded_well(text)


def _kana(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    return _decoded_well(text).str.normalize("NFKC")


def _code(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    plain = text.to_frame("t").select(pl.when(pl.col("t").str.contains(r"^[0-9A-Z-]+$")).then("t")).to_series()
    return _rescued(_decoded_well(text), plain, normal_number)


def _integer(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    value = text.cast(pl.Int64, strict=False)
    if value.null_count() > text.null_count():
        grouped = text.str.contains(_GROUPED)
        plain = text.str.replace_all(",", "", literal=True).to_frame("t").select(pl.when(grouped).then("t")).to_series()
        value = _rescued(text, value.fill_null(plain.cast(pl.Int64, strict=False)), _bounded_amount)
    return value


def _bounded_amount(text: str) -> int | None:
    value = parse_amount(text)
    return value if value is not None and abs(value) < _LARGEST else None


def _amount(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    value = _integer(text, field, unit)
    if unit is Unit.YEN:
        return value
    bounded = value.is_between(-_LARGEST // unit.yen, _LARGEST // unit.yen)
    return (value * unit.yen).to_frame("v").select(pl.when(bounded).then("v")).to_series()


def _date(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    if field.format == "era_yymmdd":
        return _era_date(text, field.heisei_from)
    value = text.str.to_date(_PATTERNS[field.format], strict=False)
    if value.null_count() > text.null_count() and field.format == "any":
        value = _rescued(text, value, parse_date)
    seen = value.to_frame("v")
    return seen.select(pl.when(pl.col("v") >= ERAS["明治"]).then("v")).to_series()


def _era_date(text: pl.Series, heisei_from: int) -> pl.Series:
    cell = pl.col("t")
    digits = cell.str.contains(r"^[0-9]{6}$")
    year = pl.when(digits).then(cell.str.slice(0, 2)).cast(pl.Int32)
    heisei = year >= heisei_from
    base = pl.when(heisei).then(ERAS["平成"].year - 1).otherwise(ERAS["令和"].year - 1)
    day = ((base + year).cast(pl.String) + cell.str.slice(2)).str.to_date("%Y%m%d", strict=False)
    exists = (year > 0) & (heisei | (day >= ERAS["令和"]))
    return text.to_frame("t").select(pl.when(exists).then(day)).to_series()


def _timestamp(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    local = text.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
    return local.dt.replace_time_zone("Asia/Tokyo").dt.convert_time_zone("UTC")


def _enum(text: pl.Series, field: Field, unit: Unit) -> pl.Series:
    codes = field.codes or {}
    dtype = pl.Boolean() if any(isinstance(meaning, bool) for meaning in codes.values()) else pl.String()
    return text.replace_strict(codes, default=None, return_dtype=dtype)


_READERS: dict[str, Callable[[pl.Series, Field, Unit], pl.Series]] = {
    "text": _text,
    "kana": _kana,
    "code": _code,
    "integer": _integer,
    "amount": _amount,
    "date": _date,
    "timestamp": _timestamp,
    "enum": _enum,
}


def single(text: str, field: Field) -> str | int | bool | date | None:
    """One value alone, for the header: the same reading as that of a column.

    Raises:
        ValueError: the text is no value of this field.
    """
    cells = trimmed(pl.DataFrame({"t": [text]})).to_series()
    value = typed(cells, field, Unit.YEN)
    if unread(cells, value, field).any():
        raise ValueError(text)
    result: str | int | bool | date | None = value[0]
    return result
