"""Records of what people see, do and ask: what names them, which days they speak of, and what they do not take."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.schemas.records import KINDS
from gateway.schemas.records.parts import Numbered, first_day, last_day

EXAMPLES = Path(__file__).resolve().parents[3] / "openapi" / "examples" / "documents"
OURS = sorted(kind for kind, model in KINDS.items() if issubclass(model, Numbered))


def said(kind: str, **more: Any) -> Any:
    """The published example of a kind, with other values."""
    document = json.loads((EXAMPLES / f"{kind}.json").read_bytes()) | more
    return KINDS[kind].model_validate_json(json.dumps(document), strict=True)


def test_the_kinds_that_carry_a_number_of_their_sender_are_these() -> None:
    assert [
        *("alignment", "answer", "approach", "field_note", "guarantee_application", "inquiry"),
        *("plan_progress", "recommendation", "support_record"),
    ] == OURS


@pytest.mark.parametrize("kind", OURS)
def test_a_numbered_record_is_corrected_under_its_number(kind: str) -> None:
    assert said(kind, record_no="N-1").series == "N-1"
    with pytest.raises(ValidationError, match="record_no"):
        said(kind, record_no=" ")


@pytest.mark.parametrize("kind", OURS)
def test_a_numbered_record_is_placed_by_the_first_guarantee_it_names_or_by_its_references(kind: str) -> None:
    assert said(kind, guarantee_nos=["13-2", "13-1"]).placed_by == "13-2"
    assert said(kind, guarantee_nos=[]).placed_by is None


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "looks_back" in dir(KINDS[kind])])
def test_every_kind_says_how_far_back_its_series_is_looked_at(kind: str) -> None:
    assert KINDS[kind].looks_back.days > 0


def test_a_question_and_its_answer_share_their_number() -> None:
    assert said("inquiry").series == said("answer").series


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("field_note", ("2026-05-18", "2026-05-18")),
        ("support_record", ("2026-06-10", "2026-06-10")),
        ("plan_progress", ("2024-04-01", "2026-03-31")),
        ("account_activity", ("2026-04-01", "2026-04-30")),
        ("cash_flow_table", ("2026-04-01", "2026-05-10")),
        ("evidence_document", ("2026-05-26", "2026-05-26")),
    ],
)
def test_a_record_speaks_of_its_days(kind: str, expected: tuple[str, str]) -> None:
    record = said(kind)
    assert expected == (str(record.valid_from), str(record.valid_on))


def test_a_table_of_expectations_only_speaks_from_the_day_it_was_made() -> None:
    table = said("cash_flow_table", months=[{"month": "2027-01", "basis": "forecast"}])
    assert (date(2026, 5, 10), date(2026, 5, 10)) == (table.valid_from, table.valid_on)


def test_activity_of_other_deposits_is_another_series_whatever_order_they_are_named_in() -> None:
    series = [
        said("account_activity", deposit_kinds=kinds).series
        for kinds in (["current", "ordinary"], ["ordinary", "current"], ["time"], [])
    ]
    assert series == ["017/current+ordinary", "017/current+ordinary", "017/time", "017/"]


@pytest.mark.parametrize("transaction", ["transactions", "entries", "payee", "counterparty"])
def test_activity_of_an_account_takes_no_single_transaction(transaction: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        said("account_activity", **{transaction: [{"on": "2026-04-03", "amount_yen": 1}]})


@pytest.mark.parametrize(
    ("kind", "field", "wrong"),
    [
        ("field_note", "note", ""),
        ("field_note", "topics", ["weather"]),
        ("recommendation", "reasons", []),
        ("approach", "answer", "perhaps"),
        ("alignment", "policy", None),
        ("account_activity", "month", "2026-13"),
        ("account_activity", "inflow_yen", -1),
        ("account_activity", "days_covered", 32),
        ("cash_flow_table", "months", []),
        ("guarantee_application", "amount_yen", 0),
        ("guarantee_application", "guarantee_ratio", "1.0001"),
        ("evidence_document", "sha256", "9F86"),
        ("evidence_document", "assurance_level", "L5"),
        ("subject_profile", "prefecture", "48"),
        ("subject_profile", "jsic", "Z1"),
        ("subject_profile", "representative", {"birth_date": "1958-04-01"}),
        ("inquiry", "question", None),
        ("answer", "figures", [{"label": "入金額", "amount_yen": 1.5}]),
    ],
)
def test_what_no_such_record_can_say_is_refused_with_its_field(kind: str, field: str, wrong: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        said(kind, **{field: wrong})
    assert {error["loc"][0] for error in refused.value.errors()} == {field}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        *[("field_note", field) for field in ("direction", "urgency", "author_role", "noticed_by")],
        *[("recommendation", field) for field in ("urgency", "firm_told", "firm_agrees", "has_proper_loan")],
        *[("approach", field) for field in ("answer", "method", "origin")],
        *[("alignment", field) for field in ("need", "policy", "bank_agrees", "cgc_agrees")],
        *[("support_record", field) for field in ("state", "outcome", "plan_made", "lenders_agreed")],
        *[("subject_profile", field) for field in ("successor", "has_proper_loan", "entity_type")],
        *[("account_activity", field) for field in ("payroll_seen", "tax_debit_seen", "bounced_debit_seen")],
        *[("plan_progress", field) for field in ("state", "plan_kind")],
        *[("guarantee_application", field) for field in ("risk_share", "term_kind", "fund_use", "repayment_method")],
    ],
)
def test_what_nobody_knows_is_said_to_be_unknown(kind: str, field: str) -> None:
    assert getattr(said(kind, **{field: "unknown"}), field) == "unknown"


def test_a_value_that_is_withheld_says_so() -> None:
    record = said("subject_profile", capital_yen=None, missing={"/capital_yen": "withheld"})
    assert record.missing == {"/capital_yen": "withheld"}


@pytest.mark.parametrize(("month", "expected"), [("2028-02", "2028-02-29"), ("2026-12", "2026-12-31")])
def test_a_month_has_its_first_and_its_last_day(month: str, expected: str) -> None:
    assert (f"{month}-01", expected) == (str(first_day(month)), str(last_day(month)))


def test_the_words_of_a_score_are_its_providers_and_are_taken_as_they_are() -> None:
    record = said("score_record", rank="特A★", debtor_class="要注意先", prev_debtor_class=None, notches_changed=5)
    assert (record.series, record.rank, record.notches_changed) == ("cgc_internal/みほんモデル", "特A★", 5)
