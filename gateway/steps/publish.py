"""Publish: write sealed statements, lines, findings and index rows; all become visible together, or nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.ports import DataKey
from gateway.schemas.findings import Verdict
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


@dataclass(frozen=True, slots=True)
class Packed:
    """What a share writes that is closed: rows of its lines and their index, of its findings and of what it holds."""

    blocks: Sequence[dict[str, Any]] = ()
    index: Sequence[dict[str, Any]] = ()
    findings: Sequence[dict[str, Any]] = ()
    held: Sequence[dict[str, Any]] = ()


def packed(blocks: Blocks, settled: Settled, key: DataKey | None = None) -> Packed:
    """What a share writes, closed; done before any lock.

    Lines are closed with a given data key, if it is their recipient's alone: that of the document, without which they
    never go. Findings may stay when their document goes, so they have their own.
    """
    if key is not None and key.owners != (settled.recipient,):
        key = None
    where = settled.submission.id, settled.recipient
    return Packed(
        list(blocks.rows(*where, settled.lines, key=key)),
        blocks.index.rows(*where, settled.lines),
        submissions.finding_rows(blocks.cipher, *where, settled.findings),
        submissions.held_rows(blocks.cipher, *where, settled.held),
    )


def publish(
    session: Session,
    sealed: Sequence[SealedStatement],
    packed: Sequence[Packed],
    checkpoints: list[dict[str, Any]],
) -> None:
    """Write one commit group's statements and everything they promise.

    Args:
        session: the open write transaction that holds the heads' locks.
        sealed: the statements, in the order of their leaves.
        packed: what each writes that is closed; nothing for one that is staged already.
        checkpoints: rows signing the new heads.
    """
    feed.add_lines(session, [row for one in packed for row in one.blocks], [row for one in packed for row in one.index])
    submissions.add_findings(session, [row for one in packed for row in one.findings])
    submissions.add_held(session, [row for one in packed for row in one.held])
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
        "tape_sequence": _tape_sequence(sealed),
        "received_at": submission.received_at,
        "accepted_at": sealed.settled.accepted_at,
        "sealed_at": sealed.sealed_at,
    }


def _tape_sequence(sealed: SealedStatement) -> int | None:
    """The number of a file of a bank's feed, which the next one follows.

    A file that was refused whole is to be sent again, and a repair or a release is no file of the feed: none of these
    moves the numbering on.
    """
    tape, asked = sealed.settled.tape, sealed.settled.submission.request
    if tape is None or asked.fixes or asked.releases or sealed.statement.verdict is Verdict.REFUSED:
        return None
    return tape.sequence
