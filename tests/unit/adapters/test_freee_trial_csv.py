"""freee's 試算表 as CSV: depth by column, what stands below an account is not counted beside it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from exported import amounts, books, found, read

from gateway.adapters.freee_trial_csv import adapter
from gateway.formats.accounts import normalised_lines
from gateway.schemas.observed import ObservedDocument, Unplaced
from gateway.schemas.place import Place

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "freee_trial_csv"


def sample(case: str) -> bytes:
    return (GOLDEN / case / "input.csv").read_bytes()


@pytest.mark.parametrize("case", ["balance_sheet", "profit_and_loss_thousands"])
def test_a_consistent_trial_balance_has_no_findings(case: str) -> None:
    assert [one.code for one in found(adapter, sample(case))] == []


def test_partners_and_sub_accounts_are_not_counted_beside_their_account() -> None:
    [record] = books(adapter, sample("balance_sheet"))
    assert list(amounts(record)) == ["現金", "普通預金", "売掛金", "買掛金", "資本金", "繰越利益剰余金"]
    assert normalised_lines(record)[1]["closing_yen"]["source"] == 330 + 5400 + 2300 + 1810 + 3000 + 3220


def test_a_sum_that_does_not_add_up_is_found() -> None:
    slipped = sample("balance_sheet").replace(b"300,150,120,330", b"301,150,120,331")
    assert {one.params["account"] for one in found(adapter, slipped) if one.code == "V20"} == {"現金・預金 合計"}


def test_period_unit_and_firm_are_what_the_heading_says() -> None:
    [record] = books(adapter, sample("profit_and_loss_thousands"))
    assert (record.period_from, record.period_to) == (date(2025, 10, 1), date(2026, 3, 31))
    assert (record.unit, record.company_name) == ("thousand", "みほん商事株式会社")
    assert amounts(record)["給料手当"] == (0, 800_000, 0, 800_000)


def test_an_unknown_column_is_told_and_a_masked_amount_is_not_zero() -> None:
    assert "R02" in [one.code for one in found(adapter, sample("drifted"))]
    [record] = books(adapter, sample("drifted"))
    assert amounts(record)["売上高"] == (0, 0, -2310, None)
    assert {pointer: str(why) for pointer, why in record.missing.items()} == {"/lines/0/closing_yen": "masked"}


def test_a_period_that_is_only_a_number_is_not_dated_by_guess() -> None:
    [unplaced] = read(adapter, sample("no_period"))
    assert isinstance(unplaced, Unplaced)
    assert [one.code for one in unplaced.problems] == ["R01"]


def test_each_value_knows_its_cell() -> None:
    [observed] = read(adapter, sample("balance_sheet"))
    assert isinstance(observed, ObservedDocument)
    assert observed.place_of("/lines/1/closing_yen") == Place(line=10, column=12)
