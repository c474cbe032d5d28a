"""A recipient's append-only log: the locked head, statements, tree nodes, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, exists, true, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.errors import EntryMissing
from gateway.schemas.statement import StoredStatement
from gateway.store.columns import EPOCH
from gateway.store.driver import add_rows, any_of, fetch, in_parts, table_of
from gateway.store.engine import Database
from gateway.store.tables import Checkpoint, Head, LogNode, Publication, StatementRow, Withdrawal


@dataclass(frozen=True, slots=True)
class HeadState:
    """Where a recipient's log stands: next leaf and position, the tree's peaks, the last ``sealed_at``, its epoch."""

    next_leaf: int
    next_position: int
    peaks: bytes
    sealed_at: datetime
    epoch: int = 1


EMPTY_HEAD = HeadState(0, 0, b"", EPOCH)
LOOKED_BACK = 100  # files of a bank's feed
LOCK = 0x48415944  # of who begins a log: beside those under which databases are migrated and keys are made

_HEAD, _STATEMENT, _WITHDRAWAL = (table_of(table).c for table in (Head, StatementRow, Withdrawal))
_ALL_HEADS = columns(_HEAD.recipient, _HEAD.next_leaf, _HEAD.next_position, _HEAD.peaks, _HEAD.sealed_at, _HEAD.epoch)
_HEADS = _ALL_HEADS.where(any_of(_HEAD.recipient, "recipients")).order_by(_HEAD.recipient)
_HEADS_LOCKED = _HEADS.with_for_update()
_MOVE_HEAD = (
    update(table_of(Head))
    .where(_HEAD.recipient == bindparam("head"))
    .values({name: bindparam(name) for name in ("next_leaf", "next_position", "peaks", "sealed_at", "epoch")})
)
_ACCEPTED = columns(_STATEMENT.recipient, _STATEMENT.sender, _STATEMENT.raw_sha256).where(
    any_of(_STATEMENT.raw_sha256, "digests"),
    any_of(_STATEMENT.recipient, "recipients"),
    any_of(_STATEMENT.sender, "senders"),
    _STATEMENT.received_at < bindparam("before"),
    _STATEMENT.held == 0,
    _STATEMENT.refused == 0,
    ~exists().where(_WITHDRAWAL.submission == _STATEMENT.submission, _WITHDRAWAL.recipient == _STATEMENT.recipient),
)


def find_heads(session: Session, recipients: Iterable[str]) -> dict[str, HeadState]:
    """Where each log stands as this session sees it; a log nobody wrote to yet is empty."""
    wanted = sorted(set(recipients))
    found = _heads(session, _HEADS, wanted)
    return {recipient: found.get(recipient, EMPTY_HEAD) for recipient in wanted}


def _heads(session: Session, query: Executable, recipients: Sequence[str]) -> dict[str, HeadState]:
    return {row[0]: HeadState(*row[1:]) for row in fetch(session, query, recipients=recipients)}


def all_heads(session: Session) -> dict[str, HeadState]:
    """Where every log stands that was ever written to."""
    return {row[0]: HeadState(*row[1:]) for row in fetch(session, _ALL_HEADS)}


def lock_heads(database: Database, session: Session, recipients: Iterable[str]) -> dict[str, HeadState]:
    """Lock the heads in sorted order and read them; from here to the commit nobody else appends."""
    wanted = sorted(set(recipients))
    found = _heads(session, _HEADS, wanted)
    if len(found) < len(wanted):
        database.lock(session, LOCK)
        fresh = [{"recipient": recipient} | asdict(EMPTY_HEAD) for recipient in wanted]
        add_rows(session, Head, fresh, unless_there=True)
    elif database.is_sqlite:
        return found
    return _heads(session, _HEADS if database.is_sqlite else _HEADS_LOCKED, wanted)


def lock_all_heads(database: Database, session: Session) -> None:
    """Lock the head of every log there is, so that nothing is sealed until this transaction ends.

    Who is just beginning a log, whose head nobody else sees before it is committed, is waited for first.
    """
    database.lock(session, LOCK)
    query = select(Head.recipient).order_by(Head.recipient)
    session.exec(query if database.is_sqlite else query.with_for_update()).all()


def move_heads(session: Session, heads: Mapping[str, HeadState]) -> None:
    """Write the locked heads back."""
    for recipient, head in heads.items():
        fetch(session, _MOVE_HEAD, head=recipient, **asdict(head))


def append(
    session: Session,
    statements: Sequence[dict[str, Any]],
    nodes: Sequence[tuple[str, int, int, bytes]],
    checkpoints: Sequence[dict[str, Any]],
) -> None:
    """Append statements, the tree nodes they complete, and the checkpoints that sign the new heads."""
    add_rows(session, StatementRow, statements)
    add_rows(session, LogNode, [dict(zip(("recipient", "level", "number", "hash"), n, strict=True)) for n in nodes])
    add_rows(session, Checkpoint, checkpoints)


def note_publication(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Note when commit groups had become visible."""
    add_rows(session, Publication, rows)


def node_reader(session: Session, recipient: str) -> Callable[[int, int], bytes]:
    """A function (level, number) -> hash over the stored complete subtrees, for proofs.

    The function raises:
        EntryMissing: there is no such node.
    """

    def node_at(level: int, number: int) -> bytes:
        query = select(LogNode.hash).where(
            LogNode.recipient == recipient, LogNode.level == level, LogNode.number == number
        )
        found = session.exec(query).first()
        if found is None:
            raise EntryMissing("a node of the log is missing", ja="ログの木の節がありません。")
        return found

    return node_at


def find_checkpoint(session: Session, recipient: str, tree_size: int | None = None) -> tuple[int, str] | None:
    """Tree size and signed note of the newest checkpoint, or of the one of a tree size."""
    query = select(Checkpoint.tree_size, Checkpoint.note).where(Checkpoint.recipient == recipient)
    if tree_size is not None:
        query = query.where(Checkpoint.tree_size == tree_size)
    found = session.exec(query.order_by(col(Checkpoint.tree_size).desc()).limit(1)).first()
    return None if found is None else (found[0], found[1])


def find_statements(session: Session, submission: str) -> list[StoredStatement]:
    """The statements of a submission, one per recipient."""
    query = select(StatementRow).where(StatementRow.submission == submission).order_by(StatementRow.recipient)
    return [_stored(row) for row in session.exec(query).all()]


def statements_between(session: Session, recipient: str, first_leaf: int, last_leaf: int) -> list[StoredStatement]:
    """Statements by leaf index, both ends included, in order."""
    query = select(StatementRow).where(
        StatementRow.recipient == recipient,
        StatementRow.leaf_index >= first_leaf,
        StatementRow.leaf_index <= last_leaf,
    )
    return [_stored(row) for row in session.exec(query.order_by(col(StatementRow.leaf_index))).all()]


def last_sequences(session: Session, recipient: str, institution: str, tape: str) -> list[int]:
    """Sequence numbers of the latest files of a bank's numbered feed, newest first; refused and repairs have none."""
    query = select(StatementRow.tape_sequence).where(
        StatementRow.recipient == recipient,
        StatementRow.institution == institution,
        StatementRow.tape == tape,
        col(StatementRow.tape_sequence).is_not(None),
    )
    numbers = session.exec(query.order_by(col(StatementRow.leaf_index).desc()).limit(LOOKED_BACK)).all()
    return [number for number in numbers if number is not None]


def find_arrivals(session: Session, recipient: str, sender: str | None, among: Iterable[str]) -> dict[str, datetime]:
    """When those of some submissions that are a sender's (None: anybody's) had arrived."""
    found: dict[str, datetime] = {}
    for some in in_parts(sorted(among)):
        query = select(StatementRow.submission, StatementRow.received_at).where(
            col(StatementRow.submission).in_(some),
            StatementRow.recipient == recipient,
            true() if sender is None else StatementRow.sender == sender,
        )
        found.update(session.exec(query).all())
    return found


def _stored(row: StatementRow) -> StoredStatement:
    return StoredStatement(
        recipient=row.recipient,
        leaf_index=row.leaf_index,
        submission=row.submission,
        sender=row.sender,
        first_position=row.first_position,
        count=row.count,
        receipt=row.receipt,
        accepted_at=row.accepted_at,
        sealed_at=row.sealed_at,
    )


def accepted_before(
    session: Session, keys: Sequence[tuple[str, str, bytes]], before: datetime
) -> set[tuple[str, str, bytes]]:
    """Those of (recipient, sender, raw digest) for which an earlier statement took all of the same bytes,
    and nothing of it was withdrawn.

    Only statements received before an instant count: younger ones are the Idempotency-Key's business.
    """
    if not keys:
        return set()
    recipients, senders, digests = (list(set(part)) for part in zip(*keys, strict=True))
    rows = fetch(session, _ACCEPTED, digests=digests, recipients=recipients, senders=senders, before=before)
    return {(recipient, sender, digest) for recipient, sender, digest in rows} & set(keys)
