"""Who is who and who may: participants and their keys, entitlements, delegations; firms, their numbers, guarantees."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.schemas.identifiers import Reference, Scheme, SignatureProfile
from gateway.schemas.submission import Guaranteed
from gateway.store import consents, links
from gateway.store.driver import add_rows, any_of, fetch, in_parts, insert_or_update, table_of
from gateway.store.engine import Database
from gateway.store.register_tables import (
    Delegation,
    Entitlement,
    Guarantee,
    Link,
    Participant,
    ParticipantCertificate,
    ParticipantKey,
    Party,
    PartySuccession,
    RegisterVersion,
    Succession,
)

FORMER = "former"
"""The kind of who was a participant and left; the table of roles has no such kind, and so it may do nothing."""

_VERSION = columns(table_of(RegisterVersion).c.version)
_KEY, _GUARANTEE = (table_of(table).c for table in (ParticipantKey, Guarantee))
_ENDED = columns(_KEY.kid).where(any_of(_KEY.kid, "kids"), _KEY.valid_until_at <= bindparam("at"))
_GUARANTEES = columns(
    _GUARANTEE.guarantee_no,
    _GUARANTEE.party,
    _GUARANTEE.institution,
    _GUARANTEE.scheme_family,
    _GUARANTEE.scheme_from,
    _GUARANTEE.scheme_until,
    _GUARANTEE.change_count,
    _GUARANTEE.last_changed_on,
    _GUARANTEE.issued_on,
).where(_GUARANTEE.recipient == bindparam("recipient"), any_of(_GUARANTEE.guarantee_no, "numbers"))


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A participant with everything that decides what it may do.

    Attributes:
        institution: its own institution code (a bank's code), or its id where it has none.
        keys: kid -> (public JWK as JSON, valid from, valid until or None).
        entitlements: (action, recipient) pairs.
        delegations: institution -> (from, until or None) on whose behalf it may submit.
        profile: what it proves its submissions with.
        certificates: with which it signs XML, as DER.
        successions: institution -> (its successor, since when); everybody's, not this participant's alone.
    """

    id: str
    kind: str
    name: str
    institution: str
    keys: dict[str, tuple[str, datetime, datetime | None]] = field(default_factory=dict)
    entitlements: set[tuple[str, str]] = field(default_factory=set)
    delegations: dict[str, tuple[date, date | None]] = field(default_factory=dict)
    profile: SignatureProfile = SignatureProfile.HTTP_SIGNATURE
    certificates: list[bytes] = field(default_factory=list)
    successions: Mapping[str, tuple[str, date]] = field(default_factory=dict)


def register_version(session: Session) -> int:
    """A number that every change to participants counts up."""
    return next((version for (version,) in fetch(session, _VERSION)), 0)


def load_participants(session: Session) -> dict[str, Enrolled]:
    """The whole register of participants; a few thousand rows at most."""
    successions = load_successions(session)
    found = {
        row.id: Enrolled(
            row.id,
            row.kind,
            row.name,
            row.institution or row.id,
            profile=SignatureProfile(row.profile),
            successions=successions,
        )
        for row in session.exec(select(Participant)).all()
    }
    for key in session.exec(select(ParticipantKey)).all():
        found[key.participant].keys[key.kid] = (key.jwk, key.valid_from_at, key.valid_until_at)
    for grant in session.exec(select(Entitlement)).all():
        found[grant.participant].entitlements.add((grant.action, grant.recipient))
    for delegation in session.exec(select(Delegation)).all():
        found[delegation.sender].delegations[delegation.institution] = (delegation.valid_from, delegation.valid_until)
    for one in session.exec(select(ParticipantCertificate)).all():
        found[one.participant].certificates.append(one.der)
    return found


def load_successions(session: Session) -> dict[str, tuple[str, date]]:
    """Institutions that have become another, or will: which, and since when."""
    return {row.institution: (row.successor, row.since) for row in session.exec(select(Succession)).all()}


def put_succession(session: Session, institution: str, successor: str, since: date) -> None:
    """Let an institution be another from a date on."""
    session.merge(Succession(institution=institution, successor=successor, since=since))
    _changed(session)


def _changed(session: Session) -> None:
    add_rows(session, RegisterVersion, [{"id": 1, "version": 0}], unless_there=True)
    session.execute(update(RegisterVersion).values(version=RegisterVersion.version + 1))


def enrol(session: Session, one: Enrolled, at: datetime) -> None:
    """Add a participant with its keys and what it may do, or complete one that is there; keys that are there stay."""
    known = session.get(Participant, one.id)
    profile = known.profile if known else one.profile.value  # it changes by ``set_profile`` only
    session.merge(
        Participant(
            id=one.id, kind=one.kind, name=one.name, institution=one.institution, profile=profile, enrolled_at=at
        )
    )
    session.flush()
    for action, recipient in one.entitlements:
        session.merge(Entitlement(participant=one.id, action=action, recipient=recipient))
    for kid, (jwk, start, end) in one.keys.items():
        row = {"kid": kid, "participant": one.id, "jwk": jwk, "valid_from_at": start, "valid_until_at": end}
        add_rows(session, ParticipantKey, [row], unless_there=True)
    _changed(session)


def set_profile(
    session: Session, participant: str, profile: SignatureProfile, certificates: Iterable[bytes] = ()
) -> bool:
    """Let a participant prove its submissions in this way from now on; False if there is no such participant.

    Its certificates (DER) are those given, and no others.
    """
    known = session.get(Participant, participant)
    if known is None:
        return False
    known.profile = profile.value
    session.execute(delete(ParticipantCertificate).where(col(ParticipantCertificate.participant) == participant))
    rows = [{"participant": participant, "der": der} for der in dict.fromkeys(certificates)]
    add_rows(session, ParticipantCertificate, rows)
    _changed(session)
    return True


def find_key(session: Session, kid: str) -> tuple[str, datetime, datetime | None] | None:
    """Whose a key is, and from when until when it is valid."""
    row = session.get(ParticipantKey, kid, populate_existing=True)
    return None if row is None else (row.participant, row.valid_from_at, row.valid_until_at)


def ended_keys(session: Session, kids: Sequence[str], at: datetime) -> set[str]:
    """Those of some keys that are over at an instant."""
    return {kid for (kid,) in fetch(session, _ENDED, kids=kids, at=at)} if kids else set()


def find_enrolled(session: Session, participant: str) -> Enrolled | None:
    """One participant as it is registered now."""
    return load_participants(session).get(participant)


def end_key(session: Session, kid: str, at: datetime) -> None:
    """End a key's validity, unless it ends before."""
    still = col(ParticipantKey.valid_until_at).is_(None) | (col(ParticipantKey.valid_until_at) > at)
    session.execute(update(ParticipantKey).where(col(ParticipantKey.kid) == kid, still).values(valid_until_at=at))
    _changed(session)


def disentitle(session: Session, participant: str, entitlements: Iterable[tuple[str, str]]) -> None:
    """Take back what a participant may do: (action, recipient) pairs."""
    for action, recipient in entitlements:
        session.execute(
            delete(Entitlement).where(
                col(Entitlement.participant) == participant,
                col(Entitlement.action) == action,
                col(Entitlement.recipient) == recipient,
            )
        )
    _changed(session)


def leave(session: Session, participant: str, at: datetime, last_day: date) -> None:
    """Let a participant be none any more: it keeps its name and its history, and nothing else is left after a last day.

    Delegations that have not begun by then end before they begin.
    """
    still = col(ParticipantKey.valid_until_at).is_(None) | (col(ParticipantKey.valid_until_at) > at)
    own = col(ParticipantKey.participant) == participant
    session.execute(update(ParticipantKey).where(own, still).values(valid_until_at=at))
    session.execute(delete(Entitlement).where(col(Entitlement.participant) == participant))
    lasts = col(Delegation.valid_until).is_(None) | (col(Delegation.valid_until) > last_day)
    own = col(Delegation.sender) == participant
    session.execute(update(Delegation).where(own, lasts).values(valid_until=last_day))
    session.execute(update(Participant).where(col(Participant.id) == participant).values(kind=FORMER))
    _changed(session)


def delegate(session: Session, sender: str, institution: str, valid: tuple[date, date | None]) -> None:
    """Allow a sender to submit on an institution's behalf, from a date on, until another if there is one."""
    session.merge(Delegation(sender=sender, institution=institution, valid_from=valid[0], valid_until=valid[1]))
    _changed(session)


def add_party(session: Session, name: str, entity_type: str = "unknown") -> str:
    """A new firm; its party id, which does not tell since when it is known: others may know it, too."""
    party = Party(id=str(uuid4()), name=name, entity_type=entity_type)
    session.add(party)
    session.flush()
    return party.id


def add_parties(session: Session, names: Sequence[str]) -> list[str]:
    """New firms; their party ids, in order."""
    rows = [{"id": str(uuid4()), "name": name, "entity_type": "unknown"} for name in names]
    add_rows(session, Party, rows)
    return [row["id"] for row in rows]


def add_links(session: Session, parties: Mapping[Reference, str], asserted_by: str, at: datetime) -> None:
    """Let numbers name firms from now on, by somebody's word; numbers of which it said nothing yet."""
    said: dict[str, Any] = {"valid_from": None, "valid_until": None, "asserted_by": asserted_by, "asserted_at": at}
    rows = [
        {"scheme": reference.scheme.value, "scope": reference.scope, "value": reference.value, "party": party} | said
        for reference, party in parties.items()
        if reference.scheme is not Scheme.PARTY
    ]
    add_rows(session, Link, rows)
    consents.attach(session, parties)


def link(session: Session, reference: Reference, party: str, asserted_by: str, at: datetime) -> None:
    """Let a number name a firm from now on, by somebody's word; another's word of it stands beside it."""
    session.add(
        Link(
            scheme=reference.scheme.value,
            scope=reference.scope,
            value=reference.value,
            party=party,
            asserted_by=asserted_by,
            asserted_at=at,
        )
    )
    consents.attach(session, {reference: party})


def end_link(session: Session, reference: Reference, asserted_by: str, today: date) -> str | None:
    """Let what somebody said of a number end with yesterday; the party it named, None where nothing of it holds today.

    A number that names a firm since today only never did on any day: it then ends before it began.
    """
    holds = col(Link.valid_until).is_(None) | (col(Link.valid_until) >= today)
    query = select(Link).where(
        Link.scheme == reference.scheme.value,
        Link.scope == reference.scope,
        Link.value == reference.value,
        Link.asserted_by == asserted_by,
        holds,
    )
    row = session.exec(query).first()
    if row is None:
        return None
    row.valid_until = today - timedelta(days=1)
    session.flush()
    return row.party


def succeed_party(session: Session, party: str, successor: str, since: date, by: tuple[str, datetime]) -> None:
    """A firm became another on a day, by whose word, and when that was said; others' words of it stand beside it."""
    session.merge(PartySuccession(party=party, successor=successor, since=since, asserted_by=by[0], asserted_at=by[1]))


def find_lineage(session: Session, party: str, own: Collection[str]) -> list[tuple[str, str, date]]:
    """What became of a firm and what it was before: (party, successor, since), the oldest first.

    By the words of some participants (``own``) alone; where these differ, by the last.
    """
    found: dict[str, tuple[str, str, date]] = {}
    open_, seen = {party}, set[str]()
    while open_:
        some = list(open_)
        seen |= open_
        query = select(PartySuccession).where(
            col(PartySuccession.party).in_(some) | col(PartySuccession.successor).in_(some),
            col(PartySuccession.asserted_by).in_(sorted(own)),
        )
        for row in session.exec(query.order_by(col(PartySuccession.asserted_at))).all():
            found[row.party] = (row.party, row.successor, row.since)
        open_ = {name for before, after, _ in found.values() for name in (before, after)} - seen
    return sorted(found.values(), key=lambda one: (one[2], one[0]))


def find_links(
    session: Session, references: Collection[Reference], on: date, own: Collection[str] = ()
) -> dict[Reference, str]:
    """Which firm each number names on a day; a number that names none is left out.

    Where words of it differ, those of some participants count (``own``), and otherwise those of who spoke first.
    """
    words = links.find_words(session, references, on)
    found = {number: party for number, said in words.items() if (party := links.chosen(said, own)) is not None}
    return found | links.known_parties(session, references)


def is_known_at(session: Session, recipient: str, reference: Reference, party: str) -> bool:
    """Whether a corporation knows a number and its firm by itself: it said so, or has a guarantee of that firm."""
    here = links.speakers(session, [recipient])[recipient]
    named = (
        col(Link.party) == party
        if reference.scheme is Scheme.PARTY
        else (col(Link.scheme) == reference.scheme.value)
        & (col(Link.scope) == reference.scope)
        & (col(Link.value) == reference.value)
    )
    said = select(Link.id).where(named, col(Link.asserted_by).in_(here)).limit(1)
    guaranteed = select(Guarantee.guarantee_no).where(
        col(Guarantee.recipient) == recipient, col(Guarantee.party) == party
    )
    return session.exec(said).first() is not None or session.exec(guaranteed.limit(1)).first() is not None


def find_guarantees(session: Session, recipient: str, numbers: Sequence[str]) -> dict[str, Guaranteed]:
    """What a corporation's register says of guarantees, by number."""
    found: dict[str, Guaranteed] = {}
    for some in in_parts(numbers):
        rows = fetch(session, _GUARANTEES, recipient=recipient, numbers=some)
        found.update((row[0], Guaranteed(*row[1:])) for row in rows)
    return found


def put_guarantees(database: Database, session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Take over guarantees from a corporation's register; those that are known are brought up to date."""
    if rows:
        session.execute(insert_or_update(database, Guarantee), list(rows))
