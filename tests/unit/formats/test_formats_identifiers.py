from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.identifiers import invoice_number_digits, my_number_holds, normal_number


@given(st.text(alphabet="0123456789", min_size=11, max_size=11))
def test_exactly_one_check_digit_fits_a_my_number(base: str) -> None:
    assert sum(my_number_holds(base + digit) for digit in "0123456789") == 1


@given(st.text(alphabet="0123456789", min_size=11, max_size=11), st.integers(0, 10))
def test_a_mistyped_my_number_is_noticed_unless_its_remainder_was_folded(base: str, at: int) -> None:
    number = next(base + digit for digit in "0123456789" if my_number_holds(base + digit))
    others = [number[:at] + digit + number[at + 1 :] for digit in "0123456789" if digit != number[at]]
    assert sum(my_number_holds(other) for other in others) <= 1  # remainders 0 and 1 share check digit 0


@pytest.mark.parametrize("text", ["", "12345678901", "1234567890181", "12345678901８", "12345678901a"])
def test_what_is_not_twelve_digits_is_no_my_number(text: str) -> None:
    assert my_number_holds(text) is False


@pytest.mark.parametrize("text", ["A12-345", " ａ12‐345 ", "Ａ１２－３４５", "a12ー345", "A12−345\u3000"])
def test_spellings_of_one_guarantee_number_are_one(text: str) -> None:
    assert normal_number(text) == "A12-345"


@given(st.text(max_size=30))
def test_a_normal_number_stays_as_it_is(text: str) -> None:
    assert normal_number(normal_number(text)) == normal_number(text)


@given(st.from_regex(re.compile(r"[0-9]{13}", re.ASCII), fullmatch=True))
def test_an_invoice_number_gives_its_digits(digits: str) -> None:
    assert invoice_number_digits(f"T{digits}") == digits
    assert invoice_number_digits(f" ｔ{digits[0]}-{digits[1:5]}-{digits[5:9]}-{digits[9:]} ") == digits


@pytest.mark.parametrize(
    "text", ["", "7000012050002", "T700001205000", "T70000120500021", "X7000012050002", "TT7000012050002"]
)
def test_what_is_no_invoice_number_is_none(text: str) -> None:
    assert invoice_number_digits(text) is None
