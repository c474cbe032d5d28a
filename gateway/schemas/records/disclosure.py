"""How figures came to be disclosed: by whose hand, out of which books, in which state, and what speaks for them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.schemas.identifiers import Opaque
from gateway.schemas.records.labels import Short

FeedKind = Literal["tb_monthly", "fs_annual", "tax_return", "attachments", "live_view_link"]
EvidenceKind = Literal[
    "etax_receipt", "article_33_2", "timely_bookkeeping", "sme_checklist", "xtx_copy", "etax_relay", "other"
]
"""受信通知, 税理士法33条の2 書面, 記帳適時性証明書, 中小会計要領チェックリスト, 申告データの控え, 申告データの中継."""


class Part(BaseModel):
    """A section of the disclosure."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class System(Part):
    """The accounting system out of which the figures came."""

    vendor: Annotated[Short, Field(min_length=1, max_length=200)]
    product: Annotated[Short, Field(min_length=1, max_length=200)]
    version: Annotated[Short, Field(max_length=40)] | None = None


class Captured(Part):
    """One field of an evidence as it was read there: ``receipt_no``, ``received_at``, ``procedure`` and so on."""

    label: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    text: Annotated[Short, Field(min_length=1)]


class Evidence(Part):
    """A document that speaks for the figures; it stays where it is, known here by its digest.

    ``assurance_level``: L0 self-declared, L1 straight from the accounting software, L2 closed by a tax accountant,
    L3 e-filed with receipt, L4 e-filed with the accountant's statement or audited. It is the discloser's word.

    Source: domain note 6.2.
    """

    kind: EvidenceKind
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    assurance_level: Literal["L0", "L1", "L2", "L3", "L4"]
    fields: Annotated[tuple[Captured, ...], Field(max_length=40)] = ()


class Disclosure(Part):
    """One act of disclosure, as the disclosing system states it.

    ``accountant_no`` is the registration number of the tax accountant through whom it goes, ``consent_id`` the
    discloser's own number of the firm's consent. ``closed`` books are final, ``provisional`` ones may still change.

    Source: domain note 6.1.
    """

    feed_kind: FeedKind
    close_state: Literal["closed", "provisional"]
    closed_on: date | None = None
    disclosed_on: date
    accountant_no: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")] | None = None
    system: System
    consent_id: Opaque | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=40)] = ()

    @property
    def texts(self) -> tuple[str | None, ...]:
        """What people wrote in it, as against numbers and codes."""
        captured = (field.text for evidence in self.evidence for field in evidence.fields)
        return (self.system.vendor, self.system.product, self.system.version, *captured)
