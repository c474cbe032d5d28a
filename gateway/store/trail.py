"""Where the audit trail is kept: appended to by one process at a time, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlmodel import col, delete, select

from gateway.schemas.trail import BEGINNING, CHAINS, REFUSALS_KEPT, Chain, Deed, Entry, follows
from gateway.store.driver import add_rows
from gateway.store.engine import Database, Session
from gateway.store.tables import TrailEntry

LOCK = 0x7472_6169_6C
AT_ONCE = 1_000


def append(
    database: Database, session: Session, chain: Chain, deeds: Sequence[Deed], kept: int = REFUSALS_KEPT
) -> None:
    """Append deeds to a chain; of refusals so many are kept. Nothing else is locked after this in a transaction."""
    if not deeds:
        return
    database.lock(session, LOCK)
    last = find_last(session, chain)
    digest, first = (last.digest, last.number + 1) if last else (BEGINNING, 0)
    rows: list[dict[str, Any]] = []
    for number, deed in enumerate(deeds, start=first):
        digest = follows(digest, Entry(chain, number, deed, b""))
        told = {"at": deed.at, "who": deed.who, "what": deed.what, "about": deed.about}
        rows.append({"chain": chain, "number": number, "digest": digest} | told)
    add_rows(session, TrailEntry, rows)
    if chain == "door":
        old = (col(TrailEntry.chain) == chain, col(TrailEntry.number) < first + len(rows) - kept)
        session.execute(delete(TrailEntry).where(*old))


def find_last(session: Session, chain: Chain) -> Entry | None:
    """The newest entry of a chain."""
    query = select(TrailEntry).where(TrailEntry.chain == chain).order_by(col(TrailEntry.number).desc()).limit(1)
    row = session.exec(query).first()
    return None if row is None else _entry(row)


def newest(session: Session, count: int) -> list[Entry]:
    """The newest entries of all chains, newest first."""
    query = select(TrailEntry).order_by(col(TrailEntry.at).desc(), col(TrailEntry.number).desc()).limit(count)
    return [_entry(row) for row in session.exec(query).all()]


def entries(session: Session, chain: Chain) -> Iterator[Entry]:
    """A whole chain by number."""
    query = select(TrailEntry).where(TrailEntry.chain == chain).order_by(col(TrailEntry.number))
    for row in session.exec(query.execution_options(yield_per=AT_ONCE)):
        yield _entry(row)


def _entry(row: TrailEntry) -> Entry:
    chain = next(one for one in CHAINS if one == row.chain)
    return Entry(chain, row.number, Deed(row.at, row.who, row.what, row.about), row.digest)
