"""Pairing: a firm enters a code of its corporation or bank in its accounting software, and so agrees to what it offers.

    offer ─ preview ─ redeem: consent + tenant → firm, one transaction ─ routes: where the tenant's figures go

Whoever made the code said by it which firm is meant, so nothing is asked about that firm any more: what a vendor is
told is the same whether or not the firm has a guarantee, and whoever else knows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import InvalidRequest, NoSuchCode, NotFound
from gateway.registers import consents
from gateway.registers.changes import Changing, Registrar
from gateway.registers.consents import Firm
from gateway.registers.participants import Participant
from gateway.registers.releases import release_waiting
from gateway.schemas.consent import Consent, Kept, Method
from gateway.schemas.flows import wanted
from gateway.schemas.identifiers import (
    CGC_IDS,
    Reference,
    Scheme,
    instant_text,
    japanese_date,
    parse_subject,
    scoped,
)
from gateway.schemas.pairing import Agreement, Covers, Offer, Pairing
from gateway.schemas.register_change import Authority
from gateway.security.canonical import sha256_hex
from gateway.security.pairing_codes import hash_of, new_code, read_code
from gateway.store import consents as kept_consents
from gateway.store import log, pairings, registers
from gateway.store.engine import Database, Session

BANK = "bank"
NUMBERS = {
    BANK: {Scheme.CORPORATE_NUMBER, Scheme.INVOICE_NUMBER, Scheme.GUARANTEE, Scheme.BANK_CUSTOMER},
    "corporation": set(Scheme) - {Scheme.TENANT},
}
"""By which numbers each kind of participant knows firms."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A code that was made: the code itself, its name in the registers' log, and until when it can be used."""

    code: str
    offer: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What a code offers, to be shown before anybody agrees; ``names`` are those of the recipients."""

    covers: Covers
    text: str
    text_sha256: str
    names: dict[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Paired:
    """A tenant that was paired, and the consent on which that rests."""

    tenant: str
    consent: Kept


def offer(registrar: Registrar, issuer: Participant, asked: Offer) -> Offered:
    """Make a code; it is told here and nowhere else. Who is entitled at all corporations that it names has been asked.

    Raises:
        NotFound: the firm is named by a guarantee that is none of the issuer's, or by an id that is none of ours.
        InvalidRequest: it is named by a number of somebody else's making, or by one that does not hold.
    """
    code, digest = new_code(), sha256_hex(asked.terms.text.encode())
    with registrar.changing() as changing:
        party = _firm(changing, issuer, asked)
        expires_at = changing.now + timedelta(hours=asked.hours)
        covers = Covers.model_validate(asked.terms.model_dump(exclude={"text"}))
        made = Pairing(issuer.id, party, covers.model_dump_json(), digest, expires_at)
        name = hash_of(read_code(code))
        pairings.add(changing.session, name, made, asked.terms.text)
        what: dict[str, Any] = {"offer": _shown(name), "firm": str(asked.firm), "text_sha256": digest}
        what |= {"covers": covers.model_dump(mode="json"), "expires_at": instant_text(expires_at)}
        changing.say("pairing_offered", [issuer.id], what, Authority(how="participant", by=(issuer.id,)))
        return Offered(code, _shown(name), expires_at)


def preview(database: Database, code: str, now: datetime) -> Preview:
    """What a code offers; it can be looked at as often as one likes.

    Raises:
        Mistyped: it is not even a code.
        NoSuchCode: there is none, or it is over, or it was used.
    """
    name = hash_of(read_code(code))
    with database.read() as session:
        found = _usable(pairings.find(session, name), now)
        text = pairings.text_of(session, found.text_sha256)
        everyone = registers.load_participants(session).values()
    names = {one.id: one.name for one in everyone}
    names |= {one.institution: one.name for one in everyone if one.kind == BANK}
    reads = [(recipient, one) for one in everyone if one.kind == "corporation" for _, recipient in one.entitlements]
    names |= {recipient: one.name for recipient, one in sorted(reads, key=lambda pair: pair[1].id, reverse=True)}
    covers = Covers.model_validate_json(found.offered)
    told = {one: names.get(one, one) for one in covers.recipients}
    return Preview(covers, text, found.text_sha256, told, found.expires_at)


def redeem(registrar: Registrar, vendor: Participant, code: str, agreed: Agreement, now: datetime) -> Paired:
    """Use a code: keep the firm's consent, and let the vendor's tenant name the firm. By the same vendor for the same
    tenant again it is answered alike.

    Raises:
        Mistyped: it is not even a code.
        NoSuchCode: there is none, or it is over, or it was used otherwise.
        InvalidRequest: another text was shown; or the tenant is paired with another firm, and that goes on.
    """
    name = hash_of(read_code(code))
    tenant = Reference(scheme=Scheme.TENANT, scope=vendor.id, value=agreed.tenant)
    with registrar.database.read() as session:  # who guesses locks nothing, and waits for nobody
        _usable(pairings.find(session, name), now, tenant)
    with registrar.changing() as changing:
        session = changing.session
        log.lock_all_heads(changing.registrar.database, session)
        found = _usable(pairings.find(session, name), changing.now, tenant)
        if found.consent is not None:
            return Paired(agreed.tenant, _still(session, found.consent, changing.now))
        if agreed.text_sha256 != found.text_sha256:
            raise InvalidRequest(
                "another text was shown than the code offers", ja="表示した同意文がコードの同意文と異なります。"
            )
        by = Authority(how="code", by=(vendor.id,))
        _let_name(changing, tenant, found)
        kept = consents.give(changing, _consent(found, vendor.id, agreed, changing.now), Firm(tenant, found.party), by)
        pairings.use(session, name, (vendor.id, agreed.tenant, kept.id))
        what = {"offer": _shown(name), "vendor": vendor.id, "tenant": agreed.tenant, "consent": kept.id}
        changing.say("paired", [found.issuer], what, by)  # the vendor is not told who made the code
        release_waiting(changing.registrar, session, [tenant], changing.now)
        return Paired(agreed.tenant, kept)


def routes(database: Database, tenant: Reference, kinds: Iterable[str], now: datetime) -> tuple[str, ...]:
    """The corporations to which a vendor may hand over records of all these kinds of the firm that its tenant is.

    Only consents by a code that was used in this tenant let it in, whatever else the firm agreed to with others.
    """
    with database.read() as session:
        used = [one.consent for one in pairings.of_tenant(session, tenant.scope, tenant.value) if one.consent]
        resting_on = kept_consents.goes_on_as(session, used).values() if used else ()
    today, asked = japanese_date(now), tuple(kinds)
    found = {
        recipient
        for one in resting_on
        if one.holds(today)
        for recipient in CGC_IDS.intersection(one.consent.recipients)
        if all(one.consent.covers(wanted(kind, recipient, tenant.scope)) for kind in asked)
    }
    return tuple(sorted(found))


def _firm(changing: Changing, issuer: Participant, asked: Offer) -> str:
    """The firm that is meant, by the rules of who knows which numbers."""
    corporations, is_bank = asked.terms.corporations, issuer.enrolled.kind == BANK
    if asked.firm.scheme not in NUMBERS[issuer.enrolled.kind]:
        raise InvalidRequest(
            "name the firm by a number that you know it by", ja="自社で把握している番号で事業者を指定してください。"
        )
    if asked.firm.scheme in (Scheme.CORPORATE_NUMBER, Scheme.INVOICE_NUMBER):
        parse_subject(f"{asked.firm.scheme.value}:{asked.firm.value}")
    institution = issuer.institution(None, changing.now) if is_bank else asked.firm.scope
    firm = scoped(asked.firm, issuer.id, institution, corporations[0])
    if firm.scheme in (Scheme.GUARANTEE, Scheme.CGC_CUSTOMER) and firm.scope not in corporations:
        raise NotFound
    if firm.scheme is Scheme.GUARANTEE:
        found = registers.find_guarantees(changing.session, firm.scope, [firm.value]).get(firm.value)
        speaks_as = (institution, *(issuer.succeeds(institution, changing.now) or ()))
        if found is None or (is_bank and found.institution not in speaks_as):
            raise NotFound
        return found.party
    return _found_or_added(changing, firm, asked.name, Authority(how="participant", by=(issuer.id,)))


def _found_or_added(changing: Changing, named: Reference, name: str, by: Authority) -> str:
    """The firm that a number names; one that nobody knows yet is added, and nobody is told which it was.

    Raises:
        NotFound: an id of ours that there is not.
    """
    log.lock_all_heads(changing.registrar.database, changing.session)
    found = consents.firm_named(changing, named, by.by[0]).party
    if found is not None:
        return found
    if named.scheme is Scheme.PARTY:
        raise NotFound("nobody knows that number", ja="その番号は登録されていません。")
    found = registers.add_party(changing.session, name)
    registers.link(changing.session, named, found, by.by[0], changing.now)
    changing.session.flush()
    changing.say("linked", [], {"reference": named.model_dump(mode="json"), "party": found}, by)
    itself = Reference(scheme=Scheme.PARTY, value=found)  # a consent may have waited for the number
    release_waiting(changing.registrar, changing.session, [named, itself], changing.now)
    return found


def _usable(found: Pairing | None, now: datetime, tenant: Reference | None = None) -> Pairing:
    """A code that can be used; or, where a tenant is named, that was used for it. One answer for all others."""
    if found is not None and (
        (found.consent is None and now < found.expires_at)
        or (tenant is not None and (found.vendor, found.tenant) == (tenant.scope, tenant.value))
    ):
        return found
    raise NoSuchCode


def _still(session: Session, consent: str, now: datetime) -> Kept:
    """A consent that a code was used for, or what it goes on as, while it holds; a code does not outlive it."""
    kept = kept_consents.goes_on_as(session, [consent])[consent]
    if not kept.holds(japanese_date(now)):
        raise NoSuchCode
    return kept


def _let_name(changing: Changing, tenant: Reference, found: Pairing) -> None:
    """Let a tenant name the firm, on the word of who made the code; what it was paired with before must be over."""
    session, today = changing.session, japanese_date(changing.now)
    before = registers.find_links(session, [tenant], today).get(tenant)
    if before == found.party:
        return
    if before is not None:
        used = [one for one in pairings.of_tenant(session, tenant.scope, tenant.value) if one.party == before]
        resting_on = kept_consents.goes_on_as(session, [one.consent for one in used if one.consent]).values()
        if not used or any(one.holds(today) for one in resting_on):
            raise InvalidRequest(
                "this tenant is paired with another firm; withdraw that consent first",
                ja="このテナントは別の事業者とペアリングされています。先にその同意を撤回してください。",
            )
        for one in used:
            registers.end_link(session, tenant, one.issuer, today)
    registers.link(session, tenant, found.party, found.issuer, changing.now)
    session.flush()


def _consent(found: Pairing, vendor: str, agreed: Agreement, now: datetime) -> Consent:
    """What the firm agreed to, in whose words, where and when."""
    terms, today = Covers.model_validate_json(found.offered), japanese_date(now)
    return Consent(
        granted_by=agreed.granted_by,
        granted_on=today,
        method=Method.WEB_CLICK,
        text_version=terms.text_version,
        text_sha256=found.text_sha256,
        data_classes=frozenset(terms.data_classes),
        purposes=frozenset(terms.purposes),
        recipients=terms.recipients,
        valid_from=today,
        valid_to=today + timedelta(days=terms.valid_days - 1),
        evidence=agreed.evidence,
        channel="accounting_software",
        providers=(vendor,),
    )


def _shown(name: bytes) -> str:
    """How a code is called where it may not be told."""
    return name[:8].hex()
