"""One database, two engines; whatever SQLite and PostgreSQL do differently is here and nowhere else, but for what
PostgreSQL is told of who may see which rows: that is in ``walls.py``.

Writers: on SQLite every writer takes one advisory file lock before ``BEGIN IMMEDIATE`` (with ``busy_timeout`` alone,
small commits beside a bulk load wait hundreds of milliseconds); on PostgreSQL the locked head rows do that work.
Wake-ups are hints: on SQLite other processes notice a commit by ``PRAGMA data_version``, on PostgreSQL by NOTIFY.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Session as Session

from gateway.errors import ConfigurationError, InvalidRequest
from gateway.store.walls import Tenant as Tenant
from gateway.store.walls import stand_for

CHANNEL = "hayame"
FOR = "on_behalf_of"
SNAPSHOT: Mapping[str, dict[str, str]] = {"sqlite": {}, "postgresql": {"isolation_level": "REPEATABLE READ"}}
ROWS_PER_TRANSACTION = 2_000
FORGETTING = ("raw", "storage_key", "line_block", "line_index", "finding_block", "held_record", "submission")
"""The tables from which something is ever deleted that must not be found again."""


@contextmanager
def _given_values(engine: Engine) -> Iterator[None]:
    """Values that no column can hold (a NUL, half of a surrogate pair, a number past 64 bits) came with a request.

    Raises:
        InvalidRequest: there was one.
    """
    try:
        yield
    except (DataError, engine.dialect.loaded_dbapi.DataError, OverflowError, UnicodeEncodeError) as unfit:
        raise InvalidRequest("a value cannot be stored", ja="保存できない値が含まれています。") from unfit


def _address(url: str) -> URL:
    address = make_url(url)
    if address.get_backend_name() not in SNAPSHOT:
        raise ConfigurationError(f"HAYAME_DATABASE_URL: {address.get_backend_name()} is not sqlite or postgresql")
    return address


class Database:
    """An engine and the ways to use it: ``read`` a snapshot, ``write`` one transaction."""

    def __init__(self, url: str) -> None:
        self.url = _address(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url.database or "") if self.is_sqlite else _postgresql(self.url)
        self._opened: WeakSet[Any] = WeakSet()
        if not self.is_sqlite:
            event.listen(self.engine, "connect", lambda connection, _: self._opened.add(connection))
        self.writers = WriterLock(f"{self.url.database}.lock" if self.is_sqlite else None)
        self.brief = Brief(self.url, self.writers)

    @contextmanager
    def read(self, on_behalf_of: Tenant | None = None) -> Iterator[Session]:
        """A session over one consistent snapshot, on PostgreSQL of a tenant's own rows; nothing it does is kept."""
        with Session(self.engine, expire_on_commit=False) as session, _given_values(self.engine):
            session.connection(execution_options={FOR: on_behalf_of, **SNAPSHOT[self.url.get_backend_name()]})
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction, committed at the end of the block, rolled back if it raises."""
        session = self.begin()
        try:
            with _given_values(self.engine):
                yield session
                session.commit()
        finally:
            self.end(session)

    def begin(self) -> Session:
        """Open a write transaction, waiting for its turn; whatever comes, the caller calls ``commit`` or ``end``."""
        self.writers.acquire()
        return self._open()

    def try_begin(self) -> Session | None:
        """Open a write transaction if nobody else is writing just now."""
        return self._open() if self.writers.acquire(wait=False) else None

    def _open(self) -> Session:
        session = Session(self.engine, expire_on_commit=False)
        try:
            session.connection(execution_options={FOR: None, "writes": True})
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
            self.writers.release()

    def lock(self, session: Session, number: int) -> None:
        """Be the only one under a number until the transaction ends. On SQLite whoever writes is alone anyway."""
        if not self.is_sqlite:
            session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})

    def notify(self, session: Session) -> None:
        """Tell other processes, at commit, that there is something new. On SQLite the commit itself tells."""
        if not self.is_sqlite:
            session.execute(text(f"NOTIFY {CHANNEL}"))

    def forget(self, *, rewrite: bool = False, tables: Sequence[str] = FORGETTING) -> bool:
        """See to it that what was just deleted is not left in the database's own log either; whether it is all gone.

        On SQLite the write-ahead log is emptied, unless a reader still needs it (then call again); the file itself is
        overwritten at once. On PostgreSQL the rows are vacuumed: in unused parts of pages their bytes may stay, unless
        the tables are rewritten, which locks them. Its own log and backups keep what they hold until they run out.
        """
        if not self.is_sqlite:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in tables:
                    connection.execute(text(f"VACUUM {'(FULL) ' if rewrite else ''}{table}"))
            return True
        self.writers.acquire()
        try:
            with closing(self.engine.raw_connection()) as raw:
                busy, _, _ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy
        finally:
            self.writers.release()

    def close(self) -> None:
        """Give back every connection, also one that somebody still holds."""
        self.engine.dispose()
        self.brief.close()
        for connection in list(self._opened):
            connection.close()


class Brief:
    """What every request needs and only for a minute: nobody waits for a disk because of it, nor for those who write.

    Each statement is a transaction of its own, seen by every process at once; a power cut may lose the newest. On
    PostgreSQL these are connections whose commits do not wait. On SQLite it is a file of its own that is never synced:
    a power cut may tear it, and then it is made anew.
    """

    def __init__(self, url: URL, writers: WriterLock) -> None:
        self._file = Path(url.database or "").with_suffix(".brief") if url.get_backend_name() == "sqlite" else None
        self._engine = _brief_postgresql(url) if self._file is None else _brief_sqlite(self._file)
        self._writers = writers

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection, without a transaction."""
        with self._engine.connect() as connection:
            yield connection

    def keep(self, table: Table) -> None:
        """Make room for a table; where there is no file of its own, it has its place with the others."""
        if self._file is None:
            return
        self._writers.acquire()
        try:
            if self._is_torn():
                self.close()
                for part in ("", "-wal", "-shm"):
                    Path(f"{self._file}{part}").unlink(missing_ok=True)
            with self.connect() as connection:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
        finally:
            self._writers.release()

    def _is_torn(self) -> bool:
        try:
            with self.connect() as connection:
                return bool(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() != "ok")
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorname", "") not in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}:
                raise
            return True

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()


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

    def is_held(self) -> bool:
        """Whether somebody writes just now."""
        if self.acquire(wait=False):
            self.release()
            return False
        return True

    def release(self) -> None:
        """Let the next writer in."""
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
            self._threads.release()


def look_at_growth(database: Database, session: Session) -> None:
    """Have PostgreSQL look at an index that just grew much; by itself it does so only within a minute.

    Until then it takes a new table for empty, and for each few hundred keys reads a whole load: 100,000 rows sent again
    right after the first took 139 s, now 11 s (busy machine).
    """
    if not database.is_sqlite:
        session.execute(text("ANALYZE line_index"))


def driver_of(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.driver_connection


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
            "page_size=8192",  # of a new file: fewer writes a document (2 % more of them a second)
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "cache_size=-32000",
            "wal_autocheckpoint=4000",  # at 1,000 pages what every group touches is copied every ten groups
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes")
        driver_of(connection).execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _brief_sqlite(file: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}",
        isolation_level="AUTOCOMMIT",
        pool_use_lifo=True,
        connect_args={"check_same_thread": False, "timeout": 30},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url.set(drivername="postgresql+psycopg"), pool_size=8, max_overflow=8, pool_pre_ping=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if FOR in options:
            stand_for(driver_of(connection), options[FOR])

    return engine


def _brief_postgresql(url: URL) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=2,
        pool_pre_ping=True,
        connect_args={"options": "-c synchronous_commit=off"},
    )


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
