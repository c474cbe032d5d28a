"""Closes what an older version left readable: index entries, held records, and what senders wrote beside documents.

The migration has put the old rows aside, since it has no keys. They are taken over here, before anything is served, in
short transactions: whoever is stopped goes on at the next start, and processes that start together share the work. The
table of old index entries goes last; as long as it is there, there is something left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    LargeBinary,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    inspect,
    tuple_,
    update,
)
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.ports import OUR_OWN
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.submission import Held, Line
from gateway.store import submissions
from gateway.store.driver import add_rows
from gateway.store.engine import ROWS_PER_TRANSACTION, Database
from gateway.store.feed import Blocks
from gateway.store.tables import HeldRecord, LineIndex, StatementRow, Submission

Take = Callable[[Session, Blocks, Sequence[Row[Any]]], None]
LOCK = 0x48415943  # beside those under which databases are migrated and keys are made
_OLD = MetaData()
_INDEX = Table(
    "plain_line_index",
    _OLD,
    *(Column(name, String, primary_key=True) for name in ("recipient", "kind", "series")),
    Column("valid_on", Date, primary_key=True),
    Column("submission", String, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("digest", LargeBinary),
    Column("amount_yen", BigInteger),
    Column("closing", LargeBinary),
)
_HELD = Table(
    "plain_held_record",
    _OLD,
    *(Column(name, String, primary_key=True) for name in ("submission", "recipient")),
    Column("ordinal", BigInteger, primary_key=True),
    *(Column(name, Text) for name in ("kind", "code", "scheme", "scope", "value", "row_digest", "released_by")),
)


def close_plain(database: Database, blocks: Blocks) -> None:
    """Close everything that an older version left readable; nothing to do where none ran."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table(_INDEX.name):
            return
    _close_requests(database, blocks)
    _take_over(database, blocks, _HELD, _take_held)
    _take_over(database, blocks, _INDEX, _take_entries)
    database.forget(rewrite=True, tables=("submission",))
    with database.write() as session:
        database.lock(session, LOCK)
        _OLD.drop_all(session.connection())


def _take_over(database: Database, blocks: Blocks, table: Table, take: Take) -> None:
    """Take over the old rows of a table, in the order of their keys."""
    keys = list(table.primary_key)
    with database.write() as session:
        of_all = _left(database, session, table, columns(table.c.recipient).distinct())
    blocks.cipher.make_ready([recipient for (recipient,) in of_all])
    gone = delete(table).where(*(key == bindparam(f"its_{key.name}") for key in keys))
    after: tuple[Any, ...] | None = None
    while True:
        some = columns(table).order_by(*keys).limit(ROWS_PER_TRANSACTION)
        with database.write() as session:
            rows = _left(database, session, table, some if after is None else some.where(tuple_(*keys) > after))
            if not rows:
                return
            take(session, blocks, rows)
            named = [{f"its_{key.name}": getattr(row, key.name) for key in keys} for row in rows]
            session.connection().execute(gone, named)
        after = tuple(getattr(rows[-1], key.name) for key in keys)


def _left(database: Database, session: Session, table: Table, query: Select[Any]) -> Sequence[Row[Any]]:
    """What is left in a table of old rows, kept from others until the transaction ends; nothing once it is gone."""
    database.lock(session, LOCK)
    return session.execute(query).all() if inspect(session.connection()).has_table(table.name) else []


def _take_entries(session: Session, blocks: Blocks, rows: Sequence[Row[Any]]) -> None:
    made: list[dict[str, Any]] = []
    for row in rows:
        line = Line(row.kind, row.series, row.valid_on, row.digest, row.amount_yen, b"", row.closing)
        made += blocks.index.rows(row.submission, row.recipient, [line], row.number)
    add_rows(session, LineIndex, made)


def _take_held(session: Session, blocks: Blocks, rows: Sequence[Row[Any]]) -> None:
    made: list[dict[str, Any]] = []
    for row in rows:
        number = Reference(scheme=Scheme(row.scheme), scope=row.scope, value=row.value) if row.scheme else None
        held = Held(row.ordinal, row.kind, row.code, row.row_digest, number)
        closed = submissions.held_rows(blocks.cipher, row.submission, row.recipient, [held])
        made += [one | {"released_by": row.released_by} for one in closed]
    add_rows(session, HeldRecord, made)


def _close_requests(database: Database, blocks: Blocks) -> None:
    last = ""
    while True:
        query = select(Submission.id).where(Submission.id > last).order_by(col(Submission.id))
        with database.read() as session:
            ids = session.exec(query.limit(ROWS_PER_TRANSACTION)).all()
            owners = _owners(session, ids)
        if not ids:
            return
        blocks.cipher.make_ready({one for some in owners.values() for one in some})
        with database.write() as session:
            database.lock(session, LOCK)
            for row in session.exec(
                select(Submission).where(col(Submission.id).in_(ids), col(Submission.said).is_(None))
            ):
                request, said = submissions.close_request(blocks.cipher, row.id, owners[row.id], row.request)
                here = col(Submission.id) == row.id
                session.execute(update(Submission).where(here).values(request=request, said=said))
        last = ids[-1]


def _owners(session: Session, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For whom submissions turned out to be, or else are meant; or nobody yet."""
    found: dict[str, list[str]] = {}
    rows = select(StatementRow.submission, StatementRow.recipient).where(col(StatementRow.submission).in_(ids))
    for submission, recipient in session.exec(rows):
        found.setdefault(submission, []).append(recipient)
    asked = session.exec(select(Submission.id, Submission.request).where(col(Submission.id).in_(ids)))
    meant = {id: orjson.loads(request).get("recipients") for id, request in asked}
    return {id: tuple(sorted(found.get(id) or meant[id] or [OUR_OWN])) for id in ids}
