"""My Number (個人番号): refused where it is called so and kept nowhere; masked where it only seems to be one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from search import places_of
from world import BANK, World, running, trial_balance

from gateway.client import Outcome, Refusal
from gateway.formats.identifiers import my_number_holds
from gateway.security.verify import verify_evidence
from gateway.store.tables import Raw
from gateway.wiring import worker
from mocks import tapes

LOANS, LARGE = 1_500, "1000"
FIRMS = count(1)
NUMBERS = (
    f"{first}{check}"
    for first in range(98_765_432_101, 98_765_439_999)
    for check in range(10)
    if my_number_holds(f"{first}{check}")
)

Document = tuple[bytes, dict[str, str]]


@pytest.fixture(scope="module")
def number_world(
    engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A gateway that takes tapes of more than a thousand rows as large, and keeps what is above 64 KiB in files."""
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    settings = {"HAYAME_LARGE_RECORDS": LARGE, "HAYAME_INLINE_RAW_BYTES": "65536"}
    with running(tmp_path_factory.mktemp("number"), url, **settings) as world:
        world.register(range(LOANS + 1))
        yield world


def books(number: str, says: str = "個人番号 {}") -> Document:
    return trial_balance(next(FIRMS), 4, software=says.format(number)), {}


def books_later(number: str) -> Document:
    return trial_balance(next(FIRMS), 4, software=f"個人番号 {number}"), {"prefer_async": True}


def name_in_a_tape(number: str, loans: int = 100) -> Document:
    rows = tapes.loan_book(1, loans, date(2026, 4, 30))
    rows[7] |= {"company_name": f"マイナンバー{number}"}
    return tapes.write_tape("guarantee_csv", rows, 1), {"filename": "償還.csv"}


def column_of_a_tape(number: str) -> Document:
    header, labels, *rows = _tape(100).splitlines()
    rows[7:8] = [rows[7] + b"," + number.encode()]
    lines = [
        header,
        labels + ",個人番号".encode("cp932"),
        *(row + b"," * (b"," + number.encode() not in row and row[:1] == b"2") for row in rows),
    ]
    return b"\r\n".join(lines) + b"\r\n", {"filename": "償還.csv"}


def name_in_a_large_tape(number: str) -> Document:
    return name_in_a_tape(number, LOANS)


def _tape(loans: int) -> bytes:
    return tapes.write_tape("guarantee_csv", tapes.loan_book(1, loans, date(2026, 5, 31)), 1)


def send(world: World, document: Document) -> Outcome:
    return world.client(BANK).submit_and_wait(document[0], recipient="13", **document[1])


LABELLED = [books, books_later, name_in_a_tape, column_of_a_tape, name_in_a_large_tape]


@pytest.mark.parametrize("make", LABELLED)
def test_what_is_called_a_my_number_is_refused_and_kept_nowhere(
    number_world: World, make: Callable[[str], Document]
) -> None:
    number = next(NUMBERS)
    document = make(number)
    assert number.encode() in document[0]
    outcome = send(number_world, document)
    found = [one for one in number_world.client(BANK).findings(outcome.submission) if one["code"] == "V06"]
    assert outcome.counts["refused"] == 1
    assert [(one["severity"], one["params"]["found"]) for one in found] == [("refuse", "*" * 10 + number[-2:])]
    assert "個人番号" in found[0]["message_ja"]
    assert places_of(number_world, number.encode()) == []
    assert [path.name for path in (number_world.folder / "raw").iterdir()] == []


def test_not_even_what_was_kept_until_it_was_read_is_left_in_the_database_file(
    database_url: str, tmp_path: Path
) -> None:
    document, asked = books_later(next(NUMBERS))
    with running(tmp_path, database_url, HAYAME_WORKER="false") as world:
        taken = world.client(BANK).submit(document, recipient="13", **asked)
        with world.gateway.database.read() as session:
            closed = session.get_one(Raw, taken.submission).body
        assert closed is not None
        assert "raw.body" in places_of(world, closed)
        assert worker(world.gateway).work_once()
        assert world.client(BANK).wait_for(taken.submission).counts["refused"] == 1
        assert places_of(world, closed[-48:]) == []


def test_what_was_destroyed_is_not_to_be_had_and_the_evidence_holds_without_it(number_world: World) -> None:
    outcome, bank = send(number_world, books(next(NUMBERS))), number_world.client(BANK)
    for path in ("raw", "returned"):
        with pytest.raises(Refusal) as refused:
            bank.get(f"/v1/submissions/{outcome.submission}/{path}")
        assert (refused.value.status, "個人番号" in refused.value.problem["detail_ja"]) == (404, True)
    report = verify_evidence(bank.evidence(outcome.submission), bank.gateway_keys())
    assert report.holds
    assert {check.name: check.verdict for check in report.checks}["raw_digest"] == "unchecked"


def test_a_retry_of_what_was_refused_gives_the_same_receipt_and_leaves_nothing(number_world: World) -> None:
    number, bank = next(NUMBERS), number_world.client(BANK)
    for make in (books, name_in_a_large_tape):
        document, asked = make(number)
        outcomes = [bank.submit_and_wait(document, key=make.__name__, recipient="13", **asked) for _ in range(2)]
        assert outcomes[0].receipts == outcomes[1].receipts
    assert places_of(number_world, number.encode()) == []


def test_the_other_rows_of_the_tape_go_in(number_world: World) -> None:
    reader = number_world.reader()
    rows = [row | {"as_of": "2026-06-30"} for row in tapes.loan_book(1, 50, date(2026, 6, 30))]
    rows[7] |= {"company_name": f"マイナンバー{next(NUMBERS)}"}
    outcome = send(number_world, (tapes.write_tape("guarantee_csv", rows, 1), {"filename": "償還.csv"}))
    assert (outcome.counts["accepted"], outcome.counts["refused"], len(reader.fetch())) == (49, 1, 49)


def in_books(number: str) -> Document:
    return books(number, "担当 {}")


def in_a_tape(number: str) -> Document:
    rows = tapes.loan_book(1, 20, date(2026, 7, 31))
    rows[7] |= {"company_name": f"ショウテン {number}"}
    return tapes.write_tape("guarantee_csv", rows, 1), {"filename": "償還.csv"}


@pytest.mark.parametrize("make", [in_books, in_a_tape])
def test_what_only_seems_to_be_one_is_taken_in_with_a_warning_and_masked(
    number_world: World, make: Callable[[str], Document]
) -> None:
    number, reader = next(NUMBERS), number_world.reader()
    outcome = send(number_world, make(number))
    lines = [line.line for line in reader.fetch()]
    warned = [line for line in lines if "V06" in line["findings"]]
    assert (outcome.counts["refused"], len(warned)) == (0, 1)
    assert next(text for text in _texts(warned[0]["record"]) if "*" in text).endswith("*" * 10 + number[-2:])
    assert number not in json.dumps(lines)
    assert number not in json.dumps(number_world.client(BANK).findings(outcome.submission))
    assert set(places_of(number_world, number.encode())) <= {"raw.body"}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)
