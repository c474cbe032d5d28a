"""Who had read up to where by when, and the instants that statements and commit groups keep."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from gateway.store.driver import add_rows
from gateway.store.tables import Checkpoint, Publication, ReadMark, StatementRow


def note(session: Session, marks: Sequence[dict[str, Any]]) -> None:
    """Readers had read everything before a position by an instant; a mark that is there already stays."""
    if marks:
        add_rows(session, ReadMark, marks, unless_there=True)


@dataclass(frozen=True, slots=True)
class Instants:
    """What is known of a range of positions besides the lines themselves."""

    statements: dict[str, tuple[datetime, datetime]]
    published: list[tuple[int, datetime]]
    read: list[tuple[int, datetime]]

    def of(self, position: int, submission: str) -> dict[str, Any]:
        """Accepted, sealed, published and first read of one line, as far as known."""
        accepted_at, sealed_at = self.statements[submission]
        found: dict[str, Any] = {"accepted_at": accepted_at, "sealed_at": sealed_at}
        for name, marks in (("published_at", self.published), ("read_at", self.read)):
            place = bisect_right(marks, position, key=lambda mark: mark[0])
            if place < len(marks):
                found[name] = marks[place][1]
        return found


def instants(session: Session, recipient: str, start: int, end: int) -> Instants:
    """Instants for the positions from ``start`` to before ``end``.

    A commit group covers the positions before its checkpoint's ``next_position``; a reader's mark those before it.
    """
    statements = session.exec(
        select(StatementRow).where(
            StatementRow.recipient == recipient,
            col(StatementRow.first_position) < end,
            StatementRow.first_position + StatementRow.count > start,
        )
    ).all()
    published = session.exec(
        select(Checkpoint.next_position, Publication.published_at)
        .join(
            Publication,
            (col(Publication.recipient) == Checkpoint.recipient) & (col(Publication.tree_size) == Checkpoint.tree_size),
        )
        .where(Checkpoint.recipient == recipient, col(Checkpoint.next_position) > start)
        .order_by(col(Checkpoint.next_position))
    ).all()
    marks = session.exec(
        select(ReadMark.position, func.min(ReadMark.read_at))
        .where(ReadMark.recipient == recipient, col(ReadMark.position) > start)
        .group_by(col(ReadMark.position))
        .order_by(col(ReadMark.position))
    ).all()
    return Instants(
        {row.submission: (row.accepted_at, row.sealed_at) for row in statements},
        list(published),
        _earliest(list(marks)),
    )


def _earliest(marks: list[tuple[int, datetime]]) -> list[tuple[int, datetime]]:
    """For each mark, the earliest instant at which any reader had come at least that far."""
    best: list[tuple[int, datetime]] = []
    earliest: datetime | None = None
    for position, at in reversed(marks):
        earliest = at if earliest is None else min(earliest, at)
        best.append((position, earliest))
    return best[::-1]
