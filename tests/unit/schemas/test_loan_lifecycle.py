"""What names the records of a loan's life, and what they refuse to be."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.adapters.native_json import adapter
from gateway.ports import Hints
from gateway.schemas.observed import ObservedDocument, Unplaced
from gateway.schemas.records import KINDS, Record
from gateway.schemas.records.condition_change import CHANGES, EASING

EXAMPLES = Path(__file__).resolve().parents[3] / "openapi" / "examples" / "documents"


def said(kind: str, **change: Any) -> bytes:
    return orjson.dumps(orjson.loads((EXAMPLES / f"{kind}.json").read_bytes()) | change)


def record(kind: str, **change: Any) -> Record:
    return KINDS[kind].model_validate_json(said(kind, **change), strict=True)


def reasons(raw: bytes) -> list[tuple[str, str | None]]:
    """Code and field of what an unplaced record is refused for."""
    [observed] = adapter.read(io.BytesIO(raw), Hints())
    assert isinstance(observed, Unplaced)
    return [(problem.code, problem.field) for problem in observed.problems]


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ({}, date(2027, 2, 26)),
        ({"executed_on": None}, date(2027, 2, 15)),
        ({"executed_on": None, "approved_on": None}, date(2027, 2, 1)),
        ({"requested_on": None, "approved_on": None}, date(2027, 2, 26)),
    ],
)
def test_each_stage_of_a_change_is_a_record_of_its_own_day(given: dict[str, Any], day: date) -> None:
    change = record("condition_change", **given)
    assert (change.valid_on, change.series) == (day, "13-0000017/L000000017")


@pytest.mark.parametrize("gone", [None, ...])
def test_a_change_of_no_day_is_refused_for_its_missing_day(gone: object) -> None:
    document = orjson.loads(said("condition_change"))
    for name in ("requested_on", "approved_on", "executed_on"):
        document.pop(name)
        if gone is None:
            document[name] = None
    assert reasons(orjson.dumps(document)) == [("R03", "executed_on")]


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("loan_execution", {"principal_yen": -1}, "principal_yen"),
        ("loan_execution", {"interest_rate": "100.1"}, "interest_rate"),
        ("loan_execution", {"guarantee_ratio": "1.1"}, "guarantee_ratio"),
        ("loan_execution", {"guarantee_no": "13 0000017"}, "guarantee_no"),
        ("loan_execution", {"repayment_method": "monthly"}, "repayment_method"),
        ("condition_change", {"change_kinds": ["holiday"]}, "0"),
        ("condition_change", {"sequence_no": 0}, "sequence_no"),
        ("accident_report", {"triggers": []}, "triggers"),
        ("accident_report", {"guarantees": []}, "guarantees"),
        ("accident_report", {"narrative": "長" * 2_001}, "narrative"),
        ("subrogation", {"damages_yen": 0.5}, "damages_yen"),
        ("subrogation", {"total_yen": 1}, "total_yen"),
    ],
)
def test_what_does_not_fit_is_named(kind: str, change: dict[str, Any], field: str) -> None:
    assert reasons(said(kind, **change)) == [("R01", field)]


def test_a_report_of_several_guarantees_is_named_by_all_and_placed_by_the_first() -> None:
    report = record("accident_report")
    assert (report.series, report.placed_by) == ("13-0000017+13-0000018", "13-0000017")
    assert (report.valid_from, report.valid_on) == (date(2028, 3, 27), date(2028, 5, 10))
    [turned] = adapter.read(
        io.BytesIO(said("accident_report", guarantees=[{"guarantee_no": "13-2"}, {"guarantee_no": "13-1"}])), Hints()
    )
    assert isinstance(turned, ObservedDocument)
    assert (turned.record.series, turned.record.placed_by) == ("13-1+13-2", "13-2")


def test_a_claim_is_filed_by_its_payment_once_it_is_paid() -> None:
    claim, paid = record("subrogation", paid_on=None, paid_yen=None), record("subrogation")
    assert (claim.valid_from, claim.valid_on) == (date(2029, 1, 22), date(2029, 1, 22))
    assert (paid.valid_from, paid.valid_on) == (date(2029, 1, 22), date(2029, 2, 28))


def test_the_kinds_of_change_that_ease_repayment_are_the_three_first() -> None:
    assert set(list(CHANGES)[:3]) == EASING


def test_only_what_is_about_one_guarantee_is_named_without_its_firm() -> None:
    assert {kind for kind, model in KINDS.items() if model.is_keyed_by_guarantee} == {
        "repayment_status",
        "loan_execution",
        "condition_change",
        "subrogation",
    }
