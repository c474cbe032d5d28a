"""Every table. Thin: shapes and keys only. Instants are UTC microseconds, money is 64-bit yen, digests are raw bytes.

The tables of the log (``statement``, ``line_block``, ``line_index``, ``finding_block``, ``log_node``, ``checkpoint``)
are only ever appended to; what is withdrawn leaves all but ``statement``, ``log_node`` and ``checkpoint``.
``line_block``, ``line_index``, ``finding_block`` and ``held_record`` of a large submission
are written before its statement (a *stage*): they become visible with it, because every reader comes through
``statement``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text, TypeDecorator
from sqlmodel import Field, SQLModel

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as UTC microseconds alike in both engines."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """To microseconds; a naive datetime is a bug."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """From microseconds."""
        return None if value is None else EPOCH + value * MICROSECOND


def _big(**options: Any) -> Any:
    return Field(sa_column=Column(BigInteger, **options))


def _auto() -> Any:
    # SQLite numbers only a plain INTEGER primary key by itself.
    return Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )


def _at(**options: Any) -> Any:
    return Field(sa_column=Column(Instant, **({"nullable": False} | options)))


def _bytes(**options: Any) -> Any:
    return Field(sa_column=Column(LargeBinary, **({"nullable": False} | options)))


def _text(**options: Any) -> Any:
    return Field(sa_column=Column(Text, **({"nullable": False} | options)))


class Participant(SQLModel, table=True):
    """A bank, vendor, tax accountant's office, corporation or targeting tool."""

    id: str = Field(primary_key=True)
    kind: str
    name: str
    institution: str | None = None
    profile: str = "http_signature"
    enrolled_at: datetime = _at()


class ParticipantCertificate(SQLModel, table=True):
    """A certificate (DER) with which a participant signs XML."""

    __tablename__: ClassVar[Any] = "participant_certificate"
    participant: str = Field(primary_key=True, foreign_key="participant.id")
    der: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))


class ParticipantKey(SQLModel, table=True):
    """A participant's public key (JWK), found by its RFC 7638 thumbprint."""

    __tablename__: ClassVar[Any] = "participant_key"
    kid: str = Field(primary_key=True)
    participant: str = Field(index=True, foreign_key="participant.id")
    jwk: str = _text()
    valid_from_at: datetime = _at()
    valid_until_at: datetime | None = _at(nullable=True)


class Entitlement(SQLModel, table=True):
    """What a participant may do at one recipient."""

    participant: str = Field(primary_key=True, foreign_key="participant.id")
    action: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)


class Delegation(SQLModel, table=True):
    """Who may submit on whose behalf, from when to when."""

    sender: str = Field(primary_key=True, foreign_key="participant.id")
    institution: str = Field(primary_key=True)
    valid_from: date
    valid_until: date | None = None


class ChangeConcerns(SQLModel, table=True):
    """Whom a statement of the registers' log concerns; ids sort by time, so that a history reads in order."""

    __tablename__: ClassVar[Any] = "change_concerns"
    participant: str = Field(primary_key=True)
    statement: str = Field(primary_key=True)


class Invitation(SQLModel, table=True):
    """A one-time code: a name that is part of it, the hash of its secret, and what it lets its holder register."""

    id: str = Field(primary_key=True)
    secret_sha256: bytes = _bytes()
    invited: str = _text()
    expires_at: datetime = _at()
    tries: int = 0
    used_at: datetime | None = _at(nullable=True)


class Proposal(SQLModel, table=True):
    """A change that waits for the administrators' approval."""

    id: str = Field(primary_key=True)
    ordered: str = _text()
    proposed_at: datetime = _at()
    done_at: datetime | None = _at(nullable=True)


class Approval(SQLModel, table=True):
    """An administrator's signed word (JWS) on a proposal."""

    proposal: str = Field(primary_key=True, foreign_key="proposal.id")
    administrator: str = Field(primary_key=True)
    word: str = _text()


class Succession(SQLModel, table=True):
    """From when on an institution is another: banks that merge."""

    institution: str = Field(primary_key=True)
    successor: str
    since: date


class PartySuccession(SQLModel, table=True):
    """That one firm became another on a day (法人成り), by whose word; each keeps its numbers and its history."""

    __tablename__: ClassVar[Any] = "party_succession"
    party: str = Field(primary_key=True, foreign_key="party.id")
    successor: str = Field(index=True, foreign_key="party.id")
    since: date
    asserted_by: str
    asserted_at: datetime = _at()


class Coverage(SQLModel, table=True):
    """What an institution declares that its reports of a kind to a recipient hold, and since when."""

    institution: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    form: str
    since: date
    baseline_on: date | None = None
    declared_by: str
    declared_at: datetime = _at()


class RegisterVersion(SQLModel, table=True):
    """One row, counted up by every change to who may do what, so that caches know."""

    __tablename__: ClassVar[Any] = "register_version"
    id: int = Field(primary_key=True)
    version: int = _big(nullable=False)


class Party(SQLModel, table=True):
    """A firm (事業者), by an id of ours."""

    id: str = Field(primary_key=True)
    name: str
    entity_type: str = "unknown"


class Link(SQLModel, table=True):
    """One number by which somebody names a firm."""

    __table_args__ = (Index("link_by_number", "scheme", "scope", "value"),)
    id: int | None = _auto()
    scheme: str
    scope: str
    value: str
    party: str = Field(foreign_key="party.id")
    valid_from: date | None = None
    valid_until: date | None = None
    asserted_by: str
    asserted_at: datetime = _at()


class Guarantee(SQLModel, table=True):
    """One guarantee of one corporation, as its register has it."""

    recipient: str = Field(primary_key=True)
    guarantee_no: str = Field(primary_key=True)
    institution: str
    party: str = Field(foreign_key="party.id")
    principal_yen: int | None = _big(nullable=True)
    is_revolving: bool = False


class Submission(SQLModel, table=True):
    """One act of handing over. ``state`` is processing until its statements are published."""

    id: str = Field(primary_key=True)
    sender: str = Field(index=True)
    institution: str
    state: str
    received_at: datetime = _at()
    raw_sha256: bytes = _bytes()
    raw_bytes: int = _big(nullable=False)
    request: str = _text()


class Raw(SQLModel, table=True):
    """The bytes as received: in the row (compressed, closed), or in a file (closed); or destroyed, and why."""

    submission: str = Field(primary_key=True)
    body: bytes | None = _bytes(nullable=True)
    file: str | None = None
    destroyed: str | None = None


class IdempotencyKey(SQLModel, table=True):
    """A sender's key and what it was used for; kept for seven days."""

    __tablename__: ClassVar[Any] = "idempotency_key"
    sender: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes = _bytes()
    submission: str
    created_at: datetime = _at(index=True)


class Head(SQLModel, table=True):
    """The one row that decides order for a recipient; locked last, inside the transaction."""

    recipient: str = Field(primary_key=True)
    next_leaf: int = _big(nullable=False)
    next_position: int = _big(nullable=False)
    peaks: bytes = _bytes()
    sealed_at: datetime = _at()
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
    raw_sha256: bytes = _bytes()
    first_position: int = _big(nullable=False)
    count: int = _big(nullable=False)
    held: int = _big(nullable=False)
    refused: int = _big(nullable=False)
    receipt: str = _text()
    tape: str | None = None
    tape_sequence: int | None = _big(nullable=True)
    received_at: datetime = _at()
    accepted_at: datetime = _at()
    sealed_at: datetime = _at()


class LineBlock(SQLModel, table=True):
    """Consecutive lines of one statement and one kind, compressed together and closed."""

    __tablename__: ClassVar[Any] = "line_block"
    submission: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    first_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str
    count: int = _big(nullable=False)
    payload: bytes = _bytes()


class LineIndex(SQLModel, table=True):
    """Where to find the versions of a record: one row per line, in key order."""

    __tablename__: ClassVar[Any] = "line_index"
    __table_args__ = (Index("line_index_by_submission", "submission", "recipient"), {"sqlite_with_rowid": False})
    recipient: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    series: str = Field(primary_key=True)
    valid_on: date = Field(primary_key=True)
    submission: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    digest: bytes = _bytes()
    amount_yen: int | None = _big(nullable=True)
    closing: bytes | None = _bytes(nullable=True)


class FindingBlock(SQLModel, table=True):
    """Findings of one statement, some thousands together, compressed and closed."""

    __tablename__: ClassVar[Any] = "finding_block"
    submission: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    chunk: int = Field(primary_key=True)
    count: int = _big(nullable=False)
    payload: bytes = _bytes()


class HeldRecord(SQLModel, table=True):
    """A record that waits to be placed. ``released_by`` is the statement's submission that published it."""

    __tablename__: ClassVar[Any] = "held_record"
    __table_args__ = (Index("held_by_number", "scheme", "scope", "value"),)
    submission: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    ordinal: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str
    code: str
    scheme: str
    scope: str
    value: str
    row_digest: str
    released_by: str | None = Field(default=None, index=True)


class LogNode(SQLModel, table=True):
    """A complete subtree of a recipient's Merkle log; level 0 are the leaf hashes."""

    __tablename__: ClassVar[Any] = "log_node"
    __table_args__ = ({"sqlite_with_rowid": False},)
    recipient: str = Field(primary_key=True)
    level: int = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hash: bytes = _bytes()


class Checkpoint(SQLModel, table=True):
    """A signed head of a recipient's log: one per commit group."""

    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    next_position: int = _big(nullable=False)
    note: str = _text()


class Cosignature(SQLModel, table=True):
    """That a witness cosigned a checkpoint: its line of the note, the first it handed in for that size of the log."""

    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    witness: str = Field(primary_key=True, foreign_key="participant.id")
    line: str = _text()
    cosigned_at: datetime = _at()


class TimeStamp(SQLModel, table=True):
    """A third party's token (RFC 3161) over the checkpoint of a size; verified before it came here."""

    __tablename__: ClassVar[Any] = "time_stamp"
    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    token: bytes = _bytes()
    stamped_at: datetime = _at()


class StampTurn(SQLModel, table=True):
    """How far a log is stamped, since when entries wait for that, when it is tried next, and what went wrong last."""

    __tablename__: ClassVar[Any] = "stamp_turn"
    recipient: str = Field(primary_key=True)
    stamped_size: int = _big(nullable=False)
    waiting_since_at: datetime | None = _at(nullable=True)
    next_try_at: datetime = _at()
    failures: int = 0
    failure: str | None = None


class Publication(SQLModel, table=True):
    """When a commit group had become visible, noted just after."""

    recipient: str = Field(primary_key=True)
    tree_size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    published_at: datetime = _at()


class ReadMark(SQLModel, table=True):
    """That a reader had read everything before a position, by when."""

    __tablename__: ClassVar[Any] = "read_mark"
    recipient: str = Field(primary_key=True)
    reader: str = Field(primary_key=True)
    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    read_at: datetime = _at()


class Withheld(SQLModel, table=True):
    """A line that may no longer be shown, its leaf hash and why."""

    recipient: str = Field(primary_key=True)
    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    leaf: bytes = _bytes()
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
    positions: str = _text()
    asked_by: str
    withdrawn_at: datetime = _at()


class Disclosure(SQLModel, table=True):
    """That a reader was given the lines from one position to before another, and when first."""

    recipient: str = Field(primary_key=True)
    reader: str = Field(primary_key=True)
    first_position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    end_position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    given_at: datetime = _at()


class Job(SQLModel, table=True):
    """Work that outlives its request. Jobs of one lane run one at a time, in order."""

    __table_args__ = (Index("job_open", "done_at", "lane", "id"),)
    id: int | None = _auto()
    task: str
    key: str = Field(unique=True)
    lane: str
    kind: str
    run_at: datetime = _at()
    claimed_until_at: datetime | None = _at(nullable=True)
    attempts: int = 0
    done_at: datetime | None = _at(nullable=True)
    failure: str | None = None


class SeenAssertion(SQLModel, table=True):
    """A client assertion that was used, or (``dpop:`` and thumbprint) a proof by a key; the insert is the check."""

    __tablename__: ClassVar[Any] = "seen_assertion"
    client: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: datetime = _at(index=True)


class TrailEntry(SQLModel, table=True):
    """An entry of the audit trail; see ``schemas.trail``. Never shown to a recipient."""

    __tablename__: ClassVar[Any] = "trail_entry"
    chain: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = _at(index=True)
    who: str
    what: str
    about: str
    digest: bytes = _bytes()


class StorageKey(SQLModel, table=True):
    """The key of one recipient and year, wrapped; ``wrapped`` is NULL once it is destroyed."""

    __tablename__: ClassVar[Any] = "storage_key"
    __table_args__ = (
        Index("storage_key_by_recipient", "recipient", "year"),
        Index("storage_key_by_retired", "retired"),
    )
    id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    recipient: str
    year: int
    kek: str
    wrapped: bytes | None = _bytes(nullable=True)
    retired: bool = False
