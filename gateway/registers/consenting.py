"""What participants may do with consents: record them, see those that concern them, withdraw them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from gateway.errors import InvalidRequest, NotEntitled, NotFound
from gateway.registers.changes import Registrar
from gateway.registers.consents import firm_named, give, withdraw
from gateway.registers.participants import Participant
from gateway.schemas.consent import Consent, Kept
from gateway.schemas.flows import flow_of, load_flows, needs_consent
from gateway.schemas.identifiers import CGC_IDS, Reference, Scheme, instant_text, japanese_date, scoped
from gateway.schemas.register_change import Authority
from gateway.store import consents
from gateway.store.consents import Concerned
from gateway.store.engine import Database

CORPORATION = "corporation"
OURS_ALONE = frozenset({Scheme.PARTY, Scheme.CGC_CUSTOMER})
"""Numbers by which only corporations name firms."""


class Given(BaseModel):
    """A consent, and the firm it is of, by any number that names it, or will."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    firm: Reference
    consent: Consent


@dataclass(frozen=True, slots=True)
class Asking:
    """Who records, sees or withdraws consents, and for which corporations, as token and register allow.

    Attributes:
        submits: corporations to which it may submit.
        links: corporations for which it says who is who.
        reads: corporations whose feed it may read.
    """

    participant: Participant
    submits: frozenset[str]
    links: frozenset[str]
    reads: frozenset[str]

    @property
    def by(self) -> Authority:
        """On whose word."""
        return Authority(how="participant", by=(self.participant.id,))

    @property
    def concerned(self) -> Concerned:
        """Whose consents it sees."""
        return Concerned(self.participant.id, self.reads | self.links | self._itself)

    @property
    def _itself(self) -> frozenset[str]:
        enrolled = self.participant.enrolled
        return frozenset({enrolled.id, *([enrolled.institution] if enrolled.institution else [])})

    def may_withdraw(self, kept: Kept) -> bool:
        """Whether it recorded the consent, or says who is who for a corporation that this names."""
        return kept.given_by == self.participant.id or not self.links.isdisjoint(kept.consent.recipients)


def record(registrar: Registrar, asking: Asking, given: Given) -> Kept:
    """Record a firm's consent. The answer is the same whether or not anybody knew the firm.

    Raises:
        NotEntitled: it names a corporation to which the participant may not submit, and for which it may not link.
        InvalidRequest: it lets others hand over what only their own consents may, or the number is not the sender's.
    """
    consent = given.consent
    if not (CGC_IDS & set(consent.recipients)) <= asking.submits | asking.links:
        raise NotEntitled
    named, consent = _named(asking, given.firm), _narrowed(asking, consent)
    with registrar.changing() as changing:
        return give(changing, consent, firm_named(changing, named, asking.participant.id), asking.by)


def end(registrar: Registrar, asking: Asking, id: str) -> Kept:
    """Withdraw a consent.

    Raises:
        NotFound: there is none that is the participant's to withdraw, or it is withdrawn.
        InvalidRequest: it was renewed.
    """
    with registrar.database.read() as session:
        kept = consents.find(session, [id]).get(id)
    if kept is None or not asking.may_withdraw(kept):
        raise NotFound
    with registrar.changing() as changing:
        return withdraw(changing, id, asking.by)


def concerning(database: Database, asking: Asking, now: datetime, expiring: int | None) -> list[dict[str, Any]]:
    """The consents that concern a participant, as it may see them; with ``expiring`` those that end in so many days."""
    with database.read() as session:
        found = consents.concerning(session, asking.concerned)
    today = japanese_date(now)
    if expiring is not None:
        last = today + timedelta(days=expiring)
        found = [one for one in found if one.renewed_by is None and one.holds(today)]
        found = [one for one in found if one.consent.valid_to is not None and one.consent.valid_to <= last]
    return [shown(one) | {"holds": one.holds(today)} for one in found]


def shown(kept: Kept) -> dict[str, Any]:
    """A consent as participants may see it: without our id of the firm, which tells that somebody knows it."""
    return {
        "id": kept.id,
        "firm": str(kept.named),
        "given_by": kept.given_by,
        "consent": kept.consent.model_dump(mode="json", exclude_none=True),
        "withdrawn_at": instant_text(kept.withdrawn_at) if kept.withdrawn_at else None,
        "renewed_by": kept.renewed_by,
    }


def _named(asking: Asking, firm: Reference) -> Reference:
    """The firm's number as this participant may use it."""
    enrolled = asking.participant.enrolled
    if enrolled.kind == CORPORATION:
        return firm
    if firm.scheme in OURS_ALONE:
        raise InvalidRequest("name the firm by a number of yours", ja="自社で使う番号で事業者を指定してください。")
    return scoped(firm, enrolled.id, enrolled.institution or enrolled.id, "")


def _narrowed(asking: Asking, consent: Consent) -> Consent:
    """The consent as far as the participant's word goes: who needs consents itself records them for itself alone."""
    enrolled = asking.participant.enrolled
    if not needs_consent(flow_of(enrolled.kind, enrolled.institution or enrolled.id), load_flows().kinds):
        return consent
    if set(consent.providers) - {enrolled.id}:
        raise InvalidRequest("name no provider but yourself", ja="providers には自社だけを指定できます。")
    return consent.model_copy(update={"providers": (enrolled.id,)})
