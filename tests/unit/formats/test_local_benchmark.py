"""The six indicators: computed as the sheet says, undefined for a reason, better in their own direction, and ranked."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from gateway.errors import ConfigurationError
from gateway.formats.local_benchmark import (
    INDICATORS,
    LOWER_IS_BETTER,
    Boundaries,
    assess,
    compute,
    load_boundaries,
    points,
    span,
)
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import LocalBenchmark
from gateway.schemas.records.header import Rounding, Unit
from gateway.schemas.records.local_benchmark import BenchmarkTerm, Indicator
from gateway.steps.normalise import draft_document

EXAMPLE = Path(__file__).resolve().parents[3] / "openapi" / "examples" / "documents" / "local_benchmark.json"
FIGURES: dict[str, int] = {
    "sales_yen": 1_200,
    "prior_sales_yen": 1_000,
    "operating_profit_yen": 60,
    "depreciation_yen": 40,
    "employees": 3,
    "borrowings_yen": 500,
    "cash_and_deposits_yen": 200,
    "accounts_receivable_yen": 150,
    "notes_receivable_yen": 50,
    "inventories_yen": 100,
    "accounts_payable_yen": 80,
    "notes_payable_yen": 20,
    "net_assets_yen": 300,
    "total_assets_yen": 1_000,
}


def term(**figures: int | None) -> BenchmarkTerm:
    return BenchmarkTerm.model_validate({"fiscal_year_end": date(2026, 3, 31), **FIGURES, **figures})


def sheet(**more: Any) -> LocalBenchmark:
    return LocalBenchmark.model_validate_json(json.dumps(json.loads(EXAMPLE.read_bytes()) | more), strict=True)


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        ("sales_growth", Fraction(1, 5)),
        ("operating_margin", Fraction(1, 20)),
        ("labour_productivity", Fraction(20)),
        ("ebitda_debt_multiple", Fraction(3)),
        ("working_capital_months", Fraction(2)),
        ("equity_ratio", Fraction(3, 10)),
    ],
)
def test_an_indicator_is_what_its_formula_makes_of_its_figures(indicator: Indicator, expected: Fraction) -> None:
    assert compute(indicator, term()).value == expected


@pytest.mark.parametrize(
    ("indicator", "figures", "reason"),
    [
        ("sales_growth", {"prior_sales_yen": 0}, "prior_sales_not_positive"),
        ("sales_growth", {"prior_sales_yen": None}, "missing"),
        ("operating_margin", {"sales_yen": 0}, "sales_not_positive"),
        ("operating_margin", {"sales_yen": -1}, "sales_not_positive"),
        ("labour_productivity", {"employees": 0}, "no_employees"),
        ("labour_productivity", {"employees": None}, "missing"),
        ("ebitda_debt_multiple", {"operating_profit_yen": -40}, "debt_without_ebitda"),
        ("ebitda_debt_multiple", {"operating_profit_yen": -41}, "debt_without_ebitda"),
        ("ebitda_debt_multiple", {"operating_profit_yen": -41, "cash_and_deposits_yen": 500}, "ebitda_not_positive"),
        ("ebitda_debt_multiple", {"depreciation_yen": None}, "missing"),
        ("working_capital_months", {"sales_yen": 0}, "sales_not_positive"),
        ("equity_ratio", {"total_assets_yen": 0}, "assets_not_positive"),
    ],
)
def test_an_indicator_that_cannot_be_computed_says_why(
    indicator: Indicator, figures: dict[str, int | None], reason: str
) -> None:
    computed = compute(indicator, term(**figures))
    assert (computed.value, computed.undefined) == (None, reason)


def test_a_firm_with_more_cash_than_debt_has_the_best_multiple() -> None:
    value = compute("ebitda_debt_multiple", term(cash_and_deposits_yen=800)).value
    assert value == -3
    assert points("ebitda_debt_multiple", value, tuple(map(Decimal, (40, 15, 5, 1)))) == 5


@pytest.mark.parametrize("indicator", INDICATORS)
def test_a_boundary_is_on_its_better_side_and_better_is_lower_for_debt_and_capital_tied_up(
    indicator: Indicator,
) -> None:
    steps = load_boundaries().steps(None, "small", indicator)
    assert steps is not None
    worse = Fraction(1, 1_000) * (1 if indicator in LOWER_IS_BETTER else -1)
    assert [points(indicator, Fraction(step), steps) for step in steps] == [2, 3, 4, 5]
    assert [points(indicator, Fraction(step) + worse, steps) for step in steps] == [1, 2, 3, 4]
    assert {"ebitda_debt_multiple", "working_capital_months"} == LOWER_IS_BETTER


@pytest.mark.parametrize(
    ("total", "rank"), [(30, "A"), (24, "A"), (23, "B"), (18, "B"), (17, "C"), (12, "C"), (11, "D"), (6, "D")]
)
def test_a_total_has_its_rank(total: int, rank: str) -> None:
    assert load_boundaries().rank(total) == rank


def test_a_sheet_is_assessed_with_formulas_figures_points_and_the_table_they_are_by() -> None:
    found = assess(sheet(), load_boundaries())
    assert (found["formulas"], found["baseline"]) == ("local-benchmark-2022", "synthetic-1")
    [first, last] = found["terms"]
    assert [one["indicator"] for one in first["indicators"]] == list(INDICATORS)
    assert last["indicators"][1] == {
        "indicator": "operating_margin",
        "formula": "operating_profit / sales",
        "unit": "ratio",
        "better": "higher",
        "uses": {"operating_profit_yen": 4_100_000, "sales_yen": 181_500_000},
        "value": "0.0226",
    }
    assert found["total"] == sum(found["points"].values())
    assert found["rank"] == load_boundaries().rank(found["total"])


@pytest.mark.parametrize("lacking", [{"industry_class": None}, {"size": "unknown"}])
def test_a_firm_of_no_known_class_or_size_has_indicators_and_no_points(lacking: dict[str, Any]) -> None:
    found = assess(sheet(**lacking), load_boundaries())
    assert "value" in found["terms"][-1]["indicators"][0]
    assert {"points", "total", "rank"}.isdisjoint(found)


def test_one_indicator_that_is_undefined_leaves_the_sheet_without_a_rank() -> None:
    terms = [json.loads(EXAMPLE.read_bytes())["terms"][-1] | {"employees": 0}]
    found = assess(sheet(terms=terms, stated=[]), load_boundaries())
    assert found["terms"][0]["indicators"][2]["undefined"] == "no_employees"
    assert "rank" not in found


def test_a_table_of_ones_own_decides_the_points(tmp_path: Path) -> None:
    rising = ["0", "1", "2", "3"]
    steps = {one: rising[::-1] if one in LOWER_IS_BETTER else rising for one in INDICATORS}
    table = {
        "version": "ours-1",
        "ranks": {"A": 24, "B": 18, "C": 12, "D": 6},
        "boundaries": {"0501": {"medium": steps}},
    }
    (tmp_path / "ours.yaml").write_text(yaml.safe_dump(table), "utf-8")
    ours = load_boundaries(str(tmp_path / "ours.yaml"))
    assert assess(sheet(), ours)["baseline"] == "ours-1"
    assert "points" in assess(sheet(), ours)
    assert "points" not in assess(sheet(industry_class="0601"), ours)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ranks": {"A": 6, "B": 12, "C": 18, "D": 24}},
        {"boundaries": {"*": {"*": {"equity_ratio": ["0.7", "0.4", "0.15", "0"]}}}},
        {"boundaries": {"*": {"*": {"ebitda_debt_multiple": ["1", "5", "15", "40"]}}}},
        {"boundaries": {"*": {"*": {"equity_ratio": ["0", "1"]}}}},
        {"boundaries": {"*": {"*": {"profit": ["0", "1", "2", "3"]}}}},
    ],
)
def test_a_table_in_the_wrong_direction_or_of_another_form_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    table = {"version": "w", "ranks": {"A": 24, "B": 18, "C": 12, "D": 6}, "boundaries": {}} | wrong
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(table), "utf-8")
    with pytest.raises(ConfigurationError, match=r"wrong\.yaml"):
        load_boundaries(str(tmp_path / "wrong.yaml"))


def test_a_table_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yaml"):
        load_boundaries(str(tmp_path / "gone.yaml"))


def test_figures_in_thousands_allow_every_value_they_may_have_been_rounded_from() -> None:
    rounded = term(sales_yen=100_000, operating_profit_yen=5_000)
    assert span("operating_margin", rounded, Unit.THOUSAND, Rounding.FLOOR) == (
        Fraction(5_000, 100_999),
        Fraction(5_999, 100_000),
    )
    assert span("operating_margin", term(sales_yen=500), Unit.THOUSAND, Rounding.UNKNOWN) is None
    assert span("labour_productivity", term(), Unit.YEN, Rounding.NONE) == (Fraction(20), Fraction(20))


def test_the_line_carries_what_was_computed_beside_what_was_said() -> None:
    record = sheet()
    draft = draft_document(ObservedDocument(record=record, ordinal=0, digest="0" * 64), ())
    assert draft.record["assessed"] == assess(record, load_boundaries())
    assert orjson.loads(draft.record_bytes)["terms"][-1]["employees"] == 12
    other = Boundaries(version="none", ranks={"A": 24, "B": 18, "C": 12, "D": 6}, boundaries={})
    again = draft_document(ObservedDocument(record=record, ordinal=0, digest="0" * 64), (), other)
    assert (again.record["assessed"]["baseline"], "rank" in again.record["assessed"]) == ("none", False)
