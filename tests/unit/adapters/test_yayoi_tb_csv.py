"""弥生会計's 残高試算表: what is read of it, under which period, and what the rules then say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from exported import amounts, back, books, found, read

from gateway.adapters.yayoi_tb_csv import adapter
from gateway.errors import Unreadable
from gateway.formats.accounts import normalised_lines
from gateway.schemas.observed import ObservedDocument, Unplaced
from gateway.schemas.place import Place

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "yayoi_tb_csv"


def sample(case: str) -> bytes:
    return (GOLDEN / case / "input.csv").read_bytes()


@pytest.mark.parametrize("case", ["month", "whole_period_thousands", "two_months_closing_20th"])
def test_a_consistent_trial_balance_has_no_findings(case: str) -> None:
    assert [one.code for one in found(adapter, sample(case))] == []


def test_totals_are_counted_once_and_no_yen_is_lost() -> None:
    [record] = books(adapter, sample("month"))
    lines, conservation = normalised_lines(record)
    assert conservation["debit_yen"]["source"] == conservation["credit_yen"]["source"] == 7_880_000
    assert [line["source_name"] for line in lines if not line["is_total"] and "account_key" not in line] == []


def test_the_twentieth_closes_the_month() -> None:
    periods = [
        (one.period_from, one.period_to, one.department) for one in books(adapter, sample("two_months_closing_20th"))
    ]
    april = (date(2026, 3, 21), date(2026, 4, 20))
    assert periods == [(*april, None), (date(2026, 4, 21), date(2026, 5, 20), None), (*april, "本店")]


def test_thousands_are_yen_times_a_thousand_and_say_so() -> None:
    [record] = books(adapter, sample("whole_period_thousands"))
    assert (record.unit, record.rounding, record.span, record.tax_method) == (
        "thousand",
        "unknown",
        "cumulative",
        "inclusive",
    )
    assert amounts(record)["現金"] == (300_000, 150_000, 120_000, 330_000)


def test_blank_dash_and_asterisks_are_three_different_things() -> None:
    [record] = books(adapter, sample("drifted"))
    assert amounts(record)["現金"] == (None, 150, -120, None)
    assert amounts(record)["普通預金"][0] == 0
    assert amounts(record)["買掛金"][:2] == (-1500, 900)
    assert {pointer: str(why) for pointer, why in record.missing.items()} == {"/lines/0/closing_yen": "masked"}


def test_an_unknown_column_and_foreign_characters_are_told_and_cost_nothing() -> None:
    codes = [one.code for one in found(adapter, sample("drifted"))]
    assert codes[:2] == ["V41G", "R02"]
    [record] = books(adapter, sample("drifted"))
    assert record.company_name == "みほん\ue000商事株式会社"
    assert b"\xf0\x40" in back(adapter, sample("drifted"), 0)


def test_a_month_of_no_year_is_refused_and_not_dated_by_guess() -> None:
    [unplaced] = read(adapter, sample("no_period"))
    assert isinstance(unplaced, Unplaced)
    assert [(one.code, one.place) for one in unplaced.problems] == [("R01", Place(line=9, column=3))]


def test_each_value_knows_its_cell() -> None:
    [observed] = read(adapter, sample("month"))
    assert isinstance(observed, ObservedDocument)
    assert observed.place_of("/lines/0/closing_yen") == Place(line=10, column=9)


def test_only_the_refused_month_goes_back_and_reads_as_it_did() -> None:
    raw = sample("two_months_closing_20th")
    again = back(adapter, raw, 1)
    assert books(adapter, again) == books(adapter, raw)[1:2]
    assert len(again) < len(raw) / 2


def test_text_that_was_damaged_on_the_way_is_refused_with_what_it_said() -> None:
    with pytest.raises(Unreadable, match="残高試算表") as refused:
        read(adapter, sample("unreadable_mojibake"))
    assert "文字化け" in refused.value.ja
