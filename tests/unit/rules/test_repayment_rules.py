"""Every rule over repayment rows, by its cases in tests/rules, and how what it finds is worded and placed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from gateway.formats.money import interval
from gateway.rules import repayment
from gateway.rules.rows import HISTORY_COLUMNS, evaluate_rows, high, low, row_rules
from gateway.rules.rule import REGISTRY, Rule
from gateway.schemas.observed import ObservedRows
from gateway.schemas.place import Place
from gateway.schemas.records import Rounding, Unit
from gateway.schemas.records.repayment_columns import KIND, frame_of

CASES = Path(__file__).resolve().parents[2] / "rules"
OURS = {rule.code: rule for history in (False, True) for rule in row_rules(KIND, history=history)}
MINIMAL: dict[str, Any] = {
    "bank_code": "9991",
    "guarantee_no": "13-0000001",
    "as_of": "2026-03-31",
    "balance_yen": 10_000_000,
    "status": "performing",
}
HEADINGS = ("*Because*", "*Accepts*", "*Finds*", "*Remedy*", "*Source*")


def observed(*rows: Mapping[str, Any], **how: Any) -> ObservedRows:
    """Rows as an adapter would hand them over, with what stood before them."""
    plain = [{name: str(value) if isinstance(value, date) else value for name, value in row.items()} for row in rows]
    before = {name: [row.get(name) for row in rows] for name in HISTORY_COLUMNS}
    frame = frame_of(MINIMAL | row for row in plain).with_columns(
        pl.int_range(pl.len()).alias("ordinal"),
        pl.int_range(pl.len()).alias("line") + 3,
        pl.lit("0" * 64).alias("digest"),
        *(pl.Series(name, values, HISTORY_COLUMNS[name]) for name, values in before.items()),
    )
    return ObservedRows(kind=KIND, frame=frame, **how)


def cases() -> Iterator[Any]:
    for code in sorted(OURS):
        for case in yaml.safe_load((CASES / f"{code}.yaml").read_text("utf-8"))["cases"]:
            yield pytest.param(OURS[code], case, id=f"{code}: {case['name']}")


@pytest.mark.parametrize(("rule", "case"), list(cases()))
def test_a_row_rule_finds_what_its_case_says_and_nothing_else(rule: Rule, case: Mapping[str, Any]) -> None:
    found = evaluate_rows(observed(case["given"]), [rule])
    assert [finding.field for finding in found] == [expected["field"] for expected in case["finds"]]
    for finding, expected in zip(found, case["finds"], strict=True):
        stated = {name: str(finding.params[name]) for name in expected.get("params", {})}
        assert stated == {name: str(value) for name, value in expected.get("params", {}).items()}


@pytest.mark.parametrize("rule", OURS.values(), ids=OURS)
def test_a_row_rule_has_cases_of_both_kinds(rule: Rule) -> None:
    listed = yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))
    assert listed["code"] == rule.code
    assert {bool(case["finds"]) for case in listed["cases"]} == {True, False}


@pytest.mark.parametrize("rule", OURS.values(), ids=OURS)
def test_a_row_rules_page_says_why_and_what_to_do_in_the_fixed_order(rule: Rule) -> None:
    at = [rule.page.find(heading) for heading in HEADINGS]
    assert at == sorted(at)
    assert at[0] > 0


@pytest.mark.parametrize("rule", OURS.values(), ids=OURS)
def test_every_finding_can_be_worded_in_both_languages(rule: Rule) -> None:
    listed = yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))["cases"]
    for case in (case for case in listed if case["finds"]):
        (finding,) = evaluate_rows(observed(case["given"]), [rule])
        for words in (rule.words.ja, rule.words.en, rule.words.remedy_ja, rule.words.remedy_en):
            assert "None" not in words.format(**finding.params)


def test_amounts_are_worded_as_a_clerk_writes_them() -> None:
    (finding,) = evaluate_rows(observed({"balance_yen": -1_234_567}), [REGISTRY["V10"]])
    assert REGISTRY["V10"].words.ja.format(**finding.params) == "残高が負の値です（-1,234,567円）。"


def test_a_finding_names_its_row_line_and_column() -> None:
    rows = observed({}, {"balance_yen": -1}, columns={"balance_yen": 7})
    (finding,) = evaluate_rows(rows, [REGISTRY["V10"]])
    assert (finding.record, finding.place, finding.severity) == (1, Place(line=4, column=7), REGISTRY["V10"].severity)


def test_a_finding_in_json_names_the_record() -> None:
    rows = observed({}, {"balance_yen": -1}, columns={"balance_yen": 7}, pointer="/records")
    (finding,) = evaluate_rows(rows, [REGISTRY["V10"]])
    assert finding.place == Place(line=4, pointer="/records/1")


def test_findings_come_row_by_row() -> None:
    rows = observed({"balance_yen": -1, "months_in_arrears": 2}, {"months_in_arrears": 1}, {"balance_yen": -1})
    found = [(one.record, one.code) for one in evaluate_rows(rows, [REGISTRY["V62"], REGISTRY["V10"]])]
    assert found == [(0, "V62"), (0, "V10"), (1, "V62"), (2, "V10")]


def test_rules_over_history_ask_for_what_stood_before() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        evaluate_rows(
            ObservedRows(kind=KIND, frame=observed({}).frame.drop(HISTORY_COLUMNS)), row_rules(KIND, history=True)
        )


def test_no_rules_and_no_rows_find_nothing() -> None:
    assert evaluate_rows(observed({"balance_yen": -1}), []) == []
    assert evaluate_rows(ObservedRows(kind=KIND, frame=observed({}).frame.clear()), [REGISTRY["V10"]]) == []


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("stated", [-3_000_000, 0, 1_000_000, 7_000_000])
def test_the_spread_of_an_amount_is_that_of_documents(unit: Unit, rounding: Rounding, stated: int) -> None:
    seen: list[tuple[int, int]] = []

    def looks() -> pl.Expr:
        return (low("balance_yen") == seen[0][0]) & (high("balance_yen") == seen[0][1])

    expected = interval(stated, unit, rounding)
    seen.append((expected.low, expected.high))
    rule = Rule(
        "T01",
        "rows",
        frozenset({KIND}),
        repayment.TRAILER_UNCHECKED.severity,
        repayment.TRAILER_UNCHECKED.words,
        "test",
        check=looks,
    )
    row = {"balance_yen": stated, "unit": unit.value, "rounding": rounding.value}
    assert [finding.code for finding in evaluate_rows(observed(row), [rule])] == ["T01"]
