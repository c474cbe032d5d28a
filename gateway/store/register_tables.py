"""Tables of the registers: who takes part, who may do what, whose numbers are whose, guarantees and consents.

Thin, as in ``tables``: shapes and keys only. They change only together with a sealed statement (``registers.changes``).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from gateway.store.columns import counted, instant, long_text, some_bytes, whole_number


class Participant(SQLModel, table=True):
    """A bank, vendor, tax accountant's office, corporation or targeting tool."""

    id: str = Field(primary_key=True)
    kind: str
    name: str
    institution: str | None = None
    profile: str = "http_signature"
    enrolled_at: datetime = instant()


class ParticipantCertificate(SQLModel, table=True):
    """A certificate (DER) with which a participant signs XML."""

    __tablename__: ClassVar[Any] = "participant_certificate"
    participant: str = Field(primary_key=True, foreign_key="participant.id")
    der: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))


class ParticipantKey(SQLModel, table=True):
    """A participant's public key (JWK), found by its RFC 7638 thumbprint."""

    __tablename__: ClassVar[Any] = "participant_key"
    kid: str = Field(primary_key=True)
    participant: str = Field(index=True, foreign_key="participant.id")
    jwk: str = long_text()
    valid_from_at: datetime = instant()
    valid_until_at: datetime | None = instant(nullable=True)


class Entitlement(SQLModel, table=True):
    """What a participant may do at one recipient."""

    participant: str = Field(primary_key=True, foreign_key="participant.id")
    action: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)


class Delegation(SQLModel, table=True):
    """Who may submit on whose behalf, from when to when."""

    sender: str = Field(primary_key=True, foreign_key="participant.id")
    institution: str = Field(primary_key=True)
    valid_from: date
    valid_until: date | None = None


class ChangeConcerns(SQLModel, table=True):
    """Whom a statement of the registers' log concerns; ids sort by time, so that a history reads in order."""

    __tablename__: ClassVar[Any] = "change_concerns"
    participant: str = Field(primary_key=True)
    statement: str = Field(primary_key=True)


class Invitation(SQLModel, table=True):
    """A one-time code: a name that is part of it, the hash of its secret, and what it lets its holder register."""

    id: str = Field(primary_key=True)
    secret_sha256: bytes = some_bytes()
    invited: str = long_text()
    expires_at: datetime = instant()
    tries: int = 0
    used_at: datetime | None = instant(nullable=True)


class Proposal(SQLModel, table=True):
    """A change that waits for the administrators' approval."""

    id: str = Field(primary_key=True)
    ordered: str = long_text()
    proposed_at: datetime = instant()
    done_at: datetime | None = instant(nullable=True)


class Approval(SQLModel, table=True):
    """An administrator's signed word (JWS) on a proposal."""

    proposal: str = Field(primary_key=True, foreign_key="proposal.id")
    administrator: str = Field(primary_key=True)
    word: str = long_text()


class Succession(SQLModel, table=True):
    """From when on an institution is another: banks that merge."""

    institution: str = Field(primary_key=True)
    successor: str
    since: date


class PartySuccession(SQLModel, table=True):
    """That one firm became another on a day (法人成り), by whose word; each keeps its numbers and its history.

    What others say of the same firm stands beside it.
    """

    __tablename__: ClassVar[Any] = "party_succession"
    party: str = Field(primary_key=True, foreign_key="party.id")
    successor: str = Field(index=True, foreign_key="party.id")
    since: date
    asserted_by: str = Field(primary_key=True)
    asserted_at: datetime = instant()


class Coverage(SQLModel, table=True):
    """What an institution declares that its reports of a kind to a recipient hold, and since when."""

    institution: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    form: str
    since: date
    baseline_on: date | None = None
    declared_by: str
    declared_at: datetime = instant()


class Consent(SQLModel, table=True):
    """What a firm agreed may be disclosed (JSON), by whose word, whether it is over, and how far that was announced."""

    id: str = Field(primary_key=True)
    party: str | None = Field(default=None, index=True, foreign_key="party.id")
    named: str = Field(index=True)
    given_by: str
    given_at: datetime = instant()
    agreed: str = long_text()
    valid_to: date | None = Field(default=None, index=True)
    withdrawn_at: datetime | None = instant(nullable=True)
    withdrawn_by: str | None = None
    renewed_by: str | None = Field(default=None, index=True)
    announced: int | None = None


class ConsentRecipient(SQLModel, table=True):
    """To whom data may go under a consent: a corporation, an institution, or another participant."""

    __tablename__: ClassVar[Any] = "consent_recipient"
    recipient: str = Field(primary_key=True)
    consent: str = Field(primary_key=True, foreign_key="consent.id")


class ConsentText(SQLModel, table=True):
    """A text that firms are shown before they agree, by its digest: kept once, however many codes offer it."""

    __tablename__: ClassVar[Any] = "consent_text"
    sha256: str = Field(primary_key=True)
    text: str = long_text()


class Pairing(SQLModel, table=True):
    """A code by its hash, what it offers (JSON); once it was used, a vendor's tenant and the consent it rests on."""

    __table_args__ = (Index("pairing_by_tenant", "vendor", "tenant"),)
    code_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    issuer: str
    party: str = Field(foreign_key="party.id")
    offered: str = long_text()
    text_sha256: str = Field(foreign_key="consent_text.sha256")
    expires_at: datetime = instant()
    vendor: str | None = None
    tenant: str | None = None
    consent: str | None = Field(default=None, foreign_key="consent.id")


class RegisterVersion(SQLModel, table=True):
    """One row, counted up by every change to who may do what, so that caches know."""

    __tablename__: ClassVar[Any] = "register_version"
    id: int = Field(primary_key=True)
    version: int = whole_number(nullable=False)


class Party(SQLModel, table=True):
    """A firm (事業者), by an id of ours."""

    id: str = Field(primary_key=True)
    name: str
    entity_type: str = "unknown"


class Link(SQLModel, table=True):
    """One number by which somebody names a firm."""

    __table_args__ = (Index("link_by_number", "scheme", "scope", "value"),)
    id: int | None = counted()
    scheme: str
    scope: str
    value: str
    party: str = Field(foreign_key="party.id")
    valid_from: date | None = None
    valid_until: date | None = None
    asserted_by: str
    asserted_at: datetime = instant()


class Guarantee(SQLModel, table=True):
    """One guarantee of one corporation, as its register has it (``schemas/guarantees.py``); null is not known."""

    recipient: str = Field(primary_key=True)
    guarantee_no: str = Field(primary_key=True)
    institution: str
    party: str = Field(foreign_key="party.id")
    principal_yen: int | None = whole_number(nullable=True)
    is_revolving: bool | None = None
    issued_on: date | None = None
    executed_on: date | None = None
    maturity_on: date | None = None
    first_principal_due_on: date | None = None
    guarantee_ratio_bp: int | None = None
    scheme_code: str | None = None
    scheme_family: str | None = None
    scheme_from: date | None = None
    scheme_until: date | None = None
    change_count: int | None = None
    last_changed_on: date | None = None
    last_change_kind: str | None = None
    has_proper_loan: bool | None = None
