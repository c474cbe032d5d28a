"""What is read in one piece is bounded before it is read; what is longer than anything meant costs nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from gateway.errors import Unreadable
from gateway.formats import accounts, json_text, schema_errors, text
from gateway.plugins import load_adapters
from gateway.ports import Hints
from gateway.schemas.observed import ObservedDocument, Unplaced

ADAPTERS = load_adapters()
HEADER = "Month,Ledger_Account_Number,Ledger_Account_Name,Beginning_Balance,Debit_Amount,Credit_Amount,Ending_Balance"
Made = Callable[[], bytes]


def read(adapter: str, document: bytes) -> list[object]:
    return list(ADAPTERS[adapter].read(io.BytesIO(document), Hints()))


@pytest.mark.parametrize("name", ["(株)" * 500_000, "株式会社" * 300_000, "e" + "\u0315\u0300" * 500_000])
def test_what_is_longer_than_any_name_is_its_own_key(name: str) -> None:
    assert text.match_key(name) == name
    assert accounts.map_account("1" * 2_000_000, name, name) == accounts.UNMAPPED


def test_nothing_long_is_remembered() -> None:
    before = accounts._mapped.cache_info().currsize
    for number in range(10):
        accounts.map_account(None, f"{number}" * 1_000)
    assert accounts._mapped.cache_info().currsize == before


@pytest.mark.parametrize(
    ("adapter", "document"),
    [
        ("native_json", lambda: b'{"kind":"trial_balance","lines":[' + b"{}," * json_text.MOST_VALUES + b"{}]}"),
        ("native_json", lambda: b'{"records":[' + b"{}," * json_text.MOST_VALUES + b"{}]}"),
        ("native_json", lambda: b" " * (text.MOST_BYTES + 2)),
        ("freee_trial_json", lambda: b'{"trial_bs":[' + b"1," * json_text.MOST_VALUES + b"1]}"),
        ("etax_hot010_csv", lambda: b"A,BS,,,\r" * (text.MOST_ROWS + 1)),
        ("etax_hot010_csv", lambda: b"A" * (text.MOST_BYTES + 1)),
        ("ledger_tb_csv", lambda: HEADER.encode() + b"\r2026-04,1,a,1,1,1,1" * (text.MOST_ROWS + 1)),
        ("ledger_tb_csv", lambda: b"," * (text.MOST_BYTES + 1)),
    ],
)
def test_a_document_of_more_than_any_holds_is_unreadable(adapter: str, document: Made) -> None:
    with pytest.raises(Unreadable) as refused:
        read(adapter, document())
    assert refused.value.ja != Unreadable.message_ja


def test_a_record_that_is_wrong_in_more_places_than_anybody_reads_says_so_once() -> None:
    members = {f"m{number}": 1 for number in range(schema_errors.MOST_REASONS + 1)}
    (seen,) = read("native_json", json.dumps({"kind": "trial_balance"} | members).encode())
    assert isinstance(seen, Unplaced)
    (finding,) = seen.problems
    assert (finding.code, finding.params["found"]) == ("R01", "> 10000")


@pytest.mark.parametrize("company", ["x" * 65, "a\0b", "\x1b[1m"])
def test_a_company_by_a_name_that_is_no_id_is_a_finding(company: str) -> None:
    report = {"trial_bs": {"company_id": company, "fiscal_year": 2026, "balances": [{"account_item_name": "現金"}]}}
    (seen,) = read("freee_trial_json", json.dumps(report).encode())
    assert isinstance(seen, ObservedDocument | Unplaced)
    assert "R01" in {one.code for one in seen.problems}
