"""Consents: given and withdrawn by sealed statements, and which of them holds for what somebody is about to disclose.

Giving and withdrawing lock every log's head first, as all changes about firms do: a commit group looks again under its
own head, so either it sees the consent, or the record it holds is there to be released; and what was withdrawn is
relied on by nothing that is sealed later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from gateway.errors import InvalidRequest, NotFound
from gateway.registers.changes import Changing
from gateway.registers.firms import only_links
from gateway.registers.releases import release_waiting
from gateway.schemas.consent import Consent, Kept, Wanted, chosen
from gateway.schemas.identifiers import Reference, Scheme, instant_text, japanese_date, new_id
from gateway.schemas.register_change import Authority
from gateway.store import consent_notices, consents, links, log, registers
from gateway.store.engine import Session


@dataclass(frozen=True, slots=True)
class Firm:
    """Of which firm a consent is: by what number it was named, and our party id, which those who named it never see.

    A party id tells when a firm became known, and so whether somebody else knew it first.
    """

    named: Reference
    party: str | None


def firm_named(changing: Changing, named: Reference, by: str = "") -> Firm:
    """The firm that a number names to a participant (``by``), or will, once somebody says so; nobody is told which.

    Raises:
        InvalidRequest: a guarantee's number.
    """
    only_links(named)
    own = links.speaks_with(changing.session, by)
    found = registers.find_links(changing.session, [named], japanese_date(changing.now), own)
    return Firm(named, found.get(named))


def give(changing: Changing, consent: Consent, firm: Firm, by: Authority) -> Kept:
    """Keep a firm's consent, on a participant's word (the first of ``by``); what waited for it is released.

    Raises:
        InvalidRequest: it renews one that names the firm otherwise, that another participant recorded, or that is over.
    """
    session, now = changing.session, changing.now
    log.lock_all_heads(changing.registrar.database, session)
    kept = Kept(new_id(), firm.party, firm.named, by.by[0], consent)
    if consent.renews is not None:
        _check_renewal(session, kept, japanese_date(now))
    consents.add(session, kept, now)
    agreed = consent.model_dump(mode="json", exclude_none=True)
    changing.say("consented", concerned(session, kept), {"id": kept.id, "firm": str(kept.named), "consent": agreed}, by)
    if firm.party is not None:
        release_waiting(changing.registrar, session, [waits_for(firm.party)], now)
    return kept


def withdraw(changing: Changing, id: str, by: Authority) -> Kept:
    """Withdraw a consent, on a participant's word (the first of ``by``): from now on nothing is disclosed under it.

    Raises:
        NotFound: there is none, or it is withdrawn already.
        InvalidRequest: it was renewed, and goes on under another.
    """
    session = changing.session
    log.lock_all_heads(changing.registrar.database, session)
    if not consents.withdraw(session, id, changing.now, by.by[0]):
        raise NotFound
    kept = consents.find(session, [id])[id]
    if kept.renewed_by is not None:
        raise InvalidRequest(
            "it was renewed: withdraw the one that renews it", ja="更新済みの同意です。更新後の同意を撤回してください。"
        )
    what = {"id": id, "withdrawn_at": instant_text(changing.now)}
    changing.say("consent_withdrawn", concerned(session, kept), what, by)
    consent_notices.enqueue(session, kept, "withdrawn", changing.now)
    changing.registrar.database.notify(session)
    return kept


def valid(session: Session, party: str, wanted: Wanted, on: date) -> Kept | None:
    """The newest consent of a firm under which this may be disclosed on a day."""
    return chosen(consents.of_parties(session, [party]).get(party, ()), wanted, on)


def waits_for(party: str) -> Reference:
    """What a record waits for that has a firm and no consent: that something changes about the firm."""
    return Reference(scheme=Scheme.PARTY, value=party)


def concerned(session: Session, kept: Kept) -> list[str]:
    """The participants that may see a consent: who recorded it, and whom it names, as recipient or as provider."""
    named = {*kept.consent.recipients, *kept.consent.providers}
    everyone = registers.load_participants(session).values()
    return [
        one.id
        for one in everyone
        if one.id == kept.given_by
        or named & {one.id, one.institution}
        or any(("read", recipient) in one.entitlements for recipient in kept.consent.recipients)
    ]


def _check_renewal(session: Session, new: Kept, today: date) -> None:
    """A consent is renewed while it holds, and without a gap: nobody is told to drop what is shown again tomorrow."""
    renewed = new.consent.renews or ""
    before = consents.find(session, [renewed]).get(renewed)
    if before is None or not _goes_on(before, new, today):
        raise InvalidRequest(
            "it renews no consent of this firm that you recorded and that holds until then",
            ja="更新の対象となる、貴社が登録しその時点まで有効な同意がありません。",
        )


def _goes_on(before: Kept, new: Kept, today: date) -> bool:
    """Whether one consent may continue another; told apart by its number, not by whose firm that is: nobody learns."""
    until = before.consent.valid_to
    begins_in_time = until is None or new.consent.valid_from <= until + timedelta(days=1)
    is_same = (before.named, before.given_by) == (new.named, new.given_by)
    return is_same and begins_in_time and before.holds(today) and before.renewed_by is None
