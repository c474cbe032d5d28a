"""A trial balance as its rules look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from operator import not_
from typing import Any

from gateway.formats.accounts import BALANCES
from gateway.formats.money import Interval, interval
from gateway.rules.accounts import ByAccount, by_account, is_deduction, side_of, statement_of
from gateway.rules.outline import Span, plus
from gateway.rules.sheet import Sheet
from gateway.rules.texts import holds_long_number
from gateway.schemas.accounts import Side
from gateway.schemas.findings import Severity
from gateway.schemas.records import TrialBalance, TrialBalanceLine

Column = tuple[Any, ...]

SIGN = {"debit": 1, "credit": -1}
_UNKNOWN = 1 << 64  # no closing follows from any movement times this, so a line on an unknown side is always looked at
_FACTORS = dict[str | None, int](SIGN) | {None: _UNKNOWN}


@dataclass(frozen=True)
class Books:
    """A trial balance as the rules look at it, made in one pass over its lines.

    The pass only sorts lines out: what adds up at first sight is never looked at again, and what does not is judged
    by its rule with names, sides and rounding in view.

    Attributes:
        has_long_number: whether any text holds twelve digits or more.
        has_totals: whether any line is a total.
        unexplained: lines whose closing does not follow from opening and movements as whole yen on a known side.
        negatives: lines whose closing is negative.
        debit_yen, credit_yen: movements of all lines that are not totals, None where one is not stated.
    """

    record: TrialBalance
    has_long_number: bool
    has_totals: bool
    unexplained: Sequence[int]
    negatives: Sequence[int]
    debit_yen: int | None
    credit_yen: int | None

    @classmethod
    def of(cls, record: TrialBalance) -> Books:
        """The one pass."""
        columns = record.columns
        totals, closing = columns["is_total"], columns["closing_yen"]
        sums = totals if True in totals else None
        header = record.company_name, record.correction_reason, record.department, record.provisional_reason
        disclosed = record.disclosure.texts if record.disclosure else ()
        return cls(
            record=record,
            has_long_number=holds_long_number(
                (*columns["source_name"], *set(columns["section"]), *header, record.software, *disclosed)
            ),
            has_totals=sums is not None,
            unexplained=_unexplained(columns["normal_side"], *(columns[name] for name in BALANCES)),
            negatives=_negatives(closing),
            debit_yen=_sum(columns["debit_yen"], sums),
            credit_yen=_sum(columns["credit_yen"], sums),
        )

    @cached_property
    def sheet(self) -> Sheet:
        """The lines as rows and columns, for the identities that every statement must satisfy."""
        return Sheet.of_trial_balance(self.record)

    @cached_property
    def accounts(self) -> ByAccount:
        """The lines by account, to be compared with an earlier document."""
        return by_account(self.record.lines)

    @property
    def is_balanceable(self) -> bool:
        """Only a trial balance that promises every account, of assets as well as of liabilities."""
        return self.record.complete

    @property
    def imbalance(self) -> Severity:
        """Between closings a warning: the books may be in the middle of something."""
        return Severity.WARN

    def exactly(self, value_yen: int) -> Interval:
        """What a printed amount may exactly be."""
        return interval(value_yen, self.record.unit, self.record.rounding)

    def sides(self) -> tuple[Interval, Interval] | None:
        """Balances of all debit and all credit accounts, where not even the profit of the period makes them equal."""
        leaves = [
            line for line in self.record.lines if not line.get("is_total") and line.get("closing_yen") is not None
        ]
        sheet = [line for line in leaves if is_of_balance_sheet(line)]
        assets = [self.exactly(line.get("closing_yen") or 0) for line in sheet if side_of_line(line) == "debit"]
        claims = [self.exactly(line.get("closing_yen") or 0) for line in sheet if side_of_line(line) == "credit"]
        if not (assets and claims and self._cannot_balance(sheet) and self._cannot_balance(leaves)):
            return None
        return Interval.sum_of(assets), Interval.sum_of(claims)

    def _cannot_balance(self, lines: list[TrialBalanceLine]) -> bool:
        """Whether debit and credit balances differ however deductions are read; never where a side is unknown."""
        readings: list[Span] = [(0, 0)]
        for line in lines:
            side, amount = side_of_line(line), self.exactly(line.get("closing_yen") or 0)
            if side is None:
                return False
            own = amount if side == "debit" else -amount
            both = (own, -own) if is_deduction(line["source_name"]) else (own,)
            readings = plus(readings, [(reading.low, reading.high) for reading in both])
        return bool(readings) and not any(low <= 0 <= high for low, high in readings)


def _unexplained(sides: Column, opening: Column, debit: Column, credit: Column, closing: Column) -> Sequence[int]:
    flows = zip(sides, opening, debit, credit, closing, strict=True)
    try:
        wrong = [o + _FACTORS[s] * (d - c) != e for s, o, d, c, e in flows]
    except TypeError:  # an amount is missing somewhere; asking each of all lines first would cost more than the sums
        return range(len(sides))
    return [number for number, is_wrong in enumerate(wrong) if is_wrong] if True in wrong else ()


def _negatives(closing: Column) -> Sequence[int]:
    if None not in closing and min(closing) >= 0:
        return ()
    return [number for number, value in enumerate(closing) if value is not None and value < 0]


def _sum(column: Column, totals: Column | None) -> int | None:
    if None in column:
        return None
    return sum(column) if totals is None else sum(compress(column, map(not_, totals)))


def amounts_of(line: TrialBalanceLine) -> tuple[int | None, int | None, int | None, int | None]:
    """Opening, debit, credit and closing of a line, in the order of ``BALANCES``."""
    return line.get("opening_yen"), line.get("debit_yen"), line.get("credit_yen"), line.get("closing_yen")


def side_of_line(line: TrialBalanceLine) -> Side | None:
    """The side on which a line's amounts are positive: as stated, or by its e-Tax code."""
    return line.get("normal_side") or side_of(line.get("source_code"))


def is_of_balance_sheet(line: TrialBalanceLine) -> bool:
    """Whether a line is an account of the balance sheet: as stated, or by its e-Tax code."""
    return (line.get("statement") or statement_of(line.get("source_code"))) == "BS"
