from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.money import Interval, Masked, interval, parse_amount
from gateway.schemas.records.header import Rounding, Unit

SPELLINGS = ["{:,}", "{}", "{:,}.0", "{}.00"]
NEGATIVES = ["-{}", "△{}", "▲{}", "−{}", "－{}", "△ {}", "{}-", "({})", "（{}）"]
YEN = st.integers(-(10**15), 10**15)
SPANS = st.tuples(YEN, YEN).map(lambda ends: Interval(min(ends), max(ends)))


@given(st.integers(1, 10**15), st.sampled_from(SPELLINGS), st.sampled_from(["{}", *NEGATIVES]))
def test_every_spelling_of_an_amount_is_read(value: int, figure: str, sign: str) -> None:
    expected = value if sign == "{}" else -value
    assert parse_amount(sign.format(figure.format(value))) == expected


@pytest.mark.parametrize("text", ["１，２３４", " 1,234 ", "1234", "　1,234.0"])
def test_full_width_and_spaces_do_not_matter(text: str) -> None:
    assert parse_amount(text) == 1234


@pytest.mark.parametrize("text", ["", "  ", "\u3000"])
def test_a_blank_is_unknown_not_zero(text: str) -> None:
    assert parse_amount(text) is None


@pytest.mark.parametrize("text", ["-", "－", "−", "―", "0", "-0", "△0"])
def test_a_lone_dash_is_zero(text: str) -> None:
    assert parse_amount(text) == 0


@pytest.mark.parametrize("text", ["***", "＊＊＊", "*"])
def test_asterisks_are_masked(text: str) -> None:
    with pytest.raises(Masked):
        parse_amount(text)


@pytest.mark.parametrize(
    "text",
    [
        "1.5",
        "12,34",
        "1,2345",
        "abc",
        "1²",
        "①",
        "-(1)",
        "(△1)",
        "--1",
        "△",
        "()",
        "1e3",
        "٣",
        "1_000",
        ",1",
        "1,",
        "+1",
        "¥1",
    ],
)
def test_anything_else_is_not_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_amount(text)


@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_amount(text), int | None)


def _printed(exact: int, unit: Unit, rounding: Rounding) -> int:
    magnitude, sign = abs(exact), -1 if exact < 0 else 1
    up = unit.yen // 2 if rounding is Rounding.HALF_UP else 0
    return sign * ((magnitude + up) // unit.yen) * unit.yen


@given(YEN, st.sampled_from(Unit), st.sampled_from([Rounding.FLOOR, Rounding.HALF_UP]))
def test_the_exact_value_lies_in_the_interval_of_its_rounded_self(exact: int, unit: Unit, rounding: Rounding) -> None:
    printed = _printed(exact, unit, rounding)
    assert interval(printed, unit, rounding).contains(exact)
    assert interval(printed, unit, Rounding.UNKNOWN).contains(exact)


@given(st.integers(-(10**6), 10**6), st.sampled_from(Unit), st.sampled_from([Rounding.FLOOR, Rounding.HALF_UP]))
def test_an_interval_holds_nothing_that_would_print_otherwise(units: int, unit: Unit, rounding: Rounding) -> None:
    printed = units * unit.yen
    held = interval(printed, unit, rounding)
    assert _printed(held.low, unit, rounding) == printed == _printed(held.high, unit, rounding)
    assert _printed(held.low - 1, unit, rounding) != printed != _printed(held.high + 1, unit, rounding)


@given(YEN, st.sampled_from(Rounding))
def test_yen_are_exact(value: int, rounding: Rounding) -> None:
    assert interval(value, Unit.YEN, rounding) == Interval(value, value)


def test_a_source_that_says_it_did_not_round_is_exact() -> None:
    assert interval(5_000, Unit.THOUSAND, Rounding.NONE) == Interval(5_000, 5_000)


@given(SPANS, SPANS, st.data())
def test_sums_and_differences_hold_every_exact_sum_and_difference(
    one: Interval, other: Interval, data: st.DataObject
) -> None:
    a = data.draw(st.integers(one.low, one.high))
    b = data.draw(st.integers(other.low, other.high))
    assert (one + other).contains(a + b)
    assert (one - other).contains(a - b)
    assert (-one).contains(-a)


@given(SPANS, SPANS)
def test_intervals_add_like_numbers(one: Interval, other: Interval) -> None:
    assert one + other == other + one == Interval.sum_of([one, other])
    assert one - other == one + -other
    negative = -one
    assert -negative == one
    assert Interval.sum_of([]) == Interval(0, 0)


@given(SPANS, SPANS)
def test_intervals_meet_where_they_share_a_value(one: Interval, other: Interval) -> None:
    shared = max(one.low, other.low) <= min(one.high, other.high)
    assert one.meets(other) == other.meets(one) == shared


def test_an_interval_cannot_run_backwards() -> None:
    with pytest.raises(ValueError, match="from low to high"):
        Interval(2, 1)
