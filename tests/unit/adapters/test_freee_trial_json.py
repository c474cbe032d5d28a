from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.freee_trial_json import adapter
from gateway.errors import Unreadable
from gateway.ports import Hints
from gateway.rules.books import amounts_of
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import TrialBalance

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples" / "01_accounting_jp" / "freee-api-examples"
CASH: dict[str, Any] = {
    "account_item_id": 1,
    "account_item_name": "普通預金",
    "account_category_name": "現金・預金",
    "hierarchy_level": 4,
    "opening_balance": 100,
    "debit_amount": 50,
    "credit_amount": 20,
    "closing_balance": 130,
    "composition_ratio": 33.3,
}
DATES = {"start_date": "2024-04-01", "end_date": "2024-04-30"}


def answer(*rows: Any, name: str = "trial_bs", outer: dict[str, Any] | None = None, **members: Any) -> bytes:
    return json.dumps({name: {**DATES, **members, "balances": list(rows or [CASH])}, **(outer or {})}).encode()


def read(raw: bytes) -> Observed:
    (observed,) = adapter.read(io.BytesIO(raw), Hints())
    return observed


def books(raw: bytes) -> TrialBalance:
    observed = read(raw)
    assert isinstance(observed, ObservedDocument)
    assert isinstance(observed.record, TrialBalance)
    return observed.record


def problems(raw: bytes) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.place.pointer) for finding in read(raw).problems]


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("trial_bs", "BS"),
        ("trial_pl", "PL"),
        ("trial_cr", "CR"),
        ("trial_bs_two_years", "BS"),
        ("trial_pl_three_years", "PL"),
    ],
)
def test_every_report_is_read_and_recognised(name: str, statement: str) -> None:
    raw = answer(name=name)
    assert adapter.recognises(raw, None)
    assert books(raw).statements == (statement,)


def test_an_account_keeps_its_number_section_and_figures() -> None:
    (line,) = books(answer()).lines
    assert [line.get(name) for name in ("source_code", "source_name", "section", "level")] == [
        *("1", "普通預金", "現金・預金", 4)
    ]
    assert amounts_of(line) == (100, 50, 20, 130)
    assert (line.get("normal_side"), line.get("is_total")) == ("debit", False)


def test_totals_are_rows_of_a_category_and_breakdowns_are_not_rows() -> None:
    total = {"account_category_name": "流動資産", "total_line": True, "closing_balance": 130}
    record = books(answer({**CASH, "partners": [{"id": 7, "name": "架空", "closing_balance": 130}]}, total))
    assert [(line["source_name"], line.get("is_total")) for line in record.lines] == [
        ("普通預金", False),
        ("流動資産", True),
    ]


def test_a_report_with_both_totals_of_the_balance_sheet_is_complete() -> None:
    totals = [{"account_category_name": name, "total_line": True} for name in ("資産", "負債・純資産合計")]
    assert books(answer(CASH, *totals)).complete is True
    assert books(answer(CASH, totals[0])).complete is False


def test_the_firm_is_named_by_its_company_id() -> None:
    assert books(answer(company_id=990001)).references == (Reference(scheme=Scheme.TENANT, value="990001"),)
    assert books(answer()).references == ()


def test_a_report_that_is_not_up_to_date_is_provisional_with_its_reasons() -> None:
    reasons = [{"code": "depreciation_creating", "message": "償却中"}, {"code": "other", "message": "他"}]
    record = books(answer(outer={"up_to_date": False, "up_to_date_reasons": reasons}))
    assert (record.provisional, record.provisional_reason) == (True, "depreciation_creating: 償却中; other: 他")
    settled = books(answer(outer={"up_to_date": True, "up_to_date_reasons": reasons}))
    assert (settled.provisional, settled.provisional_reason) == (False, None)


def test_the_instant_of_making_is_japan_time_where_nothing_else_is_said() -> None:
    assert books(answer(created_at="2024-05-08 10:15:00")).produced_at == datetime(2024, 5, 8, 1, 15, tzinfo=UTC)
    assert books(answer(created_at="soon")).produced_at is None


YEAR: dict[str, Any] = {"start_date": None, "fiscal_year": 2024}
PERIODS = [
    ({}, "2024-04-01", "2024-04-30", "month", False),
    ({"end_date": "2024-06-30"}, "2024-04-01", "2024-06-30", "cumulative", False),
    ({**YEAR, "start_month": 4, "end_month": 9}, "2024-04-01", "2024-09-30", "cumulative", True),
    ({**YEAR, "start_month": 4, "end_month": 3}, "2024-04-01", "2025-03-31", "cumulative", True),
    (YEAR, "2024-01-01", "2024-12-31", "cumulative", True),
    ({**YEAR, "created_at": "2024-12-17T00:30:00+09:00"}, "2024-01-01", "2024-12-17", "cumulative", True),
    ({**YEAR, "created_at": "2026-01-01T00:30:00+09:00"}, "2024-01-01", "2024-12-31", "cumulative", True),
]


@pytest.mark.parametrize(("members", "first", "last", "span", "assumed"), PERIODS)
def test_the_period_is_as_asked_for_or_said_to_be_assumed(
    members: dict[str, Any], first: str, last: str, span: str, assumed: bool
) -> None:
    raw = answer(**members)
    record = books(raw)
    assert (str(record.period_from), str(record.period_to), record.span) == (first, last, span)
    assert problems(raw) == ([("R05", "/trial_bs/fiscal_year")] if assumed else [])
    assert sorted(record.missing) == (["/fiscal_year_end", "/fiscal_year_start"] if assumed else [])


def test_a_report_without_any_period_is_refused() -> None:
    observed = read(answer(start_date=None))
    assert isinstance(observed, Unplaced)
    assert [(finding.code, finding.field) for finding in observed.problems] == [
        ("R03", "period_from"),
        ("R03", "period_to"),
    ]


def test_a_narrowed_report_is_a_series_of_its_own() -> None:
    record = books(answer(section_id=5, adjustment="without"))
    assert (record.department, record.includes_adjusting) == ("section_id=5 adjustment=without", False)


@pytest.mark.parametrize("value", ["130", 130.5, True, [130], 1e300])
def test_an_amount_is_whole_yen(value: object) -> None:
    assert problems(answer({**CASH, "closing_balance": value})) == [("R01", "/trial_bs/balances/0/closing_balance")]


@pytest.mark.parametrize("member", ["account_item_name", "account_category_name", "hierarchy_level"])
def test_a_member_of_another_type_refuses_the_report(member: str) -> None:
    observed = read(answer({**CASH, member: [["x"]]}))
    assert isinstance(observed, Unplaced)
    assert [finding.code for finding in observed.problems] == ["R01"]


def test_an_account_number_that_is_none_is_left_out() -> None:
    assert books(answer({**CASH, "account_item_id": ["x"]})).lines[0].get("source_code") is None


def test_a_float_without_fraction_is_whole_yen() -> None:
    assert books(answer({**CASH, "closing_balance": 130.0})).lines[0].get("closing_yen") == 130


def test_an_amount_beyond_exact_numbers_refuses_the_report_at_its_place() -> None:
    observed = read(answer({**CASH, "closing_balance": 2**60}))
    assert isinstance(observed, Unplaced)
    assert [finding.place.pointer for finding in observed.problems] == ["/trial_bs/balances/0/closing_balance"]


@pytest.mark.parametrize(
    ("raw", "message", "place"),
    [
        (b'{"status_code": 429, "meta": {}}', "error answer of the freee API \\(status 429\\)", Place(pointer="")),
        (b'{"message": null, "messages": null}', "error answer of the freee API", Place(pointer="")),
        (b'{"companies": []}', "holds no trial_bs", Place(pointer="")),
        (b"[]", "holds no trial_bs", Place(pointer="")),
        (b'{"trial_bs": {"balances": []}}', "list of balances", Place(pointer="/trial_bs/balances")),
        (b'{"trial_bs": {"balances": [1]}}', "A balance is an object", Place(pointer="/trial_bs/balances/0")),
        (b'{"trial_bs": {"balances": [1}}', "Not readable as JSON", Place(line=1, column=29)),
    ],
)
def test_what_is_no_report_is_unreadable_in_plain_words(raw: bytes, message: str, place: Place) -> None:
    with pytest.raises(Unreadable, match=message) as refused:
        read(raw)
    assert refused.value.place == place


def test_the_answer_comes_back_as_it_came() -> None:
    assert b"".join(adapter.returned(io.BytesIO(answer()), {0}, Hints())) == answer()


def test_the_published_examples_are_read_and_the_published_mistake_is_found() -> None:
    if not SAMPLES.exists():
        pytest.skip("the shared samples are not here")
    reports = [path for path in SAMPLES.glob("trial_*.json") if path.name.split(".")[1] in {"200", "docs-example"}]
    read_as = {path.name: read(path.read_bytes()) for path in reports}
    assert [name for name, seen in read_as.items() if not isinstance(seen, ObservedDocument)] == []
    assert [path.name for path in reports if not adapter.recognises(path.read_bytes(), None)] == []
    with pytest.raises(Unreadable) as refused:
        read((SAMPLES / "trial_cr.docs-example.invalid.txt").read_bytes())
    assert refused.value.place == Place(line=8, column=7)
    for status in ("400", "401", "429"):
        raw = (SAMPLES / f"trial_bs.{status}.json").read_bytes()
        assert adapter.recognises(raw, None)
        with pytest.raises(Unreadable, match=f"status {status}"):
            read(raw)
