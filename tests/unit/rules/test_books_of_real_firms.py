"""Trial balances as real software exports them, through their adapters: what is wrong is found, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.freee_trial_json import adapter as freee
from gateway.adapters.ledger_tb_csv import adapter as ledger
from gateway.ports import Adapter, Hints
from gateway.rules.pack import check_document, check_history, standard_pack
from gateway.schemas.observed import ObservedDocument

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples" / "01_accounting_jp"
LEDGER = SAMPLES / "ledger-explorer" / "trial_balance"
FREEE = SAMPLES / "freee-api-examples"

if not SAMPLES.exists():
    pytest.skip("the sample files are not beside the project", allow_module_level=True)


def read(adapter: Adapter, path: Path) -> ObservedDocument:
    with path.open("rb") as source:
        [observed] = adapter.read(source, Hints(filename=path.name))
    assert isinstance(observed, ObservedDocument)
    return observed


def checked() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Each month with what was found in it, alone and after the month before."""
    previous = None
    for path in sorted(LEDGER.glob("*.csv")):
        observed = read(ledger, path)
        found = check_document(standard_pack(), observed) + check_history(standard_pack(), observed, previous)
        yield path.stem, [(each.code, each.params.get("account")) for each in found]
        previous = observed.record.model_dump(mode="json", exclude_none=True)


def test_seven_months_have_negative_balances_and_nothing_else() -> None:
    notes, payables = ("NEG", "受取手形"), ("NEG", "未払金")
    assert dict(checked()) == {
        "2021-04": [],
        "2021-05": [notes],
        "2021-06": [notes],
        "2021-07": [notes],
        "2021-08": [notes, payables],
        "2021-09": [notes, payables],
        "2021-10": [notes],
    }


@pytest.mark.parametrize("name", ["trial_bs.docs-example.json", "trial_pl.docs-example.json"])
def test_consistent_examples_of_freee_pass(name: str) -> None:
    assert check_document(standard_pack(), read(freee, FREEE / name)) == []


def test_an_inconsistent_example_of_freee_is_flagged() -> None:
    found = check_document(standard_pack(), read(freee, FREEE / "trial_bs.200.json"))
    first = next(each for each in found if each.code == "V23")
    assert first.params == {"account": "現金", "expected": -2592, "found": -25920}
    assert first.place.pointer == "/trial_bs/balances/0/closing_balance"
