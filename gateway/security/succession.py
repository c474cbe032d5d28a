"""Succession: that a later head of a log continues an earlier one, also where the log was rewound and renamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import LogForked
from gateway.security.checkpoints import Checkpoint, origin_parts
from gateway.security.completeness import check_same_log
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing
from gateway.security.merkle import check_consistency, check_inclusion, leaf_hash
from gateway.security.signing import open_receipt


@dataclass(frozen=True, slots=True)
class SealedReason:
    """The receipt that says why a log goes by another name, and the proof that it is in that log."""

    receipt: str
    inclusion: Sequence[bytes]


def check_succession(
    before: Checkpoint, now: Checkpoint, consistency: Sequence[bytes], reason: SealedReason | None, keys: KeyRing
) -> None:
    """Prove that one head of a log continues another.

    Args:
        before: the head that was seen before, its signature verified.
        now: the head that is shown now, its signature verified.
        consistency: proof from the one to the other; empty where either is empty or both are of one size.
        reason: needed where the log goes by another name.
        keys: the gateway's published keys.

    Raises:
        LogForked: it does not, so that one of the two must not have been signed.
        EvidenceError: the reason is not a receipt of the gateway's, or not in the log.
    """
    check_same_log(before.origin, now.origin)
    if now.size < before.size:
        raise LogForked(
            f"{now.size} entries are shown where {before.size} were seen",
            ja=f"以前 {before.size} 件を確認したログが {now.size} 件になっています。",
        )
    check_consistency(before.size, before.root, now.size, now.root, consistency)
    if now.origin != before.origin:
        _check_reason(before, now, reason, keys)


def _check_reason(before: Checkpoint, now: Checkpoint, reason: SealedReason | None, keys: KeyRing) -> None:
    if reason is None:
        raise _unexplained()
    payload = open_receipt(reason.receipt, keys)
    statement = read_statement(payload)
    if (
        statement.reopens is None
        or statement.reopens.opens != now.origin
        or statement.recipient != origin_parts(now.origin)[2]
        or statement.leaf_index < before.size
    ):
        raise _unexplained()
    check_inclusion(leaf_hash(payload), statement.leaf_index, now.size, reason.inclusion, now.root)


def _unexplained() -> LogForked:
    return LogForked(
        "the log goes by a name under which no entry reopens it",
        ja="ログの再開を示す記録がないまま名前が変わっています。",
    )
