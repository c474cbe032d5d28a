"""Columns of text as values: each type's spellings, and what is no value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from gateway.formats.layouts import Field
from gateway.formats.typed_columns import single, spelling, typed
from gateway.schemas.records import Unit

STATUS = {"1": "performing", "2": "paid_off"}


def read(
    to: str, type_: str, texts: list[str | None], unit: Unit = Unit.YEN, **how: Any
) -> tuple[list[Any], list[int]]:
    """The values, and the rows that could not be read."""
    field = Field(name="項目", to=to, type=type_, **how)  # type: ignore[arg-type] # one of the types
    column = typed(pl.DataFrame({to: pl.Series(texts, dtype=pl.String())}), {to: field}, unit)
    return column.values[to].to_list(), column.unread(to).to_list()


def test_blanks_are_no_value_and_no_mistake() -> None:
    assert read("balance_yen", "amount", ["", "  ", "\u3000", None]) == ([None] * 4, [])


def test_amounts_in_every_spelling() -> None:
    texts = ["1", "-000012", "1,234", "△5", "１２", "(7)", "-", "12.0", "+3"]
    assert read("balance_yen", "amount", texts) == ([1, -12, 1_234, -5, 12, -7, 0, 12, 3], [])


@pytest.mark.parametrize("text", ["1O0", "***", "1.5", "1,23", "9007199254740993", "9" * 30, "0x10", "1e3"])
def test_what_is_no_amount(text: str) -> None:
    assert read("balance_yen", "amount", ["5", text]) == ([5, None], [1])


def test_thousands_are_kept_as_yen() -> None:
    texts = ["15", "1,500", "9007199254740", "9007199254741"]
    assert read("balance_yen", "amount", texts, Unit.THOUSAND) == (
        [15_000, 1_500_000, 9_007_199_254_740_000, None],
        [3],
    )


def test_counts_have_bounds() -> None:
    assert read("months_in_arrears", "integer", ["003", "999", "1000", "-1"]) == ([3, 999, None, None], [2, 3])


def test_dates_in_every_spelling() -> None:
    texts = ["2026/03/31", "2026/3/1", "2026-03-31", "20260331", "R8.3.31", "令和8年3月31日"]
    day = date(2026, 3, 31)
    assert read("as_of", "date", texts) == ([day, date(2026, 3, 1), day, day, day, day], [])


@pytest.mark.parametrize("text", ["2026/02/29", "26/03/31", "0026/03/31", "080331", "あした"])
def test_what_is_no_date(text: str) -> None:
    assert read("as_of", "date", [text]) == ([None], [0])


def test_a_layout_that_names_its_spelling_takes_no_other() -> None:
    texts = ["20260331", "2026/03/31", "R8.3.31", "00000000"]
    assert read("as_of", "date", texts, format="yyyymmdd") == ([date(2026, 3, 31), None, None, None], [1, 2])


def test_six_digits_are_reiwa_below_the_turn_and_heisei_from_it() -> None:
    texts = ["080331", "310430", "200101", "010501", "010430", "000101", "080230", "000000", "8331"]
    days = [date(2026, 3, 31), date(2019, 4, 30), date(2008, 1, 1), date(2019, 5, 1), *[None] * 5]
    assert read("as_of", "date", texts, format="era_yymmdd") == (days, [4, 5, 6, 8])


def test_instants_are_japan_time() -> None:
    values, unread = read("produced_at", "timestamp", ["20260405093000", "20260405"])
    assert (values, unread) == ([datetime(2026, 4, 5, 0, 30, tzinfo=UTC), None], [1])


def test_numbers_are_brought_to_one_spelling() -> None:
    assert read("guarantee_no", "code", ["13-1", "１３ー１", "ab1"]) == (["13-1", "13-1", "AB1"], [])


@pytest.mark.parametrize("text", ["13 1", "保1", "1" * 33, "a\ufffd"])
def test_what_is_no_guarantee_number(text: str) -> None:
    assert read("guarantee_no", "code", [text]) == ([None], [0])


def test_codes_have_their_length() -> None:
    assert read("bank_code", "code", ["9991", "991", "99910"]) == (["9991", None, None], [1, 2])


def test_a_number_of_no_fixed_form_still_must_be_text() -> None:
    assert read("event_no", "code", ["E:1", "\ufffd"]) == (["E:1", None], [1])


def test_texts_stay_and_kana_become_full_width() -> None:
    assert read("company_name", "text", [" ㈱髙﨑① ", "a\ufffd"]) == (["㈱髙﨑①", None], [1])
    assert read("company_name", "kana", ["ｶ)ﾃﾞﾝｷ", "\ufffd"]) == (["カ)デンキ", None], [1])


def test_codes_stand_for_words_and_flags() -> None:
    assert read("status", "enum", ["1", "2", "3"], codes=STATUS) == (["performing", "paid_off", None], [2])
    assert read("is_revolving", "enum", ["1", "0", "x"], codes={"0": False, "1": True}) == ([True, False, None], [2])


def test_a_single_value_reads_like_a_column() -> None:
    assert single(" 0012 ", Field(name="通番", to="sequence", type="integer")) == 12
    assert single("", Field(name="基準日", to="as_of", type="date")) is None
    with pytest.raises(ValueError, match="1x"):
        single("1x", Field(name="通番", to="sequence", type="integer"))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (Field(name="x", to="balance_yen", type="amount"), "整数の金額"),
        (Field(name="x", to="months_in_arrears", type="integer"), "0〜999の整数"),
        (Field(name="x", to="sequence", type="integer"), "整数"),
        (Field(name="x", to="as_of", type="date", format="era_yymmdd"), "和暦年月日6桁 例 080331"),
        (Field(name="x", to="produced_at", type="timestamp"), "年月日時分秒14桁 例 20260405093000"),
        (Field(name="x", to="bank_code", type="code"), "数字4桁"),
        (Field(name="x", to="guarantee_no", type="code"), "英数字とハイフン 32文字以内"),
        (Field(name="x", to="company_name", type="text"), "200文字以内の文字"),
        (Field(name="x", to="status", type="enum", codes=STATUS), "1・2"),
    ],
)
def test_the_right_spelling_is_told_to_people(field: Field, expected: str) -> None:
    assert spelling(field) == expected
