"""What readers were given is chained, hour by hour, and no note of it is altered unnoticed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from stored import NOON

from gateway.schemas.trail import flaws
from gateway.store import disclosure_chain, trail, withdrawals
from gateway.store.engine import Database

HOUR = timedelta(hours=1)


def given(database: Database, *readers: str, hour: int = 0) -> None:
    rows = [
        {"recipient": "13", "reader": one, "first_position": 0, "end_position": 5, "given_at": NOON + hour * HOUR}
        for one in readers
    ]
    with database.write() as session:
        withdrawals.note_given(session, rows)


def close(database: Database, hour: int) -> int:
    with database.write() as session:
        return disclosure_chain.close(database, session, NOON + hour * HOUR)


def wrong(database: Database) -> list[str]:
    with database.read() as session:
        chain = flaws("disclosure", trail.entries(session, "disclosure"))
        return chain + disclosure_chain.flaws(session)


def test_each_hour_seals_what_was_given_since_and_nothing_twice(database: Database) -> None:
    assert (close(database, 0), wrong(database)) == (0, [])
    given(database, "tool", "clerk")
    assert [close(database, hour) for hour in (0, 1, 1, 2)] == [0, 2, 0, 0]
    given(database, "auditor", hour=2)
    assert [close(database, hour) for hour in (2, 3)] == [0, 1]
    with database.read() as session:
        entries = list(trail.entries(session, "disclosure"))
    assert [(one.number, one.deed.who, one.deed.what) for one in entries] == [
        (0, "gateway", "disclosed"),
        (1, "gateway", "disclosed"),
    ]
    assert wrong(database) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE disclosure SET reader = 'nobody' WHERE reader = 'clerk'",
        "UPDATE disclosure SET end_position = 4 WHERE reader = 'clerk'",
        "DELETE FROM disclosure WHERE reader = 'clerk'",
        "DELETE FROM disclosure",
    ],
)
def test_a_note_that_was_altered_or_removed_is_found_out(database: Database, change: str) -> None:
    given(database, "tool", "clerk")
    close(database, 1)
    with database.write() as session:
        session.connection().execute(text(change))
    assert [one.partition(" is not")[0] for one in wrong(database)] == [
        "disclosure: what was given until 2026-05-01T12:50:00.123456Z"
    ]
