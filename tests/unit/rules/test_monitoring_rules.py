"""Every rule over a 業況報告書, by its cases in tests/rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml

from gateway.rules import monitoring
from gateway.rules.rule import REGISTRY, Rule
from gateway.schemas.records import MonitoringReport

CASES = Path(__file__).resolve().parents[2] / "rules"
OURS = {code: rule for code, rule in REGISTRY.items() if rule.check and rule.check.__module__ == monitoring.__name__}
MINIMAL: dict[str, Any] = {
    "bank_code": "9991",
    "entity_type": "corporation",
    "guarantee_nos": ["13-2021-000123"],
    "period_from": "2025-04-01",
    "period_to": "2025-09-30",
    "reported_on": "2025-10-20",
    "performance": {"sales_trend": "flat"},
    "cash": {"state": "normal"},
    "repayment": {"state": "as_agreed"},
}
HEADINGS = ("*Because*", "*Accepts*", "*Finds*", "*Remedy*", "*Source*")


def cases() -> Iterator[Any]:
    for code in sorted(OURS):
        for case in yaml.safe_load((CASES / f"{code}.yaml").read_text("utf-8"))["cases"]:
            yield pytest.param(OURS[code], case, id=f"{code}: {case['name']}")


def holds(expected: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    params = expected.get("params", {})
    return (
        expected["pointer"] == found["pointer"]
        and expected.get("severity", found["severity"]) == found["severity"]
        and {name: str(value) for name, value in params.items()}
        == {name: str(found["params"].get(name)) for name in params}
    )


@pytest.mark.parametrize(("rule", "case"), list(cases()))
def test_a_rule_finds_what_its_case_says_and_nothing_else(rule: Rule, case: Mapping[str, Any]) -> None:
    report = MonitoringReport.model_validate(MINIMAL | case["given"])
    assert rule.check is not None
    found = [
        {"pointer": hit.pointer, "severity": (hit.severity or rule.severity).value, "params": hit.params}
        for hit in rule.check(report)
    ]
    assert len(found) == len(case["finds"]), found
    assert [f for e, f in zip(case["finds"], found, strict=True) if not holds(e, f)] == []


@pytest.mark.parametrize("rule", list(OURS.values()), ids=list(OURS))
def test_a_rule_has_cases_that_pass_and_cases_that_find(rule: Rule) -> None:
    file = yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))
    assert file["code"] == rule.code
    assert {bool(case["finds"]) for case in file["cases"]} == {True, False}


@pytest.mark.parametrize("rule", list(OURS.values()), ids=list(OURS))
def test_a_rule_explains_itself_in_the_fixed_order(rule: Rule) -> None:
    places = [rule.page.find(heading) for heading in HEADINGS]
    assert places == sorted(places)
    assert -1 not in places


@pytest.mark.parametrize("rule", list(OURS.values()), ids=list(OURS))
def test_a_message_asks_only_for_params_its_rule_gives(rule: Rule) -> None:
    given: set[str] = set()
    for case in yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))["cases"]:
        assert rule.check is not None
        given |= {
            name for hit in rule.check(MonitoringReport.model_validate(MINIMAL | case["given"])) for name in hit.params
        }
    words = rule.words
    texts = (words.ja, words.en, words.remedy_ja, words.remedy_en)
    asked = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    assert asked <= given


def test_the_minimal_report_passes_every_rule() -> None:
    report = MonitoringReport.model_validate(MINIMAL)
    assert [code for code, rule in OURS.items() if rule.check for _ in rule.check(report)] == []
