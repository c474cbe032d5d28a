"""Proofs and checkpoints of a public log (github.com/sigstore/sigstore-conformance, Apache-2.0).

Its bundles say of themselves whether they hold. Of what we have in common with them, the proof that an entry is in the
log and the checkpoint it leads to, it is shown that ours is the same judgement: what was broken there breaks here.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from sample_files import samples

from gateway.errors import EntryMissing, EvidenceError
from gateway.security.checkpoints import open_checkpoint
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.merkle import check_inclusion, leaf_hash

BROKEN = {
    "bundle-invalid-base64-signature_fail",
    "checkpoint-wrong-roothash_fail",
    "incorrect-public-key_fail",
    "inclusion-proof-corrupted-hash_fail",
    "invalid-inclusion-proof_fail",
    "rekor2-checkpoint-missing-size_fail",
}


def entries() -> dict[str, dict[str, Any]]:
    """By the bundle's name, each first entry that comes with a proof."""
    found = {}
    for path in sorted(samples("04_crypto_protocol", "sigstore-bundles").glob("*/bundle.sigstore*")):
        listed = json.loads(path.read_bytes()).get("verificationMaterial", {}).get("tlogEntries") or [{}]
        if "inclusionProof" in listed[0]:
            found[path.parent.name] = listed[0]
    return found


def holds(entry: dict[str, Any]) -> bool:
    """Whether the proof leads to its root, and the checkpoint states that root and size."""
    proof = entry["inclusionProof"]
    path = [base64.b64decode(one) for one in proof.get("hashes", ())]
    index, size = int(proof.get("logIndex", 0)), int(proof.get("treeSize", 0))
    root = base64.b64decode(proof["rootHash"])
    try:
        check_inclusion(leaf_hash(base64.b64decode(entry["canonicalizedBody"])), index, size, path, root)
    except EntryMissing:
        return False
    if "checkpoint" not in proof:
        return True
    stated = proof["checkpoint"]["envelope"].split("\n")[1:3]
    return stated == [str(size), base64.b64encode(root).decode()]


def test_the_proofs_that_were_broken_do_not_hold_and_all_others_do() -> None:
    found = {name for name, entry in entries().items() if not holds(entry)}
    assert found == BROKEN
    assert len(entries()) >= 20


def test_a_checkpoint_by_a_key_that_is_not_ours_is_never_opened() -> None:
    ours = KeyRing([SigningKey.generate().public])
    for entry in entries().values():
        if "checkpoint" not in entry["inclusionProof"]:
            continue
        with pytest.raises(EvidenceError):
            open_checkpoint(entry["inclusionProof"]["checkpoint"]["envelope"], ours)
