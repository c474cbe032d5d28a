"""The wrapped keys of recipients: one for each recipient and year, and again after one was destroyed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from sqlmodel import Session, col, select

from gateway.ports import StoredKey
from gateway.store.engine import Database, add_rows
from gateway.store.tables import StorageKey

LOCK = 0x48415942  # beside the number under which databases are migrated


class StorageKeys:
    """The shelf of keys in a database; see ``ports.KeyShelf``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, id: bytes) -> StoredKey | None:
        """A key by its id."""
        with self._database.read() as session:
            row = session.get(StorageKey, id)
            return None if row is None else _stored(row)

    def take(self, recipient: str, year: int, make: Callable[[], StoredKey]) -> StoredKey:
        """The key that closes for a recipient this year; made, one process at a time, if there is none."""
        with self._database.read() as session:
            found = _find_closing(session, recipient, year)
        if found is not None:
            return found
        with self._database.write() as session:
            self._database.lock(session, LOCK)
            found = _find_closing(session, recipient, year)
            if found is None:
                found = make()
                add_rows(session, StorageKey, [asdict(found)])
        return found

    def retired(self) -> Mapping[bytes, bool]:
        """Keys that close nothing any more, and whether they are destroyed."""
        with self._database.read() as session:
            query = select(StorageKey.id, StorageKey.wrapped).where(col(StorageKey.retired))
            return {id: wrapped is None for id, wrapped in session.exec(query)}


def _find_closing(session: Session, recipient: str, year: int) -> StoredKey | None:
    query = select(StorageKey).where(
        StorageKey.recipient == recipient, StorageKey.year == year, ~col(StorageKey.retired)
    )
    row = session.exec(query.order_by(col(StorageKey.id))).first()
    return None if row is None else _stored(row)


def _stored(row: StorageKey) -> StoredKey:
    return StoredKey(row.id, row.recipient, row.year, row.kek, row.wrapped, row.retired)
