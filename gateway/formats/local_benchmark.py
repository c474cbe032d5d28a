"""The six indicators of the ローカルベンチマーク, computed, and their points by a table that somebody supplies.

An indicator that cannot be computed has no value but a reason; points for all six are needed for a total and a rank.

Source: domain note 8.1 (formulas: METI's sheet of 2022; what makes an indicator undefined is ours).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.errors import ConfigurationError
from gateway.formats.money import interval
from gateway.schemas.records.header import Rounding, Unit
from gateway.schemas.records.local_benchmark import BenchmarkTerm, Indicator, LocalBenchmark

FORMULAS = "local-benchmark-2022"
PACKAGED = "packaged"
ANY = "*"
INDICATORS: tuple[Indicator, ...] = get_args(Indicator)
LOWER_IS_BETTER: frozenset[Indicator] = frozenset({"ebitda_debt_multiple", "working_capital_months"})
MOST_POINTS = 5
_PLACES = Decimal("0.0001")

Undefined = Literal[
    "missing",
    "sales_not_positive",
    "prior_sales_not_positive",
    "no_employees",
    "ebitda_not_positive",
    "debt_without_ebitda",
    "assets_not_positive",
]


class _CannotCompute(Exception):
    def __init__(self, reason: Undefined) -> None:
        super().__init__(reason)
        self.reason: Undefined = reason


Figures = Callable[[str], int]


def _positive(value: int, reason: Undefined) -> int:
    if value <= 0:
        raise _CannotCompute(reason)
    return value


def _sales_growth(of: Figures) -> Fraction:
    sales = of("sales_yen")
    return Fraction(sales, _positive(of("prior_sales_yen"), "prior_sales_not_positive")) - 1


def _operating_margin(of: Figures) -> Fraction:
    return Fraction(of("operating_profit_yen"), _positive(of("sales_yen"), "sales_not_positive"))


def _labour_productivity(of: Figures) -> Fraction:
    return Fraction(of("operating_profit_yen"), _positive(of("employees"), "no_employees"))


def _ebitda_debt_multiple(of: Figures) -> Fraction:
    net_debt = of("borrowings_yen") - of("cash_and_deposits_yen")
    ebitda = of("operating_profit_yen") + of("depreciation_yen")
    reason: Undefined = "debt_without_ebitda" if net_debt > 0 else "ebitda_not_positive"
    return Fraction(net_debt, _positive(ebitda, reason))


def _working_capital_months(of: Figures) -> Fraction:
    tied_up = of("accounts_receivable_yen") + of("notes_receivable_yen") + of("inventories_yen")
    lent = of("accounts_payable_yen") + of("notes_payable_yen")
    return Fraction(12 * (tied_up - lent), _positive(of("sales_yen"), "sales_not_positive"))


def _equity_ratio(of: Figures) -> Fraction:
    return Fraction(of("net_assets_yen"), _positive(of("total_assets_yen"), "assets_not_positive"))


@dataclass(frozen=True, slots=True)
class Formula:
    """How an indicator is computed: as people read it, in which unit, from what."""

    text: str
    unit: Literal["ratio", "yen_per_person", "times", "months"]
    compute: Callable[[Figures], Fraction]


FORMULA: Mapping[Indicator, Formula] = {
    "sales_growth": Formula("sales / prior_sales - 1", "ratio", _sales_growth),
    "operating_margin": Formula("operating_profit / sales", "ratio", _operating_margin),
    "labour_productivity": Formula("operating_profit / employees", "yen_per_person", _labour_productivity),
    "ebitda_debt_multiple": Formula(
        "(borrowings - cash_and_deposits) / (operating_profit + depreciation)", "times", _ebitda_debt_multiple
    ),
    "working_capital_months": Formula(
        "(accounts_receivable + notes_receivable + inventories - accounts_payable - notes_payable) / (sales / 12)",
        "months",
        _working_capital_months,
    ),
    "equity_ratio": Formula("net_assets / total_assets", "ratio", _equity_ratio),
}


@dataclass(frozen=True, slots=True)
class Computed:
    """An indicator of one term: its exact value, or why there is none, and the figures it asked for."""

    value: Fraction | None
    undefined: Undefined | None
    uses: Mapping[str, int | None]


def compute(indicator: Indicator, term: BenchmarkTerm) -> Computed:
    """An indicator of a term.

    >>> from datetime import date
    >>> term = BenchmarkTerm(fiscal_year_end=date(2026, 3, 31), sales_yen=200, operating_profit_yen=-10)
    >>> compute("operating_margin", term).value, compute("equity_ratio", term).undefined
    (Fraction(-1, 20), 'missing')
    """
    uses: dict[str, int | None] = {}

    def of(name: str) -> int:
        found = uses[name] = getattr(term, name)
        if found is None:
            raise _CannotCompute("missing")
        return int(found)

    try:
        return Computed(FORMULA[indicator].compute(of), None, uses)
    except _CannotCompute as error:
        return Computed(None, error.reason, uses)


def span(indicator: Indicator, term: BenchmarkTerm, unit: Unit, rounding: Rounding) -> tuple[Fraction, Fraction] | None:
    """Least and greatest value that the figures allow, having been rounded; None where there may be none.

    Every formula rises or falls with each of its figures alone, so both are reached at ends of their intervals.
    """
    uses = compute(indicator, term).uses
    if None in uses.values():
        return None
    ends = []
    for name, figure in uses.items():
        within = interval(figure or 0, *((Unit.YEN, Rounding.NONE) if name == "employees" else (unit, rounding)))
        ends.append({within.low, within.high})
    try:
        values = [
            FORMULA[indicator].compute(dict(zip(uses, corner, strict=True)).__getitem__) for corner in product(*ends)
        ]
    except _CannotCompute:
        return None
    return min(values), max(values)


Steps = Annotated[tuple[Decimal, ...], Field(min_length=4, max_length=4)]


class Boundaries(BaseModel):
    """Somebody's boundaries by industry class, size and indicator, the worst first, and the least totals of ranks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(min_length=1, max_length=64)]
    ranks: Mapping[Literal["A", "B", "C", "D"], int]
    boundaries: Mapping[str, Mapping[str, Mapping[Indicator, Steps]]]

    @model_validator(mode="after")
    def _is_in_order(self) -> Boundaries:
        for by_size in self.boundaries.values():
            for by_indicator in by_size.values():
                for indicator, steps in by_indicator.items():
                    if not all(_reaches(indicator, better, worse) for worse, better in pairwise(steps)):
                        raise ValueError(f"boundaries of {indicator} run from the worst to the best")
        if list(self.ranks) != ["A", "B", "C", "D"] or sorted(self.ranks.values(), reverse=True) != [
            *self.ranks.values()
        ]:
            raise ValueError("ranks are A to D, the best first")
        return self

    def steps(self, industry: str | None, size: str, indicator: Indicator) -> tuple[Decimal, ...] | None:
        """The boundaries that count for a firm, None where the table has none for it."""
        by_size = self.boundaries.get(industry or ANY) or self.boundaries.get(ANY) or {}
        return (by_size.get(size) or by_size.get(ANY) or {}).get(indicator)

    def rank(self, total: int) -> str | None:
        """The rank of a total."""
        return next((rank for rank, least in self.ranks.items() if total >= least), None)


def _reaches(indicator: Indicator, value: Fraction | Decimal, boundary: Decimal) -> bool:
    exact = Fraction(value)
    return exact <= Fraction(boundary) if indicator in LOWER_IS_BETTER else exact >= Fraction(boundary)


def points(indicator: Indicator, value: Fraction, steps: tuple[Decimal, ...]) -> int:
    """One to five: one, and one more for every boundary that is reached, the boundary itself included.

    >>> points("equity_ratio", Fraction(4, 10), tuple(map(Decimal, ("0", "0.15", "0.4", "0.7"))))
    4
    """
    return 1 + sum(_reaches(indicator, value, step) for step in steps)


@cache
def load_boundaries(named: str = PACKAGED) -> Boundaries:
    """The boundaries in a file, or the packaged ones, which are synthetic.

    Raises:
        ConfigurationError: it is not of this form.
    """
    packaged = files("gateway.schemas") / "data" / "local_benchmark.yaml"
    try:
        source = packaged.read_bytes() if named == PACKAGED else Path(named).read_bytes()
        return Boundaries.model_validate(yaml.safe_load(source))
    except (OSError, ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"{named}: not a table of boundaries for the local benchmark",
            ja=f"{named}: ローカルベンチマークの境界値の表ではありません。",
        ) from error


def assess(record: LocalBenchmark, boundaries: Boundaries) -> dict[str, Any]:
    """What the line says beside the record's own figures, as plain JSON: values are decimal texts of four places.

    ``terms`` holds the indicators of every term; ``points``, ``total`` and ``rank`` are of the last one, and there only
    where the firm's class and size are known and all six have a value.
    """
    last = record.terms[-1]
    found: dict[str, Any] = {
        "formulas": FORMULAS,
        "baseline": boundaries.version,
        "terms": [
            {
                "fiscal_year_end": str(term.fiscal_year_end),
                "indicators": [_as_json(each, compute(each, term)) for each in INDICATORS],
            }
            for term in record.terms
        ],
    }
    given = _points(record, last, boundaries)
    if given is not None:
        total = sum(given.values())
        found |= {"points": given, "total": total, "rank": boundaries.rank(total)}
    return found


def _points(record: LocalBenchmark, term: BenchmarkTerm, boundaries: Boundaries) -> dict[str, int] | None:
    if record.industry_class is None or record.size == "unknown":
        return None
    given: dict[str, int] = {}
    for indicator in INDICATORS:
        value = compute(indicator, term).value
        steps = boundaries.steps(record.industry_class, record.size, indicator)
        if value is None or steps is None:
            return None
        given[indicator] = points(indicator, value, steps)
    return given


def shown(value: Fraction) -> Decimal:
    """A value to four places.

    >>> str(shown(Fraction(-1, 3)))
    '-0.3333'
    """
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_PLACES, ROUND_HALF_UP)


def _as_json(indicator: Indicator, computed: Computed) -> dict[str, Any]:
    formula = FORMULA[indicator]
    said: dict[str, Any] = {
        "indicator": indicator,
        "formula": formula.text,
        "unit": formula.unit,
        "better": "lower" if indicator in LOWER_IS_BETTER else "higher",
        "uses": {name: figure for name, figure in computed.uses.items() if figure is not None},
    }
    if computed.value is None:
        return said | {"undefined": computed.undefined}
    return said | {"value": str(shown(computed.value))}
