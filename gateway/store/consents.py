"""Consents as kept: by id, by firm, by whom they concern; and which of them hold on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import select as columns
from sqlalchemy import update
from sqlmodel import Session, col, select

from gateway.schemas.consent import Consent, Kept
from gateway.schemas.identifiers import Reference, Scheme
from gateway.store.driver import add_rows, any_of, fetch, in_parts, table_of
from gateway.store.register_tables import Consent as ConsentRow
from gateway.store.register_tables import ConsentRecipient

_ROW = table_of(ConsentRow).c
_FIELDS = (
    _ROW.id,
    _ROW.party,
    _ROW.named,
    _ROW.given_by,
    _ROW.agreed,
    _ROW.withdrawn_at,
    _ROW.withdrawn_by,
    _ROW.renewed_by,
)
_BY_PARTY = columns(*_FIELDS).where(any_of(_ROW.party, "parties")).order_by(_ROW.id)
_BY_ID = columns(*_FIELDS).where(any_of(_ROW.id, "ids"))


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whose consents are asked for: those it recorded, and those that name one of these as a recipient."""

    participant: str
    recipients: frozenset[str]


def add(session: Session, kept: Kept, now: datetime) -> None:
    """Keep a new consent; the one it renews goes on under it."""
    agreed = kept.consent
    row: dict[str, Any] = {"id": kept.id, "party": kept.party, "named": _spelled(kept.named)}
    row |= {"given_by": kept.given_by, "given_at": now, "valid_to": agreed.valid_to}
    row |= {"agreed": agreed.model_dump_json(exclude_none=True)}
    add_rows(session, ConsentRow, [row])
    add_rows(session, ConsentRecipient, [{"recipient": one, "consent": kept.id} for one in agreed.recipients])
    if agreed.renews is not None:
        session.execute(update(ConsentRow).where(col(ConsentRow.id) == agreed.renews).values(renewed_by=kept.id))


def attach(session: Session, parties: Mapping[Reference, str]) -> None:
    """Numbers name firms now: consents that were given of them before are those firms'."""
    if session.exec(select(ConsentRow.id).where(col(ConsentRow.party).is_(None)).limit(1)).first() is None:
        return
    names = {_spelled(reference): party for reference, party in parties.items()}
    for some in in_parts(sorted(names)):
        pending = select(ConsentRow).where(col(ConsentRow.party).is_(None), col(ConsentRow.named).in_(some))
        for row in session.exec(pending).all():
            row.party = names[row.named]
            session.add(row)
    session.flush()


def withdraw(session: Session, id: str, at: datetime, by: str) -> bool:
    """Withdraw a consent, once; whether it was there to be withdrawn."""
    row = session.get(ConsentRow, id)
    if row is None or row.withdrawn_at is not None:
        return False
    row.withdrawn_at, row.withdrawn_by = at, by
    session.add(row)
    session.flush()
    return True


def find(session: Session, ids: Iterable[str]) -> dict[str, Kept]:
    """Consents by id."""
    wanted = sorted(set(ids))
    return {one.id: one for some in in_parts(wanted) for one in map(_kept, fetch(session, _BY_ID, ids=some))}


def of_parties(session: Session, parties: Iterable[str]) -> dict[str, list[Kept]]:
    """Every consent that firms ever gave, by our party id, the oldest first."""
    found: dict[str, list[Kept]] = {}
    for some in in_parts(sorted(set(parties))):
        for one in map(_kept, fetch(session, _BY_PARTY, parties=some)):
            found.setdefault(one.party or "", []).append(one)
    return found


def concerning(session: Session, who: Concerned) -> list[Kept]:
    """Consents that concern a participant, the oldest first."""
    named = select(ConsentRecipient.consent).where(col(ConsentRecipient.recipient).in_(who.recipients))
    query = columns(*_FIELDS).where((_ROW.given_by == who.participant) | _ROW.id.in_(named)).order_by(_ROW.id)
    return [_kept(tuple(row)) for row in session.execute(query)]


def goes_on_as(session: Session, ids: Iterable[str]) -> Mapping[str, Kept]:
    """Of each consent the one under which it goes on now: itself, or the last that renewed it.

    Left out is what goes on under one that does not name who asks, and that the database so does not show.
    """
    last = find(session, ids)
    while renewed := {id: one.renewed_by for id, one in last.items() if one.renewed_by is not None}:
        later = find(session, renewed.values())
        last = {id: one for id, one in last.items() if id not in renewed}
        last |= {id: later[by] for id, by in renewed.items() if by in later}
    return last


def _spelled(reference: Reference) -> str:
    """A number in a form that no other has."""
    return orjson.dumps([reference.scheme.value, reference.scope, reference.value]).decode()


@lru_cache(maxsize=4_096)
def _agreed(text: str) -> Consent:
    """What was agreed, read from its text, which never changes."""
    return Consent.model_validate_json(text)


@lru_cache(maxsize=4_096)
def _reference(spelled: str) -> Reference:
    scheme, scope, value = orjson.loads(spelled)
    return Reference(scheme=Scheme(scheme), scope=scope, value=value)


def _kept(row: Sequence[Any]) -> Kept:
    id, party, named, given_by, agreed, withdrawn_at, withdrawn_by, renewed_by = row
    return Kept(id, party, _reference(named), given_by, _agreed(agreed), withdrawn_at, withdrawn_by, renewed_by)
