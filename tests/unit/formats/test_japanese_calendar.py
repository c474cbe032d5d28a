from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.japanese_calendar import ERAS, HalfYear, month_end, parse_date

DAYS = st.dates(date(1868, 1, 25), date(2099, 12, 31))
LETTERS = {"令和": "R", "平成": "H", "昭和": "S", "大正": "T", "明治": "M"}


def _era(day: date) -> tuple[str, int]:
    name = next(name for name, first in ERAS.items() if day >= first)
    return name, day.year - ERAS[name].year + 1


@given(DAYS, st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日", "%Y.%m.%d"]))
def test_a_common_date_is_read_back(day: date, spelling: str) -> None:
    assert parse_date(day.strftime(spelling)) == day


@given(
    DAYS, st.sampled_from(["{0}{1}.{2}.{3}", "{0}{1:02}/{2:02}/{3:02}", "{0}.{1:02}/{2:02}/{3:02}", "{0}{1}-{2}-{3}"])
)
def test_an_era_letter_date_is_read_back(day: date, spelling: str) -> None:
    name, year = _era(day)
    assert parse_date(spelling.format(LETTERS[name], year, day.month, day.day)) == day


@given(DAYS)
def test_an_era_name_date_is_read_back_in_kanji_and_full_width(day: date) -> None:
    name, year = _era(day)
    written = f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    full_width = written.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    assert parse_date(written) == parse_date(full_width) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024/3/31", date(2024, 3, 31)),
        ("R6.3.31", date(2024, 3, 31)),
        ("Ｒ０６／０３／３１", date(2024, 3, 31)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("㋿6年3月31日", date(2024, 3, 31)),
        ("R.07/12/01", date(2025, 12, 1)),
        ("令和 6年 3月 31日", date(2024, 3, 31)),
        ("H31/5/1", date(2019, 5, 1)),
        ("S64.1.7", date(1989, 1, 7)),
    ],
)
def test_spellings_seen_in_the_field_are_read(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    "text",
    ["", "060331", "2024-02-31", "2024-3/31", "R0.5.1", "R1.4.30", "X6.3.31", "2024", "令和6年3月期", "2024-03-3①"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_date(text)


@given(st.text(max_size=15))
def test_any_text_is_a_date_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_date(text), date)


@given(st.integers(1900, 2100), st.integers(1, 12))
def test_the_day_after_a_month_end_is_the_first(year: int, month: int) -> None:
    assert (month_end(year, month) + timedelta(days=1)).day == 1
    assert (month_end(year, month).year, month_end(year, month).month) == (year, month)


HALVES = st.builds(HalfYear, st.integers(1990, 2090), st.sampled_from([1, 2]))


@given(HALVES)
def test_a_half_year_is_found_again_from_its_days(half: HalfYear) -> None:
    assert HalfYear.of(half.starts_on, half.ends_on) == half
    assert HalfYear.of(half.starts_on, half.ends_on - timedelta(days=1)) is None
    assert HalfYear.of(half.starts_on + timedelta(days=1), half.ends_on) is None


@given(HALVES)
def test_the_window_opens_the_day_after_the_half_and_stays_two_months(half: HalfYear) -> None:
    opens_on, closes_on = half.window
    assert opens_on == half.ends_on + timedelta(days=1)
    assert closes_on == month_end(opens_on.year, opens_on.month + 1)


def test_halves_carry_the_fiscal_year_that_april_begins() -> None:
    first, second = HalfYear(2025, 1), HalfYear(2025, 2)
    assert (str(first), first.starts_on, first.ends_on) == ("2025H1", date(2025, 4, 1), date(2025, 9, 30))
    assert (str(second), second.starts_on, second.ends_on) == ("2025H2", date(2025, 10, 1), date(2026, 3, 31))
    assert second.window == (date(2026, 4, 1), date(2026, 5, 31))
    assert first < second
