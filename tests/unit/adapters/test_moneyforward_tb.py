"""マネーフォワード's trial balances: nested rows become lines, each sum after what it sums up."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from exported import amounts, books, found, read

from gateway.adapters.moneyforward_tb import adapter
from gateway.errors import Unreadable
from gateway.formats.accounts import normalised_lines
from gateway.schemas.identifiers import JST
from gateway.schemas.observed import ObservedDocument, Unplaced
from gateway.schemas.place import Place

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "moneyforward_tb"


def sample(case: str) -> bytes:
    return (GOLDEN / case / "input.json").read_bytes()


def changed(case: str, **members: Any) -> bytes:
    return json.dumps(json.loads(sample(case)) | members).encode()


@pytest.mark.parametrize("case", ["balance_sheet", "profit_and_loss"])
def test_a_consistent_answer_has_no_findings(case: str) -> None:
    assert [one.code for one in found(adapter, sample(case))] == []


def test_accounts_are_lines_and_groups_their_totals_whose_parts_are_known() -> None:
    [record] = books(adapter, sample("balance_sheet"))
    assert list(amounts(record)) == [
        "現金",
        "普通預金",
        "売掛金",
        "買掛金",
        "資本金",
        "繰越利益剰余金",
        "当期純損益金額",
    ]
    slipped = sample("balance_sheet").replace(b"330,", b"331,", 1)
    assert {one.params["account"] for one in found(adapter, slipped) if one.code == "V20"} == {"現金及び預金合計"}


def test_sub_accounts_are_not_counted_beside_their_account() -> None:
    [record] = books(adapter, sample("balance_sheet"))
    assert "みほん銀行 本店" not in amounts(record)
    assert normalised_lines(record)[1]["closing_yen"]["source"] == 330 + 5400 + 2300 + 1810 + 3000 + 2800 + 420


def test_profits_without_rows_are_sums_too() -> None:
    [record] = books(adapter, sample("profit_and_loss"))
    sums = {line["source_name"] for line in record.lines if line.get("is_total")}
    assert sums >= {"売上総利益", "営業利益", "経常利益", "当期純利益"}
    assert (record.period_from, record.span, record.produced_at) == (
        date(2025, 10, 1),
        "cumulative",
        datetime(2026, 5, 12, 10, 20, tzinfo=JST),
    )


def test_columns_are_found_by_name_and_an_unknown_one_costs_nothing() -> None:
    [record] = books(adapter, sample("drifted"))
    assert amounts(record)["普通預金"] == (5000, None, None, 5400)
    assert sorted(one.code for one in found(adapter, sample("drifted"))) == ["R01", "R02"]


def test_each_value_knows_where_it_stands() -> None:
    [observed] = read(adapter, sample("balance_sheet"))
    assert isinstance(observed, ObservedDocument)
    assert observed.place_of("/lines/0/closing_yen") == Place(pointer="/rows/0/rows/0/rows/0/rows/0/values/3")


@pytest.mark.parametrize("day", [None, "2026-03", "2026-02-30", 7])
def test_without_its_first_day_it_is_refused_and_not_dated_by_guess(day: Any) -> None:
    [unplaced] = read(adapter, changed("balance_sheet", start_date=day))
    assert isinstance(unplaced, Unplaced)


@pytest.mark.parametrize(
    "members",
    [
        {"columns": ["opening_balance"]},
        {"columns": None},
        {"rows": None},
        {"rows": [{"type": "account", "values": []}]},
        {"report_type": "transition_bs"},
    ],
)
def test_another_shape_is_unreadable_and_says_where(members: dict[str, Any]) -> None:
    with pytest.raises(Unreadable) as refused:
        read(adapter, changed("balance_sheet", **members))
    assert isinstance(refused.value.place, Place)
    assert str(refused.value.place.pointer).startswith(f"/{next(iter(members))}")
