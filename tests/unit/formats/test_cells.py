from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from gateway.formats.cells import Cell, Kind, format_kind, iso_date_cell, number_cell, serial_date


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [
        (0, None, Kind.NUMBER),
        (9, None, Kind.PERCENT),
        (14, None, Kind.DATE),
        (20, None, Kind.NUMBER),  # h:mm is a time of day, not a day
        (57, None, Kind.DATE),  # built in only in Japanese Excel
        (164, "General", Kind.NUMBER),
        (164, "G/標準", Kind.NUMBER),
        (164, '0"人"', Kind.NUMBER),
        (164, '#,##0" days";[Red]-#,##0', Kind.NUMBER),
        (164, "0.00E+00", Kind.NUMBER),
        (164, "yyyy/m/d", Kind.DATE),
        (164, "[$-411]ge.m.d;@", Kind.DATE),
        (164, 'm"月"', Kind.DATE),
        (164, "[h]:mm:ss", Kind.NUMBER),
        (164, "mm:ss.0", Kind.NUMBER),
        (164, "0.0%;[Red]△0.0%", Kind.PERCENT),
    ],
)
def test_a_number_format_says_what_a_number_means(number: int, code: str | None, kind: Kind) -> None:
    assert format_kind(number, code) is kind


@pytest.mark.parametrize(
    ("serial", "epoch_1904", "day"),
    [
        ("1", False, date(1900, 1, 1)),
        ("59", False, date(1900, 2, 28)),
        ("60", False, None),  # 29 February 1900
        ("61", False, date(1900, 3, 1)),
        ("45930.75", False, date(2025, 9, 30)),
        ("2958465", False, date(9999, 12, 31)),
        ("2958466", False, None),
        ("0", False, None),
        ("-1", False, None),
        ("44468", True, date(2025, 9, 30)),
        ("2957003", True, date(9999, 12, 31)),
        ("2957004", True, None),
    ],
)
def test_a_day_number_is_a_day_in_either_date_system(serial: str, epoch_1904: bool, day: date | None) -> None:
    assert serial_date(Decimal(serial), epoch_1904) == day


@pytest.mark.parametrize(
    ("stored", "cell"),
    [
        ("12340", Cell(Kind.NUMBER, "12340")),
        ("-0.05", Cell(Kind.NUMBER, "-0.05")),
        ("1.5E3", Cell(Kind.NUMBER, "1500")),
        (" 7 ", Cell(Kind.NUMBER, "7")),
        ("1E-7", Cell(Kind.NUMBER, "0.0000001")),
        ("0E99", Cell(Kind.NUMBER, "0")),
        ("1E999999", Cell(Kind.ERROR, "1E999999")),
        ("NaN", Cell(Kind.ERROR, "NaN")),
        ("Infinity", Cell(Kind.ERROR, "Infinity")),
        ("twelve", Cell(Kind.ERROR, "twelve")),
    ],
)
def test_a_stored_number_is_written_out_and_anything_else_is_an_error(stored: str, cell: Cell) -> None:
    assert number_cell(stored, Kind.NUMBER, epoch_1904=False) == cell


def test_a_number_no_calendar_has_stays_a_number_whatever_its_format() -> None:
    assert number_cell("99999999", Kind.DATE, epoch_1904=False) == Cell(Kind.NUMBER, "99999999")


def test_a_date_in_words_of_iso_is_a_date_and_anything_else_stays_text() -> None:
    assert iso_date_cell("2025-09-30T12:00:00") == Cell(Kind.DATE, "2025-09-30")
    assert iso_date_cell("10:10:10") == Cell(Kind.TEXT, "10:10:10")
