"""What the gateway says itself in a recipient's log: a document of its own, and the lines that tell it to readers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.runtime.sealer import Ready, Sealer
from gateway.schemas.findings import Counts
from gateway.schemas.identifiers import Channel, instant_text, japanese_date, new_id
from gateway.schemas.line import CANONICAL
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Line, RawCopy, Request, Settled, Submission
from gateway.security.canonical import sha256_hex
from gateway.steps.publish import packed
from gateway.steps.seal import digest
from gateway.store import submissions
from gateway.store.engine import Session
from gateway.store.feed import Blocks
from gateway.store.log import HeadState

OURSELVES = "gateway"


@dataclass(frozen=True, slots=True)
class OwnWord:
    """Something the gateway says to a recipient: its canonical bytes, by which of its adapters, and when."""

    recipient: str
    adapter: str
    said: bytes
    now: datetime

    def line(self, kind: str, series: str, subject: str = "") -> Line:
        """The line that tells it to readers."""
        today = japanese_date(self.now)
        body: dict[str, Any] = {
            "key": {"institution": OURSELVES, "series": series, "valid_on": today},
            "kind": kind,
            "subject": subject,
            "record": orjson.Fragment(self.said),
            "source": {"ordinal": 0, "place": {}, "digest": sha256_hex(self.said)},
            "valid": {"from": today, "to": today},
            "instants": {"received_at": instant_text(self.now)},
            "findings": [],
            "supersedes": None,
            "nonce": os.urandom(16).hex(),
        }
        named = bytes.fromhex(sha256_hex(self.said))
        return Line(kind, series, today, named, None, orjson.dumps(body, option=CANONICAL))

    def seal(self, session: Session, tools: tuple[Blocks, Sealer], lines: Sequence[Line], head: HeadState) -> Settled:
        """Seal it with its lines at the locked head, in an open transaction."""
        blocks, sealer = tools
        settled = self._settled(lines, head)
        key = blocks.cipher.data_key((self.recipient,))
        kept = submissions.keep(key, settled.submission, RawCopy(self.said, None, None))
        submissions.add_kept(session, [kept])
        ready = Ready(settled, digest(settled), packed(blocks, settled))
        sealer.seal_all(session, [ready], {self.recipient: head})
        return settled

    def _settled(self, lines: Sequence[Line], head: HeadState) -> Settled:
        named = sha256_hex(self.said)
        origin = Origin(sender=OURSELVES, institution=OURSELVES, channel=Channel.GATEWAY)
        request = Request(recipients=(self.recipient,), channel=Channel.GATEWAY)
        digested = bytes.fromhex(named)
        return Settled(
            submission=Submission(new_id(), origin, request, None, digested, None, self.now, named, len(self.said)),
            recipient=self.recipient,
            adapter=self.adapter,
            lines=list(lines),
            held=[],
            findings=[],
            counts=Counts(accepted=len(lines)),
            rules=("none", 0, 0, 0),
            kinds=tuple(sorted({line.kind for line in lines})),
            known_position=head.next_position,
            accepted_at=self.now,
        )
