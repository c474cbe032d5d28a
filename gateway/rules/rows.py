"""Rules over rows: every rule is one column expression, evaluated over all rows of a frame at once.

One row and three million take the same path (house law 12). Findings are made only for the rows that were hit.
"""

from __future__ import annotations

from collections import Counter, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from operator import attrgetter
from typing import Any

import polars as pl

from gateway.formats.money import interval
from gateway.reference.lists import Lists
from gateway.rules.my_number import scan
from gateway.rules.reading import DUPLICATE_KEY
from gateway.rules.rule import REGISTRY, Hit, Looked, Rule
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import ObservedRows
from gateway.schemas.place import Place
from gateway.schemas.records.header import Rounding, Unit
from gateway.schemas.trusted import trusted

HISTORY_COLUMNS = {"prev_amount_yen": pl.Int64(), "prev_valid_on": pl.Date()}
"""What rules over history may use besides the kind's columns: the amount and date of the row before in the series."""


_TEXTS = ("company_name", "correction_reason")
_FEW = 1_000  # so many rows are counted before polars has begun
_TWELVE_DIGITS = r"(?:\d[^\d]{0,2}){11}\d"

_SPREADS = pl.DataFrame(
    [
        (unit.value, rounding.value, unit.yen - stands_for.low, stands_for.high - unit.yen)
        for unit, rounding in product(Unit, Rounding)
        for stands_for in [interval(unit.yen, unit, rounding)]
    ],
    schema={"unit": pl.String(), "rounding": pl.String(), "nearer_yen": pl.Int64(), "farther_yen": pl.Int64()},
    orient="row",
)
"""By how much an exact amount may lie nearer to zero, or farther from it, than the amount a source stated."""


def low(column: str) -> pl.Expr:
    """The lowest exact amount that may stand behind a stated one: ``formats.money.interval``, as an expression."""
    return pl.col(column) - pl.when(pl.col(column) > 0).then("nearer_yen").otherwise("farther_yen")


def high(column: str) -> pl.Expr:
    """The highest exact amount that may stand behind a stated one."""
    return pl.col(column) + pl.when(pl.col(column) < 0).then("nearer_yen").otherwise("farther_yen")


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
    frame = observed.frame.join(_SPREADS, on=["unit", "rounding"], how="left", maintain_order="left")
    wrong = frame.lazy().select(**checks).collect()
    found = [finding for rule in rules for finding in _findings(observed, rule, wrong[rule.code])]
    found.sort(key=attrgetter("record"))
    return found


def _findings(observed: ObservedRows, rule: Rule, wrong: pl.Series) -> Iterator[Finding]:
    at = wrong.arg_true()
    if at.is_empty():
        return
    column = None if observed.pointer else observed.columns.get(rule.field or "")
    rows = observed.frame.select("ordinal", "line", *rule.params)[at]
    rows = rows.with_columns(pl.selectors.temporal().dt.to_string("iso"))
    for ordinal, line, *values in rows.iter_rows():
        yield _finding(
            rule, ordinal, _place(observed, ordinal, line, column), dict(zip(rule.params, values, strict=True))
        )


def _finding(rule: Rule, ordinal: int, place: Place, params: dict[str, str | int]) -> Finding:
    return trusted(
        Finding,
        {
            "code": rule.code,
            "severity": rule.severity,
            "record": ordinal,
            "place": place,
            "field": rule.field,
            "params": params,
        },
    )


def _place(observed: ObservedRows, ordinal: int, line: int | None, column: int | None) -> Place:
    pointer = None if observed.pointer is None else f"{observed.pointer}/{ordinal}"
    return trusted(Place, {"line": line, "column": column, "sheet": None, "cell": None, "pointer": pointer})


def look_up_rows(observed: ObservedRows, rules: Sequence[Rule], lists: Lists) -> Looked:
    """What these rows name, looked up as far as there are lists for it and they say anything of a row's day.

    Rows that say the same are looked up once: a tape has few branches and days, however many rows.
    """
    looked = Looked()
    for rule in rules:
        looked_in, check = getattr(lists, rule.of or ""), rule.check
        if looked_in is None or check is None:
            continue
        ran, hits, row_of = 0, dict[tuple[Any, ...], Hit](), _row(rule.params)
        for values, count in _different(observed.frame, rule.params):
            found = check(looked_in, row_of(*values))
            if found is not None:
                ran += count
                hits.update((values, hit) for hit in found)
        looked.count(ran, looked_in.source)
        if hits:
            looked.findings += _listed_findings(observed, rule, hits)
    return looked


@cache
def _row(columns: tuple[str, ...]) -> Callable[..., Any]:
    """What a listed rule is given for rows: their values in these columns, by name."""
    return namedtuple("Row", columns)


def _different(frame: pl.DataFrame, columns: Sequence[str]) -> Iterable[tuple[tuple[Any, ...], int]]:
    """Each combination of values that rows have in these columns, without those that lack one, and how many rows."""
    if frame.height > _FEW:
        said = frame.select(columns).drop_nulls().group_by(columns).len()
        return ((tuple(values), count) for *values, count in said.iter_rows())
    few = Counter(zip(*(frame[column].to_list() for column in columns), strict=True))
    return ((values, count) for values, count in few.items() if None not in values)


def _listed_findings(observed: ObservedRows, rule: Rule, hits: Mapping[tuple[Any, ...], Hit]) -> Iterator[Finding]:
    column = None if observed.pointer else observed.columns.get(rule.field or "")
    for ordinal, line, *values in observed.frame.select("ordinal", "line", *rule.params).iter_rows():
        hit = hits.get(tuple(values))
        if hit is not None:
            yield _finding(rule, ordinal, _place(observed, ordinal, line, column), dict(hit.params))


def my_numbers(observed: ObservedRows) -> list[Finding]:
    """My Numbers in the texts of rows and in columns nobody mapped (V06): refused where labelled, else a warning.

    One expression per column picks the few texts with twelve digits near each other; only those are read closely.
    """
    texts = observed.frame.select(_TEXTS)
    if observed.unmapped is not None:
        texts = texts.hstack(observed.unmapped)
    rows = observed.frame.select("ordinal", "line")
    found = []
    for column in texts:
        at = column.str.contains(_TWELVE_DIGITS).arg_true()
        for (ordinal, line), text in zip(rows[at].iter_rows(), column[at], strict=True):
            place = _place(observed, ordinal, line, observed.columns.get(column.name))
            for hit in scan([("", column.name, text)]):
                rule = replace(REGISTRY["V06"], severity=hit.severity or Severity.WARN, field=column.name)
                found.append(_finding(rule, ordinal, place, dict(hit.params)))
    return found


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
        column = None if observed.pointer else observed.columns.get("guarantee_no")
        return [
            _finding(DUPLICATE_KEY, ordinal, _place(observed, ordinal, line, column), {"key": f"{series} {valid_on}"})
            for ordinal, line, series, valid_on in again.iter_rows()
        ]

    def _keep(self, run: pl.Series) -> None:
        while self._runs and self._runs[-1].len() <= run.len():
            run = pl.concat([self._runs.pop(), run]).sort()
        if run.len():
            self._runs.append(run)
