"""The tree against a naive one, written down as RFC 6962, section 2.1 defines it."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import EntryMissing, LogForked
from gateway.security.merkle import (
    Peaks,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_from_leaves,
    inclusion_path,
    leaf_hash,
    peaks_before,
    root,
)

SIZES = st.integers(0, 70)
ENTRIES = [b"entry %d" % number for number in range(70)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def grown() -> dict[tuple[int, int], bytes]:
    nodes = {(0, index): leaf for index, leaf in enumerate(LEAVES)}
    tree = Peaks()
    for leaf in LEAVES:
        nodes.update({(level, index): node for level, index, node in tree.append(leaf)})
    return nodes


NODES = grown()


def node_at(level: int, index: int) -> bytes:
    return NODES[level, index]


def split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def naive_root(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\1" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_path(index: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*naive_path(index, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(index - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(old: int, entries: list[bytes], whole: bool) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [naive_root(entries)]
    k = split(len(entries))
    if old <= k:
        return [*naive_subproof(old, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_subproof(old - k, entries[k:], False), naive_root(entries[:k])]


@given(SIZES)
def test_the_root_is_the_naive_root(size: int) -> None:
    tree = Peaks()
    for leaf in LEAVES[:size]:
        tree.append(leaf)
    assert tree.root() == root(LEAVES[:size]) == naive_root(ENTRIES[:size])


@given(SIZES)
def test_a_stored_tree_goes_on_where_it_stopped(size: int) -> None:
    tree = Peaks()
    for at, leaf in enumerate(LEAVES):
        if at == size:
            tree = Peaks.from_bytes(tree.to_bytes())
        tree.append(leaf)
    assert (tree.size, tree.root()) == (len(LEAVES), root(LEAVES))


@given(st.data())
def test_inclusion_paths_are_the_naive_ones_and_prove_their_leaf(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, node_at)
    assert path == naive_path(index, ENTRIES[:size]) == inclusion_from_leaves(index, LEAVES[:size])
    check_inclusion(LEAVES[index], index, size, path, root(LEAVES[:size]))


@given(st.data())
def test_consistency_paths_are_the_naive_ones_and_give_back_the_older_tree(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 70))
    old = data.draw(st.integers(1, new))
    path = consistency_path(old, new, node_at)
    assert path == naive_subproof(old, ENTRIES[:new], True)
    check_consistency(old, root(LEAVES[:old]), new, root(LEAVES[:new]), path)
    if old < new:
        older = peaks_before(old, root(LEAVES[:old]), new, path)
        for leaf in LEAVES[old:new]:
            older.append(leaf)
        assert older.root() == root(LEAVES[:new])


def damaged(path: list[bytes], data: st.DataObject) -> list[bytes]:
    """The path with one hash changed, lost, doubled or moved."""
    at = data.draw(st.integers(0, max(len(path) - 1, 0)))
    kinds = [path[:at] + path[at + 1 :], [*path[:at], bytes(32), *path[at:]], [*path, bytes(32)]]
    if path:
        bit = bytes([path[at][0] ^ 1]) + path[at][1:]
        kinds += [[*path[:at], bit, *path[at + 1 :]], [*path[:at], path[at], *path[at:]]]
        kinds += [] if path[::-1] == path else [path[::-1]]
    return data.draw(st.sampled_from([each for each in kinds if each != path]))


@given(st.data())
def test_a_damaged_inclusion_proof_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    path = damaged(inclusion_path(index, size, node_at), data)
    with pytest.raises(EntryMissing):
        check_inclusion(LEAVES[index], index, size, path, root(LEAVES[:size]))


@given(st.data())
def test_a_proof_holds_for_no_other_leaf_and_no_other_place(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 70))
    index, other = data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True))
    path = inclusion_path(index, size, node_at)
    with pytest.raises(EntryMissing):
        check_inclusion(LEAVES[other], index, size, path, root(LEAVES[:size]))
    with pytest.raises(EntryMissing):
        check_inclusion(LEAVES[index], other, size, path, root(LEAVES[:size]))


@given(st.data())
def test_a_damaged_consistency_proof_proves_nothing(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    path = damaged(consistency_path(old, new, node_at), data)
    with pytest.raises(LogForked):
        check_consistency(old, root(LEAVES[:old]), new, root(LEAVES[:new]), path)


@given(st.data())
def test_a_log_in_which_one_old_entry_was_changed_is_found_out(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*LEAVES[:changed], leaf_hash(b"forged"), *LEAVES[changed + 1 :]]
    nodes = {(0, index): leaf for index, leaf in enumerate(forged)}
    tree = Peaks()
    for leaf in forged:
        nodes.update({(level, index): node for level, index, node in tree.append(leaf)})
    path = consistency_path(old, new, lambda level, index: nodes[level, index])
    with pytest.raises(LogForked):
        check_consistency(old, root(LEAVES[:old]), new, root(forged[:new]), path)
