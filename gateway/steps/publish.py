"""Publish: write sealed statements with their lines, findings and index rows; they become visible together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson

from gateway.schemas.identifiers import Channel, Reference
from gateway.schemas.statement import Origin, Statement
from gateway.schemas.submission import Request, Settled, Submission
from gateway.store import feed, log, submissions
from gateway.store.engine import Session
from gateway.store.feed import Blocks
from gateway.store.tables import Submission as SubmissionRow

DESTROYED = "my_number"


class SealedStatement(Protocol):
    """What publishing needs of a sealed statement (``seal`` makes them; steps do not import each other)."""

    @property
    def settled(self) -> Settled:
        """The share it seals."""
        ...

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        ...

    @property
    def receipt(self) -> str:
        """Its compact JWS."""
        ...

    @property
    def nodes(self) -> list[tuple[int, int, bytes]]:
        """Tree nodes it adds."""
        ...

    @property
    def sealed_at(self) -> datetime:
        """When it was sealed."""
        ...


def stored_block(blocks: Blocks, settled: Settled) -> list[dict[str, Any]]:
    """The lines of a share, packed; done before any lock."""
    return list(blocks.rows(settled.submission.id, settled.recipient, settled.lines))


def publish(
    session: Session, sealed: Sequence[SealedStatement], blocks: Sequence[list[dict[str, Any]]], checkpoints: list[dict[str, Any]]
) -> None:
    """Write one commit group's statements and everything they promise.

    Args:
        session: the open write transaction that holds the heads' locks.
        sealed: the statements, in the order of their leaves.
        blocks: the packed lines of each; empty for one whose lines are staged already.
        checkpoints: rows signing the new heads.
    """
    index: list[dict[str, object]] = []
    findings: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for one in sealed:
        settled, where = one.settled, (one.settled.submission.id, one.settled.recipient)
        index += feed.index_rows(*where, settled.lines)
        findings += submissions.finding_rows(*where, settled.findings)
        held += submissions.held_rows(*where, settled.held)
    feed.add_lines(session, [row for rows in blocks for row in rows], index)
    submissions.add_findings(session, findings)
    submissions.add_held(session, held)
    log.append(
        session,
        [_statement_row(one) for one in sealed],
        [(one.statement.recipient, *node) for one in sealed for node in one.nodes],
        checkpoints,
    )


def _statement_row(sealed: SealedStatement) -> dict[str, Any]:
    statement, submission = sealed.statement, sealed.settled.submission
    return {
        "recipient": statement.recipient,
        "leaf_index": statement.leaf_index,
        "submission": statement.submission,
        "sender": statement.origin.sender,
        "institution": statement.origin.institution,
        "raw_sha256": bytes.fromhex(statement.raw_sha256),
        "first_position": statement.first_position,
        "count": statement.count,
        "held": statement.counts.held,
        "refused": statement.counts.refused,
        "receipt": sealed.receipt,
        "received_at": submission.received_at,
        "accepted_at": sealed.settled.accepted_at,
        "sealed_at": sealed.sealed_at,
    }


def submission_row(submission: Submission, state: str) -> dict[str, Any]:
    """A submission as a row; ``state`` is ``processing`` or ``final``."""
    request = submission.request
    asked = {
        "recipients": request.recipients,
        "subject": request.subject.model_dump() if request.subject else None,
        "kind": request.kind,
        "adapter": request.adapter,
        "on_behalf_of": request.on_behalf_of,
        "channel": submission.origin.channel,
        "received_on": submission.origin.received_on,
        "fixes": request.fixes,
        "releases": request.releases,
        "filename": request.filename,
        "media_type": request.media_type,
        "key": submission.key,
        "sent_at": submission.sent_at.isoformat() if submission.sent_at else None,
    }
    return {
        "id": submission.id,
        "sender": submission.origin.sender,
        "institution": submission.origin.institution,
        "state": state,
        "received_at": submission.received_at,
        "raw_sha256": bytes.fromhex(submission.raw_sha256),
        "raw_bytes": submission.raw_bytes,
        "request": orjson.dumps({name: value for name, value in asked.items() if value is not None}).decode(),
    }


def key_row(submission: Submission) -> dict[str, Any] | None:
    """The Idempotency-Key as a row, if the submission has one."""
    if submission.key is None:
        return None
    return {
        "sender": submission.origin.sender,
        "key": submission.key,
        "fingerprint": submission.fingerprint,
        "submission": submission.id,
        "created_at": submission.received_at,
    }


def raw_row(submission: Submission, body: bytes | None, file: str | None, destroyed: bool) -> dict[str, Any]:
    """The raw bytes as a row: in it, in a file, or destroyed before they were ever kept."""
    return {
        "submission": submission.id,
        "body": None if destroyed or body is None else submissions.compressed(body),
        "file": None if destroyed else file,
        "destroyed": DESTROYED if destroyed else None,
    }


def restored(row: SubmissionRow) -> Submission:
    """The submission that ``submission_row`` wrote."""
    asked = orjson.loads(row.request)
    channel, received_on = Channel(asked.pop("channel")), tuple(asked.pop("received_on", ()))
    key, sent_at = asked.pop("key", None), asked.pop("sent_at", None)
    subject = asked.pop("subject", None)
    request = Request(
        **asked | {"recipients": tuple(asked["recipients"])},
        subject=Reference.model_validate(subject) if subject else None,
        channel=channel,
        received_on=received_on,
    )
    return Submission(
        id=row.id,
        origin=Origin(sender=row.sender, institution=row.institution, channel=channel, received_on=received_on),
        request=request,
        key=key,
        fingerprint=b"",
        sent_at=datetime.fromisoformat(sent_at) if sent_at else None,
        received_at=row.received_at,
        raw_sha256=row.raw_sha256.hex(),
        raw_bytes=row.raw_bytes,
    )
