"""Rules over rows: every rule is one column expression, evaluated over all rows of a frame at once.

One row and three million take the same path (house law 12). Findings are made only for the rows that were hit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from operator import attrgetter

import polars as pl

from gateway.rules.reading import DUPLICATE_KEY
from gateway.rules.rule import REGISTRY, Rule
from gateway.schemas.findings import Finding
from gateway.schemas.observed import ObservedRows
from gateway.schemas.place import Place

HISTORY_COLUMNS = {"prev_amount_yen": pl.Int64(), "prev_valid_on": pl.Date()}
"""What rules over history may use besides the kind's columns: the amount and date of the row before in the series."""


def row_rules(kind: str, *, history: bool) -> tuple[Rule, ...]:
    """Every declared row rule of a kind, by code: those that look at one row, or those that look at the one before."""
    form = "rows_history" if history else "rows"
    return tuple(rule for code, rule in sorted(REGISTRY.items()) if rule.form == form and kind in rule.kinds)


def evaluate_rows(observed: ObservedRows, rules: Sequence[Rule]) -> list[Finding]:
    """What these rules find in these rows, row by row.

    A rule says nothing about a row whose value is missing. Rules over history need ``HISTORY_COLUMNS`` in the frame.
    """
    if not rules or observed.frame.is_empty():
        return []
    checks = {rule.code: rule.check() for rule in rules if rule.check}
    wrong = observed.frame.lazy().select(**checks).collect()
    found = [finding for rule in rules for finding in _findings(observed, rule, wrong[rule.code])]
    found.sort(key=attrgetter("record"))
    return found


def _findings(observed: ObservedRows, rule: Rule, wrong: pl.Series) -> Iterator[Finding]:
    at = wrong.arg_true()
    if at.is_empty():
        return
    rows = observed.frame.select("ordinal", "line", *rule.params)[at]
    column = observed.columns.get(rule.field or "")
    for ordinal, line, *values in rows.iter_rows():
        yield Finding(
            code=rule.code,
            severity=rule.severity,
            record=ordinal,
            place=_place(observed, ordinal, line, column, rule.field),
            field=rule.field,
            params=dict(zip(rule.params, map(_shown, values), strict=True)),
        )


def _place(observed: ObservedRows, ordinal: int, line: int | None, column: int | None, field: str | None) -> Place:
    if observed.pointer is None:
        return Place(line=line, column=column)
    return Place(line=line, pointer=f"{observed.pointer}/{ordinal}" + (f"/{field}" if field else ""))


def _shown(value: object) -> str | int:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


class RepeatedKeys:
    """Finds the second and later rows of one file that say the same thing about the same day (R04).

    Keys are kept as 64-bit hashes in sorted runs that double in size, so three million rows need 24 MB and each
    frame looks at a handful of runs. Two different keys of one file share a hash less than once in a million
    national tapes.
    """

    _KEY = ("cgc_id", "bank_code", "series", "valid_on")

    def __init__(self) -> None:
        self._runs: list[pl.Series] = []

    def findings(self, observed: ObservedRows) -> list[Finding]:
        """The rows of the next frame whose key stood in this file before."""
        keyed = observed.frame.filter(pl.col("series").is_not_null() & pl.col("valid_on").is_not_null())
        keys = keyed.select(self._KEY).hash_rows()
        repeated = ~keys.is_first_distinct()
        for run in self._runs:
            at = run.search_sorted(keys).clip(upper_bound=run.len() - 1)
            repeated |= run.gather(at) == keys
        self._keep(keys.unique().sort())
        again = keyed.filter(repeated).select("ordinal", "line", "series", "valid_on")
        column = observed.columns.get("guarantee_no")
        return [
            Finding(
                code=DUPLICATE_KEY.code,
                severity=DUPLICATE_KEY.severity,
                record=ordinal,
                place=_place(observed, ordinal, line, column, "guarantee_no"),
                field="guarantee_no",
                params={"key": f"{series} {valid_on}"},
            )
            for ordinal, line, series, valid_on in again.iter_rows()
        ]

    def _keep(self, run: pl.Series) -> None:
        while self._runs and self._runs[-1].len() <= run.len():
            run = pl.concat([self._runs.pop(), run]).sort()
        if run.len():
            self._runs.append(run)
