"""A consent (同意): what a firm agreed may be disclosed, of what kind, to whom, for what, and for how long.

Source: domain note 12 (APPI arts. 18, 27, 28, 31: in writing or electromagnetic, clearly the person's will).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.schemas.identifiers import Named, Opaque, Reference


class Basis(StrEnum):
    """Why data may go from one to another at all."""

    CONTRACT = "contract"
    LAW = "law"
    CONSENT = "consent"


class Method(StrEnum):
    """How the firm said so."""

    PAPER_SCAN = "paper_scan"
    E_SIGN = "e_sign"
    WEB_CLICK = "web_click"
    INHERITED_APPLICATION_FORM = "inherited_application_form"


class DataClass(StrEnum):
    """What of a firm's data."""

    REPAYMENT = "repayment"
    REPORT = "report"
    TB = "tb"
    FS = "fs"
    CASHFLOW = "cashflow"
    APPLICATION = "application"
    SCORE = "score"
    FREE_TEXT = "free_text"
    CONTACT = "contact"


class Purpose(StrEnum):
    """What for."""

    SCREENING = "screening"
    MID_TERM_MANAGEMENT = "mid_term_management"
    SUPPORT = "support"
    REVITALIZATION_NETWORK = "revitalization_network"
    STATISTICS = "statistics"


S = TypeVar("S", bound=StrEnum)


def _in_order(some: tuple[S, ...]) -> tuple[S, ...]:
    """Each once, in the order of their names: what was agreed is sealed in one spelling."""
    return tuple(sorted(set(some)))


class GrantedBy(BaseModel):
    """Who agreed for the firm, and as what (代表者, 本人, …)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Named = Field(min_length=1)
    role: Named = Field(min_length=1)


class Wanted(BaseModel):
    """What somebody is about to disclose: data of these classes, all of them, for a purpose, to whom, from whom.

    Where ``provider`` is None, who hands it over was looked at before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[DataClass, ...]
    purpose: Purpose
    recipient: str
    provider: str | None = None


class Consent(BaseModel):
    """What was agreed. Days are Japanese calendar days, the last one included.

    Attributes:
        recipients: corporations by number (``13``), institutions by bank code (``9991``), others by participant id.
        providers: participants who may hand data over under it; empty for whoever has a firm's data.
        text_version, text_sha256: which text was agreed to, and the digest of that text (hex).
        evidence: under which id whoever recorded it keeps the signed paper or the log of the click.
        channel: where it was given, for example ``application_form``, ``accounting_software`` or ``counter``.
        renews: the consent that it continues; given before that one ends, what rested on that one rests on this one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    granted_by: GrantedBy
    granted_on: date
    method: Method
    text_version: Opaque
    text_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    data_classes: Annotated[tuple[DataClass, ...], AfterValidator(_in_order)] = Field(min_length=1)
    purposes: Annotated[tuple[Purpose, ...], AfterValidator(_in_order)] = Field(min_length=1)
    recipients: tuple[Opaque, ...] = Field(min_length=1, max_length=100)
    valid_from: date
    valid_to: date | None = None
    evidence: Named | None = None
    channel: Opaque
    providers: tuple[Opaque, ...] = Field(default=(), max_length=100)
    renews: Opaque | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Consent:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        if len(set(self.recipients)) < len(self.recipients):
            raise ValueError("a recipient is named twice")
        return self

    def covers(self, wanted: Wanted) -> bool:
        """Whether this is what was agreed to, leaving aside when."""
        return (
            set(self.data_classes).issuperset(wanted.classes)
            and wanted.purpose in self.purposes
            and wanted.recipient in self.recipients
            and (not self.providers or wanted.provider is None or wanted.provider in self.providers)
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A consent as it is kept: of which firm, by what number that was named, on whose word.

    Attributes:
        party: our id of the firm; None while nobody knows the number by which it was named.
        given_by: the participant that recorded it.
        withdrawn_at, withdrawn_by: since when it is withdrawn, and who said so.
        renewed_by: the consent that continues it.
    """

    id: str
    party: str | None
    named: Reference
    given_by: str
    consent: Consent
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    renewed_by: str | None = None

    def holds(self, on: date) -> bool:
        """Whether it is valid on a day; once withdrawn, it is on none."""
        until = self.consent.valid_to
        return self.withdrawn_at is None and self.consent.valid_from <= on and (until is None or on <= until)


def chosen(of_firm: Iterable[Kept], wanted: Wanted, on: date) -> Kept | None:
    """The newest of a firm's consents (the oldest come first) that covers this, and holds on a day."""
    fitting = [one for one in of_firm if one.holds(on) and one.consent.covers(wanted)]
    return fitting[-1] if fitting else None
