"""Names for parties, firms and moments, and what must hold for them."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.errors import InvalidRequest

JST = ZoneInfo("Asia/Tokyo")

CgcId = Annotated[str, StringConstraints(pattern=r"^(\d{2}|\d{5})$")]
BankCode = Annotated[str, StringConstraints(pattern=r"^\d{4}$")]
BranchCode = Annotated[str, StringConstraints(pattern=r"^\d{3}$")]
_PRINTED = r"^[^\x00-\x1f\x7f]*$"
Opaque = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True, pattern=_PRINTED)]
Named = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTED)]
"""What people call something; as in ``Opaque``, nothing in it that cannot be printed, or kept by every database."""


class Scheme(StrEnum):
    """Kinds of number by which somebody may name a firm."""

    CORPORATE_NUMBER = "corporate_number"  # 法人番号, scope empty
    INVOICE_NUMBER = "invoice_number"  # 適格請求書発行事業者 登録番号, scope empty
    GUARANTEE = "guarantee"  # 保証番号, scope: the corporation's cgc_id
    CGC_CUSTOMER = "cgc_customer"  # 顧客番号, scope: cgc_id
    BANK_CUSTOMER = "bank_customer"  # CIF, scope: bank_code
    TENANT = "tenant"  # a vendor's tenant id, scope: the vendor's participant id
    PARTY = "party"  # our own party id, scope empty


class Reference(BaseModel):
    """One way in which a document, or its sender, names the firm the figures are about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: Scheme
    value: Opaque
    scope: Annotated[str, StringConstraints(max_length=64, pattern=_PRINTED)] = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.scheme.value, self.scope, self.value) if part)


class Channel(StrEnum):
    """By which door a submission came in."""

    API = "api"
    AGENT = "agent"
    FOLDER = "folder"
    PORTAL = "portal"
    MEDIA = "media"
    PAPER_TRANSCRIPTION = "paper_transcription"
    GATEWAY = "gateway"  # the gateway's own statements, for example a release of held records


class SignatureProfile(StrEnum):
    """What a participant proves each submission with; recorded in the receipt (``origin.proof``)."""

    HTTP_SIGNATURE = "http_signature"  # a request signature, RFC 9421
    JWS_BODY = "jws_body"  # a JWS over the document, RFC 7515
    XML_SIGNATURE = "xml_signature"  # XML-DSig or XAdES around the document
    MTLS_ONLY = "mtls_only"  # nothing is signed: a token bound to the certificate of the connection


def parse_subject(text: str) -> Reference:
    """A firm as named in ``subject=``: ``scheme:value``, ``scheme:scope:value``, or a bare corporate or invoice number.

    A sole proprietor's invoice number carries no check digit (domain note 3.2), so none is asked for there.

    Raises:
        ValueError: it is none of these.
        InvalidRequest: a corporate number without its check digit, an invoice number that is not T and 13 digits.

    >>> str(parse_subject("7000012050002")), str(parse_subject("bank_customer:9991:C-17"))
    ('corporate_number:7000012050002', 'bank_customer:9991:C-17')
    """
    if text.isascii() and text.isdigit() and len(text) == 13:
        return _sound(Reference(scheme=Scheme.CORPORATE_NUMBER, value=text))
    if _is_invoice_number(text):
        return Reference(scheme=Scheme.INVOICE_NUMBER, value=text)
    scheme, _, rest = text.partition(":")
    scope, separator, value = rest.partition(":")
    return _sound(
        Reference(scheme=Scheme(scheme), scope=scope if separator else "", value=value if separator else rest)
    )


def _sound(reference: Reference) -> Reference:
    if reference.scheme is Scheme.CORPORATE_NUMBER and not corporate_number_holds(reference.value):
        raise InvalidRequest(
            "subject is not a corporate number: 13 digits, of which the first checks the others",
            ja="subject の法人番号が正しくありません（13桁・検査用数字）。",
        )
    if reference.scheme is Scheme.INVOICE_NUMBER and not _is_invoice_number(reference.value):
        raise InvalidRequest(
            "subject is not an invoice registration number: T and 13 digits",
            ja="subject の登録番号が正しくありません（T＋13桁）。",
        )
    return reference


def _is_invoice_number(text: str) -> bool:
    return len(text) == 14 and text[0] == "T" and text[1:].isascii() and text[1:].isdigit()


def scoped(reference: Reference, sender: str, institution: str, recipient: str) -> Reference:
    """A reference with the scope it has in this submission.

    A tenant id means the sender's own tenant, a bank customer the institution's, whatever scope is stated: under
    another's scope the whole of it becomes a number of their own, which is as unknown as any other and tells nothing
    about another's customers. A guarantee or customer number that states no scope is the recipient's.

    >>> str(scoped(Reference(scheme=Scheme.BANK_CUSTOMER, scope="9991", value="C1"), "bank-9992", "9992", "13"))
    'bank_customer:9992:9991:C1'
    """
    own = {Scheme.TENANT: sender, Scheme.BANK_CUSTOMER: institution}.get(reference.scheme)
    if own is not None:
        if reference.scope == own:
            return reference
        value = f"{reference.scope}:{reference.value}" if reference.scope else reference.value
        return reference.model_copy(update={"scope": own, "value": value})
    if reference.scope or reference.scheme not in (Scheme.GUARANTEE, Scheme.CGC_CUSTOMER):
        return reference
    return reference.model_copy(update={"scope": recipient})


CGC_IDS: frozenset[str] = frozenset(
    [f"{prefecture:02d}" for prefecture in range(1, 48)] + ["14100", "14130", "21201", "23100"]
)
"""The 51 corporations: JIS X 0401 prefecture code, or JIS X 0402 code for the four city corporations.

Source: domain note 3.5. No official code was found; this is a proposal, used as an opaque scope everywhere.
"""


def corporate_number_holds(text: str) -> bool:
    """Whether a 13-digit 法人番号 carries its right check digit.

    The check digit is the first digit; swapping 0 and 9 goes unnoticed (the sum is taken modulo 9).

    Source: 法人番号の指定等に関する省令 (check digit ordinance).

    >>> corporate_number_holds("7000012050002"), corporate_number_holds("1234567890123")
    (True, False)
    """
    if not (len(text) == 13 and text.isascii() and text.isdigit()):
        return False
    total = 2 * sum(map(int, text[1::2])) + sum(map(int, text[2::2]))
    return int(text[0]) == 9 - total % 9


def new_id() -> str:
    """A UUIDv7 (RFC 9562): unguessable enough to be an address, ordered enough to be a key."""
    stamp = time.time_ns() // 1_000_000
    raw = bytearray(stamp.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=4_096)
def instant_text(instant: datetime) -> str:
    """An aware instant as RFC 3339 text in UTC with microseconds; the one spelling used in sealed bytes."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_instant(text: str) -> datetime:
    """The instant that ``instant_text`` spells.

    Raises:
        ValueError: the text is not of that form.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def japanese_date(instant: datetime) -> date:
    """The calendar date in Japan at an aware instant."""
    return instant.astimezone(JST).date()
