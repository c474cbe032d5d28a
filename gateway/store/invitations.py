"""One-time codes and what they let their holders register; changes that wait for the administrators' approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, update
from sqlmodel import Session, col, select

from gateway.store.driver import add_rows
from gateway.store.register_tables import Approval, Invitation, Proposal


@dataclass(frozen=True, slots=True)
class Invited:
    """A code as it is kept: the hash of its secret, what it is for (JSON), and whether it was used."""

    secret_sha256: bytes
    invited: str
    expires_at: datetime
    is_used: bool


def add(session: Session, id: str, invited: Invited) -> None:
    """Keep a new code."""
    kept = {"secret_sha256": invited.secret_sha256, "invited": invited.invited, "expires_at": invited.expires_at}
    add_rows(session, Invitation, [{"id": id, "tries": 0, "used_at": None} | kept])


def find(session: Session, id: str) -> Invited | None:
    """A code by its name."""
    row = session.get(Invitation, id)
    return None if row is None else Invited(row.secret_sha256, row.invited, row.expires_at, row.used_at is not None)


def count_try(session: Session, id: str, most: int) -> bool:
    """Count that somebody tries a code; whether it may still be tried."""
    counted = session.execute(
        update(Invitation)
        .where(col(Invitation.id) == id, col(Invitation.tries) < most)
        .values(tries=col(Invitation.tries) + 1)
    )
    return isinstance(counted, CursorResult) and counted.rowcount == 1


def use(session: Session, id: str, now: datetime) -> bool:
    """Use a code, once; whether it was there to be used."""
    used = session.execute(
        update(Invitation)
        .where(col(Invitation.id) == id, col(Invitation.used_at).is_(None), col(Invitation.expires_at) > now)
        .values(used_at=now)
    )
    return isinstance(used, CursorResult) and used.rowcount == 1


def propose(session: Session, id: str, ordered: str, now: datetime) -> None:
    """Keep a change that waits for approval."""
    add_rows(session, Proposal, [{"id": id, "ordered": ordered, "proposed_at": now, "done_at": None}])


def find_proposal(session: Session, id: str) -> tuple[str, datetime] | None:
    """What a proposal that was not carried out would change (JSON), and since when it waits."""
    row = session.get(Proposal, id, populate_existing=True)
    return None if row is None or row.done_at is not None else (row.ordered, row.proposed_at)


def open_proposals(session: Session, after: datetime) -> dict[str, tuple[str, datetime]]:
    """What was proposed after an instant and waits, by id: what it would change, and since when it waits."""
    waits = col(Proposal.done_at).is_(None), col(Proposal.proposed_at) > after
    query = select(Proposal).where(*waits).order_by(Proposal.id)
    return {row.id: (row.ordered, row.proposed_at) for row in session.exec(query).all()}


def approve(session: Session, proposal: str, administrator: str, word: str) -> Mapping[str, str]:
    """Keep an administrator's word on a proposal; all the words on it, by administrator."""
    row = {"proposal": proposal, "administrator": administrator, "word": word}
    add_rows(session, Approval, [row], unless_there=True)
    query = select(Approval.administrator, Approval.word).where(Approval.proposal == proposal)
    return dict(session.exec(query.order_by(Approval.administrator)).all())


def close_proposal(session: Session, proposal: str, now: datetime) -> None:
    """A proposal was carried out."""
    session.execute(update(Proposal).where(col(Proposal.id) == proposal).values(done_at=now))
