"""What institutions declare that their reports hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlmodel import Session, select

from gateway.store.driver import insert_or_update
from gateway.store.engine import Database
from gateway.store.register_tables import Coverage


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration: an institution's, for a recipient and a record kind.

    Attributes:
        form: full_tape, event or exception.
        since: from when on it is so.
        baseline_on: as of when everything before was handed over, if it was.
        declared_by, declared_at: by which participant, when.
    """

    institution: str
    recipient: str
    kind: str
    form: str
    since: date
    baseline_on: date | None
    declared_by: str
    declared_at: datetime


def put(database: Database, session: Session, declared: Declared) -> None:
    """Take over a declaration, in place of an earlier one for the same."""
    session.execute(insert_or_update(database, Coverage), [asdict(declared)])


def find(session: Session, recipient: str) -> Sequence[Declared]:
    """Everything declared for a recipient."""
    query = select(Coverage).where(Coverage.recipient == recipient).order_by(Coverage.institution, Coverage.kind)
    return [Declared(**{name: getattr(row, name) for name in Declared.__slots__}) for row in session.exec(query).all()]
