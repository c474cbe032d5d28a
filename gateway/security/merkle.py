"""Merkle trees (RFC 6962, section 2.1): that an entry is in a log, and that a log only ever grew.

Stored are the hashes of complete subtrees, by ``(level, index)``: level 0 is the leaves, and node ``(l, i)`` covers
leaves ``i * 2**l`` to ``(i + 1) * 2**l - 1``. They never change, so an append adds nodes and touches none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from gateway.errors import EntryMissing, EvidenceError, LogForked

EMPTY_ROOT = sha256().digest()

NodeAt = Callable[[int, int], bytes]
"""Reads a stored node: (level, index) -> hash."""

_SIZE_BYTES = 8
_HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring subtrees."""
    return sha256(b"\1" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaves that are all at hand."""
    level = list(leaf_hashes)
    while len(level) > 1:
        odd = [level.pop()] if len(level) % 2 else []
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)] + odd
    return level[0] if level else EMPTY_ROOT


class Peaks:
    """A growing tree reduced to what an append needs: the roots of its complete subtrees, largest first.

    Attributes:
        size: how many leaves the tree has.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count() or any(len(each) != _HASH_BYTES for each in hashes):
            raise EvidenceError("the stored state of a tree is broken", ja="ログの木の状態が壊れています。")
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash.

        Returns:
            The interior nodes ``(level, index, hash)`` that became complete and are to be stored, lowest first.
        """
        completed = []
        node, level, index = leaf, 0, self.size
        while index & 1:
            node, level, index = node_hash(self._hashes.pop(), node), level + 1, index >> 1
            completed.append((level, index, node))
        self._hashes.append(node)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self._hashes:
            return EMPTY_ROOT
        *larger, node = self._hashes
        for peak in reversed(larger):
            node = node_hash(peak, node)
        return node

    def to_bytes(self) -> bytes:
        """The state to store, at most 2 kB; of an empty tree: nothing."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._hashes) if self.size else b""

    @classmethod
    def from_bytes(cls, stored: bytes) -> Peaks:
        """The tree of a stored state.

        Raises:
            EvidenceError: the state is not one that ``to_bytes`` wrote.
        """
        hashes = [stored[at : at + _HASH_BYTES] for at in range(_SIZE_BYTES, len(stored), _HASH_BYTES)]
        return cls(int.from_bytes(stored[:_SIZE_BYTES], "big"), hashes)


def inclusion_path(index: int, size: int, node_at: NodeAt) -> list[bytes]:
    """The proof that leaf ``index`` is in the tree of the first ``size`` leaves, lowest sibling first.

    Raises:
        EntryMissing: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise EntryMissing(f"a log of {size} entries has no entry {index}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            path.append(_subtree(middle, end, node_at))
            end = middle
        else:
            path.append(_subtree(start, middle, node_at))
            start = middle
    return path[::-1]


def root_of(size: int, node_at: NodeAt) -> bytes:
    """The root over the first ``size`` leaves, out of the stored nodes."""
    return _subtree(0, size, node_at) if size else EMPTY_ROOT


def consistency_path(old_size: int, new_size: int, node_at: NodeAt) -> list[bytes]:
    """The proof that the tree of ``old_size`` leaves is the beginning of the tree of ``new_size`` leaves.

    Raises:
        LogForked: the older tree is the larger one.
    """
    if not 0 <= old_size <= new_size:
        raise LogForked(f"a log of {new_size} entries does not continue one of {old_size}")
    path = []
    start, end = 0, new_size
    while old_size and old_size != end:
        middle = _middle(start, end)
        if old_size <= middle:
            path.append(_subtree(middle, end, node_at))
            end = middle
        else:
            path.append(_subtree(start, middle, node_at))
            start = middle
    if start:
        path.append(_subtree(start, end, node_at))
    return path[::-1]


def inclusion_from_leaves(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The inclusion proof of one of the given leaf hashes, where all are at hand and no node is stored."""
    nodes = {(0, at): leaf for at, leaf in enumerate(leaves)}
    tree = Peaks()
    for leaf in leaves:
        nodes.update({(level, at): node for level, at, node in tree.append(leaf)})
    return inclusion_path(index, len(leaves), lambda level, at: nodes[level, at])


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Prove that a leaf hash stands at ``index`` in the tree of that size and root.

    Raises:
        EntryMissing: the proof does not hold.

    Source:
        RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise EntryMissing(f"a log of {size} entries has no entry {index}", ja="その番号の記録はログにありません。")
    node, at, last = leaf, index, size - 1
    siblings = iter(path)
    while last and (sibling := next(siblings, None)) is not None:
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last or next(siblings, None) is not None or node != root or not _are_hashes(leaf, *path):
        raise EntryMissing("the inclusion proof does not lead to the root", ja="包含証明がルートに到達しません。")


def check_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Prove that one tree is the beginning of another: nothing was changed, removed or inserted.

    Raises:
        LogForked: the proof does not hold.

    Source:
        RFC 9162, section 2.1.4.2.
    """
    if old_size in (0, new_size):
        known = EMPTY_ROOT if old_size == 0 else new_root
        if path or old_root != known or new_size < 0:
            raise LogForked("two heads of one log contradict each other", ja="ログの二つの先頭が矛盾しています。")
        return
    older, *rest = _seeded(old_size, old_root, path)
    newer = older
    for within, sibling in _siblings(old_size, new_size, rest):
        older = node_hash(sibling, older) if within else older
        newer = node_hash(sibling, newer) if within else node_hash(newer, sibling)
    if older != old_root or newer != new_root or not _are_hashes(*path):
        raise LogForked(
            "the consistency proof does not lead to both roots", ja="整合性証明が両方のルートに到達しません。"
        )


def peaks_before(old_size: int, old_root: bytes, new_size: int, path: Sequence[bytes]) -> Peaks:
    """The older tree's peaks out of a consistency proof, so that whoever kept only its root can go on appending.

    Raises:
        LogForked: the proof does not lead to the older root.
    """
    if old_size == 0:
        tree = Peaks()
    else:
        smallest, *rest = _seeded(old_size, old_root, path)
        larger = [sibling for within, sibling in _siblings(old_size, new_size, rest) if within]
        tree = Peaks(old_size, [*reversed(larger), smallest])
    if tree.root() != old_root:
        raise LogForked(
            "the consistency proof does not lead to the older root", ja="整合性証明が以前のルートに到達しません。"
        )
    return tree


def _are_hashes(*nodes: bytes) -> bool:
    """Whether each is a hash by its length, so that no two neighbours can be cut apart elsewhere."""
    return all(len(node) == _HASH_BYTES for node in nodes)


def _middle(start: int, end: int) -> int:
    """Where a tree splits: its left half is the largest complete subtree that leaves something on the right."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _subtree(start: int, end: int, node_at: NodeAt) -> bytes:
    """The root over leaves ``start`` to ``end``: a stored node, or a ragged right edge put together from some."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node_at(level, start >> level))
        start += 1 << level
    node = parts.pop()
    while parts:
        node = node_hash(parts.pop(), node)
    return node


def _seeded(old_size: int, old_root: bytes, path: Sequence[bytes]) -> list[bytes]:
    """The path with, in front, the older tree's smallest complete subtree; a complete tree is that itself."""
    seeded = [old_root, *path] if old_size.bit_count() == 1 else list(path)
    if not seeded:
        raise LogForked("the consistency proof is empty", ja="整合性証明が空です。")
    return seeded


def _siblings(old_size: int, new_size: int, path: Sequence[bytes]) -> Iterator[tuple[bool, bytes]]:
    """The nodes of a consistency proof after the first, each with whether it lies within the older tree."""
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    siblings = iter(path)
    while last > 0 and (sibling := next(siblings, None)) is not None:
        within = bool(at & 1) or at == last
        yield within, sibling
        while within and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    if last or next(siblings, None) is not None:
        raise LogForked("the consistency proof has the wrong length", ja="整合性証明の長さが合いません。")
