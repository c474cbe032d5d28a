"""Which firm a number names, and by whose word: what corporations say of one number may differ, and each word stands.

Who said something of a number goes by its own word; who did not, by the word of who said something first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.schemas.identifiers import Reference, Scheme
from gateway.store.driver import any_of, by_prefix, fetch, table_of
from gateway.store.register_tables import Entitlement, Link, Party

_LINK = table_of(Link).c
_LINKS = (
    columns(_LINK.value, _LINK.party, _LINK.valid_from, _LINK.valid_until, _LINK.asserted_by, _LINK.id)
    .where(_LINK.scheme == bindparam("scheme"), _LINK.scope == bindparam("scope"), any_of(_LINK.value, "numbers"))
    .order_by(_LINK.id)
)


class Word(NamedTuple):
    """That a number names a firm (our party id), and by whom it was said; ``id`` counts words up."""

    party: str
    by: str
    id: int


@dataclass(frozen=True, slots=True)
class Contested:
    """A number that names several firms, by different words and when each was said; the first said first."""

    reference: Reference
    words: tuple[tuple[Word, datetime], ...]


def find_words(session: Session, references: Iterable[Reference], on: date) -> dict[Reference, list[Word]]:
    """What is said of numbers on a day, by number, the first word first; an id of our own is nobody's to say."""
    wanted = {(r.scheme.value, r.scope, r.value): r for r in references if r.scheme is not Scheme.PARTY}
    found: dict[Reference, list[Word]] = {}
    for (scheme, scope), numbers in by_prefix(list(wanted)):
        rows = fetch(session, _LINKS, scheme=scheme, scope=scope, numbers=numbers)
        for value, party, start_on, end_on, by, number in rows:
            if (start_on or on) <= on <= (end_on or on):
                found.setdefault(wanted[scheme, scope, value], []).append(Word(party, by, number))
    return found


def chosen(words: Sequence[Word], own: Collection[str]) -> str | None:
    """The firm that a number names for some participants: by their own word, or else by whose word came first.

    None where nothing is said, or where these contradict themselves.
    """
    if len(words) == 1:
        return words[0].party
    mine = {word.party for word in words if word.by in own}
    said = mine or {word.party for word in words if word.by == words[0].by}
    return next(iter(said)) if len(said) == 1 else None


def is_contested(words: Sequence[Word]) -> bool:
    """Whether a number names several firms."""
    return len(words) > 1 and len({word.party for word in words}) > 1


def known_parties(session: Session, references: Iterable[Reference]) -> dict[Reference, str]:
    """Those of some ids of our own that there are."""
    named = {r.value: r for r in references if r.scheme is Scheme.PARTY}
    if not named:
        return {}
    known = session.exec(select(Party.id).where(col(Party.id).in_(list(named)))).all()
    return {named[party]: party for party in known}


def speakers(session: Session, recipients: Collection[str]) -> dict[str, set[str]]:
    """Whose word is a corporation's own, by corporation: who may link there."""
    rows = session.exec(
        select(Entitlement.recipient, Entitlement.participant).where(
            Entitlement.action == "link", col(Entitlement.recipient).in_(sorted(recipients))
        )
    ).all()
    found: dict[str, set[str]] = {recipient: set() for recipient in recipients}
    for recipient, participant in rows:
        found[recipient].add(participant)
    return found


def speaks_with(session: Session, participant: str) -> set[str]:
    """Whose words a participant may see: its own, and those of who may link where it may."""
    mine = select(Entitlement.recipient).where(Entitlement.action == "link", Entitlement.participant == participant)
    recipients = session.exec(mine).all()
    return {participant}.union(*speakers(session, recipients).values()) if recipients else {participant}


def find_contested(session: Session, on: date) -> list[Contested]:
    """Every number that names several firms on a day, in order."""
    several = (
        select(Link.scheme, Link.scope, Link.value)
        .group_by(Link.scheme, Link.scope, Link.value)
        .having(func.count(func.distinct(Link.party)) > 1)
    )
    numbers = [
        Reference(scheme=Scheme(scheme), scope=scope, value=value) for scheme, scope, value in session.exec(several)
    ]
    words = {number: said for number, said in find_words(session, numbers, on).items() if is_contested(said)}
    ids = [word.id for said in words.values() for word in said]
    at = dict(session.exec(select(Link.id, Link.asserted_at).where(col(Link.id).in_(ids))).all())
    found = [Contested(number, tuple((word, at[word.id]) for word in said)) for number, said in words.items()]
    return sorted(found, key=lambda one: str(one.reference))
