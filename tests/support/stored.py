"""What the line would have written, put straight into the store: rows without signatures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.ports import StoredKey
from gateway.runtime.clock import SystemClock
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Held, Line, RawCopy, Request, Submission
from gateway.security.at_rest import AtRest
from gateway.security.kms import GivenKms
from gateway.security.owner_keys import OwnerKeys
from gateway.store import feed, log
from gateway.store.engine import Database, Session
from gateway.store.feed import Blocks
from gateway.store.log import HeadState
from gateway.store.submissions import Kept, keep

NOON = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 30)


class Shelf:
    """Keys of recipients in memory; what is not in ``keys`` any more there never was."""

    def __init__(self) -> None:
        self.keys: dict[bytes, StoredKey] = {}

    def find(self, id: bytes) -> StoredKey | None:
        return self.keys.get(id)

    def find_for(self, recipient: str, year: int) -> StoredKey | None:
        wanted = (recipient, year, False)
        return next((one for one in self.keys.values() if (one.recipient, one.year, one.retired) == wanted), None)

    def take(self, recipient: str, year: int, make: Callable[[], StoredKey]) -> StoredKey:
        found = self.find_for(recipient, year)
        if found is not None:
            return found
        made = make()
        return self.keys.setdefault(made.id, made)

    def retired(self) -> Mapping[bytes, bool]:
        return {one.id: one.wrapped is None for one in self.keys.values() if one.retired}


KMS = GivenKms(base64.b64encode(bytes(range(32))).decode())
SHELF = Shelf()
CIPHER = AtRest(OwnerKeys(KMS, SHELF, SystemClock()))
BLOCKS = Blocks(CIPHER)


def submission(name: str, key: str | None = None, sender: str = "bank-9991", **more: Any) -> Submission:
    """A submission of a bank; ``more`` are fields of its request."""
    origin = Origin(sender=sender, institution="9991")
    return Submission(name, origin, Request(**more), key, b"f" * 32, NOON, NOON, "ab" * 32, 3)


def kept(one: Submission, body: bytes | None = None, **more: Any) -> Kept:
    """A submission to corporation 13 as rows."""
    return keep(CIPHER.data_key(("13",)), one, None if body is None else RawCopy(body, None, None), **more)


def line(series: str, valid_on: date = APRIL, kind: str = "trial_balance", text: str = "") -> Line:
    """A line of a series; another ``text`` makes it another line."""
    body = f'{{"kind":"{kind}","series":"{series}","text":"{text}","valid_on":"{valid_on}"}}'.encode()
    return Line(kind, series, valid_on, hashlib.sha256(body).digest(), 2**40, body)


def publish(database: Database, session: Session, name: str, lines: list[Line], recipient: str = "13") -> HeadState:
    """What a commit group writes for one statement; where the log stood before."""
    head = log.lock_heads(database, session, [recipient])[recipient]
    feed.add_lines(session, list(BLOCKS.rows(name, recipient, lines)), BLOCKS.index.rows(name, recipient, lines))
    row = statement(name, recipient, head, len(lines))
    log.append(session, [row], [], [])
    moved = HeadState(head.next_leaf + 1, head.next_position + len(lines), b"peaks", NOON)
    log.move_heads(session, {recipient: moved})
    return head


def statement(name: str, recipient: str, head: HeadState, count: int) -> dict[str, Any]:
    """The row of a statement at a head."""
    return {
        "recipient": recipient,
        "leaf_index": head.next_leaf,
        "submission": name,
        "sender": "bank-9991",
        "institution": "9991",
        "raw_sha256": hashlib.sha256(name.encode()).digest(),
        "first_position": head.next_position,
        "count": count,
        "held": 0,
        "refused": 0,
        "receipt": f"receipt of {name}",
        "tape": None,
        "tape_sequence": None,
        "received_at": NOON,
        "accepted_at": NOON,
        "sealed_at": NOON,
    }


def published(database: Database, **statements: list[Line]) -> None:
    """Statements with these lines, one transaction each."""
    for name, lines in statements.items():
        with database.write() as session:
            publish(database, session, name, lines)


def tenant(value: str) -> Reference:
    """A number by which a vendor names a firm."""
    return Reference(scheme=Scheme.TENANT, scope="vendor", value=value)


def held(ordinal: int, waits_for: str = "T-1") -> Held:
    """A record that waits for a vendor's number."""
    return Held(ordinal, "trial_balance", "S01", "ab" * 32, tenant(waits_for))
