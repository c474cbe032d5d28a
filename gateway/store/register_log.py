"""Which statements of the registers' log concern whom."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from gateway.schemas.register_change import EVERYBODY
from gateway.store.driver import add_rows
from gateway.store.register_tables import ChangeConcerns


def add(session: Session, statement: str, participants: Iterable[str]) -> None:
    """Note whom a statement concerns."""
    add_rows(session, ChangeConcerns, [{"participant": one, "statement": statement} for one in participants])


def newest_for(session: Session, participant: str, before: str | None, limit: int) -> list[str]:
    """The newest statements that concern a participant, or everybody, of those before one, the newest first."""
    query = select(ChangeConcerns.statement).where(col(ChangeConcerns.participant).in_((participant, *EVERYBODY)))
    if before is not None:
        query = query.where(ChangeConcerns.statement < before)
    return list(session.exec(query.order_by(col(ChangeConcerns.statement).desc()).limit(limit)).all())


def concerns(session: Session, statement: str, participant: str) -> bool:
    """Whether a statement concerns a participant, or everybody."""
    return any(session.get(ChangeConcerns, (one, statement)) is not None for one in (participant, *EVERYBODY))
