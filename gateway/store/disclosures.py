"""What was disclosed of a firm: derived from its lines and from what readers were given; nothing is written twice.

For who has to show a firm to whom its data went (個人情報保護法 arts. 29, 30, 33): who handed over what kind of
record, which reader of which corporation was given it, and when first. What was withdrawn is told with its withdrawal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import select as columns
from sqlmodel import Session

from gateway.schemas.withdrawal import Runs, runs
from gateway.store.driver import table_of
from gateway.store.feed import Blocks, line_spot, unpacked
from gateway.store.tables import LineBlock, StatementRow
from gateway.store.withdrawals import who_had

BLOCKS_AT_ONCE = 64

_BLOCK, _STATEMENT = table_of(LineBlock).c, table_of(StatementRow).c
_BLOCKS = columns(
    _BLOCK.recipient,
    _BLOCK.kind,
    _STATEMENT.sender,
    _BLOCK.submission,
    _BLOCK.first_index,
    _BLOCK.count,
    _BLOCK.payload,
    _STATEMENT.first_position,
).where(_BLOCK.submission == _STATEMENT.submission, _BLOCK.recipient == _STATEMENT.recipient)


@dataclass(frozen=True, slots=True)
class Disclosed:
    """That a reader of a corporation was given records of a kind that a sender had handed over.

    Attributes:
        recipient: the corporation in whose feed they are.
        kind: what was disclosed.
        sender: who handed it over.
        reader: who was given it; None where nobody was yet.
        positions: where in the feed.
        at: when the reader first was given one of them.
    """

    recipient: str
    kind: str
    sender: str
    reader: str | None
    positions: Runs
    at: datetime | None


def of_party(session: Session, blocks: Blocks, party: str) -> Iterator[Disclosed]:
    """Everything disclosed of a firm, by corporation, kind and sender. Opens every line there is: for operators."""
    for (recipient, kind, sender), positions in sorted(_lines(session, blocks, party).items()):
        places = runs(positions)
        readers = who_had(session, recipient, places)
        if not readers:
            yield Disclosed(recipient, kind, sender, None, places, None)
        for one in readers:
            yield Disclosed(recipient, kind, sender, one.reader, one.positions, one.at)


def _lines(session: Session, blocks: Blocks, party: str) -> dict[tuple[str, str, str], set[int]]:
    """Positions of a firm's lines by (recipient, kind, sender); what is withheld is no line."""
    name = party.encode()
    found: dict[tuple[str, str, str], set[int]] = {}
    rows = session.execute(_BLOCKS.execution_options(yield_per=BLOCKS_AT_ONCE))
    for recipient, kind, sender, submission, first, count, payload, position in rows:
        bodies = unpacked(blocks, line_spot(submission, recipient, first), payload, count)
        for number, body in enumerate(bodies, first):
            if name in body and orjson.loads(body)["subject"] == party:
                found.setdefault((recipient, kind, sender), set()).add(position + number)
    return found
