"""What an older version left readable is closed at the first start, found as before, and readable nowhere any more."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import SQLModel
from stored import BLOCKS, CIPHER, KMS, SHELF, statement

from gateway.ports import IndexKey
from gateway.runtime.clock import SystemClock
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.submission import Version
from gateway.security.at_rest import AtRest
from gateway.security.owner_keys import OwnerKeys
from gateway.store import log, submissions
from gateway.store.engine import Database, Session
from gateway.store.feed import Blocks
from gateway.store.migrate import configuration, migrate
from gateway.store.plain_rows import close_plain

BEFORE = "0011"
ROWS = 2_100  # more than one transaction takes
APRIL = date(2026, 4, 30)
NUMBER, FILE, AMOUNT = "13-7654321", "ミホン商会_償還.csv", 987_654_321_012
REQUEST = {
    "recipients": ["13"],
    "channel": "api",
    "filename": FILE,
    "media_type": "text/csv",
    "subject": {"scheme": "tenant", "scope": "vendor", "value": "T-4711"},
    "origin": {"sender": "bank-9991", "institution": "9991", "channel": "api", "received_on": []},
    "key": "償還 4月",
}


@pytest.fixture
def old(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of the version before, with a submission, its lines and what it holds."""
    sqlite = f"sqlite:///{tmp_path}/hayame.db"
    opened = Database(sqlite if engine == "sqlite" else request.getfixturevalue("postgresql")("template0"))
    config = configuration()
    with opened.write() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, BEFORE)
        log.lock_heads(opened, session, ["13"])
        _fill(session)
    yield opened
    opened.close()


def _fill(session: Session) -> None:
    submitted = {"id": "s1", "sender": "bank-9991", "institution": "9991", "state": "final", "received_at": 0}
    _add(
        session,
        "submission",
        [submitted | {"raw_sha256": b"d", "raw_bytes": 1, "request": orjson.dumps(REQUEST).decode()}],
    )
    _add(session, "line_index", [_entry(number) for number in range(ROWS)])
    held = {"submission": "s1", "recipient": "13", "kind": "repayment_status", "code": "V05", "row_digest": "ab" * 32}
    waits = {"scheme": "guarantee", "scope": "13", "value": NUMBER}
    nowhere = {"scheme": "", "scope": "", "value": ""}
    _add(
        session,
        "held_record",
        [
            held | waits | {"ordinal": 1, "released_by": None},
            held | waits | {"ordinal": 2, "released_by": "s9"},
            held | nowhere | {"ordinal": 3, "released_by": None},
        ],
    )
    log.append(session, [statement("s1", "13", log.EMPTY_HEAD, ROWS)], [], [])


def _entry(number: int) -> dict[str, Any]:
    return {
        "recipient": "13",
        "kind": "repayment_status",
        "series": f"9991/{NUMBER}/{number}",
        "valid_on": APRIL.isoformat(),
        "submission": "s1",
        "number": number,
        "digest": hashlib.sha256(str(number).encode()).digest(),
        "amount_yen": AMOUNT if number else None,
        "closing": b"c" * 32 if number == 7 else None,
    }


def _add(session: Session, table: str, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    session.connection().execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), rows)


def found(database: Database, *numbers: int) -> list[Version]:
    series = [f"9991/{NUMBER}/{number}" for number in numbers]
    with database.read() as session:
        versions = BLOCKS.index.find_versions(session, "13", "repayment_status", series, APRIL)
    return [one for name in series for one in versions.get(name, [])]


def tables_of(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def readable(database: Database) -> list[bytes]:
    """What of the sample lies readable in a table, or of SQLite in any of its files."""
    with database.read() as session:
        rows = [
            value
            for table in sorted(tables_of(database))
            for row in session.connection().execute(text(f"SELECT * FROM {table}"))
            for value in row
        ]
    kept = [value if isinstance(value, bytes) else str(value).encode() for value in map(_plainly, rows)]
    if database.is_sqlite:
        kept += [path.read_bytes() for path in Path(str(database.url.database)).parent.iterdir() if path.is_file()]
    sought = (NUMBER, FILE, "T-4711", "償還 4月", str(AMOUNT), "ab" * 32)
    return [name.encode() for name in sought if any(name.encode() in one for one in kept)]


def _plainly(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def test_what_was_left_readable_is_found_as_before_and_readable_nowhere(old: Database) -> None:
    assert len(readable(old)) == 6
    migrate(old)
    close_plain(old, BLOCKS)
    first, seventh, last = found(old, 0, 7, ROWS - 1)
    digest = hashlib.sha256(b"7").digest()
    assert seventh == Version("s1", 7, 7, APRIL, digest, AMOUNT, b"c" * 32)
    assert (first.amount_yen, first.closing, last.position) == (None, None, ROWS - 1)
    waits = Reference(scheme=Scheme.GUARANTEE, scope="13", value=NUMBER)
    with old.read() as session:
        asked = submissions.find_submission(session, "s1", CIPHER)
        assert asked is not None
        assert asked.request.subject is not None
        assert (asked.request.filename, asked.key, str(asked.request.subject.value)) == (FILE, "償還 4月", "T-4711")
        held = submissions.find_held(session, CIPHER, ["13"], "")
        assert [(one.ordinal, one.waits_for) for one in held] == [(1, waits), (3, None)]
        assert [one.ordinal for one in submissions.waiting_for(session, CIPHER, [waits])] == [1]
    assert readable(old) == []
    with old.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


class Torn(AtRest):
    """Whose process is stopped when it has closed so many entries."""

    left = ROWS - 50

    def index(self, owner: str) -> IndexKey:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().index(owner)


def test_who_is_stopped_on_the_way_goes_on_at_the_next_start(old: Database) -> None:
    migrate(old)
    keys = OwnerKeys(KMS, SHELF, SystemClock())
    with pytest.raises(KeyboardInterrupt):
        close_plain(old, Blocks(Torn(keys)))
    assert "plain_line_index" in tables_of(old)
    close_plain(old, BLOCKS)
    assert "plain_line_index" not in tables_of(old)
    assert [one.number for one in found(old, 0, ROWS - 1)] == [0, ROWS - 1]
    assert readable(old) == []


class Overtaken(AtRest):
    """While whose process looks for keys, another one that started with it closes everything."""

    def __init__(self, database: Database) -> None:
        super().__init__(OwnerKeys(KMS, SHELF, SystemClock()))
        self.database = database

    def make_ready(self, owners: Collection[str]) -> None:
        close_plain(self.database, BLOCKS)
        super().make_ready(owners)


def test_who_is_overtaken_by_another_process_finds_nothing_left_to_do(old: Database) -> None:
    migrate(old)
    close_plain(old, Blocks(Overtaken(old)))
    assert [one.number for one in found(old, 0, ROWS - 1)] == [0, ROWS - 1]
    assert readable(old) == []


def test_nothing_is_left_aside_where_nothing_was(database: Database) -> None:
    assert not [name for name in tables_of(database) if name.startswith("plain_")]
    close_plain(database, BLOCKS)
