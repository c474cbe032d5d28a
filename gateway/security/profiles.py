"""What a participant proves its submissions with: one of four profiles, and exactly the one it is registered with.

``http_signature`` covers method, address, token, digest, key and document; the other three are for who cannot do that.
``jws_body`` and ``xml_signature`` sign document, address, Idempotency-Key and time. ``mtls_only`` signs nothing and
stands on the certificate of the connection, to which the token is bound. A digest of the body is required in all.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, NamedTuple

from cryptography import x509

from gateway.errors import EvidenceError, NotAuthentic, SignatureMismatch, TooLarge
from gateway.schemas.identifiers import SignatureProfile
from gateway.security import jws_bodies, xml_bodies
from gateway.security.http_signatures import MOST_AHEAD_S, SignedRequest, check_digest, verify_request
from gateway.security.keys import KeyRing

SIGNED_WHOLE = frozenset({SignatureProfile.JWS_BODY, SignatureProfile.XML_SIGNATURE})
MOST_BYTES = 8 << 20  # of a body that is signed as a whole: it is verified in memory


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs: in which way, and with which keys or, where it signs XML, certificates."""

    profile: SignatureProfile
    keys: KeyRing
    certificates: tuple[x509.Certificate, ...] = ()


class Signed(NamedTuple):
    """How a request was proven: when it was signed, by the signer's own clock, and by which registered key.

    Both are None where nothing is signed; a certificate is not a registered key.
    """

    profile: SignatureProfile
    at: datetime | None = None
    key: str | None = None


def proven(
    who: Signatory, request: SignedRequest, body: Callable[[], BinaryIO], now: datetime, max_age_s: int
) -> Signed:
    """How a request was proven, in the signer's own way.

    Args:
        who: the participant that is to have signed.
        request: as it arrived.
        body: opens its content.
        now: when it is.
        max_age_s: seconds for which a signature is good.

    Raises:
        NotAuthentic: the signature is missing, late, incomplete, of another kind, or not by this participant.
        DigestMismatch: the body is not the one whose digest was sent.
        TooLarge: the body is too large to be signed as a whole.
    """
    if who.profile is SignatureProfile.HTTP_SIGNATURE:
        verified = verify_request(request, who.keys, now, max_age_s)
        return Signed(who.profile, verified.created_at, verified.keyid)
    check_digest(request)
    if who.profile is SignatureProfile.MTLS_ONLY:
        return Signed(who.profile)
    try:
        at, key = _signed_body(who, request, _read(body), now)
    except EvidenceError as error:
        raise NotAuthentic(str(error)) from error
    if not now - timedelta(seconds=max_age_s) <= at <= now + timedelta(seconds=MOST_AHEAD_S):
        raise NotAuthentic(f"signed at {at.isoformat()}")
    return Signed(who.profile, at, key)


def _signed_body(who: Signatory, request: SignedRequest, body: bytes, now: datetime) -> tuple[datetime, str | None]:
    name, url = idempotency_key(request.headers), request.target_uri
    if who.profile is SignatureProfile.XML_SIGNATURE:
        said = xml_bodies.open_xml(body, who.certificates, now)
        if (said.url, said.name) != (url, name):
            raise SignatureMismatch("the XML is meant for another address or Idempotency-Key")
        return said.signed_at, None
    opened = jws_bodies.open_jws(body, request.headers.get(jws_bodies.HEADER, ""), who.keys)
    return jws_bodies.signed_at(opened.header, url, name), opened.header["kid"]


def document_in(profile: SignatureProfile | None, body: bytes) -> bytes:
    """The document in what was received: all of it, unless it was sent within its signature, which is not verified.

    Args:
        profile: what it was proven with.
        body: what was received.

    Raises:
        EvidenceError: it holds no document; that is refused at the door.
    """
    if profile is SignatureProfile.XML_SIGNATURE:
        return xml_bodies.document_in(body)
    return jws_bodies.document_in(body) if profile is SignatureProfile.JWS_BODY else body


def document_of(profile: SignatureProfile | None, source: BinaryIO) -> BinaryIO:
    """The document in what was received, to be read; otherwise as ``document_in``."""
    if profile not in SIGNED_WHOLE:
        return source
    with source:
        return io.BytesIO(document_in(profile, source.read()))


def idempotency_key(headers: Mapping[str, str]) -> str:
    """The Idempotency-Key, with or without the quotes of a structured field."""
    return headers.get("idempotency-key", "").strip().strip('"')


def _read(body: Callable[[], BinaryIO]) -> bytes:
    with body() as source:
        found = source.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise TooLarge(
            f"a body signed as a whole has at most {MOST_BYTES >> 20} MiB; larger ones need a request signature",
            ja=f"本文全体への署名は {MOST_BYTES >> 20} MiB までです。それを超える場合はリクエスト署名が必要です。",
        )
    return found
