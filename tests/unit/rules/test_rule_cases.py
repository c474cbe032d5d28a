"""Every rule over documents does what its cases say, can fail, and explains itself.

A case in tests/rules/<CODE>.yaml states what is ``given`` on top of a minimal valid record of its kind (of most kinds
the published example), where the rule
compares it with an earlier record, or one beside it, that one as ``previous``, or with the register, what that says of
guarantees as ``register``, and what the rule then finds: pointer, severity, params.
Rows may be written short: ``[name, statement, side, opening, debit, credit, closing, {more}]`` in a trial balance,
``[name, level, amount | title | text, {more}]`` in a statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml

from gateway.rules.pack import Pack, check_beside, check_document, check_history, check_register, standard_pack
from gateway.rules.rule import Rule
from gateway.schemas.findings import Finding
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import KINDS
from gateway.schemas.submission import Guaranteed

CASES = Path(__file__).resolve().parents[2] / "rules"
EXAMPLES = Path(__file__).resolve().parents[3] / "openapi" / "examples" / "documents"
HEADINGS = ("*Because*", "*Accepts*", "*Finds*", "*Remedy*", "*Source*")
TRIAL_BALANCE = ("source_name", "statement", "normal_side", "opening_yen", "debit_yen", "credit_yen", "closing_yen")
MINIMAL: dict[str, dict[str, Any]] = {
    "trial_balance": {
        "period_from": "2024-04-01",
        "period_to": "2024-04-30",
        "lines": [["現金", "BS", "debit", 100, 0, 0, 100]],
    },
    "financial_statement": {
        "statement_type": "BS",
        "fiscal_year_start": "2023-04-01",
        "fiscal_year_end": "2024-03-31",
        "lines": [["現金", 4, 100]],
    },
    "monitoring_report": {
        "bank_code": "9991",
        "period_from": "2025-04-01",
        "period_to": "2025-09-30",
        "performance": {"sales_trend": "flat"},
    },
}

PACK = standard_pack()
RULES = [rule for rule in PACK.rules if rule.form in ("document", "history", "beside", "register")]
OURS = [rule for rule in RULES if rule.kinds != {"monitoring_report"} or rule.form == "register"]


def file_of(rule: Rule) -> dict[str, Any]:
    return yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))


def cases() -> Iterator[Any]:
    for rule in OURS:
        for case in file_of(rule)["cases"]:
            yield pytest.param(rule, case, id=f"{rule.code}: {case['name']}")


def kind_of(rule: Rule, case: Mapping[str, Any]) -> str:
    kind = case.get("kind") or ("trial_balance" if "trial_balance" in rule.kinds else min(rule.kinds))
    assert kind in rule.kinds
    return kind


def row(short: list[Any] | dict[str, Any]) -> dict[str, Any]:
    if isinstance(short, dict):
        return short
    more = short[-1] if isinstance(short[-1], dict) else {}
    cells = short[:-1] if more else short
    if len(cells) == len(TRIAL_BALANCE):
        return dict(zip(TRIAL_BALANCE, cells, strict=True)) | more
    name, level, amount = cells
    form = amount if amount in ("title", "text") else "amount"
    return {"source_name": name, "level": level, "row": form, "amount_yen": None if form == amount else amount} | more


def example(kind: str) -> dict[str, Any]:
    """The published example of a kind, without when it was made and known."""
    document = yaml.safe_load((EXAMPLES / f"{kind}.json").read_text("utf-8"))
    return {name: value for name, value in document.items() if name not in ("produced_at", "known_at")}


def record(kind: str, given: Mapping[str, Any]) -> Any:
    fields = (MINIMAL.get(kind) or example(kind)) | given
    if "lines" in fields:
        fields["lines"] = [row(short) for short in fields["lines"]]
    return KINDS[kind].model_validate(fields)


def findings(rule: Rule, case: Mapping[str, Any]) -> list[Finding]:
    kind = kind_of(rule, case)
    observed = ObservedDocument(record=record(kind, case["given"]), ordinal=0, digest="0" * 64)
    pack = Pack("one rule", "test", (rule,))
    if rule.form == "document":
        return check_document(pack, observed)
    if rule.form == "register":
        guaranteed = {number: Guaranteed("party", "9991", **said) for number, said in case["register"].items()}
        return check_register(pack, observed, guaranteed)
    earlier = record(kind, case["previous"]).model_dump(mode="json", exclude_none=True)
    return (check_beside if rule.form == "beside" else check_history)(pack, observed, earlier)


def as_expected(expected: Mapping[str, Any], found: Finding) -> dict[str, Any]:
    """What was found, as far as the case says anything of it."""
    params = {name: str(found.params.get(name)) for name in expected.get("params", {})}
    shown = {"pointer": found.field or "", "severity": found.severity.value, "params": params}
    return {name: value for name, value in shown.items() if name in expected}


@pytest.mark.parametrize(("rule", "case"), list(cases()))
def test_a_rule_finds_what_its_case_says_and_nothing_else(rule: Rule, case: Mapping[str, Any]) -> None:
    found = findings(rule, case)
    expected = [
        finds | ({"params": {name: str(value) for name, value in finds["params"].items()}} if "params" in finds else {})
        for finds in case["finds"]
    ]
    assert len(expected) == len(found), found
    assert expected == [as_expected(finds, each) for finds, each in zip(expected, found, strict=True)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_case_that_passes_and_one_that_finds(rule: Rule) -> None:
    written = file_of(rule)
    assert rule.code == written["code"]
    assert {True, False} == {bool(case["finds"]) for case in written["cases"]}


@pytest.mark.parametrize("rule", [rule for rule in PACK.rules if rule.check], ids=lambda rule: rule.code)
def test_a_rule_explains_itself_in_the_fixed_order(rule: Rule) -> None:
    places = [rule.page.find(heading) for heading in HEADINGS]
    assert -1 not in places
    assert sorted(places) == places
    assert rule.page.strip().partition("\n")[0].endswith(".")


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.code)
def test_a_rule_speaks_both_languages(rule: Rule) -> None:
    words = rule.words
    assert all((words.ja, words.en, words.remedy_ja, words.remedy_en, rule.source))
    assert [text for text in (words.ja, words.remedy_ja) if text.isascii()] == []


@pytest.mark.parametrize("rule", OURS, ids=lambda rule: rule.code)
def test_a_message_asks_only_for_params_its_rule_gives(rule: Rule) -> None:
    given = {name for case in file_of(rule)["cases"] for found in findings(rule, case) for name in found.params}
    words = rule.words
    asked = {
        name
        for text in (words.ja, words.en, words.remedy_ja, words.remedy_en)
        for _, name, _, _ in Formatter().parse(text)
        if name
    }
    assert asked <= given


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"repayment_status"}))
def test_the_minimal_record_passes_every_rule(kind: str) -> None:
    observed = ObservedDocument(record=record(kind, {}), ordinal=0, digest="0" * 64)
    assert check_document(PACK, observed) == []


def test_no_case_is_written_for_a_rule_that_does_not_exist() -> None:
    assert sorted({path.stem for path in CASES.glob("*.yaml")} - set(PACK.by_code)) == []
