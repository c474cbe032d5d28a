"""Seals settled shares at the heads of their logs, inside a write transaction: the part right of the double bar.

Used by the committer for groups of small submissions and by the loader for one large one; there is no other way into
a log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.ports import Clock
from gateway.runtime.kept_heads import KeptHeads
from gateway.schemas.submission import Settled
from gateway.security.checkpoints import log_origin, write_checkpoint
from gateway.security.keys import SigningKey
from gateway.security.log_keys import LogKeys
from gateway.security.merkle import Peaks
from gateway.security.signing_keys import SigningKeys
from gateway.steps.publish import Packed, publish
from gateway.steps.seal import Digests, Position, Sealed, seal
from gateway.store import log
from gateway.store.engine import Database, Session
from gateway.store.log import HeadState


@dataclass(frozen=True, slots=True)
class Ready:
    """A settled share with everything computed that can be computed before a lock."""

    settled: Settled
    digests: Digests
    packed: Packed


@dataclass(frozen=True, slots=True)
class Sealer:
    """Knows the keys and the log's name; keeps nothing.

    Attributes:
        logs: the keys that sign checkpoints.
        signing: those that sign receipts in turn.
    """

    database: Database
    logs: LogKeys
    signing: SigningKeys
    log_name: str
    clock: Clock
    kept: KeptHeads

    def seal_all(self, session: Session, ready: Sequence[Ready], heads: Mapping[str, HeadState]) -> list[Sealed]:
        """Seal and publish shares at the locked heads, in the order given, and move the heads.

        Raises:
            LogSuspended: a log was found rewound or forked; nothing is signed.
        """
        for recipient, head in heads.items():
            self.kept.require_at(recipient, head)
        signers = self.logs.signers
        moving = {recipient: _Head(head) for recipient, head in heads.items()}
        sealed = [self._seal_one(one, moving[one.settled.recipient]) for one in ready]
        moved = {one.settled.recipient: moving[one.settled.recipient] for one in ready}
        checkpoints = [self._checkpoint(recipient, head, signers) for recipient, head in moved.items()]
        publish(session, sealed, [one.packed for one in ready], checkpoints)
        log.move_heads(session, {recipient: head.state() for recipient, head in moved.items()})
        self.database.notify(session)
        return sealed

    def _seal_one(self, ready: Ready, head: _Head) -> Sealed:
        at = Position(head.next_leaf, head.next_position, head.sealed_at, head.peaks)
        sealed = seal(ready.settled, ready.digests, at, self.clock.now(), self.signing.current)
        head.next_leaf += 1
        head.next_position += ready.digests.lines
        head.sealed_at = sealed.sealed_at
        return sealed

    def _checkpoint(self, recipient: str, head: _Head, signers: Sequence[SigningKey]) -> dict[str, Any]:
        origin = log_origin(self.log_name, recipient, head.epoch)
        note = write_checkpoint(origin, head.next_leaf, head.peaks.root(), *signers)
        return {
            "recipient": recipient,
            "tree_size": head.next_leaf,
            "next_position": head.next_position,
            "note": note,
        }


class _Head:
    """A head while its group is being sealed."""

    def __init__(self, state: HeadState) -> None:
        self.next_leaf, self.next_position = state.next_leaf, state.next_position
        self.sealed_at: datetime = state.sealed_at
        self.peaks = Peaks.from_bytes(state.peaks)
        self.epoch = state.epoch

    def state(self) -> HeadState:
        return HeadState(self.next_leaf, self.next_position, self.peaks.to_bytes(), self.sealed_at, self.epoch)
