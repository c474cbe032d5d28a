"""A recipient's append-only log: the locked head, statements, tree nodes, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from gateway.schemas.statement import StoredStatement
from gateway.store.engine import Database, add_rows
from gateway.store.tables import EPOCH, Checkpoint, Head, LogNode, Publication, StatementRow


@dataclass(frozen=True, slots=True)
class HeadState:
    """Where a recipient's log stands: the next leaf and position, the tree's peaks, the last ``sealed_at``."""

    next_leaf: int
    next_position: int
    peaks: bytes
    sealed_at: datetime


EMPTY_HEAD = HeadState(0, 0, b"", EPOCH)


def find_heads(session: Session, recipients: Iterable[str]) -> dict[str, HeadState]:
    """Where each log stands as this session sees it; a log nobody wrote to yet is empty."""
    wanted = sorted(set(recipients))
    rows = session.exec(select(Head).where(col(Head.recipient).in_(wanted))).all()
    found = {row.recipient: HeadState(row.next_leaf, row.next_position, row.peaks, row.sealed_at) for row in rows}
    return {recipient: found.get(recipient, EMPTY_HEAD) for recipient in wanted}


def lock_heads(database: Database, session: Session, recipients: Iterable[str]) -> dict[str, HeadState]:
    """Lock the heads in sorted order and read them; from here to the commit nobody else appends."""
    wanted = sorted(set(recipients))
    fresh = [{"recipient": r, "next_leaf": 0, "next_position": 0, "peaks": b"", "sealed_at": EPOCH} for r in wanted]
    session.execute(database.insert_new(Head), fresh)
    query = select(Head).where(col(Head.recipient).in_(wanted)).order_by(Head.recipient)
    rows = session.exec(query if database.is_sqlite else query.with_for_update()).all()
    return {row.recipient: HeadState(row.next_leaf, row.next_position, row.peaks, row.sealed_at) for row in rows}


def lock_all_heads(database: Database, session: Session) -> None:
    """Lock the head of every log there is, so that nothing is sealed until this transaction ends."""
    query = select(Head.recipient).order_by(Head.recipient)
    session.exec(query if database.is_sqlite else query.with_for_update()).all()


def move_heads(session: Session, heads: Mapping[str, HeadState]) -> None:
    """Write the locked heads back."""
    for recipient, head in heads.items():
        session.execute(
            update(Head)
            .where(col(Head.recipient) == recipient)
            .values(
                next_leaf=head.next_leaf,
                next_position=head.next_position,
                peaks=head.peaks,
                sealed_at=head.sealed_at,
            )
        )


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
    """A function (level, number) -> hash over the stored complete subtrees, for proofs."""

    def node_at(level: int, number: int) -> bytes:
        query = select(LogNode.hash).where(
            LogNode.recipient == recipient, LogNode.level == level, LogNode.number == number
        )
        return session.exec(query).one()

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


def last_sequence(session: Session, recipient: str, institution: str, tape: str) -> int | None:
    """The sequence number of the newest file of a bank's numbered feed; refused ones do not count."""
    query = select(StatementRow.tape_sequence).where(
        StatementRow.recipient == recipient,
        StatementRow.institution == institution,
        StatementRow.tape == tape,
        col(StatementRow.count) > 0,
    )
    return session.exec(query.order_by(col(StatementRow.leaf_index).desc()).limit(1)).first()


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
    """Those of (recipient, sender, raw digest) for which an earlier statement took all of the same bytes.

    Only statements received before an instant count: younger ones are the Idempotency-Key's business.
    """
    if not keys:
        return set()
    query = select(StatementRow.recipient, StatementRow.sender, StatementRow.raw_sha256).where(
        col(StatementRow.raw_sha256).in_([digest for _, _, digest in keys]),
        col(StatementRow.recipient).in_({recipient for recipient, _, _ in keys}),
        col(StatementRow.sender).in_({sender for _, sender, _ in keys}),
        col(StatementRow.received_at) < before,
        StatementRow.held == 0,
        StatementRow.refused == 0,
    )
    return {(recipient, sender, digest) for recipient, sender, digest in session.exec(query).all()} & set(keys)
