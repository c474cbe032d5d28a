"""A pairing (ペアリング): what a code offers a firm to agree to, and what its accounting software hands in for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.schemas.consent import DataClass, GrantedBy, Purpose
from gateway.schemas.identifiers import CGC_IDS, Named, Opaque, Reference

LONGEST_TEXT = 20_000
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Covers(BaseModel):
    """What a consent will cover, in fields.

    Attributes:
        text_version: which text says so.
        data_classes, purposes: what of the firm's data, and what for.
        recipients: corporations by number (``13``), at least one; institutions by bank code, others by participant id.
        valid_days: for how many days, that of agreement included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_version: Opaque
    data_classes: tuple[DataClass, ...] = Field(min_length=1, max_length=len(DataClass))
    purposes: tuple[Purpose, ...] = Field(min_length=1, max_length=len(Purpose))
    recipients: tuple[Opaque, ...] = Field(min_length=1, max_length=20)
    valid_days: int = Field(default=365, ge=1, le=3_660)

    @model_validator(mode="after")
    def _names_a_corporation(self) -> Self:
        if len(set(self.recipients)) < len(self.recipients) or CGC_IDS.isdisjoint(self.recipients):
            raise ValueError("recipients are named once each, one of the 51 corporations among them")
        return self

    @property
    def corporations(self) -> tuple[str, ...]:
        """Those of the recipients that are corporations: where the vendor's data will go."""
        return tuple(one for one in self.recipients if one in CGC_IDS)


class Terms(Covers):
    """What a firm agrees to that enters a code, with the text, whole, as its accounting software will show it."""

    text: str = Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")


class Offer(BaseModel):
    """A code to be made: for which firm, by any number of it, and by name where it is new; what it offers; how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    firm: Reference
    name: Named = Field(min_length=1)
    terms: Terms
    hours: int = Field(default=72, ge=1, le=24 * 31)


class Agreement(BaseModel):
    """That a firm agreed, as its accounting software saw it: in which tenant, who for it, and to exactly which text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: Opaque
    granted_by: GrantedBy
    text_sha256: Sha256
    evidence: Named | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """A code as it is kept, without what would make it be found.

    Attributes:
        issuer: who made it.
        party: the firm it was made for, by our id.
        offered: what it covers (JSON); ``text_sha256`` is the digest of the text (hex).
        expires_at: until when it can be used.
        vendor, tenant, consent: by whom, in which of its tenants, and under which consent it was used; None before.
    """

    issuer: str
    party: str
    offered: str
    text_sha256: str
    expires_at: datetime
    vendor: str | None = None
    tenant: str | None = None
    consent: str | None = None
