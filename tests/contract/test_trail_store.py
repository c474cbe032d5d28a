"""The audit trail as either engine keeps it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

from sqlalchemy import text
from stored import NOON

from gateway.runtime.notes import MOST_REFUSALS, Notes
from gateway.schemas.trail import CHAINS, Deed, about, flaws
from gateway.store import trail
from gateway.store.engine import Database

EACH, PROCESSES = 25, 3
APPENDING = """
import sys
from datetime import UTC, datetime
from gateway.schemas.trail import Deed, about
from gateway.store import trail
from gateway.store.engine import Database
database = Database(sys.argv[1])
for number in range(int(sys.argv[3])):
    with database.write() as session:
        trail.append(database, session, "operator", [Deed(datetime.now(UTC), sys.argv[2], "x", about(n=number))] * 2)
"""


def deeds(count: int, first: int = 0) -> list[Deed]:
    return [
        Deed(NOON + timedelta(seconds=one), "bank", "access.refused", about(n=one))
        for one in range(first, first + count)
    ]


def wrong(database: Database, *heads: str, kept: int = 100_000) -> list[str]:
    with database.read() as session:
        return [one for chain in CHAINS for one in flaws(chain, trail.entries(session, chain), heads, kept)]


def test_processes_that_append_at_once_write_one_chain_without_a_gap(database: Database) -> None:
    address = database.url.render_as_string(hide_password=False)
    running = [
        subprocess.Popen([sys.executable, "-c", APPENDING, address, f"os:{one}", str(EACH)]) for one in range(PROCESSES)
    ]
    assert [one.wait(60) for one in running] == [0] * PROCESSES
    assert wrong(database) == []
    with database.read() as session:
        entries = list(trail.entries(session, "operator"))
        assert trail.find_last(session, "operator") == entries[-1]
    assert [one.number for one in entries] == list(range(2 * EACH * PROCESSES))
    assert {one.deed.who for one in entries} == {f"os:{one}" for one in range(PROCESSES)}


def test_of_refusals_the_oldest_make_room_and_of_what_operators_did_nothing_does(database: Database) -> None:
    with database.write() as session:
        trail.append(database, session, "operator", deeds(3))
    for first in range(0, 30, 3):
        with database.write() as session:
            trail.append(database, session, "door", deeds(3, first), kept=10)
            trail.append(database, session, "door", [])
    with database.read() as session:
        assert [one.number for one in trail.entries(session, "door")] == list(range(20, 30))
        assert len(list(trail.entries(session, "operator"))) == 3
        assert [one.deed for one in trail.newest(session, 2)] == deeds(2, 28)[::-1]
    assert wrong(database, kept=10) == []
    assert wrong(database, kept=11) == ["door: entries before 20 are missing, although 11 are kept"]


def test_of_a_flood_of_refusals_no_more_is_noted_than_how_many_there_were(database: Database) -> None:
    notes = Notes()
    for refusal in deeds(MOST_REFUSALS + 500):
        notes.refused(refusal)
    with database.write() as session:
        notes.write(database, session)
    assert wrong(database) == []
    with database.read() as session:
        entries = list(trail.entries(session, "door"))
    assert len(entries) == MOST_REFUSALS
    assert (entries[-1].deed.what, entries[-1].deed.about) == ("door.flooded", about(count=501))


def test_whoever_alters_the_database_is_found_out(database: Database) -> None:
    with database.write() as session:
        trail.append(database, session, "operator", deeds(5))
    with database.read() as session:
        last = trail.find_last(session, "operator")
    assert last is not None
    for statement in (
        "UPDATE trail_entry SET who = 'os:other' WHERE number = 4",
        "DELETE FROM trail_entry WHERE number = 4",
    ):
        with database.write() as session:
            session.connection().execute(text(statement))
        assert wrong(database, last.head) != []
