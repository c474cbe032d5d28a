from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.formats.places import Within
from gateway.formats.schema_errors import schema_findings, unreadable_value
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.place import Place
from gateway.schemas.records import TrialBalance

LINE: dict[str, Any] = {"source_name": "現金"}
GOOD: dict[str, Any] = {"period_from": "2024-04-01", "period_to": "2024-04-30", "lines": [LINE]}


def _findings(**changes: Any) -> list[tuple[str, str | None, dict[str, str | int]]]:
    with pytest.raises(ValidationError) as refused:
        TrialBalance.model_validate_json(json.dumps({**GOOD, **changes}), strict=True)
    found = schema_findings(refused.value, 3, Within(None, "/records/3").__getitem__)
    assert {(finding.record, finding.severity) for finding in found} == {(3, Severity.REFUSE)}
    return [(finding.code, finding.place.pointer, finding.params) for finding in found]


@pytest.mark.parametrize(
    ("changes", "pointer", "found", "expected"),
    [
        ({"period_to": "2024-04-31"}, "/period_to", "2024-04-31", "YYYY-MM-DD"),
        ({"lines": [{**LINE, "closing_yen": "1"}]}, "/lines/0/closing_yen", "1", "整数 / integer"),
        ({"lines": [{**LINE, "closing_yen": 2**53}]}, "/lines/0/closing_yen", str(2**53), f"≤ {2**53 - 1}"),
        ({"lines": [{**LINE, "level": -1}]}, "/lines/0/level", "-1", "≥ 0"),
        ({"lines": [{**LINE, "is_total": 1}]}, "/lines/0/is_total", "1", "true | false"),
        ({"lines": []}, "/lines", "[]", "長さ / length ≥ 1"),
        ({"span": "week"}, "/span", "week", "'month' or 'cumulative'"),
        ({"colour": 1}, "/colour", "1", "様式にある項目 / a member of the schema"),
        ({"produced_at": "2024-05-01T00:00:00"}, "/produced_at", "2024-05-01T00:00:00", "YYYY-MM-DDThh:mm:ss+09:00"),
        ({"software": "x" * 201}, "/software", "x" * 39 + "…", "長さ / length ≤ 200"),
    ],
)
def test_what_a_schema_refuses_is_said_in_our_words(changes: Any, pointer: str, found: str, expected: str) -> None:
    params = {"field": pointer[1:], "found": found, "expected": expected}
    assert _findings(**changes) == [("R01", f"/records/3{pointer}", params)]


def test_what_is_missing_or_null_is_missing() -> None:
    with pytest.raises(ValidationError) as refused:
        TrialBalance.model_validate({"period_from": None, "lines": [LINE]})
    found = schema_findings(refused.value, 0, lambda pointer: Place(pointer=pointer))
    assert [(finding.code, finding.field) for finding in found] == [("R03", "period_from"), ("R03", "period_to")]


def test_a_my_number_in_a_wrong_place_is_not_repeated() -> None:
    (finding,) = _findings(software=123456789018)
    assert finding[2]["found"] == "************"


def test_a_value_that_is_there_and_one_that_is_not() -> None:
    there = unreadable_value("/lines/0/level", "x", "1", 2, Place(line=4))
    assert there == Finding(
        code="R01",
        severity=Severity.REFUSE,
        record=2,
        place=Place(line=4),
        field="level",
        params={"field": "lines/0/level", "found": "x", "expected": "1"},
    )
    assert unreadable_value("/kind", None, "1", 2, Place()).params == {"field": "kind"}
