"""What is registered of a participant, and every sealed change that made it so, for that participant to see.

The registers are behind no participant's wall: it is here that nobody is shown what concerns somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import NotFound
from gateway.ports import Cipher
from gateway.store import log, register_log, registers, submissions
from gateway.store.engine import Database, Session
from gateway.store.registers import Enrolled

MOST_CHANGES = 100


@dataclass(frozen=True, slots=True)
class SealedChange:
    """One change: its statement's id and place in the registers' log, what was said, and the receipt."""

    statement: str
    leaf_index: int
    said: bytes
    receipt: str


def history_of(
    database: Database, cipher: Cipher, participant: str, before: str | None
) -> tuple[Enrolled, list[SealedChange]]:
    """A participant as it is registered now, and its newest changes, those before a statement if one is named.

    Raises:
        NotFound: there is no such participant.
    """
    with database.read() as session:
        enrolled = registers.find_enrolled(session, participant)
        if enrolled is None:
            raise NotFound
        names = register_log.newest_for(session, participant, before, MOST_CHANGES)
        return enrolled, [_change(session, cipher, name) for name in names]


def said_in(session: Session, cipher: Cipher, statement: str, participant: str) -> bytes:
    """What a statement of the registers' log says, to a participant that it concerns.

    Raises:
        NotFound: it concerns somebody else, or there is none.
    """
    if not register_log.concerns(session, statement, participant):
        raise NotFound
    return _said(session, cipher, statement)


def _change(session: Session, cipher: Cipher, name: str) -> SealedChange:
    row = log.find_statements(session, name)[0]
    return SealedChange(name, row.leaf_index, _said(session, cipher, name), row.receipt)


def _said(session: Session, cipher: Cipher, statement: str) -> bytes:
    found = submissions.find_raw(session, cipher, statement)
    if found is None or found.body is None:
        raise NotFound
    return found.body
