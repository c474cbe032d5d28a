"""Every table. Thin: shapes and keys only. Instants are UTC microseconds, money is 64-bit yen, digests are raw bytes.

The tables of the log (``statement``, ``line_block``, ``line_index``, ``finding_block``, ``log_node``, ``checkpoint``)
are only ever appended to; what is withdrawn leaves all but ``statement``, ``log_node`` and ``checkpoint``.
``line_block``, ``line_index``, ``finding_block`` and ``held_record`` of a large submission
are written before its statement (a *stage*): they become visible with it, because every reader comes through
``statement``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from gateway.store.columns import counted, instant, long_text, some_bytes, whole_number

_UNDER = text("consent IS NOT NULL")


class Submission(SQLModel, table=True):
    """One act of handing over. ``state`` is processing until its statements are published.

    ``request`` is what the gateway works with; ``said`` what its sender wrote beside it (closed).
    """

    id: str = Field(primary_key=True)
    sender: str = Field(index=True)
    institution: str
    state: str
    received_at: datetime = instant()
    raw_sha256: bytes = some_bytes()
    raw_bytes: int = whole_number(nullable=False)
    request: str = long_text()
    said: bytes | None = some_bytes(nullable=True)


class Raw(SQLModel, table=True):
    """The bytes as received: in the row (compressed, closed), or in a file (closed); or destroyed, and why."""

    submission: str = Field(primary_key=True)
    body: bytes | None = some_bytes(nullable=True)
    file: str | None = None
    destroyed: str | None = None


class IdempotencyKey(SQLModel, table=True):
    """A sender's key and what it was used for; kept for seven days."""

    __tablename__: ClassVar[Any] = "idempotency_key"
    sender: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes = some_bytes()
    submission: str
    created_at: datetime = instant(index=True)


class Head(SQLModel, table=True):
    """The one row that decides order for a recipient; locked last, inside the transaction."""

    recipient: str = Field(primary_key=True)
    next_leaf: int = whole_number(nullable=False)
    next_position: int = whole_number(nullable=False)
    peaks: bytes = some_bytes()
    sealed_at: datetime = instant()
    epoch: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class StatementRow(SQLModel, table=True):
    """A sealed statement: the receipt (JWS) and what finds it."""

    __tablename__: ClassVar[Any] = "statement"
    __table_args__ = (
        Index("statement_by_position", "recipient", "first_position"),
        Index("statement_by_submission", "submission", "recipient", unique=True),
        Index("statement_by_digest", "recipient", "sender", "raw_sha256"),
        Index("statement_by_tape", "recipient", "institution", "tape", "leaf_index"),
    )
    recipient: str = Field(primary_key=True)
    leaf_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    submission: str
    sender: str
    institution: str
    raw_sha256: bytes = some_bytes()
    first_position: int = whole_number(nullable=False)
    count: int = whole_number(nullable=False)
    held: int = whole_number(nullable=False)
    refused: int = whole_number(nullable=False)
    receipt: str = long_text()
    tape: str | None = None
    tape_sequence: int | None = whole_number(nullable=True)
    received_at: datetime = instant()
    accepted_at: datetime = instant()
    sealed_at: datetime = instant()


class LineBlock(SQLModel, table=True):
    """Consecutive lines of one statement and one kind, compressed together and closed; under which consent, if any."""

    __tablename__: ClassVar[Any] = "line_block"
    __table_args__ = (Index("line_block_by_consent", "consent", sqlite_where=_UNDER, postgresql_where=_UNDER),)
    submission: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    first_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str
    count: int = whole_number(nullable=False)
    payload: bytes = some_bytes()
    consent: str | None = None


class LineIndex(SQLModel, table=True):
    """Where to find the versions of a record: one row per line. ``series`` is its blind; see ``line_index.py``."""

    __tablename__: ClassVar[Any] = "line_index"
    __table_args__ = (Index("line_index_by_submission", "submission", "recipient"), {"sqlite_with_rowid": False})
    recipient: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    series: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    valid_on: date = Field(primary_key=True)
    submission: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    closed: bytes = some_bytes()


class FindingBlock(SQLModel, table=True):
    """Findings of one statement, some thousands together, compressed and closed."""

    __tablename__: ClassVar[Any] = "finding_block"
    submission: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    chunk: int = Field(primary_key=True)
    count: int = whole_number(nullable=False)
    payload: bytes = some_bytes()


class HeldRecord(SQLModel, table=True):
    """A record that waits to be placed. ``released_by`` is the statement's submission that published it.

    ``waits_for`` is the blind of the number it waits for, which is closed, like the digest of its row.
    """

    __tablename__: ClassVar[Any] = "held_record"
    __table_args__ = (Index("held_by_number", "recipient", "waits_for"),)
    submission: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    ordinal: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str
    code: str
    waits_for: bytes | None = some_bytes(nullable=True)
    closed: bytes = some_bytes()
    released_by: str | None = Field(default=None, index=True)


class LogNode(SQLModel, table=True):
    """A complete subtree of a recipient's Merkle log; level 0 are the leaf hashes."""

    __tablename__: ClassVar[Any] = "log_node"
    __table_args__ = ({"sqlite_with_rowid": False},)
    recipient: str = Field(primary_key=True)
    level: int = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hash: bytes = some_bytes()


class Checkpoint(SQLModel, table=True):
    """A signed head of a recipient's log: one per commit group."""

    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    next_position: int = whole_number(nullable=False)
    note: str = long_text()


class Cosignature(SQLModel, table=True):
    """That a witness cosigned a checkpoint: its line of the note, the first it handed in for that size of the log."""

    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    witness: str = Field(primary_key=True, foreign_key="participant.id")
    line: str = long_text()
    cosigned_at: datetime = instant()


class TimeStamp(SQLModel, table=True):
    """A third party's token (RFC 3161) over the checkpoint of a size; verified before it came here."""

    __tablename__: ClassVar[Any] = "time_stamp"
    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    token: bytes = some_bytes()
    stamped_at: datetime = instant()


class StampTurn(SQLModel, table=True):
    """How far a log is stamped, since when entries wait for that, when it is tried next, and what went wrong last."""

    __tablename__: ClassVar[Any] = "stamp_turn"
    recipient: str = Field(primary_key=True)
    stamped_size: int = whole_number(nullable=False)
    waiting_since_at: datetime | None = instant(nullable=True)
    next_try_at: datetime = instant()
    failures: int = 0
    failure: str | None = None


class Publication(SQLModel, table=True):
    """When a commit group had become visible, noted just after."""

    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    published_at: datetime = instant()


class ReadMark(SQLModel, table=True):
    """That a reader had read everything before a position, by when."""

    __tablename__: ClassVar[Any] = "read_mark"
    recipient: str = Field(primary_key=True)
    reader: str = Field(primary_key=True)
    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    read_at: datetime = instant()


class Withheld(SQLModel, table=True):
    """A line that may no longer be shown, its leaf hash and why."""

    recipient: str = Field(primary_key=True)
    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    leaf: bytes = some_bytes()
    reason: str


class Withdrawal(SQLModel, table=True):
    """What was withdrawn of a submission, for one recipient, by which statement of the gateway's own.

    ``positions`` are runs (JSON); ``recipient`` is empty, and ``statement`` too, where nothing had been published.
    """

    __table_args__ = (Index("withdrawal_by_statement", "statement"),)
    submission: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    statement: str = Field(primary_key=True)
    reason: str
    whole: bool
    positions: str = long_text()
    asked_by: str
    withdrawn_at: datetime = instant()


class Disclosure(SQLModel, table=True):
    """That a reader was given the lines from one position to before another, and when first."""

    recipient: str = Field(primary_key=True)
    reader: str = Field(primary_key=True)
    first_position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    end_position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    given_at: datetime = instant(index=True)


class Job(SQLModel, table=True):
    """Work that outlives its request. Jobs of one lane run one at a time, in order."""

    __table_args__ = (Index("job_open", "done_at", "lane", "id"),)
    id: int | None = counted()
    task: str
    key: str = Field(unique=True)
    lane: str
    kind: str
    run_at: datetime = instant()
    claimed_until_at: datetime | None = instant(nullable=True)
    attempts: int = 0
    done_at: datetime | None = instant(nullable=True)
    failure: str | None = None


class SeenAssertion(SQLModel, table=True):
    """A client assertion that was used, or (``dpop:`` and thumbprint) a proof by a key; the insert is the check."""

    __tablename__: ClassVar[Any] = "seen_assertion"
    client: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: datetime = instant(index=True)


class TrailEntry(SQLModel, table=True):
    """An entry of the audit trail; see ``schemas.trail``. Never shown to a recipient."""

    __tablename__: ClassVar[Any] = "trail_entry"
    chain: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = instant(index=True)
    who: str
    what: str
    about: str
    digest: bytes = some_bytes()


class StorageKey(SQLModel, table=True):
    """The key of a recipient and year, or (year 1) of its index, wrapped; ``wrapped`` is NULL once it is destroyed."""

    __tablename__: ClassVar[Any] = "storage_key"
    __table_args__ = (
        Index("storage_key_by_recipient", "recipient", "year"),
        Index("storage_key_by_retired", "retired"),
    )
    id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    recipient: str
    year: int
    kek: str
    wrapped: bytes | None = some_bytes(nullable=True)
    retired: bool = False
