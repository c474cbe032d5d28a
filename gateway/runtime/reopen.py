"""Reopen a log that was found rewound or forked: it goes on under a new name, and its first entry there says why.

So do all logs when the key that signs them is ended, since what a thief signs by it goes by their old names.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.errors import InvalidRequest
from gateway.ports import Cipher
from gateway.registers.changes import Changing
from gateway.runtime.kept_heads import KeptHead, KeptHeads
from gateway.runtime.sealer import Ready, Sealer
from gateway.schemas.findings import Counts
from gateway.schemas.identifiers import Channel, new_id
from gateway.schemas.register_change import EVERYBODY, REGISTER, Authority
from gateway.schemas.statement import Origin, Reopening
from gateway.schemas.submission import RawCopy, Request, Settled, Submission
from gateway.security import log_key_changes
from gateway.security.canonical import canonical, sha256_hex
from gateway.security.checkpoints import log_origin
from gateway.security.merkle import Peaks
from gateway.steps.publish import Packed
from gateway.steps.seal import digest
from gateway.store import log, submissions
from gateway.store.engine import Session
from gateway.store.log import HeadState

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
        body = canonical(said.model_dump(exclude_none=True))
        settled = _settled(recipient, said, body, head.next_position, sealer)
        _seal(sealer, session, settled, (cipher, body, recipient), replace(head, epoch=epoch))
    kept.keep()
    return said


def end_log_key(sealer: Sealer, cipher: Cipher, session: Session, changing: Changing, by: Authority) -> Path:
    """End the key that signs the logs, within a change of the registers: the next one opens every log anew.

    Returns:
        The new key's file, to be removed again should the transaction fail.

    Raises:
        LogSuspended: a log was found rewound or forked; it has to be reopened first.
    """
    log.lock_all_heads(sealer.database, session)
    heads, ended = log.all_heads(session), changing.log_keys.begun()[-1].public.kid
    for recipient, head in heads.items():
        sealer.kept.require_at(recipient, head)
    made = log_key_changes.replacement(
        changing.log_keys, {name: (head.epoch, head.next_leaf) for name, head in heads.items()}
    )
    path = log_key_changes.put(changing.log_keys, made)
    for recipient, head in heads.items():
        before, opens = (log_origin(sealer.log_name, recipient, head.epoch + more) for more in (0, 1))
        root = Peaks.from_bytes(head.peaks).root().hex()
        said = Reopening(origin=before, size=head.next_leaf, root=root, opens=opens, ended_key=ended)
        body = canonical(said.model_dump(exclude_none=True))
        settled = _settled(recipient, said, body, head.next_position, sealer)
        _seal(sealer, session, settled, (cipher, body, REGISTER), replace(head, epoch=head.epoch + 1))
    changing.say("log_key_ended", EVERYBODY, {"ended": ended, "key": made.turn.public.jwk()}, by)
    return path


def _seal(sealer: Sealer, session: Session, settled: Settled, kept: tuple[Cipher, bytes, str], head: HeadState) -> None:
    """Keep what the gateway says, closed for an owner, and seal it at a head."""
    cipher, body, owner = kept
    ours = submissions.keep(cipher.data_key((owner,)), settled.submission, RawCopy(body, None, None))
    submissions.add_kept(session, [ours])
    ready = Ready(settled, digest(settled), Packed())
    sealer.seal_all(session, [ready], {settled.recipient: head})


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
