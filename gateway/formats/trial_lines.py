"""The lines of one trial balance on their way from the cells of a table to a record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from gateway.formats.accounts import BALANCES, is_total_name, map_account, normal_side
from gateway.formats.money import Masked, parse_amount
from gateway.formats.places import OfTable, nearest
from gateway.formats.schema_errors import schema_findings, unreadable_value
from gateway.schemas.accounts import chart
from gateway.schemas.findings import Finding
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import Rounding, TrialBalance, Unit

_WHOLE = {"total_assets", "liabilities_and_net_assets"}


def bare_name(name: str) -> str:
    """A name without the brackets in which headings stand.

    >>> bare_name("[現金･預金]"), bare_name("【流動資産】")
    ('現金･預金', '流動資産')
    """
    return name.strip().strip("[]［］【】〔〕<>＜＞《》").strip()


def is_sum(name: str) -> bool:
    """Whether a row of this name is a sum of others, brackets around it or not."""
    return is_total_name(bare_name(name))


def statement_of(name: str) -> str | None:
    """Which statement a report or sheet of this name is."""
    for mark, statement in (("貸借", "BS"), ("損益", "PL"), ("製造原価", "CR")):
        if mark in name:
            return statement
    return None


class TrialLines:
    """Lines as they are added, with their places and everything that could not be read.

    Args:
        ordinal: which record of the source this is.
        columns: field of a line -> 1-based source column.
        software: the product, by whose names accounts are looked up first.
        unit: in which the source states amounts.
    """

    def __init__(self, ordinal: int, columns: Mapping[str, int], software: str | None, unit: Unit = Unit.YEN) -> None:
        self.ordinal, self.columns, self.software, self.unit = ordinal, columns, software, unit
        self.problems: list[Finding] = []
        self._lines: list[dict[str, Any]] = []
        self._rows: list[int] = []
        self._missing: dict[str, str] = {}
        self._totals: set[str | None] = set()

    def add(self, row: int, said: Mapping[str, Any], amounts: Mapping[str, str]) -> None:
        """One account.

        Args:
            row: its line in the source.
            said: what it says besides amounts, by field of a line.
            amounts: its amounts as printed.
        """
        line: dict[str, Any] = {"source_code": None, "section": None, "statement": None, "is_total": False, **said}
        index = len(self._lines)
        for field in BALANCES:
            line[field] = self._amount(index, row, field, amounts.get(field, ""))
        mapped = map_account(
            line["source_code"], bare_name(line["source_name"]), line["section"], line["statement"], self.software
        )
        key = mapped.account_key
        if line["is_total"]:
            self._totals.add(key)
        if line["statement"] is None and key is not None:
            line["statement"] = chart().accounts[key].statement
        line["normal_side"] = normal_side(key, line)
        self._lines.append(line)
        self._rows.append(row)

    def _amount(self, index: int, row: int, field: str, text: str) -> int | None:
        pointer = f"/lines/{index}/{field}"
        try:
            amount = parse_amount(text)
            return None if amount is None else amount * self.unit.yen
        except Masked:
            self._missing[pointer] = "masked"
        except ValueError:
            place = Place(line=row, column=self.columns.get(field))
            self.problems.append(unreadable_value(pointer, text, "整数 / integer", self.ordinal, place))
        return None

    def without_period(self, digest: str, stated: str, place: Place) -> Unplaced:
        """A trial balance of nobody knows when: refused with what its heading says instead, never dated by guess."""
        expected = "集計期間 / first and last day"
        found = unreadable_value("/period_to", stated or None, expected, self.ordinal, place)
        return Unplaced(self.ordinal, digest, "trial_balance", (*self.problems, found))

    def observed(self, digest: str, header: Mapping[str, Any], others: Mapping[str, Place]) -> Observed:
        """The record, or why it is none.

        Args:
            digest: SHA-256 of the record's own bytes.
            header: its other fields, ``period_from`` and ``period_to`` among them.
            others: their places; ``""`` is that of the record as a whole.
        """
        places = OfTable(self._rows, self.columns, others)
        statements = tuple(sorted({line["statement"] for line in self._lines if line["statement"]}))
        values: dict[str, Any] = {
            "software": self.software,
            "unit": self.unit,
            "rounding": Rounding.NONE if self.unit is Unit.YEN else Rounding.UNKNOWN,
            "statements": statements,
            "complete": self._totals >= _WHOLE,
            "missing": self._missing,
            **header,
        }
        values["span"] = "month" if (values["period_to"] - values["period_from"]).days <= 31 else "cumulative"
        values = {name: value for name, value in values.items() if value is not None}
        try:
            record = TrialBalance(**values, lines=self._lines)
        except ValidationError as refused:
            findings = schema_findings(refused, self.ordinal, partial(nearest, places))
            return Unplaced(self.ordinal, digest, "trial_balance", (*self.problems, *findings))
        return ObservedDocument(record, self.ordinal, digest, places, tuple(self.problems))
