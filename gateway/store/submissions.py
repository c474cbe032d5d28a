"""Submissions, their keys, raw bytes, findings and held records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
import zstandard
from sqlalchemy import delete, tuple_, update
from sqlmodel import Session, col, select

from gateway.schemas.findings import Finding
from gateway.schemas.submission import Held
from gateway.store.engine import Database, add_rows, table_of
from gateway.store.tables import (
    AuditEntry,
    FindingBlock,
    HeldRecord,
    IdempotencyKey,
    Raw,
    SeenAssertion,
    StatementRow,
    Submission,
)

FINDINGS_PER_BLOCK = 5_000
AUDIT_ENTRIES_KEPT = 100_000

_compress = zstandard.ZstdCompressor(level=3).compress
_decompress = zstandard.ZstdDecompressor().decompress


def find_keys(session: Session, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], IdempotencyKey]:
    """What (sender, Idempotency-Key) pairs were used for."""
    if not keys:
        return {}
    query = select(IdempotencyKey).where(tuple_(IdempotencyKey.sender, IdempotencyKey.key).in_(keys))
    return {(row.sender, row.key): row for row in session.exec(query).all()}


def claim_keys(database: Database, session: Session, rows: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Claim keys, in sorted order so that two nodes never wait for each other; those that were ours to claim."""
    if not rows:
        return set()
    ordered = sorted(rows, key=lambda row: (row["sender"], row["key"]))
    table = table_of(IdempotencyKey)
    statement = database.insert_new(IdempotencyKey).values(ordered).returning(table.c.sender, table.c.key)
    return {(sender, key) for sender, key in session.execute(statement)}


def forget_keys(session: Session, before: datetime) -> None:
    """Let keys go whose days are over."""
    session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < before))


def add_submissions(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write submissions."""
    add_rows(session, Submission, rows)


def finish_submission(session: Session, submission: str) -> None:
    """A submission that was being processed now has its statements."""
    session.execute(update(Submission).where(col(Submission.id) == submission).values(state="final"))


def find_submission(session: Session, submission: str) -> Submission | None:
    """A submission by id."""
    return session.get(Submission, submission)


def compressed(raw: bytes) -> bytes:
    """Raw bytes as stored in a row."""
    return _compress(raw)


def add_raw(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep raw bytes, or say in which file they are or why they were destroyed."""
    add_rows(session, Raw, rows)


def find_raw(session: Session, submission: str) -> Raw | None:
    """Where the raw bytes are; ``body`` comes back decompressed."""
    row = session.get(Raw, submission)
    if row is not None and row.body is not None:
        session.expunge(row)
        row.body = _decompress(row.body)
    return row


def destroy_raw(session: Session, submission: str, reason: str) -> None:
    """Forget raw bytes, keeping why."""
    session.execute(update(Raw).where(col(Raw.submission) == submission).values(body=None, file=None, destroyed=reason))


def finding_rows(submission: str, recipient: str, findings: Sequence[Finding], chunk: int = 0) -> list[dict[str, Any]]:
    """Findings as rows of some thousands each, numbered from ``chunk``."""
    rows = []
    for number, start in enumerate(range(0, len(findings), FINDINGS_PER_BLOCK), chunk):
        part = findings[start : start + FINDINGS_PER_BLOCK]
        payload = _compress(orjson.dumps([finding.model_dump(mode="json", exclude_none=True) for finding in part]))
        rows.append(
            {"submission": submission, "recipient": recipient, "chunk": number, "count": len(part), "payload": payload}
        )
    return rows


def add_findings(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write finding rows."""
    add_rows(session, FindingBlock, rows)


def load_findings(session: Session, submission: str, recipient: str | None = None) -> Iterator[dict[str, Any]]:
    """Findings of a submission as stored (plain mappings), in order, block by block."""
    query = select(FindingBlock).where(FindingBlock.submission == submission)
    if recipient is not None:
        query = query.where(FindingBlock.recipient == recipient)
    for row in session.exec(query.order_by(FindingBlock.recipient, col(FindingBlock.chunk))):
        yield from orjson.loads(_decompress(row.payload))


def held_rows(submission: str, recipient: str, held: Iterable[Held]) -> list[dict[str, Any]]:
    """Held records as rows."""
    return [
        {
            "submission": submission,
            "recipient": recipient,
            "ordinal": one.ordinal,
            "kind": one.kind,
            "code": one.code,
            "scheme": one.waits_for.scheme.value if one.waits_for else "",
            "scope": one.waits_for.scope if one.waits_for else "",
            "value": one.waits_for.value if one.waits_for else "",
            "row_digest": one.row_digest,
            "released_by": None,
        }
        for one in held
    ]


def add_held(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write held records."""
    add_rows(session, HeldRecord, rows)


def find_held(session: Session, recipients: Sequence[str], sender: str) -> list[HeldRecord]:
    """Records still waiting, oldest first, that are for one of some recipients or were submitted by a sender."""
    own = select(Submission.id).where(Submission.sender == sender)
    query = select(HeldRecord).where(
        col(HeldRecord.released_by).is_(None),
        col(HeldRecord.recipient).in_(recipients) | col(HeldRecord.submission).in_(own),
        col(HeldRecord.submission).in_(select(StatementRow.submission)),
    )
    return list(session.exec(query.order_by(HeldRecord.submission, col(HeldRecord.ordinal))).all())


def waiting_for(session: Session, scheme: str, scope: str, value: str) -> list[HeldRecord]:
    """Records that wait for one number."""
    query = select(HeldRecord).where(
        col(HeldRecord.submission).in_(select(StatementRow.submission)),
        HeldRecord.scheme == scheme,
        HeldRecord.scope == scope,
        HeldRecord.value == value,
        col(HeldRecord.released_by).is_(None),
    )
    return list(session.exec(query.order_by(HeldRecord.submission, col(HeldRecord.ordinal))).all())


def release_held(session: Session, submission: str, recipient: str, ordinals: Sequence[int], by: str) -> None:
    """Held records were published by a later statement."""
    session.execute(
        update(HeldRecord)
        .where(
            col(HeldRecord.submission) == submission,
            col(HeldRecord.recipient) == recipient,
            col(HeldRecord.ordinal).in_(ordinals),
        )
        .values(released_by=by)
    )


def claim_assertion(database: Database, session: Session, client: str, jti: str, expires_at: datetime) -> bool:
    """Whether this assertion was never seen before; the insert is the check."""
    table = table_of(SeenAssertion)
    statement = database.insert_new(SeenAssertion).values(client=client, jti=jti, expires_at=expires_at)
    return session.execute(statement.returning(table.c.jti)).first() is not None


def forget_assertions(session: Session, before: datetime) -> None:
    """Let assertions go that can no longer be replayed."""
    session.execute(delete(SeenAssertion).where(col(SeenAssertion.expires_at) < before))


def add_audit(session: Session, at: datetime, code: str, reason: str, path: str) -> None:
    """Note a refusal before a submission began; the oldest entries make room."""
    entry = AuditEntry(at=at, code=code, reason=reason[:500], path=path[:500])
    session.add(entry)
    session.flush()
    session.execute(delete(AuditEntry).where(col(AuditEntry.id) <= (entry.id or 0) - AUDIT_ENTRIES_KEPT))


def held_ordinals(session: Session, submission: str) -> list[int]:
    """Which records of a submission still wait."""
    query = select(HeldRecord.ordinal).where(
        HeldRecord.submission == submission, col(HeldRecord.released_by).is_(None)
    )
    return list(session.exec(query.order_by(col(HeldRecord.ordinal)).distinct()).all())
