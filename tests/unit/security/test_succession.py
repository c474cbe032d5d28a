from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sealed_log import SealedLog, key_of

from gateway.errors import EvidenceError, LogForked
from gateway.schemas.statement import Reopening
from gateway.security.checkpoints import Checkpoint, open_checkpoint, write_checkpoint
from gateway.security.keys import KeyRing
from gateway.security.merkle import EMPTY_ROOT, consistency_path, inclusion_path
from gateway.security.succession import SealedReason, check_succession

KEY = key_of(1)
KEYS = KeyRing([KEY.public])
FIRST, SECOND, THIRD = (f"hayame.example{epoch}/recipients/13" for epoch in ("", "/epoch-2", "/epoch-3"))


def head(log: SealedLog, origin: str = FIRST) -> Checkpoint:
    return open_checkpoint(write_checkpoint(origin, log.tree.size, log.tree.root(), KEY), KEYS)


def path(log: SealedLog, before: Checkpoint) -> list[bytes]:
    return consistency_path(before.size, log.tree.size, log.node_at)


def reopened(log: SealedLog, opens: str = SECOND, **more: Any) -> SealedReason:
    """Seal the reopening of a log that was found rewound from five entries."""
    sealed = log.add(reopens=Reopening(origin=FIRST, size=5, root="00" * 32, opens=opens), **more)
    return SealedReason(sealed.receipt, inclusion_path(log.tree.size - 1, log.tree.size, log.node_at))


@pytest.fixture
def small() -> SealedLog:
    log = SealedLog(KEY)
    log.add(b"first\n")
    log.add(b"second\n")
    return log


def test_a_log_that_grew_or_stayed_or_was_empty_continues(small: SealedLog) -> None:
    before = head(small)
    check_succession(before, before, [], None, KEYS)
    check_succession(Checkpoint(FIRST, 0, EMPTY_ROOT), before, [], None, KEYS)
    small.add(b"third\n")
    check_succession(before, head(small), path(small, before), None, KEYS)


def test_a_shorter_log_or_another_of_the_same_size_does_not_continue(small: SealedLog) -> None:
    before = head(small)
    shorter = SealedLog(KEY)
    shorter.add(b"first\n")
    with pytest.raises(LogForked, match="1 entries are shown where 2 were seen"):
        check_succession(before, head(shorter), [], None, KEYS)
    shorter.add(b"otherwise\n")
    with pytest.raises(LogForked):
        check_succession(before, head(shorter), [], None, KEYS)
    shorter.add(b"third\n")
    with pytest.raises(LogForked):
        check_succession(before, head(shorter), path(shorter, before), None, KEYS)


@pytest.mark.parametrize("origin", ["hayame.example/recipients/27", "other.example/recipients/13"])
def test_another_log_does_not_continue(small: SealedLog, origin: str) -> None:
    with pytest.raises(LogForked, match="another log"):
        check_succession(head(small), head(small, origin), [], None, KEYS)


def test_a_new_name_is_followed_where_a_sealed_entry_says_why(small: SealedLog) -> None:
    before = head(small)
    reason = reopened(small)
    check_succession(before, head(small, SECOND), path(small, before), reason, KEYS)


def test_an_earlier_name_is_not_followed(small: SealedLog) -> None:
    before = head(small, SECOND)
    with pytest.raises(LogForked, match="another log"):
        check_succession(before, head(small), [], None, KEYS)


def test_a_new_name_without_an_entry_that_says_why_is_not_followed(small: SealedLog) -> None:
    before = head(small)
    plain = SealedReason(small.add(b"third\n").receipt, inclusion_path(2, 3, small.node_at))
    for reason in (None, plain):
        with pytest.raises(LogForked, match="no entry reopens it"):
            check_succession(before, head(small, SECOND), path(small, before), reason, KEYS)


def test_a_reason_for_another_name_or_another_recipient_or_from_before_does_not_count(small: SealedLog) -> None:
    before, reason = head(small), reopened(small)
    with pytest.raises(LogForked, match="no entry reopens it"):
        check_succession(before, head(small, THIRD), path(small, before), reason, KEYS)
    with pytest.raises(LogForked, match="no entry reopens it"):
        check_succession(head(small), head(small, SECOND), [], reason, KEYS)
    foreign = reopened(small, recipient="27")
    with pytest.raises(LogForked, match="no entry reopens it"):
        check_succession(before, head(small, SECOND), path(small, before), foreign, KEYS)


def test_a_reason_that_is_not_in_the_log_or_not_signed_by_the_gateway_does_not_count(small: SealedLog) -> None:
    before, reason = head(small), reopened(small)
    now, proof = head(small, SECOND), path(small, before)
    with pytest.raises(EvidenceError):
        check_succession(before, now, proof, replace(reason, inclusion=[]), KEYS)
    foreign = SealedLog(key_of(2), small.tree, small.nodes, small.sealed)
    with pytest.raises(EvidenceError):
        check_succession(before, now, proof, replace(reason, receipt=foreign.add().receipt), KEYS)


def test_the_proof_must_hold_under_a_new_name_too(small: SealedLog) -> None:
    before = head(small)
    other = SealedLog(KEY)
    other.add(b"first\n")
    other.add(b"otherwise\n")
    reason = reopened(other)
    with pytest.raises(LogForked):
        check_succession(before, head(other, SECOND), path(other, before), reason, KEYS)
