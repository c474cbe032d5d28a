"""The lines of one trial balance on their way from the cells of a table to a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError

from gateway.formats.accounts import BALANCES, is_total_name, map_account, normal_side
from gateway.formats.money import Masked, parse_amount
from gateway.formats.places import OfTable, nearest
from gateway.formats.schema_errors import schema_findings, unreadable_value
from gateway.formats.text import match_key
from gateway.schemas.accounts import chart
from gateway.schemas.findings import Finding
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import Rounding, TrialBalance, Unit

_LONGEST = 1_000
_WHOLE = {"total_assets", "liabilities_and_net_assets"}


def bare_name(name: str) -> str:
    """A name without the brackets in which headings stand.

    >>> bare_name("[現金･預金]"), bare_name("【流動資産】")
    ('現金･預金', '流動資産')
    """
    return name.strip().strip("[]［］【】〔〕<>＜＞《》").strip()


def is_sum(name: str, statement: str | None = None) -> bool:
    """Whether a row of this name is a sum of others, brackets around it or not.

    >>> is_sum("【流動資産合計】"), is_sum("当期純損益金額", "PL"), is_sum("当期純損益金額", "BS")
    (True, True, False)
    """
    bare = bare_name(name)
    if is_total_name(bare) or (bare.endswith("計") and not bare.endswith(("累計", "会計", "設計"))):
        return True
    mapped = map_account(None, bare, None, statement) if statement else None
    return bool(mapped and mapped.account_key and mapped.how == "alias" and chart().accounts[mapped.account_key].total)


def stem_of_sum(name: str) -> str:
    """What a sum, or the heading above it, is the sum of; for comparison only.

    >>> stem_of_sum("流動資産合計") == stem_of_sum("【流動資産】")
    True
    """
    return match_key(bare_name(name).removesuffix("合計").removesuffix("計"))


def statement_of(name: str) -> str | None:
    """Which statement a report or sheet of this name is."""
    for mark, statement in (("貸借", "BS"), ("損益", "PL"), ("製造原価", "CR")):
        if mark in name:
            return statement
    return None


class TrialLines:
    """Lines as they are added, and everything that could not be read.

    Args:
        ordinal: which record of the source this is.
        software: the product, by whose names accounts are looked up first.
        unit: in which the source states amounts.
    """

    def __init__(self, ordinal: int, software: str | None, unit: Unit = Unit.YEN) -> None:
        self.ordinal, self.software, self.unit = ordinal, software, unit
        self.problems: list[Finding] = []
        self._lines: list[dict[str, Any]] = []
        self._missing: dict[str, str] = {}
        self._totals: set[str | None] = set()

    def add(
        self, said: Mapping[str, Any], amounts: Mapping[str, Any], place_of: Callable[[str], Place]
    ) -> dict[str, Any]:
        """One account, as it will stand in the record.

        Args:
            said: what it says besides amounts, by field of a line.
            amounts: its amounts as the source has them, text or number, in the source's unit.
            place_of: field -> where it stands.
        """
        line: dict[str, Any] = {"source_code": None, "section": None, "statement": None, "is_total": False, **said}
        for field in BALANCES:
            line[field] = self._amount(field, amounts.get(field), place_of)
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
        return line

    def _amount(self, field: str, value: Any, place_of: Callable[[str], Place]) -> int | None:
        pointer = f"/lines/{len(self._lines)}/{field}"
        try:
            amount = parse_amount(value) if isinstance(value, str) else _whole(value)
            return None if amount is None else amount * self.unit.yen
        except Masked:
            self._missing[pointer] = "masked"
        except ValueError:
            self.problems.append(unreadable_value(pointer, value, "整数 / integer", self.ordinal, place_of(field)))
        return None

    def without_period(self, digest: str, stated: str, place: Place) -> Unplaced:
        """A trial balance of nobody knows when: refused with what its heading says instead, never dated by guess."""
        expected = "集計期間 / first and last day"
        found = unreadable_value("/period_to", stated or None, expected, self.ordinal, place)
        return Unplaced(self.ordinal, digest, "trial_balance", (*self.problems, found))

    def observed(self, digest: str, header: Mapping[str, Any], places: Mapping[str, Place]) -> Observed:
        """The record, or why it is none.

        Args:
            digest: SHA-256 of the record's own bytes.
            header: its other fields, ``period_from`` and ``period_to`` among them.
            places: as ``ObservedDocument`` has them; ``""`` is that of the record as a whole.
        """
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
        values = {name: _bounded(value) for name, value in values.items() if value is not None}
        try:
            record = TrialBalance(**values, lines=self._lines)
        except ValidationError as refused:
            findings = schema_findings(refused, self.ordinal, partial(nearest, places))
            return Unplaced(self.ordinal, digest, "trial_balance", (*self.problems, *findings))
        return ObservedDocument(record, self.ordinal, digest, places, tuple(self.problems))


def _bounded(value: Any) -> Any:
    """A text that is too long for its field, shorter: it is refused all the same, and refusing it takes no time."""
    return value[:_LONGEST] if isinstance(value, str) else value


def _whole(value: Any) -> int | None:
    """A number of JSON as whole yen; null is no amount.

    Raises:
        ValueError: it is none, or has a fraction.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"not an amount: {value!r}")


class TableLines(TrialLines):
    """Lines that are rows of a delimited text.

    Args:
        columns: field of a line -> 0-based column.
    """

    def __init__(self, ordinal: int, columns: Mapping[str, int], software: str | None, unit: Unit = Unit.YEN) -> None:
        super().__init__(ordinal, software, unit)
        self._at = columns
        self._rows: list[int] = []

    def add_row(self, row: int, said: Mapping[str, Any], cells: Sequence[str]) -> dict[str, Any]:
        """The account of one row: its line in the source, what it says besides amounts, and its cells."""
        amounts = {field: cells[at] for field, at in self._at.items() if field in BALANCES and at < len(cells)}
        self._rows.append(row)
        return self.add(said, amounts, lambda field: Place(line=row, column=self._at[field] + 1))

    def observed_table(self, digest: str, header: Mapping[str, Any], whole: Place) -> Observed:
        """The record with the place of each cell; ``whole`` is where it begins."""
        columns = {field: at + 1 for field, at in self._at.items()}
        return self.observed(digest, header, OfTable(self._rows, columns, {"": whole}))
