"""A large bank's tape: however its bad rows are mended, the latest state is what a clean tape would have given.

Each case on one engine, since it is long; test_repayments holds the same law on both, with fewer rows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
import pytest
from world import BANK, CORPORATION, World, running

from gateway.client import Outcome
from gateway.pipeline import prepare
from gateway.registers.firms import register_guarantees
from gateway.rules.rule import REGISTRY
from gateway.schemas.findings import Severity
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme, new_id
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Request, Submission
from gateway.steps.receive import receive
from mocks import tapes

pytestmark = pytest.mark.slow
ROWS, AT_ONCE, NAME = 100_000, 10_000, "償還.csv"
SECONDS = 300.0
State = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def bank_world(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A gateway that knows the loans."""
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    with running(tmp_path_factory.mktemp("bank"), url) as world:
        now = world.gateway.clock.now()
        for start in range(1, ROWS + 1, AT_ONCE):
            entries = [entry(number) for number in range(start, start + AT_ONCE)]
            register_guarantees(world.gateway.registrar, "13", entries, (CORPORATION, now))
        yield world


def entry(number: int) -> GuaranteeEntry:
    firm = Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value=f"C{number}")
    return GuaranteeEntry(guarantee_no=f"13-{number:07d}", institution="9991", firm=firm, name=f"第{number}商店")


def send(world: World, tape: bytes, **asked: str) -> Outcome:
    bank = world.client(BANK)
    outcome = bank.submit(tape, recipient="13", filename=NAME, **asked)
    return outcome if outcome.state == "final" else bank.wait_for(outcome.submission, SECONDS)


def state(world: World, day: date) -> State:
    """The latest record per key, as the stored feed has it."""
    latest: State = {}
    after, blocks = 0, world.gateway.blocks
    with world.gateway.database.read() as session:
        while rows := blocks.page(session, "13", after, AT_ONCE).rows:
            after = rows[-1][0] + 1
            for line in (orjson.loads(body) for *_, body in rows):
                if line["key"]["valid_on"] == day.isoformat():
                    latest[line["key"]["series"], line["key"]["valid_on"]] = line["record"]
    return latest


def expected(world: World, tape: bytes) -> State:
    """What a clean tape says, straight from the pure part of the line."""
    received, now = receive(tape), world.gateway.clock.now()
    asked = Request(recipients=("13",), filename=NAME)
    origin = Origin(sender=BANK, institution="9991")
    submission = Submission(new_id(), origin, asked, None, b"", now, now, received.sha256.hex(), received.size)
    drafts = (draft for part in prepare(world.gateway.line, submission, io.BytesIO(tape)) for draft in part.drafts)
    return {(f"9991/{draft.series}", draft.valid_on.isoformat()): draft.record for draft in drafts}


def faulty(day: date, share: float) -> tapes.FaultyTape:
    """A tape with a share of rows that are refused, each with one fault."""
    refused = {fault.code for fault in tapes.FAULTS if REGISTRY[fault.code].severity is Severity.REFUSE}
    return tapes.faulty_tape(1, tapes.loan_book(1, ROWS, day), share, refused)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_refused_rows_mended_and_resubmitted_give_the_state_of_a_clean_tape(bank_world: World) -> None:
    day = date(2026, 4, 30)
    tape = faulty(day, 0.01)
    outcome = send(bank_world, tape.faulty)
    bad, first = sorted(line for line, _ in tape.expected), tapes.first_line("guarantee_csv")
    assert outcome.counts == {"accepted": ROWS - len(bad), "unchanged": 0, "held": 0, "refused": len(bad)}
    mended = tapes.write_tape("guarantee_csv", [tape.rows[line - first] for line in bad], 2)
    repaired = send(bank_world, mended, fixes=outcome.submission)
    assert repaired.counts == {"accepted": len(bad), "unchanged": 0, "held": 0, "refused": 0}
    assert state(bank_world, day) == expected(bank_world, tape.clean)


@pytest.mark.parametrize(
    ("engine", "month", "share"),
    [("sqlite", 7, 1.0), ("postgresql", 5, 0.01)],
    indirect=["engine"],
    ids=["all bad but the first", "1 % bad"],
)
def test_the_whole_tape_corrected_gives_the_state_of_a_clean_tape(bank_world: World, month: int, share: float) -> None:
    day = date(2026, month, 31)
    tape = faulty(day, share)
    bad = len(tape.expected)
    assert send(bank_world, tape.faulty).counts["refused"] == bad
    assert send(bank_world, tape.clean).counts == {
        "accepted": bad,
        "unchanged": ROWS - bad,
        "held": 0,
        "refused": 0,
    }
    assert state(bank_world, day) == expected(bank_world, tape.clean)
