"""A document signed as a JWS (RFC 7515): within it, or beside it in the header field ``X-JWS-Signature``.

A body that looks like a compact JWS is one; no document that anything reads looks like that.

The protected header says ``typ`` (``hayame-submission+jws``), ``kid``, ``alg`` (that of the registered key), ``iat``
(when it was signed, in seconds), ``url`` (the absolute address it is sent to, with recipient and whatever else is asked
for; RFC 8555, section 6.4) and ``jti`` (the Idempotency-Key). The payload is the document, so its digest is signed too.
Keys in a header (``jwk``, ``jku``, ``x5c``) are not looked at.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from gateway.errors import SignatureMismatch
from gateway.security.canonical import b64url, canonical, strict_b64url
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing import Opened, open_compact, open_detached, sign_under

TYP = "hayame-submission+jws"
HEADER = "x-jws-signature"  # as in open banking

_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def sign_body(key: SigningKey, document: bytes, url: str, name: str, now: datetime) -> str:
    """The document within a compact JWS, to be sent to an address under an Idempotency-Key."""
    return sign_under(key, _header(key, url, name, now), document)


def sign_beside(key: SigningKey, document: bytes, url: str, name: str, now: datetime) -> str:
    """The JWS that goes beside a document, unencoded (RFC 7797)."""
    protected = b64url(canonical(_header(key, url, name, now) | {"b64": False, "crit": ["b64"]}))
    return f"{protected}..{b64url(key.sign(protected.encode() + b'.' + document))}"


def open_jws(body: bytes, beside: str, keys: KeyRing) -> Opened:
    """Verify a body that is a compact JWS, or else the JWS that came beside it.

    Raises:
        SignatureMismatch: it is not signed by one of the keys.
    """
    return open_compact(body.decode(), keys) if _COMPACT.fullmatch(body) else open_detached(beside, body, keys)


def document_in(body: bytes) -> bytes:
    """The document in a body that was verified before.

    Raises:
        EvidenceError: it is a JWS by its looks only.
    """
    return strict_b64url(body.split(b".")[1].decode()) if _COMPACT.fullmatch(body) else body


def _header(key: SigningKey, url: str, name: str, now: datetime) -> dict[str, object]:
    at = int(now.timestamp())
    return {"alg": key.algorithm.jose, "iat": at, "jti": name, "kid": key.kid, "typ": TYP, "url": url}


def signed_at(header: dict[str, Any], url: str, name: str) -> datetime:
    """When the JWS with this protected header was signed, for this address under this Idempotency-Key.

    Raises:
        SignatureMismatch: it is meant for something else, or does not say when.
    """
    meant = {"typ": TYP, "url": url, "jti": name}
    other = sorted(member for member, value in meant.items() if header.get(member) != value)
    if other:
        raise SignatureMismatch(f"the JWS is not meant for this: {', '.join(other)}")
    at = header.get("iat")
    if type(at) is not int or not 0 <= at < 1 << 33:
        raise SignatureMismatch("iat is not there, or not a number of seconds")
    return datetime.fromtimestamp(at, UTC)
