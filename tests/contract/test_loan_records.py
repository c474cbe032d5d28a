"""Records of a loan's life wait for their guarantee, are compared with the register and what was said before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from inside import BANK, Inside

from gateway.registers.firms import register_guarantees
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme

EXAMPLES = Path(__file__).resolve().parents[2] / "openapi" / "examples" / "documents"
LOAN = "13-0000017"
OF_A_LOAN = ("loan_execution", "condition_change", "accident_report", "subrogation")


@pytest.fixture
def inside(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    made = Inside(tmp_path, database_url)
    yield made
    made.close()


def example(kind: str, **change: Any) -> bytes:
    return orjson.dumps(orjson.loads((EXAMPLES / f"{kind}.json").read_bytes()) | change)


def many(*documents: bytes) -> bytes:
    return b'{"records":[' + b",".join(documents) + b"]}"


def register(inside: Inside, **said: Any) -> None:
    """The guarantee of the examples, with what the register says of it."""
    firm = Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value="C17")
    entry = GuaranteeEntry(guarantee_no=LOAN, institution="9991", firm=firm, name="みほん商店", **said)
    register_guarantees(inside.gateway.registrar, "13", [entry], ("cgc-13", inside.gateway.clock.now()))


def work(inside: Inside) -> None:
    worker = inside.worker()
    while worker.work_once():
        pass


def codes(inside: Inside) -> list[tuple[str, list[str]]]:
    """Kind and warnings of every line, in order."""
    return [(line["kind"], line["findings"]) for _, line in inside.lines()]


def test_each_is_held_until_its_guarantee_is_registered_and_then_released(inside: Inside) -> None:
    outcome = inside.at_once(many(*(example(kind) for kind in OF_A_LOAN)))
    [statement] = inside.statements()
    assert (statement.verdict, statement.counts.held) == ("held", len(OF_A_LOAN))
    assert inside.lines() == []
    register(inside)
    work(inside)
    released = inside.statements(1)
    assert [one.releases for one in released] == [outcome.submission]
    assert sorted(line["kind"] for _, line in inside.lines()) == sorted(OF_A_LOAN)
    assert {line["key"]["institution"] for _, line in inside.lines()} == {"9991"}


def test_an_execution_is_compared_with_the_letter_of_guarantee_that_the_register_knows(inside: Inside) -> None:
    register(inside, issued_on=date(2026, 3, 1))
    inside.at_once(example("loan_execution", guaranteed_on=None), BANK)
    assert codes(inside) == [("loan_execution", ["V16"])]


def test_a_first_change_after_a_registered_one_and_one_that_does_not_follow_are_noticed(inside: Inside) -> None:
    register(inside, change_count=1, last_changed_on=date(2026, 12, 31))
    inside.at_once(example("condition_change"), BANK)
    later = {"requested_on": "2035-02-01", "approved_on": "2035-02-15", "executed_on": "2035-02-26"}
    inside.at_once(example("condition_change", sequence_no=4, **later), BANK)
    assert codes(inside) == [("condition_change", ["L14"]), ("condition_change", ["L13"])]


def test_the_same_again_is_unchanged_and_a_correction_supersedes_it(inside: Inside) -> None:
    register(inside)
    inside.at_once(example("subrogation"), BANK)
    inside.at_once(example("subrogation", produced_at="2029-03-01T09:00:00+09:00"), BANK)
    corrected = {"deductions_yen": 0, "paid_yen": 7_936_656, "correction": "replace"}
    inside.at_once(example("subrogation", **corrected), BANK)
    first, second = inside.lines()
    assert [one.counts.unchanged for one in inside.statements()] == [0, 1, 0]
    key = {"institution": "9991", "series": f"9991/{LOAN}/L000000017", "valid_on": "2029-02-28"}
    assert [first[1]["key"], second[1]["key"]] == [key, key]
    assert second[1]["supersedes"]["position"] == first[0]
    assert {"at": "/paid_yen", "value": 7_920_656} in second[1]["supersedes"]["before"]


def test_a_record_of_the_first_days_of_the_calendar_is_filed_like_any_other(inside: Inside) -> None:
    register(inside)
    inside.at_once(example("condition_change", requested_on=None, approved_on=None, executed_on="0001-01-01"), BANK)
    [(_, line)] = inside.lines()
    assert line["valid"] == {"from": "0001-01-01", "to": "0001-01-01"}
