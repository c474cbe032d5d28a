"""What was disclosed of a firm: derived from its lines and from what readers were given; nothing is written twice.

For who has to show a firm to whom its data went (個人情報保護法 arts. 29, 30, 33): who handed over what kind of
record, which reader of which corporation was given it, and when first. What was withdrawn is told with its withdrawal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from gateway.schemas.withdrawal import Runs, runs
from gateway.store.tables import Guarantee, LineIndex, StatementRow
from gateway.store.withdrawals import who_had


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


def of_party(session: Session, party: str) -> Iterator[Disclosed]:
    """Everything disclosed of a firm, by corporation, kind and sender. Reads the whole index: for operators."""
    for (recipient, kind, sender), positions in sorted(_lines(session, party).items()):
        places = runs(positions)
        readers = who_had(session, recipient, places)
        if not readers:
            yield Disclosed(recipient, kind, sender, None, places, None)
        for one in readers:
            yield Disclosed(recipient, kind, sender, one.reader, one.positions, one.at)


def _lines(session: Session, party: str) -> dict[tuple[str, str, str], set[int]]:
    """Positions of a firm's lines by (recipient, kind, sender): of its own series, and of those of its guarantees."""
    guarantees = select(Guarantee.recipient, Guarantee.institution, Guarantee.guarantee_no)
    of_guarantees = [
        (col(LineIndex.recipient) == recipient) & col(LineIndex.series).startswith(f"{bank}/{number}/", autoescape=True)
        for recipient, bank, number in session.exec(guarantees.where(Guarantee.party == party))
    ]
    query = (
        select(
            LineIndex.recipient,
            LineIndex.kind,
            StatementRow.sender,
            StatementRow.first_position + LineIndex.number,
        )
        .join(
            StatementRow,
            (col(StatementRow.submission) == LineIndex.submission)
            & (col(StatementRow.recipient) == LineIndex.recipient),
        )
        .where(or_(col(LineIndex.series).contains(f"/{party}/", autoescape=True), *of_guarantees))
    )
    found: dict[tuple[str, str, str], set[int]] = {}
    for recipient, kind, sender, position in session.exec(query):
        found.setdefault((recipient, kind, sender), set()).add(position)
    return found
