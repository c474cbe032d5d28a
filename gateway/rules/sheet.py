"""One statement or trial balance as its arithmetic sees it: rows, columns of amounts, the totals they state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, repeat
from operator import not_

from gateway.formats.accounts import BALANCES, map_account
from gateway.formats.money import Interval, interval
from gateway.rules.accounts import etax_family, general_code, total_key
from gateway.rules.outline import Bounds, Outline, Row
from gateway.schemas.records import FinancialStatement, Rounding, TrialBalance, Unit

_BLANK = (None,) * len(BALANCES)
_STATEMENTS = {"BS": "BS", "PL": "PL", "SC": "CR"}


@dataclass(frozen=True)
class Part:
    """The rows of one statement within a document: from row ``start`` on, as a tree."""

    start: int
    outline: Outline

    @property
    def end(self) -> int:
        """The row after its last."""
        return self.start + len(self.outline.rows)


@dataclass(frozen=True)
class Sheet:
    """All rows of a document.

    Attributes:
        codes, statements: per row, None where unknown.
        columns: the amounts by field name, in yen, None where a row has none.
        balance: the column that states what an account stands at.
    """

    rows: tuple[Row, ...]
    codes: tuple[str | None, ...]
    statements: tuple[str | None, ...]
    columns: Mapping[str, tuple[int | None, ...]]
    balance: str
    unit: Unit
    rounding: Rounding

    @classmethod
    def of_trial_balance(cls, record: TrialBalance) -> Sheet:
        """The lines of a trial balance; one without any amount, above deeper ones, is a title."""
        named = record.columns
        levels, totals = named["level"], named["is_total"]
        amounts = {name: named[name] for name in BALANCES}
        above = [(one or 0) < (next_one or 0) for one, next_one in zip(levels, (*levels[1:], None), strict=True)]
        blank = [values == _BLANK for values in zip(*amounts.values(), strict=True)]
        titles = [all(marks) for marks in zip(above, blank, map(not_, totals), strict=True)]
        return cls(
            rows=tuple(map(Row, named["source_name"], levels, named["section"], titles, totals)),
            codes=named["source_code"],
            statements=named["statement"],
            columns=amounts,
            balance="closing_yen",
            unit=record.unit,
            rounding=record.rounding,
        )

    @classmethod
    def of_statement(cls, record: FinancialStatement) -> Sheet:
        """The rows of a financial statement; texts count as titles, since they add up to nothing."""
        named = record.columns
        titles = [row != "amount" for row in named["row"]]
        totals = [is_total and not title for is_total, title in zip(named["is_total"], titles, strict=True)]
        return cls(
            rows=tuple(map(Row, named["source_name"], named["level"], repeat(None), titles, totals)),
            codes=named["source_code"],
            statements=(_STATEMENTS.get(record.statement_type),) * len(record.lines),
            columns={"amount_yen": named["amount_yen"]},
            balance="amount_yen",
            unit=record.unit,
            rounding=record.rounding,
        )

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The document cut where another statement begins."""
        runs = [list(run) for _, run in groupby(range(len(self.rows)), key=self.statements.__getitem__)]
        return tuple(Part(run[0], Outline(self.rows[run[0] : run[-1] + 1])) for run in runs)

    def bounds(self, column: str) -> tuple[Bounds, Bounds]:
        """Lowest and highest exact value of each row's amount in a column."""
        values = self.columns[column]
        if self.is_exact:
            return values, values
        spans = [None if value is None else interval(value, self.unit, self.rounding) for value in values]
        return tuple(span.low if span else None for span in spans), tuple(span.high if span else None for span in spans)

    @property
    def is_exact(self) -> bool:
        """Whether the figures are what the books say, to the yen."""
        return self.unit is Unit.YEN or self.rounding is Rounding.NONE

    def exactly(self, row: int) -> Interval | None:
        """What the balance of a row may exactly be."""
        value = self.columns[self.balance][row]
        return None if value is None else self.exactly_yen(value)

    def exactly_yen(self, value: int) -> Interval:
        """What a printed amount may exactly be."""
        return interval(value, self.unit, self.rounding)

    def stated_total(self, row: int) -> str | None:
        """The canonical account whose sum a row states, if it states one."""
        return total_key(self.codes[row], self.rows[row].name, self.statements[row], self.rows[row].is_total)

    @cached_property
    def totals(self) -> Mapping[str, int]:
        """Canonical account -> the row that states its sum; left out where two rows state different sums."""
        stated: dict[str, int] = {}
        contradicted: set[str] = set()
        for row, amount in enumerate(self.columns[self.balance]):
            key = None if amount is None else self.stated_total(row)
            if key is not None and self._amount(stated.setdefault(key, row)) != amount:
                contradicted.add(key)
        return {key: row for key, row in stated.items() if key not in contradicted}

    def rows_of(self, key: str) -> list[int]:
        """The rows that state an amount of a canonical account, whether as its sum or as itself."""
        return [
            number
            for number, (row, code) in enumerate(zip(self.rows, self.codes, strict=True))
            if self._amount(number) is not None
            and map_account(general_code(code) or code, row.name, None, self.statements[number]).account_key == key
        ]

    def has_none_of(self, family: str) -> bool:
        """Whether every amount carries an e-Tax code and none is of this family: then the family is zero."""
        families = [etax_family(self.codes[row]) for row in range(len(self.rows)) if self._amount(row) is not None]
        return all(families) and not any(each.startswith(family) for each in families)

    def _amount(self, row: int) -> int | None:
        return self.columns[self.balance][row]
