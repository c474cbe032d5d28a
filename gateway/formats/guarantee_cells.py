"""What one cell of a corporation's list of guarantees says: each field of an entry read strictly, nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from gateway.formats.identifiers import invoice_number_digits, normal_number
from gateway.formats.japanese_calendar import parse_date
from gateway.formats.money import parse_amount
from gateway.schemas.guarantees import WHOLE_BP
from gateway.schemas.identifiers import corporate_number_holds


class Wrong(ValueError):
    """A cell does not say what its column asks for."""

    def __init__(self, ja: str, en: str) -> None:
        super().__init__(en)
        self.ja, self.en = ja, en


Words = Mapping[str, bool | str]
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _text(longest: int, cell: str, _: Words) -> str:
    text = " ".join(cell.splitlines())  # a spreadsheet breaks lines within a cell
    if len(text) > longest:
        raise Wrong(f"{longest}文字を超えています", f"longer than {longest} characters")
    if CONTROL.search(text):
        raise Wrong("印字できない文字があります", "a character that cannot be printed")
    return text


def _guarantee_no(cell: str, _: Words) -> str:
    return _text(32, normal_number(cell), _)


def _institution(cell: str, _: Words) -> str:
    if not (len(cell) == 4 and cell.isascii() and cell.isdigit()):
        raise Wrong("4桁の数字ではありません（先頭の0が落ちていませんか）", "not four digits (was a leading 0 lost?)")
    return cell


def _corporate_number(cell: str, _: Words) -> str:
    if not corporate_number_holds(cell):
        raise Wrong("法人番号（13桁）の検査用数字が合いません", "its check digit does not hold")
    return cell


def _invoice_number(cell: str, _: Words) -> str:
    digits = invoice_number_digits(cell)
    if digits is None:
        raise Wrong("「T」と13桁の数字ではありません", "not T and thirteen digits")
    return f"T{digits}"


def _yen(cell: str, _: Words) -> int | None:
    if not any(map(str.isdigit, cell)):  # a lone dash is zero in a statement; here it would be made up
        raise Wrong("円単位の金額ではありません", "not an amount in yen")
    try:
        amount = parse_amount(cell)
    except ValueError as error:
        raise Wrong("円単位の金額ではありません", "not an amount in yen") from error
    if amount is not None and not 0 <= amount < 2**53:
        raise Wrong("0円以上の金額ではありません", "not an amount of zero yen or more")
    return amount


def _day(cell: str, _: Words) -> Any:
    try:
        return parse_date(cell)
    except ValueError as error:
        raise Wrong("日付ではありません（例 2025/3/31、R7.3.31）", "not a date (such as 2025/3/31)") from error


def _share(cell: str, _: Words) -> int:
    """Percent to hundredths of a percent, exactly."""
    try:
        share = Decimal(cell.removesuffix("%").strip()) * (WHOLE_BP // 100)
    except InvalidOperation as error:
        raise Wrong("割合（%）ではありません", "not a percentage") from error
    if not share.is_finite() or share != share.to_integral_value() or not 0 <= share <= WHOLE_BP:
        raise Wrong("0から100%まで（小数第2位まで）ではありません", "not from 0 to 100 percent in two decimals")
    return int(share)


def _count(cell: str, _: Words) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 3):
        raise Wrong("回数ではありません", "not a number of times")
    return int(cell)


def _word(cell: str, words: Words) -> bool | str:
    """What a word means; the meaning itself is understood too."""
    meant = words.get(cell)
    if meant is not None:
        return meant
    own = {str(one).lower(): one for one in words.values()}
    if cell.lower() not in own:
        listed = "・".join(words)
        raise Wrong(f"次のいずれでもありません: {listed}", f"none of {', '.join(own)}")
    return own[cell.lower()]


READ: Mapping[str, Callable[[str, Words], Any]] = {
    "guarantee_no": _guarantee_no,
    "institution": _institution,
    "corporate_number": _corporate_number,
    "invoice_number": _invoice_number,
    "cgc_customer": partial(_text, 64),
    "name": partial(_text, 200),
    "principal_yen": _yen,
    "is_revolving": _word,
    "issued_on": _day,
    "executed_on": _day,
    "maturity_on": _day,
    "first_principal_due_on": _day,
    "guarantee_ratio_bp": _share,
    "scheme_code": partial(_text, 32),
    "scheme_family": _word,
    "scheme_from": _day,
    "scheme_until": _day,
    "change_count": _count,
    "last_changed_on": _day,
    "last_change_kind": _word,
    "has_proper_loan": _word,
}
"""Field -> how its cell is read, given the words that mean something there; the firm by each kind of number."""
