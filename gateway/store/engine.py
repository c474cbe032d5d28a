"""One database, two engines; whatever SQLite and PostgreSQL do differently is here and nowhere else.

Writers: on SQLite every writer takes one advisory file lock before ``BEGIN IMMEDIATE`` (with ``busy_timeout`` alone,
small commits beside a bulk load wait hundreds of milliseconds); on PostgreSQL the locked head rows do that work.
Wake-ups are hints: on SQLite other processes notice a commit by ``PRAGMA data_version``, on PostgreSQL by NOTIFY.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, bindparam, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool
from sqlmodel import Session as Session
from sqlmodel import SQLModel

from gateway.errors import ConfigurationError

CHANNEL = "hayame"
ROWS_PER_TRANSACTION = 2_000
KEYS_PER_QUERY = 400

V = TypeVar("V")


class Database:
    """An engine and the ways to use it: ``read`` a snapshot, ``write`` one transaction."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise ConfigurationError(f"HAYAME_DATABASE_URL: {self.url.get_backend_name()} is not sqlite or postgresql")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url.database or "") if self.is_sqlite else _postgresql(self.url)
        self._opened: WeakSet[Any] = WeakSet()
        if not self.is_sqlite:
            event.listen(self.engine, "connect", lambda connection, _: self._opened.add(connection))
        self._writers = WriterLock(f"{self.url.database}.lock" if self.is_sqlite else None)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session over one consistent snapshot; nothing it does is kept."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction, committed at the end of the block, rolled back if it raises."""
        session = self.begin()
        try:
            yield session
            session.commit()
        finally:
            self.end(session)

    def begin(self) -> Session:
        """Open a write transaction, waiting for its turn; whatever comes, the caller calls ``commit`` or ``end``."""
        self._writers.acquire()
        return self._open()

    def try_begin(self) -> Session | None:
        """Open a write transaction if nobody else is writing just now."""
        return self._open() if self._writers.acquire(wait=False) else None

    def _open(self) -> Session:
        session = Session(self.engine, expire_on_commit=False)
        try:
            session.connection(execution_options={"writes": True} if self.is_sqlite else {})
        except BaseException:
            self.end(session)
            raise
        return session

    def commit(self, session: Session) -> None:
        """Make durable what was written, and let the next writer in at once, also where that fails."""
        try:
            session.commit()
        finally:
            self.end(session)

    def end(self, session: Session) -> None:
        """Close a session opened by ``begin``, rolling back what it wrote, and let the next writer in."""
        try:
            session.close()
        finally:
            self._writers.release()

    def lock(self, session: Session, number: int) -> None:
        """Be the only one under a number until the transaction ends. On SQLite whoever writes is alone anyway."""
        if not self.is_sqlite:
            session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})

    def notify(self, session: Session) -> None:
        """Tell other processes, at commit, that there is something new. On SQLite the commit itself tells."""
        if not self.is_sqlite:
            session.execute(text(f"NOTIFY {CHANNEL}"))

    def forget(self) -> None:
        """See to it that what was just deleted is not left in the database's own log either.

        On SQLite the write-ahead log is emptied, as far as no reader still needs it (the next call does the rest); what
        is deleted in the file itself is overwritten at once. On PostgreSQL the rows are vacuumed; its own log and
        backups keep what they hold until they run out.
        """
        if not self.is_sqlite:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM raw, storage_key, line_index, held_record"))
            return
        self._writers.acquire()
        try:
            with closing(self.engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._writers.release()

    def close(self) -> None:
        """Give back every connection, also one that somebody still holds."""
        self.engine.dispose()
        for connection in list(self._opened):
            connection.close()


class WriterLock:
    """One writer at a time over all threads and processes that share a SQLite file; without a file, no lock at all."""

    def __init__(self, path: str | None) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600) if path else None
        self._threads = threading.Lock()

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; without ``wait`` only if it is free, which is what comes back."""
        if self._handle is None:
            return True
        if not self._threads.acquire(blocking=wait):
            return False
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            self._threads.release()
            return False
        return True

    def release(self) -> None:
        """Let the next writer in."""
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
            self._threads.release()


def table_of(model: type[SQLModel]) -> Any:
    """The Core table of a model: bulk writes go through it, twenty times faster than through objects."""
    return model.__table__  # type: ignore[attr-defined]


def add_rows(
    session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]], *, unless_there: bool = False
) -> int:
    """Insert rows, all with the same columns; a key that is already there is an error, or its row is left alone.

    The statement is made ready once per table, and goes to the driver as it is: a group of submissions writes to a
    dozen tables, and asking anew how each is written costs more than the writing (a row: 51 us, so 10 us).

    Returns:
        How many were inserted.

    Raises:
        IntegrityError: the driver's own; a key is there already.
    """
    if not rows:
        return 0
    connection = _connection(session)
    ready = _ready_insert(connection.dialect, model, tuple(rows[0]), unless_there)
    cursor = _driver(connection).cursor()
    cursor.executemany(ready.sql, [ready.parameters(row) for row in rows])
    return int(cursor.rowcount)


@dataclass(frozen=True, slots=True)
class _ReadyInsert:
    """An INSERT in the driver's own words, and how each column's values are handed to it."""

    sql: str
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    by_name: bool

    def parameters(self, row: Mapping[str, Any]) -> Any:
        values = [row[name] if handed is None else handed(row[name]) for name, handed in self.columns]
        return dict(zip((name for name, _ in self.columns), values, strict=True)) if self.by_name else tuple(values)


@cache
def _ready_insert(dialect: Dialect, model: type[SQLModel], names: tuple[str, ...], new: bool) -> _ReadyInsert:
    compiled = _insertion(dialect.name, model, new=new).compile(dialect=dialect, column_keys=list(names))
    by_name = not compiled.positional
    ordered = names if by_name else tuple(compiled.positiontup)
    kinds = {name: table_of(model).c[name].type.dialect_impl(dialect) for name in ordered}
    return _ReadyInsert(str(compiled), tuple((name, kinds[name].bind_processor(dialect)) for name in ordered), by_name)


def insert_new(database: Database, model: type[SQLModel]) -> Any:
    """An INSERT that leaves rows alone whose key is already there."""
    return _insertion(database.engine.dialect.name, model, new=True)


def insert_or_update(database: Database, model: type[SQLModel]) -> Any:
    """An INSERT that brings rows up to date whose key is already there."""
    statement, table = _insertion(database.engine.dialect.name, model, new=False), table_of(model)
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


def _insertion(dialect: str, model: type[SQLModel], *, new: bool) -> Any:
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(table_of(model))
    return statement.on_conflict_do_nothing() if new else statement


def fetch(session: Session, query: Executable, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of a query that was built once, with its parameters (lists for ``any_of``); plain rows, not objects.

    Like ``add_rows`` the query goes to the driver as it is, once it was made ready (a look-up: 45 us, so 10 us).
    """
    connection = _connection(session)
    given = {name: _with_room(value) if isinstance(value, list | tuple) else value for name, value in parameters.items()}
    lengths = tuple((name, len(value)) for name, value in given.items() if isinstance(value, list))
    ready = _ready_query(connection.dialect, query, lengths)
    return ready.rows(_driver(connection).execute(ready.sql, ready.parameters(given)))


def _with_room(values: Sequence[Any]) -> list[Any]:
    """The values, the last repeated up to a power of two: the driver then keeps ten statements instead of hundreds."""
    if not values:
        return []
    room = 1 << (len(values) - 1).bit_length()
    return [*values, *repeat(values[-1], room - len(values))]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One parameter in the driver's order: whose value it is, which one of a list, how it is handed over."""

    name: str
    number: int | None
    handed: Callable[[Any], Any] | None
    placed: str


@dataclass(frozen=True, slots=True)
class _ReadyQuery:
    """A query in the driver's own words, where its parameters go, and how each column is read."""

    sql: str
    slots: tuple[_Slot, ...]
    fixed: Mapping[str, Any]
    by_name: bool
    read: tuple[Callable[[Any], Any] | None, ...]

    def parameters(self, given: Mapping[str, Any]) -> Any:
        told = {**self.fixed, **given}
        values = [
            value if slot.handed is None else slot.handed(value)
            for slot in self.slots
            for value in (told[slot.name] if slot.number is None else told[slot.name][slot.number],)
        ]
        return {slot.placed: value for slot, value in zip(self.slots, values, strict=True)} if self.by_name else values

    def rows(self, cursor: Any) -> Iterator[tuple[Any, ...]]:
        if not any(self.read):
            return iter(cursor if self.read else ())
        return (
            tuple([value if read is None else read(value) for value, read in zip(row, self.read, strict=True)])
            for row in cursor
        )


@cache
def _ready_query(dialect: Dialect, query: Any, lengths: tuple[tuple[str, int], ...]) -> _ReadyQuery:
    compiled = query.compile(dialect=dialect)
    binds = compiled.binds
    state = compiled.construct_expanded_state({name: None for name in binds} | {n: [None] * many for n, many in lengths})
    whose = {
        placed: (name, number) for name, some in state.parameter_expansion.items() for number, placed in enumerate(some)
    }
    order = state.positiontup if compiled.positional else list(state.parameters)
    columns = query.selected_columns if query.is_select else ()
    slots = []
    for placed in order:
        name, number = whose.get(placed, (placed, None))
        slots.append(_Slot(name, number, binds[name].type.dialect_impl(dialect).bind_processor(dialect), placed))
    return _ReadyQuery(
        sql=state.statement,
        slots=tuple(slots),
        fixed={name: bind.effective_value for name, bind in binds.items() if bind.value is not None},
        by_name=not compiled.positional,
        read=tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns),
    )


def _connection(session: Session) -> Connection:
    session.flush()
    return session.connection()


def _driver(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.driver_connection


def any_of(column: Any, name: str) -> Any:
    """A condition that a column is one of the values given later under a name."""
    return column.in_(bindparam(name, expanding=True))


def by_prefix(keys: Iterable[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    """Composite keys as (all but the last part, some hundred last parts): one look-up by index for each.

    Asked for as ``(a, b) IN (…)``, SQLite reads the whole table.
    """
    parts: dict[tuple[str, ...], list[str]] = {}
    for *prefix, last in keys:
        parts.setdefault(tuple(prefix), []).append(last)
    for start, lasts in parts.items():
        yield from ((start, some) for some in in_parts(lasts))


def in_parts(values: Sequence[V]) -> Iterator[Sequence[V]]:
    """Values in runs short enough for one query."""
    return (values[start : start + KEYS_PER_QUERY] for start in range(0, len(values), KEYS_PER_QUERY))


def _sqlite(path: str) -> Engine:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=8,
        pool_use_lifo=True,
        connect_args={"check_same_thread": False, "timeout": 30},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are opened by us, below
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "cache_size=-32000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes")
        _driver(connection).execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: Any) -> Engine:
    return create_engine(url.set(drivername="postgresql+psycopg"), pool_size=8, max_overflow=8, pool_pre_ping=True)


class Watch:
    """Notices commits by other processes, cheaply and without blocking."""

    def __init__(self, database: Database) -> None:
        self._sqlite = database.is_sqlite
        self._connection = database.engine.raw_connection()
        self._seen = 0
        if not self._sqlite:
            self._connection.driver_connection.autocommit = True  # type: ignore[union-attr]
            self._connection.cursor().execute(f"LISTEN {CHANNEL}")

    def changed(self) -> bool:
        """Whether anything was committed since the last call."""
        if not self._sqlite:
            return any(True for _ in self._connection.driver_connection.notifies(timeout=0))  # type: ignore[union-attr]
        cursor = self._connection.cursor()
        cursor.execute("PRAGMA data_version")
        version = int((cursor.fetchone() or (0,))[0])
        changed, self._seen = version != self._seen, version
        return changed

    def close(self) -> None:
        """Stop watching."""
        self._connection.close()
