"""Amounts as Japanese documents print them, and arithmetic on figures that were rounded before we saw them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.formats.text import narrow
from gateway.schemas.records.header import Rounding, Unit

_FIGURE = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.0*)?")
_MINUS = "-△▲−‐―—–"
_LONE_DASHES = frozenset("-−‐―—–ー")


class Masked(ValueError):
    """The figure was there but is covered with asterisks (masked, or too wide for its column)."""


def parse_amount(text: str) -> int | None:
    """An amount in the source's own unit, or None where the cell is blank.

    Negative are a leading ``-``, ``△`` or ``▲`` (full-width dashes too), a trailing ``-`` and ``(1,234)``. A lone dash
    is zero. Full-width digits, thousands separators and a zero fraction (``12.0``) are allowed.

    Raises:
        Masked: only asterisks.
        ValueError: anything else, wrongly grouped thousands and a fraction other than zero included.

    Source: domain note 6.8.

    >>> parse_amount("△1,234"), parse_amount("（５００）"), parse_amount("-"), parse_amount(" ")
    (-1234, -500, 0, None)
    """
    figure = narrow(text).strip()
    if not figure:
        return None
    if figure in _LONE_DASHES:
        return 0
    if not figure.strip("*"):
        raise Masked(text)
    sign = 1
    if figure[0] in _MINUS:
        sign, figure = -1, figure[1:].lstrip()
    elif figure[-1] in "-−":
        sign, figure = -1, figure[:-1].rstrip()
    elif figure[0] == "(" and figure[-1] == ")":
        sign, figure = -1, figure[1:-1].strip()
    if not _FIGURE.fullmatch(figure):
        raise ValueError(f"not an amount: {text!r}")
    return sign * int(figure.partition(".")[0].replace(",", ""))


@dataclass(frozen=True, slots=True)
class Interval:
    """All whole yen from ``low`` to ``high``, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"an interval runs from low to high, not from {self.low} to {self.high}")

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.high - other.low)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    @staticmethod
    def sum_of(intervals: Iterable[Interval]) -> Interval:
        """The interval in which the sum of one value from each must lie; of nothing: zero."""
        low = high = 0
        for each in intervals:
            low += each.low
            high += each.high
        return Interval(low, high)

    @property
    def middle(self) -> int:
        """The value in its middle, to be shown for all of it."""
        return (self.low + self.high) // 2

    def contains(self, value: int) -> bool:
        """Whether the value may be the exact one."""
        return self.low <= value <= self.high

    def meets(self, other: Interval) -> bool:
        """Whether both may stand for one and the same exact value; if not, the figures contradict each other."""
        return self.low <= other.high and other.low <= self.high


def interval(value_yen: int, unit: Unit, rounding: Rounding) -> Interval:
    """All exact values, in whole yen, that a source which rounds so would have printed as this one.

    Floor is toward zero (切捨て drops digits of the magnitude), half-up away from zero (四捨五入); where the way is
    not known, everything less than one unit off is possible.

    Args:
        value_yen: the figure as printed, times the unit.
        unit: unit of the source.
        rounding: how the source rounded to it.

    >>> interval(1_000, Unit.THOUSAND, Rounding.HALF_UP)
    Interval(low=500, high=1499)
    """
    spare = unit.yen - 1
    if spare == 0 or rounding is Rounding.NONE:
        return Interval(value_yen, value_yen)
    half = unit.yen // 2
    nearer, farther = {
        Rounding.FLOOR: (0, spare),
        Rounding.HALF_UP: (half, half - 1),
        Rounding.UNKNOWN: (spare, spare),
    }[rounding]
    if value_yen == 0:
        return Interval(-farther, farther)
    if value_yen > 0:
        return Interval(value_yen - nearer, value_yen + farther)
    return Interval(value_yen - farther, value_yen + nearer)
