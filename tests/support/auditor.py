"""What an auditor with access to everything looks at: the log, its checkpoints, the store behind it."""

from __future__ import annotations

import base64
from typing import Any

from inside import Inside
from sqlalchemy import text
from world import CORPORATION, World

from gateway.security.checkpoints import open_checkpoint
from gateway.security.keys import KeyRing
from gateway.security.merkle import Peaks, check_consistency, leaf_hash
from gateway.store import log

STAGED = ("line_block", "line_index", "finding_block", "held_record")
SAMPLES = 20


def payload(receipt: str) -> bytes:
    """The bytes a receipt signs."""
    part = receipt.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def checked_receipts(world: World, recipient: str = "13") -> list[str]:
    """All receipts of a log in order, once every checkpoint ever signed has proven to be of this one history."""
    keys, tree, roots = KeyRing([world.gateway.key.public]), Peaks(), {}
    with world.gateway.database.read() as session:
        size = log.find_heads(session, [recipient])[recipient].next_leaf
        receipts = [row.receipt for row in log.statements_between(session, recipient, 0, size)]
        for number, receipt in enumerate(receipts, 1):
            tree.append(leaf_hash(payload(receipt)))
            found = log.find_checkpoint(session, recipient, number)
            if found is not None:
                signed = open_checkpoint(found[1], keys)
                assert (signed.size, signed.root) == (number, tree.root())
                roots[number] = signed.root
    assert len(receipts) == size == max(roots, default=0)
    _check_proofs(world, recipient, roots)
    return receipts


def _check_proofs(world: World, recipient: str, roots: dict[int, bytes]) -> None:
    """The gateway can prove of its checkpoints, old and new, that each begins the newest."""
    reader, newest = world.client(CORPORATION), max(roots)
    for size in sorted(roots)[:: -(-len(roots) // SAMPLES)]:
        asked = {"first": size, "second": newest}
        answer = reader.get(f"/v1/recipients/{recipient}/log/proofs/consistency", asked).json()
        path = [bytes.fromhex(one) for one in answer["path"]]
        check_consistency(size, roots[size], newest, roots[newest], path)


def leftovers(world: World) -> dict[str, int]:
    """What was begun and not ended: staged rows without a statement, open jobs, submissions still being processed."""
    counted = {
        table: f"SELECT count(*) FROM {table} WHERE submission NOT IN (SELECT submission FROM statement)"
        for table in STAGED
    } | {
        "job": "SELECT count(*) FROM job WHERE done_at IS NULL OR failure IS NOT NULL",
        "submission": "SELECT count(*) FROM submission WHERE state <> 'final'",
    }
    found = {name: _one(world, query) for name, query in counted.items()}
    return {name: count for name, count in found.items() if count}


def is_loading(world: World) -> bool:
    """Whether a worker has taken a job and is at it."""
    return bool(_one(world, "SELECT count(*) FROM job WHERE done_at IS NULL AND claimed_until_at > 0"))


def let_leases_run_out(world: World | Inside) -> None:
    """As if the time had gone by after which a worker that says nothing counts as dead."""
    with world.gateway.database.write() as session:
        session.execute(text("UPDATE job SET claimed_until_at = 0 WHERE done_at IS NULL"))


def _one(world: World, query: str) -> Any:
    with world.gateway.database.read() as session:
        return session.execute(text(query)).scalar_one()
