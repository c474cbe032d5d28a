"""The registrar: every change of a register becomes a statement of the gateway's own, in one transaction with it.

The statements are in a log of their own (``00``). Its leaves tell nothing: each seals the digest of a document that
only the participants concerned can fetch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.ports import Cipher, Clock
from gateway.registers.changes import Changing
from gateway.runtime.reopen import end_log_key
from gateway.runtime.sealer import Ready, Sealer
from gateway.schemas.findings import Counts
from gateway.schemas.identifiers import Channel, new_id
from gateway.schemas.register_change import ADAPTER, REGISTER, RegisterChange
from gateway.schemas.statement import Origin
from gateway.schemas.submission import RawCopy, Request, Settled, Submission
from gateway.security import log_key_changes
from gateway.security.canonical import canonical, sha256_hex
from gateway.steps.publish import Packed
from gateway.steps.seal import digest
from gateway.store import log, register_log, submissions
from gateway.store.engine import Database, Session
from gateway.store.feed import Blocks
from gateway.store.log import HeadState

OURSELVES = "gateway"


@dataclass(frozen=True, slots=True)
class Registrar:
    """Opens changes of the registers, and seals them."""

    database: Database
    blocks: Blocks
    sealer: Sealer
    clock: Clock

    @property
    def cipher(self) -> Cipher:
        """What closes and opens what is stored."""
        return self.blocks.cipher

    @contextmanager
    def changing(self) -> Iterator[Changing]:
        """A change; see ``registers.changes.Registrar``.

        Raises:
            LogSuspended: the log of the registers was found rewound or forked.
        """
        self.cipher.make_ready([REGISTER])
        written: list[Path] = []
        try:
            with self.database.write() as session:
                head = log.lock_heads(self.database, session, [REGISTER])[REGISTER]
                changing = Changing(self, session, self.clock.now(), self.sealer.logs)
                yield changing
                if changing.made:
                    written.append(log_key_changes.put(self.sealer.logs, changing.made))
                if changing.log_key_ended:
                    by = changing.log_key_ended
                    written.append(end_log_key(self.sealer, self.cipher, session, changing, by))
                    head = log.find_heads(session, [REGISTER])[REGISTER]
                if changing.said:
                    self._seal(session, changing.said, head)
        except BaseException:
            for file in written:
                file.unlink()
            raise
        if written:
            log_key_changes.forget(self.sealer.logs)

    def _seal(self, session: Session, said: Sequence[RegisterChange], head: HeadState) -> None:
        ready = []
        for change in said:
            body = canonical(change.model_dump(mode="json"))
            settled = _settled(body, head, self.clock)
            name = settled.submission.id
            kept = submissions.keep(self.cipher.data_key((REGISTER,)), settled.submission, RawCopy(body, None, None))
            submissions.add_kept(session, [kept])
            register_log.add(session, name, change.concerns)
            ready.append(Ready(settled, digest(settled), Packed()))
        self.sealer.seal_all(session, ready, {REGISTER: head})


def _settled(body: bytes, head: HeadState, clock: Clock) -> Settled:
    """The gateway's own statement, with no line; its document is what it says."""
    now, named = clock.now(), sha256_hex(body)
    origin = Origin(sender=OURSELVES, institution=OURSELVES, channel=Channel.GATEWAY)
    request = Request(recipients=(REGISTER,), channel=Channel.GATEWAY)
    return Settled(
        submission=Submission(new_id(), origin, request, None, bytes.fromhex(named), None, now, named, len(body)),
        recipient=REGISTER,
        adapter=ADAPTER,
        lines=[],
        held=[],
        findings=[],
        counts=Counts(accepted=1),
        rules=("none", 0, 0, 0),
        kinds=(),
        known_position=head.next_position,
        accepted_at=now,
    )
