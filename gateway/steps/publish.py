"""Publish: write sealed statements, lines, findings and index rows; all become visible together, or nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.schemas.statement import Statement
from gateway.schemas.submission import Settled
from gateway.store import feed, log, submissions
from gateway.store.engine import Session
from gateway.store.feed import Blocks


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
    session: Session,
    sealed: Sequence[SealedStatement],
    blocks: Sequence[list[dict[str, Any]]],
    checkpoints: list[dict[str, Any]],
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
        "tape": sealed.settled.tape.layout if sealed.settled.tape else None,
        "tape_sequence": sealed.settled.tape.sequence if sealed.settled.tape else None,
        "received_at": submission.received_at,
        "accepted_at": sealed.settled.accepted_at,
        "sealed_at": sealed.sealed_at,
    }
