"""Rules that look in lists, by their cases in tests/rules: what is found, and where nothing may be said at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from string import Formatter
from typing import Any

import polars as pl
import pytest
import yaml
from reference_lists import NOBODY, OPEN, WOUND_UP, lists

from gateway.reference.lists import NO_LISTS
from gateway.rules.messages import remedy, render
from gateway.rules.pack import check_listed, standard_pack
from gateway.rules.rows import look_up_rows
from gateway.rules.rule import REGISTRY, Looked, Rule
from gateway.schemas.findings import Severity
from gateway.schemas.observed import ObservedDocument, ObservedRows
from gateway.schemas.place import Place
from gateway.schemas.records import KINDS
from gateway.schemas.records.repayment_columns import KIND, frame_of

CASES = Path(__file__).resolve().parents[2] / "rules"
RULES = [rule for rule in standard_pack().rules if rule.form == "listed"]


DATED: dict[str, Callable[[date], dict[str, Any]]] = {
    "trial_balance": lambda day: {
        "period_from": day.replace(day=1),
        "period_to": day,
        "lines": [{"source_name": "現金"}],
    },
    "financial_statement": lambda day: {
        "statement_type": "BS",
        "fiscal_year_start": day - timedelta(days=364),
        "fiscal_year_end": day,
        "lines": [{"source_name": "現金"}],
    },
    "monitoring_report": lambda day: {
        "bank_code": "9991",
        "period_from": day - timedelta(days=182),
        "period_to": day,
    },
    "loan_execution": lambda day: {
        "bank_code": "9991",
        "guarantee_no": "13-1",
        "executed_on": day,
        "principal_yen": 1,
        "interest_rate": 1,
        "repayment_method": "bullet",
        "loan_type": "deed",
    },
}
"""A record of a kind that speaks of a day."""


def document(kind: str, day: date, numbers: list[str] | tuple[str, ...] = (), **fields: Any) -> ObservedDocument:
    """A record of a day, of the firm with these numbers."""
    named = [{"scheme": "corporate_number", "value": number} for number in numbers]
    record = KINDS[kind].model_validate(DATED[kind](day) | fields | {"references": named})
    return ObservedDocument(record=record, ordinal=0, digest="0" * 64)


def rows(*given: Mapping[str, Any], **how: Any) -> ObservedRows:
    """Rows as an adapter hands them over; ``day`` is that of the tape."""
    own = {"guarantee_no": "13-1", "balance_yen": 1, "status": "performing"}
    frame = frame_of(own | {"as_of": str(row["day"])} | {n: v for n, v in row.items() if n != "day"} for row in given)
    frame = frame.with_columns(pl.int_range(pl.len()).alias("ordinal"), (pl.int_range(pl.len()) + 3).alias("line"))
    return ObservedRows(kind=KIND, frame=frame, **how)


def forms(rule: Rule, given: Mapping[str, Any]) -> Iterator[ObservedDocument | ObservedRows]:
    """What is given, as a record of every kind that the rule concerns and whose day one field or two decide."""
    for kind in sorted(rule.kinds & {KIND, *DATED}):
        yield rows(given) if kind == KIND else document(kind, **given)


def looked(rule: Rule, seen: ObservedDocument | ObservedRows) -> Looked:
    if isinstance(seen, ObservedRows):
        return look_up_rows(seen, [rule], lists())
    pack = type(standard_pack())("one rule", "test", (rule,))
    return check_listed(pack, seen, lists())


def cases() -> Iterator[Any]:
    for rule in RULES:
        for case in yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))["cases"]:
            yield pytest.param(rule, case, id=f"{rule.code}: {case['name']}")


@pytest.mark.parametrize(("rule", "case"), list(cases()))
def test_a_listed_rule_finds_what_its_case_says_alike_in_every_kind(rule: Rule, case: Mapping[str, Any]) -> None:
    for seen in forms(rule, case["given"]):
        found, expected = looked(rule, seen), case["finds"]
        assert (found.rules, found.evaluations, len(found.lists)) == ((0, 0, 0) if expected is None else (1, 1, 1))
        assert len(found.findings) == len(expected or ())
        for finding, told in zip(found.findings, expected or (), strict=True):
            shown = {name: finding.params[name] for name in told}
            assert shown == {name: str(value) for name, value in told.items()}
            assert (finding.code, finding.severity) == (rule.code, rule.severity)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_listed_rule_has_cases_that_pass_that_find_and_where_its_list_says_nothing(rule: Rule) -> None:
    written = yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))["cases"]
    assert {None if case["finds"] is None else bool(case["finds"]) for case in written} == {None, True, False}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_message_of_a_listed_rule_asks_only_for_params_its_rule_gives(rule: Rule) -> None:
    written = yaml.safe_load((CASES / f"{rule.code}.yaml").read_text("utf-8"))["cases"]
    [finding, *_] = [
        finding for case in written for seen in forms(rule, case["given"]) for finding in looked(rule, seen).findings
    ]
    words = (rule.words.ja, rule.words.en, rule.words.remedy_ja, rule.words.remedy_en)
    assert {name for text in words for _, name, _, _ in Formatter().parse(text) if name} <= set(finding.params)


def test_a_bank_code_that_ended_is_worded_as_a_clerk_says_it() -> None:
    [finding] = looked(REGISTRY["V04"], rows({"bank_code": "9993", "day": date(2026, 4, 30)})).findings
    assert render(finding, "ja") == (
        "金融機関コード 9993 は、2026-04-30 の時点では使われていません"
        "（使用期間: 〜2026-03-31。2020-04-01〜2026-12-31 の金融機関一覧による）。"
    )
    assert remedy(finding, "ja") == "2026-04-30 の時点の金融機関コードに直してください（承継先: 9995）。"
    assert remedy(finding, "en") == "Write the bank code in use on 2026-04-30 (successor: 9995)."


def test_a_closed_firm_is_worded_with_day_cause_and_successor_in_both_languages() -> None:
    [finding] = looked(REGISTRY["V02C"], document("trial_balance", date(2026, 4, 30), [WOUND_UP])).findings
    assert render(finding, "ja") == (
        "法人番号 5999910000002 の登記記録は 2026-03-31 に閉鎖されていますが"
        "（清算の結了等。国税庁の公表データ、2026-11-24 現在）、記録は 2026-04-30 のものです。"
    )
    assert render(finding, "en") == (
        "The register of corporate number 5999910000002 was closed on 2026-03-31 (liquidation completed; "
        "the Tax Agency's data as of 2026-11-24), yet the record is of 2026-04-30."
    )
    assert remedy(finding, "ja").endswith("（承継先: 記載なし）。")


def test_a_listed_finding_names_the_reference_or_the_column() -> None:
    firm = looked(REGISTRY["V02"], document("trial_balance", date(2026, 4, 30), [OPEN, NOBODY])).findings
    assert [(one.field, one.place) for one in firm] == [("/references/1/value", Place(pointer="/references/1/value"))]
    tape = rows(
        {"bank_code": "9991", "day": "2026-04-30"}, {"bank_code": "9990", "day": "2026-04-30"}, columns={"bank_code": 2}
    )
    bank = looked(REGISTRY["V04"], tape).findings
    assert [(one.record, one.field, one.place) for one in bank] == [(1, "bank_code", Place(line=4, column=2))]


def test_rows_are_counted_as_far_as_the_list_speaks_of_their_day() -> None:
    within, before = date(2026, 3, 31), date(2020, 3, 31)
    tape = rows(*({"bank_code": "9991", "branch_code": "001", "day": day} for day in (within, before, within)))
    found = look_up_rows(tape, [REGISTRY["V04"], REGISTRY["V04B"]], lists())
    assert (found.rules, found.evaluations, found.findings) == (2, 4, [])


def test_a_payment_is_looked_up_as_of_the_day_it_was_made() -> None:
    paid = {"coverage_mode": "event", "event_no": "1", "day": date(2026, 4, 30), "paid_on": "2026-03-27"}
    assert looked(REGISTRY["V04"], rows(paid | {"bank_code": "9993"})).findings == []


def test_equal_rows_are_looked_up_once_and_found_each() -> None:
    asked = []

    class Counting(type(lists().institutions)):  # type: ignore[misc]  # the class of the list at hand
        def covers(self, day: date) -> bool:
            asked.append(day)
            return bool(super().covers(day))

    listed = lists().institutions
    assert listed is not None
    counting = Counting(listed.source, listed.first_on, listed.last_on, {"9991": []})
    tape = rows(*({"bank_code": "9990", "day": "2026-03-31"} for _ in range(500)))
    found = look_up_rows(tape, [REGISTRY["V04"]], type(lists())(institutions=counting))
    assert (len(asked), len(found.findings), found.evaluations) == (1, 500, 500)


def test_rows_without_a_readable_code_or_day_are_left_aside() -> None:
    tape = rows({"bank_code": None, "day": "2026-03-31"}, {"bank_code": "9991", "day": "2026-03-31"})
    assert looked(REGISTRY["V04"], tape).evaluations == 1


def test_without_lists_nothing_is_run_and_nothing_is_counted() -> None:
    report = document("monitoring_report", date(2026, 3, 31), [NOBODY], bank_code="9999")
    assert check_listed(standard_pack(), report, NO_LISTS) == Looked()
    tape = rows({"bank_code": "9999", "day": "2026-03-31"})
    assert look_up_rows(tape, standard_pack().listed_rules(KIND), NO_LISTS) == Looked()


def test_banks_are_refused_and_all_else_is_a_warning() -> None:
    assert {rule.code: rule.severity for rule in RULES} == {
        "V02": Severity.WARN,
        "V02C": Severity.WARN,
        "V04": Severity.REFUSE,
        "V04B": Severity.WARN,
    }
