"""The proof sets of transparency-dev (github.com/transparency-dev/merkle, Apache-2.0): good ones hold, bad ones do not.

A proof within a subtree is one within a tree of the subtree's size, provided the subtree stands where one can stand;
that condition is stated here, since our logs have no proofs about subtrees.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from sample_files import samples

from gateway.errors import EntryMissing, LogForked
from gateway.security.merkle import check_consistency, check_inclusion


def cases(kind: str) -> list[tuple[str, dict[str, Any]]]:
    folder = samples("04_crypto_protocol", "rfc6962-merkle", kind)
    return [(path.relative_to(folder).as_posix(), json.loads(path.read_bytes())) for path in folder.rglob("*.json")]


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def path_of(case: dict[str, Any]) -> list[bytes]:
    return [decoded(node) for node in case["proof"] or []]


def included(case: dict[str, Any]) -> bool:
    start, end = case.get("start", 0), case.get("end", case.get("treeSize"))
    if start >= end or start % (1 << (end - start - 1).bit_length()):
        return False
    try:
        check_inclusion(
            decoded(case["leafHash"]), case["leafIdx"] - start, end - start, path_of(case), decoded(case["root"])
        )
    except EntryMissing:
        return False
    return True


def consistent(case: dict[str, Any]) -> bool:
    old, new = (case["size1"], case["size2"]) if "size1" in case else (case["end"], case["size"])
    if case.get("start", 0) != 0:
        return False
    try:
        check_consistency(old, decoded(case["root1"]), new, decoded(case["root2"]), path_of(case))
    except LogForked:
        return False
    return True


def test_inclusion_proofs() -> None:
    found = cases("inclusion") + cases("subtreeinclusion")
    assert len(found) == 185
    assert [name for name, case in found if included(case) == case["wantErr"]] == []


def test_consistency_proofs() -> None:
    found = cases("consistency") + cases("subtreeconsistency")
    assert len(found) == 109
    assert [name for name, case in found if consistent(case) == case["wantErr"]] == []
