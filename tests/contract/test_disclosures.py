"""To whom what was disclosed of one firm, derived from what readers were given; and nothing of any other firm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Inside, loan_rows
from world import BANK, VENDOR

from gateway.registers.firms import say_who
from gateway.schemas.identifiers import Reference, Scheme, japanese_date
from gateway.store import reads, registers, withdrawals
from gateway.store.disclosures import Disclosed, of_party

MARCH, APRIL = "2026-03-31", "2026-04-30"


@pytest.fixture
def inside(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    made = Inside(tmp_path, database_url)
    made.register(range(1, 12))
    made.at_once(loan_rows({(1, MARCH): 100, (11, MARCH): 200}), BANK)
    made.at_once(loan_rows({(1, APRIL): 90}), VENDOR)
    made.at_once(loan_rows({(2, APRIL): 90}), BANK)
    yield made
    made.close()


def given(inside: Inside, reader: str, first: int, end: int) -> None:
    where = {"recipient": "13", "reader": reader, "first_position": first, "end_position": end}
    with inside.gateway.database.write() as session:
        withdrawals.note_given(session, [where | {"given_at": inside.gateway.clock.now()}])


def told(inside: Inside, loan: int) -> list[Disclosed]:
    firm = Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value=f"C{loan}")
    with inside.gateway.database.read() as session:
        party = registers.find_links(session, [firm], japanese_date(inside.gateway.clock.now()))[firm]
        return list(of_party(session, inside.gateway.blocks, party))


def plainly(found: list[Disclosed]) -> list[tuple[str, str | None, object]]:
    return [(one.sender, one.reader, one.positions) for one in found]


def test_of_a_firm_every_reader_is_told_with_what_it_was_given_and_by_whom_it_came(inside: Inside) -> None:
    assert plainly(told(inside, 1)) == [(BANK, None, ((0, 1),)), (VENDOR, None, ((2, 1),))]
    given(inside, "tool-13", 0, 3)
    given(inside, "cgc-13", 1, 3)
    assert plainly(told(inside, 1)) == [
        (BANK, "tool-13", ((0, 1),)),
        (VENDOR, "cgc-13", ((2, 1),)),
        (VENDOR, "tool-13", ((2, 1),)),
    ]
    assert {one.kind for one in told(inside, 1)} == {"repayment_status"}
    assert all(one.at is not None for one in told(inside, 1))


def test_who_said_that_it_had_read_is_taken_at_its_word(inside: Inside) -> None:
    now = inside.gateway.clock.now()
    with inside.gateway.database.write() as session:
        reads.note(session, [{"recipient": "13", "reader": "tool-13", "position": 2, "read_at": now}])
    assert plainly(told(inside, 1)) == [(BANK, "tool-13", ((0, 1),)), (VENDOR, None, ((2, 1),))]


def test_a_firm_whose_guarantee_begins_like_another_is_not_taken_for_it(inside: Inside) -> None:
    assert plainly(told(inside, 11)) == [(BANK, None, ((1, 1),))]
    assert plainly(told(inside, 2)) == [(BANK, None, ((3, 1),))]
    assert told(inside, 3) == []


def test_the_command_says_it_for_any_number_of_the_firm(inside: Inside) -> None:
    given(inside, "tool-13", 0, 4)
    firm = Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value="C2")
    number = Reference(scheme=Scheme.BANK_CUSTOMER, scope="9991", value="C-2")
    say_who(inside.gateway.registrar, number, firm, None, (BANK, inside.gateway.clock.now()))
    settings = {
        "HAYAME_DATA_DIR": str(inside.gateway.settings.data_dir),
        "HAYAME_DATABASE_URL": inside.gateway.settings.database_url or "",
    }
    command = [sys.executable, "-m", "gateway", "disclosures", "bank_customer:9991:C-2"]
    said = subprocess.run(command, env=os.environ | settings, check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"13\trepayment_status\tfrom {BANK}\ttool-13\t3\t")
    assert "\t-\ton record until 20" in said
    assert len(said.splitlines()) == 1
