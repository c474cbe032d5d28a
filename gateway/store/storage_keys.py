"""The wrapped keys of recipients: one for each recipient and year, one for its index, new ones after a destruction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import update
from sqlmodel import Session, col, select

from gateway.ports import Kms, StoredKey
from gateway.store.driver import add_rows
from gateway.store.engine import Database
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

    def find_for(self, recipient: str, year: int) -> StoredKey | None:
        """The key that closes for a recipient this year, or hides its index."""
        with self._database.read() as session:
            return _find_closing(session, recipient, year)

    def take(self, recipient: str, year: int, make: Callable[[], StoredKey]) -> StoredKey:
        """The same; made, one process at a time, if there is none."""
        found = self.find_for(recipient, year)
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


def rewrap(database: Database, session: Session, kms: Kms, at_most: int) -> int:
    """Wrap keys anew that another key-encryption key wraps than the current one; how many these were.

    Until the transaction ends no process makes a key.
    """
    database.lock(session, LOCK)
    query = select(StorageKey).where(StorageKey.kek != kms.current(), col(StorageKey.wrapped).is_not(None))
    rows = session.exec(query.limit(at_most)).all()
    for row in rows:
        row.kek, row.wrapped = kms.wrap(kms.unwrap(row.kek, row.wrapped or b""))
        session.add(row)
    session.flush()
    return len(rows)


def retire(database: Database, session: Session, recipient: str) -> list[bytes]:
    """Close nothing more with any key of a recipient; the ids of those that are not destroyed yet."""
    database.lock(session, LOCK)
    theirs = (col(StorageKey.recipient) == recipient) & col(StorageKey.wrapped).is_not(None)
    session.execute(update(StorageKey).where(theirs).values(retired=True))
    return list(session.exec(select(StorageKey.id).where(theirs)))


def destroy(session: Session, ids: Sequence[bytes]) -> None:
    """Forget keys for good; what they closed opens no more."""
    session.execute(update(StorageKey).where(col(StorageKey.id).in_(ids)).values(wrapped=None))


def used(session: Session) -> set[str]:
    """Names of the key-encryption keys without which something stored could not be read."""
    query = select(StorageKey.kek).where(col(StorageKey.wrapped).is_not(None))
    return set(session.exec(query.distinct()))


def _find_closing(session: Session, recipient: str, year: int) -> StoredKey | None:
    query = select(StorageKey).where(
        StorageKey.recipient == recipient, StorageKey.year == year, ~col(StorageKey.retired)
    )
    row = session.exec(query.order_by(col(StorageKey.id))).first()
    return None if row is None else _stored(row)


def _stored(row: StorageKey) -> StoredKey:
    return StoredKey(row.id, row.recipient, row.year, row.kek, row.wrapped, row.retired)
