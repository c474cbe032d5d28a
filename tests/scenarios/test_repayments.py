"""A bank's repayment file: good rows go in, bad rows come back, the whole tape may be sent again; small and large."""

from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from world import BANK, CORPORATION, OTHER_BANK, World, running

from gateway.client import Client, Outcome, Refusal
from gateway.pipeline import prepare
from gateway.registers.firms import register_guarantees
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme, new_id
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Request, Submission
from gateway.security.verify import verify_evidence
from gateway.steps.receive import receive
from mocks import tapes

ROWS = 400
NAME = "償還.csv"
State = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module", params=["at once", "in the background"])
def bank_world(
    engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A gateway that knows the loans, once taking these files at once, once treating them as large."""
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    large = "20000" if request.param == "at once" else "100"
    with running(tmp_path_factory.mktemp("bank"), url, HAYAME_LARGE_RECORDS=large) as world:
        register_guarantees(
            world.gateway.registrar,
            "13",
            [_entry(n) for n in range(1, ROWS + 1)],
            (CORPORATION, world.gateway.clock.now()),
        )
        yield world


def _entry(number: int) -> GuaranteeEntry:
    firm = Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value=f"C{number}")
    return GuaranteeEntry(guarantee_no=f"13-{number:07d}", institution="9991", firm=firm, name=f"第{number}商店")


def _send(bank: Client, tape: bytes, **asked: str) -> Outcome:
    return bank.submit_and_wait(tape, recipient="13", filename=NAME, **asked)


def _state(world: World, day: date) -> State:
    """The latest record per key as a reader of the whole feed has it."""
    latest = {}
    for line in world.following().fetch():
        key = line.line["key"]
        latest[key["series"], key["valid_on"]] = line.line["record"]
    return {key: record for key, record in latest.items() if key[1] == day.isoformat()}


def _expected(world: World, tape: bytes) -> State:
    """What a clean file says, straight from the pure part of the line."""
    received = receive(tape)
    now = world.gateway.clock.now()
    origin = Origin(sender=BANK, institution="9991")
    asked = Request(recipients=("13",), filename=NAME)
    submission = Submission(new_id(), origin, asked, None, b"", now, now, received.sha256.hex(), received.size)
    parts = prepare(world.gateway.line, submission, io.BytesIO(tape))
    return {
        (f"9991/{draft.series}", draft.valid_on.isoformat()): draft.record for part in parts for draft in part.drafts
    }


def _lines(found: list[Any], severity: str) -> set[int]:
    return {one["place"]["line"] for one in found if one["severity"] == severity and "line" in one["place"]}


def test_good_rows_go_in_and_every_bad_row_comes_back_named_in_its_place(bank_world: World) -> None:
    bank, tape = bank_world.client(BANK), tapes.faulty_tape(1, tapes.loan_book(1, ROWS, date(2026, 4, 30)), 0.1)
    outcome = _send(bank, tape.faulty)
    found = bank.findings(outcome.submission)
    named = {(one["place"]["line"], one["code"]) for one in found if "line" in one["place"]}
    assert set(tape.expected) <= named
    assert outcome.counts == {
        "accepted": ROWS - len(_lines(found, "refuse")),
        "unchanged": 0,
        "held": 0,
        "refused": len(_lines(found, "refuse")),
    }
    assert all(one["message_ja"] and one["remedy_ja"] for one in found)
    assert [one for one in found if "field" in one and not one["place"].get("column")] == []


def test_only_the_returned_rows_fixed_and_resubmitted_complete_the_file(bank_world: World) -> None:
    bank, day = bank_world.client(BANK), date(2026, 5, 31)
    tape = tapes.faulty_tape(2, tapes.loan_book(1, ROWS, day), 0.1)
    outcome = _send(bank, tape.faulty)
    refused = sorted(_lines(bank.findings(outcome.submission), "refuse"))
    first = tapes.first_line("guarantee_csv")
    fixed = tapes.write_tape("guarantee_csv", [tape.rows[line - first] for line in refused], 2)
    returned = bank.returned(outcome.submission)
    repaired = _send(bank, fixed, fixes=outcome.submission)
    assert returned.count(b"\n") == fixed.count(b"\n")
    assert repaired.counts == {"accepted": len(refused), "unchanged": 0, "held": 0, "refused": 0}
    assert _state(bank_world, day).keys() == _expected(bank_world, tape.clean).keys()


@pytest.mark.parametrize("named", ["absent", "no-such-submission", "x" * 3_000, "\0", "another sender's"])
def test_a_repair_names_a_submission_of_the_same_sender_and_nothing_else(bank_world: World, named: str) -> None:
    tape = tapes.write_tape("guarantee_csv", tapes.loan_book(1, 5, date(2026, 3, 31)), 1)
    fixes = new_id() if named == "absent" else named
    if named == "another sender's":
        fixes = _send(bank_world.client(OTHER_BANK), tape).submission
    with pytest.raises(Refusal) as refused:
        _send(bank_world.client(BANK), tape, fixes=fixes)
    told = [refused.value.problem[name] for name in ("status", "code", "detail", "detail_ja")]
    assert told == [
        400,
        "request.invalid",
        "fixes names no submission of yours",
        "fixes に自社の提出の番号を指定してください。",
    ]


def test_the_whole_corrected_file_gives_the_state_that_a_clean_file_would(bank_world: World) -> None:
    bank, day = bank_world.client(BANK), date(2026, 6, 30)
    tape = tapes.faulty_tape(3, tapes.loan_book(1, ROWS, day), 0.1)
    first = _send(bank, tape.faulty)
    again = _send(bank, tape.clean)
    assert again.counts["accepted"] + again.counts["unchanged"] == ROWS
    assert again.counts["unchanged"] >= first.counts["accepted"] - len(tape.expected)
    assert _state(bank_world, day) == _expected(bank_world, tape.clean)


def test_the_numbering_goes_on_over_what_is_unchanged_late_or_begun_anew_not_over_what_is_refused_or_repaired(
    bank_world: World,
) -> None:
    bank, rows = bank_world.client(BANK), tapes.loan_book(1, 20, date(2027, 1, 31))

    def told(sequence: int, loans: Sequence[dict[str, Any]], fixes: str | None = None) -> tuple[str | None, list[Any]]:
        tape = tapes.write_tape("guarantee_csv", loans, sequence)
        outcome = _send(bank, tape, **({"fixes": fixes} if fixes else {}))
        sent.append(outcome.submission)
        found = [one for one in bank.findings(outcome.submission) if one["code"] == "V19"]
        return outcome.verdict, [one["params"] for one in found]

    sent: list[str] = []
    told(707, rows)
    assert told(708, rows) == ("unchanged", [])
    assert told(709, tapes.loan_book(1, 20, date(2027, 2, 28))) == ("accepted", [])
    wrong = [row | {"balance_yen": -1} for row in tapes.loan_book(1, 20, date(2027, 3, 31))]
    assert told(710, wrong) == ("refused", [])
    assert told(710, [*tapes.loan_book(1, 19, date(2027, 3, 31)), wrong[19]])[1] == []
    assert told(711, tapes.loan_book(1, 20, date(2027, 3, 31))[19:], fixes=sent[-1]) == ("accepted", [])
    assert told(711, tapes.loan_book(1, 20, date(2027, 4, 30)))[1] == []
    assert told(713, tapes.loan_book(1, 20, date(2027, 5, 31)))[1] == [{"found": 713, "expected": 712}]
    assert told(709, tapes.loan_book(1, 20, date(2027, 2, 28))) == ("unchanged", [{"found": 709, "expected": 714}])
    assert told(714, tapes.loan_book(1, 20, date(2027, 6, 30)))[1] == []
    assert told(1, tapes.loan_book(1, 20, date(2027, 7, 31)))[1] == [{"found": 1, "expected": 715}]
    assert told(2, tapes.loan_book(1, 20, date(2027, 8, 31)))[1] == []
    assert told(4, tapes.loan_book(1, 20, date(2027, 9, 30)))[1] == [{"found": 4, "expected": 3}]


def test_an_unchanged_tape_adds_no_line(bank_world: World) -> None:
    bank, tape = (
        bank_world.client(BANK),
        tapes.write_tape("guarantee_csv", tapes.loan_book(1, ROWS, date(2026, 7, 31)), 1),
    )
    _send(bank, tape)
    reader = bank_world.reader()
    again = _send(bank, tape)
    assert again.counts == {"accepted": 0, "unchanged": ROWS, "held": 0, "refused": 0}
    assert (again.verdict, reader.fetch()) == ("unchanged", [])


def test_a_back_dated_cancellation_is_a_new_line_that_says_what_was_before_and_why(bank_world: World) -> None:
    bank, rows = bank_world.client(BANK), tapes.loan_book(1, 20, date(2026, 8, 31))
    _send(bank, tapes.write_tape("guarantee_csv", rows, 1))
    reader = bank_world.reader()
    cancelled = rows[3] | {"correction": "cancel", "correction_reason": "auto_debit_not_stopped", "status": "cancelled"}
    outcome = _send(bank, tapes.write_tape("guarantee_csv", [cancelled], 2))
    line = reader.fetch()[0].line
    assert outcome.counts["accepted"] == 1
    assert line["supersedes"]["reason"] == "auto_debit_not_stopped"
    assert {"at": "/status", "value": rows[3]["status"]} in line["supersedes"]["before"]


def test_a_guarantee_that_is_not_registered_is_held_until_it_is(bank_world: World) -> None:
    bank, reader = bank_world.client(BANK), bank_world.reader()
    rows = tapes.loan_book(1, ROWS + 3, date(2026, 9, 30))
    outcome = _send(bank, tapes.write_tape("guarantee_csv", rows, 1))
    reader.fetch()
    clerk = bank_world.client(CORPORATION)
    entries = [_entry(number).model_dump(mode="json", exclude_none=True) for number in range(ROWS + 1, ROWS + 4)]
    registered = clerk.post("/v1/recipients/13/guarantees", entries).json()
    lines = []
    while len(lines) < 3:
        lines += reader.fetch(wait=1)
    assert outcome.counts == {"accepted": ROWS, "unchanged": 0, "held": 3, "refused": 0}
    assert registered["released"] == 3
    assert sorted(line.line["record"]["guarantee_no"] for line in lines) == [f"13-{n:07d}" for n in range(401, 404)]
    assert [one for one in clerk.held() if one["submission"] == outcome.submission] == []


def test_another_banks_guarantee_is_never_attached(bank_world: World) -> None:
    rows = [row | {"bank_code": "9992"} for row in tapes.loan_book(1, 5, date(2026, 10, 31))]
    outcome = _send(bank_world.client(OTHER_BANK), tapes.write_tape("guarantee_csv", rows, 1))
    assert outcome.counts == {"accepted": 0, "unchanged": 0, "held": 5, "refused": 0}


def test_a_bank_cannot_report_another_banks_rows(bank_world: World) -> None:
    outcome = _send(
        bank_world.client(OTHER_BANK), tapes.write_tape("guarantee_csv", tapes.loan_book(1, 5, date(2026, 10, 31)), 1)
    )
    assert outcome.counts["refused"] == 5
    of_rows = [finding["code"] for finding in outcome.findings if "record" in finding]
    assert of_rows == ["A02"] * 5


def test_a_truncated_file_is_refused_whole_and_nothing_of_it_goes_in(bank_world: World) -> None:
    reader = bank_world.reader()
    tape = tapes.write_tape("guarantee_csv", tapes.loan_book(1, ROWS, date(2026, 11, 30)), 1)
    cut = tape[: random.Random(1).randrange(len(tape) // 2, len(tape) - 200)]
    outcome = _send(bank_world.client(BANK), cut)
    assert (outcome.verdict, outcome.counts["accepted"]) == ("refused", 0)
    assert reader.fetch() == []
    assert bank_world.client(BANK).returned(outcome.submission) == cut


def test_submissions_take_effect_in_order_of_arrival_also_behind_a_large_one(tmp_path: Path) -> None:
    with running(tmp_path, None, HAYAME_LARGE_RECORDS="1000") as world:
        loans = 5_000
        entries = [_entry(number) for number in range(1, loans + 1)]
        register_guarantees(world.gateway.registrar, "13", entries, (CORPORATION, world.gateway.clock.now()))
        bank, rows = world.client(BANK), tapes.loan_book(1, loans, date(2026, 4, 30))
        first = bank.submit(tapes.write_tape("guarantee_csv", rows, 1), recipient="13", filename=NAME)
        change = rows[7] | {"balance_yen": rows[7]["balance_yen"] + 1_000, "correction": "replace"}
        second = bank.submit(tapes.write_tape("guarantee_csv", [change], 2), recipient="13", filename=NAME)
        outcomes = [bank.wait_for(one.submission) for one in (first, second)]
        lines = world.following().fetch()
        assert (first.status, second.status) == (202, 202)
        assert [one.counts["accepted"] for one in outcomes] == [loans, 1]
        assert (lines[-1].submission, lines[-1].line["supersedes"]["position"]) == (second.submission, 7)


def test_evidence_for_one_row_proves_its_own_bytes_and_holds_no_byte_of_another(bank_world: World) -> None:
    bank, rows = bank_world.client(BANK), tapes.loan_book(1, 50, date(2026, 12, 31))
    outcome = _send(bank, tapes.write_tape("guarantee_csv", rows, 1))
    bundle = bank.evidence(outcome.submission, line=7)
    report = verify_evidence(bundle, bank.gateway_keys())
    evidence = json.loads(bundle)
    shown = b"".join(base64.b64decode(evidence["lines"][0][name]) for name in ("line", "row"))
    numbers = {row["guarantee_no"] for row in rows if row["guarantee_no"].encode() in shown}
    assert report.holds
    assert {check.name: check.verdict for check in report.checks}["row_digests"] == "verified"
    assert (len(evidence["lines"]), evidence["raw"], evidence["findings"]) == (1, None, None)
    assert numbers == {rows[7]["guarantee_no"]}
