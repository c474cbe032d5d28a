"""No cell of a CSV that we write is a formula, and each can be had back as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.present import findings_csv
from gateway.formats.text import as_it_was, harmless

ATTACKS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM",
    " =1",
    "\u3000＝1",
    "\ufeff=1",
]
PUBLISHED = Path(__file__).parents[4] / "shared" / "samples" / "05_malicious" / "csv-injection" / "csv-payload.txt"
PAYLOADS = PUBLISHED.read_text("utf-8").splitlines() if PUBLISHED.exists() else []
BEGINNINGS = tuple("=+-@\t\r\n＝＋－＠")


def found(text: str) -> dict[str, object]:
    place = {"sheet": text, "cell": text}
    return {"code": "R02", "severity": "warn", "place": place, "params": {"found": text}}


@pytest.mark.parametrize(
    "attack", [*ATTACKS, '=HYPERLINK("http://x";"y")', "a,=1+1", 'a"\t=1+1', "1\r\n=1+1", "\u0027=1", *PAYLOADS]
)
def test_a_finding_that_quotes_a_formula_is_a_text_to_a_spreadsheet(attack: str) -> None:
    written = findings_csv([found(attack)])
    rows = list(csv.reader(io.StringIO(written.removeprefix("\ufeff"), newline="")))
    assert [len(row) for row in rows] == [9, 9]
    assert [cell for row in rows for cell in row if cell.lstrip(" \u3000\ufeff").startswith(BEGINNINGS)] == []
    assert attack in {rows[1][5], rows[1][5].removeprefix("'")}


@given(st.text() | st.builds("".join, st.tuples(st.sampled_from(ATTACKS), st.text())))
def test_every_text_is_harmless_and_can_be_had_back(text: str) -> None:
    cell = harmless(text)
    assert isinstance(cell, str)
    assert not cell.startswith(BEGINNINGS)
    assert as_it_was(cell) == text


@given(st.integers())
def test_a_number_stays_a_number(number: int) -> None:
    assert harmless(number) == number
