"""Reopen a log that was found rewound or forked: it goes on under a new name, and its first entry there says why."""

from __future__ import annotations

from dataclasses import replace

from gateway.errors import InvalidRequest
from gateway.ports import Cipher
from gateway.runtime.kept_heads import KeptHead, KeptHeads
from gateway.runtime.sealer import Ready, Sealer
from gateway.schemas.findings import Counts
from gateway.schemas.identifiers import Channel, new_id
from gateway.schemas.statement import Origin, Reopening
from gateway.schemas.submission import RawCopy, Request, Settled, Submission
from gateway.security.canonical import canonical, sha256_hex
from gateway.security.checkpoints import log_origin
from gateway.steps.publish import Packed
from gateway.steps.seal import digest
from gateway.store import log, submissions

OURSELVES = "gateway"
ADAPTER = "reopening/1"


def reopen(sealer: Sealer, kept: KeptHeads, cipher: Cipher, recipient: str) -> Reopening:
    """Open the next epoch of a log, sealing what was last known of it.

    Raises:
        InvalidRequest: this log was not found rewound or forked.
    """
    kept.look()
    wrong = kept.found_wrong().get(recipient)
    if wrong is None:
        raise InvalidRequest("this log is as it should be", ja="このログに異常はありません。")
    cipher.make_ready([recipient])
    with sealer.database.write() as session:
        head = log.lock_heads(sealer.database, session, [recipient])[recipient]
        epoch = max(head.epoch, wrong[0].epoch) + 1
        said = _reopening(wrong[0], log_origin(sealer.log_name, recipient, epoch))
        body = canonical(said.model_dump())
        settled = _settled(recipient, said, body, head.next_position, sealer)
        submissions.add_submissions(session, [settled.submission], final=True)
        copy = RawCopy(body, None, None)
        submissions.add_raw(session, [submissions.raw_row(cipher, settled.submission.id, (recipient,), copy)])
        ready = Ready(settled, digest(settled), Packed([], []))
        sealer.seal_all(session, [ready], {recipient: replace(head, epoch=epoch)})
    kept.keep()
    return said


def _reopening(kept: KeptHead, opens: str) -> Reopening:
    return Reopening(origin=kept.origin, size=kept.size, root=kept.root.hex(), opens=opens)


def _settled(recipient: str, said: Reopening, body: bytes, known_position: int, sealer: Sealer) -> Settled:
    """The gateway's own statement, with no line; its document is what it says."""
    now, digest = sealer.clock.now(), sha256_hex(body)
    origin = Origin(sender=OURSELVES, institution=OURSELVES, channel=Channel.GATEWAY)
    request = Request(recipients=(recipient,), channel=Channel.GATEWAY)
    return Settled(
        submission=Submission(new_id(), origin, request, None, bytes.fromhex(digest), None, now, digest, len(body)),
        recipient=recipient,
        adapter=ADAPTER,
        lines=[],
        held=[],
        findings=[],
        counts=Counts(),
        rules=("none", 0, 0, 0),
        kinds=(),
        known_position=known_position,
        accepted_at=now,
        reopens=said,
    )
