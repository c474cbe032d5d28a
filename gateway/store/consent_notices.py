"""Notices of what became of consents: what is still to be announced, to whom, and which lines are concerned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.schemas.consent import Kept
from gateway.schemas.consent_notice import CONSENT_NOTICE
from gateway.schemas.identifiers import CGC_IDS
from gateway.store import consents, jobs
from gateway.store.driver import fetch, table_of
from gateway.store.jobs import ANY_KIND, NewJob
from gateway.store.line_index import Index
from gateway.store.register_tables import Consent
from gateway.store.tables import LineBlock, StatementRow

NOTICE = "notice"
AT_ONCE = 400
_ROW, _BLOCK, _STATEMENT = (table_of(table).c for table in (Consent, LineBlock, StatementRow))
_ENDING = (
    columns(_ROW.id)
    .where(
        _ROW.valid_to <= bindparam("until"),
        _ROW.withdrawn_at.is_(None),
        _ROW.renewed_by.is_(None),
        _ROW.announced.is_(None) | (_ROW.announced > bindparam("days")),
    )
    .limit(AT_ONCE)
)


def ending(session: Session, until: date, days: int) -> list[Kept]:
    """Some hundred consents that end on a day or before, of which this was not said so few days ahead.

    Left out are those that were withdrawn, or that go on under another.
    """
    return list(consents.find(session, [id for (id,) in fetch(session, _ENDING, until=until, days=days)]).values())


def note_announced(session: Session, ids: Sequence[str], days: int) -> None:
    """Note how many days ahead the end of some consents was announced."""
    session.execute(update(Consent).where(col(Consent.id).in_(ids)).values(announced=days))


def enqueue(session: Session, kept: Kept, said: str, now: datetime) -> None:
    """Let every corporation that a consent names be told: ``withdrawn``, ``expired`` or ``expiring-30`` and so on."""
    for recipient in sorted(CGC_IDS.intersection(kept.consent.recipients)):
        key = f"{NOTICE}/{kept.id}/{said}/{recipient}"
        jobs.enqueue(session, NewJob(NOTICE, key, key, ANY_KIND, now))


def of_key(key: str) -> tuple[str, str, str]:
    """Consent, what is said of it, and recipient, in the key of a job that gives notice."""
    _, consent, said, recipient = key.split("/")
    return consent, said, recipient


def was_given(session: Session, index: Index, recipient: str, series: str) -> bool:
    """Whether a recipient has the notice of a series in its feed already."""
    return bool(index.changed_since(session, recipient, [(CONSENT_NOTICE, series)], 0))


def positions_under(session: Session, recipient: str, id: str) -> Iterator[int]:
    """Where a recipient's lines are that rest on a consent, or on one that it renewed."""
    query = columns(_STATEMENT.first_position + _BLOCK.first_index, _BLOCK.count).where(
        _BLOCK.submission == _STATEMENT.submission,
        _BLOCK.recipient == _STATEMENT.recipient,
        _BLOCK.recipient == recipient,
        _BLOCK.consent.in_(_renewed(session, id)),
    )
    for first, count in session.execute(query):
        yield from range(first, first + count)


def _renewed(session: Session, id: str) -> list[str]:
    """A consent, and those that went on under it."""
    found, newest = [id], [id]
    while newest:
        query = select(Consent.id).where(col(Consent.renewed_by).in_(newest))
        newest = list(session.exec(query))
        found += newest
    return found
