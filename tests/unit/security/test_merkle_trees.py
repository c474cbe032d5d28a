from __future__ import annotations

from hashlib import sha256

import pytest

from gateway.errors import EntryMissing, EvidenceError, LogForked
from gateway.security.merkle import (
    EMPTY_ROOT,
    Peaks,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    peaks_before,
    root,
)

A, B, C = (leaf_hash(entry) for entry in (b"a", b"b", b"c"))


def nothing_stored(level: int, index: int) -> bytes:
    raise AssertionError(f"node {level}, {index} was read")


def test_leaves_and_nodes_are_hashed_in_different_domains() -> None:
    assert leaf_hash(b"x") == sha256(b"\0x").digest()
    assert node_hash(A, B) == sha256(b"\1" + A + B).digest()


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root([]) == Peaks().root() == EMPTY_ROOT == sha256(b"").digest()


def test_an_append_returns_the_nodes_it_completes_lowest_first() -> None:
    tree = Peaks()
    added = [tree.append(leaf) for leaf in (A, B, C, A)]
    ab, ca = node_hash(A, B), node_hash(C, A)
    assert added == [[], [(1, 0, ab)], [], [(1, 1, ca), (2, 0, node_hash(ab, ca))]]


def test_an_empty_tree_is_stored_as_nothing() -> None:
    assert Peaks().to_bytes() == b""
    assert Peaks.from_bytes(b"").size == 0


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b[:8], lambda b: b"\1" + b[1:]])
def test_a_broken_state_is_not_taken_for_a_tree(damage: object) -> None:
    tree = Peaks()
    for leaf in (A, B, C):
        tree.append(leaf)
    with pytest.raises(EvidenceError):
        Peaks.from_bytes(damage(tree.to_bytes()))  # type: ignore[operator]  # one of the lambdas above


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (5, 2)])
def test_what_is_not_in_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(EntryMissing):
        inclusion_path(index, size, nothing_stored)
    with pytest.raises(EntryMissing):
        check_inclusion(A, index, size, [], A)


def test_a_proof_of_logarithmic_length_reads_few_nodes() -> None:
    read: list[tuple[int, int]] = []

    def node_at(level: int, index: int) -> bytes:
        read.append((level, index))
        return sha256(b"%d %d" % (level, index)).digest()

    assert len(inclusion_path(123_456, 1_000_003, node_at)) <= 20
    assert len(read) <= 40
    read.clear()
    assert len(consistency_path(123_456, 1_000_003, node_at)) <= 21
    assert len(read) <= 40


def test_a_smaller_log_does_not_continue_a_larger_one() -> None:
    with pytest.raises(LogForked):
        consistency_path(3, 2, nothing_stored)
    with pytest.raises(LogForked):
        check_consistency(3, root([A, B, C]), 2, root([A, B]), [])
    with pytest.raises(LogForked):
        check_consistency(3, root([A, B, C]), 2, root([A, B]), [C, A])


def test_every_log_continues_the_empty_one_and_itself() -> None:
    check_consistency(0, EMPTY_ROOT, 3, root([A, B, C]), [])
    check_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    check_consistency(3, root([A, B, C]), 3, root([A, B, C]), [])
    assert consistency_path(0, 3, nothing_stored) == consistency_path(3, 3, nothing_stored) == []
    assert peaks_before(0, EMPTY_ROOT, 3, []).size == 0


@pytest.mark.parametrize(
    ("old_size", "old_root", "new_size", "new_root", "path"),
    [
        (0, A, 3, B, []),
        (0, EMPTY_ROOT, 3, B, [A]),
        (3, A, 3, B, []),
        (3, A, 3, A, [A]),
        (3, A, 5, B, []),
        (-1, A, 5, B, [A]),
        (0, EMPTY_ROOT, -1, B, []),
    ],
)
def test_heads_that_contradict_each_other_are_a_fork(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: list[bytes]
) -> None:
    with pytest.raises(LogForked):
        check_consistency(old_size, old_root, new_size, new_root, path)


def test_peaks_that_do_not_lead_to_the_older_root_are_refused() -> None:
    nodes = {(0, 0): A, (0, 1): B, (0, 2): C, (1, 0): node_hash(A, B)}
    path = consistency_path(3, 4, lambda level, index: nodes.get((level, index), A))
    assert peaks_before(3, root([A, B, C]), 4, path).root() == root([A, B, C])
    with pytest.raises(LogForked):
        peaks_before(3, root([A, B, A]), 4, path)
    with pytest.raises(LogForked):
        peaks_before(0, A, 4, [])
