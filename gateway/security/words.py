"""Words: what a participant signs to have a register changed (compact JWS); sealed with the change, they outlive it.

A word is for one gateway (``aud``), short-lived (``iat``), used once (``jti``), and says in ``typ`` what it is. One
that proves possession of a new key carries that key (``jwk``) and is signed by it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import EvidenceError, NotAuthentic
from gateway.security.canonical import b64url, canonical
from gateway.security.dpop import key_carried
from gateway.security.keys import KeyRing, PublicKey, SigningKey
from gateway.security.signing import Opened, open_by, open_compact, sign_compact, sign_under
from gateway.security.tokens import MOST_AHEAD, claim_instant, claim_text, claims_of, seconds

POSSESSION = "hayame-possession+jwt"
ROTATION = "hayame-key-rotation+jwt"
REVOCATION = "hayame-key-revocation+jwt"
APPROVAL = "hayame-approval+jwt"
INVITATION = "hayame-invitation+jwt"
LIFE = timedelta(minutes=5)
LONGEST = 8_192  # characters; with the largest key that is accepted a word has about 3,000


@dataclass(frozen=True, slots=True)
class Word:
    """A word that holds: by which key, what it claims; its ``jti`` may be used once until ``expires_at``."""

    key: PublicKey
    claims: dict[str, Any]
    jti: str
    expires_at: datetime


def say(key: SigningKey, typ: str, issuer: str, claims: dict[str, Any], now: datetime) -> str:
    """A word by a registered key; ``issuer`` is the gateway's address."""
    return sign_compact(key, canonical(_claims(issuer, claims, now)), typ)


def show_possession(key: SigningKey, issuer: str, claims: dict[str, Any], now: datetime) -> str:
    """A word by a new key, which it carries."""
    header = {"alg": key.algorithm.jose, "jwk": dict(key.public.members), "typ": POSSESSION}
    return sign_under(key, header, canonical(_claims(issuer, claims, now)))


def read_word(text: str, keys: KeyRing, typ: str, issuer: str, now: datetime) -> Word:
    """Prove that a word was said by one of the keys, for us, not long ago.

    Raises:
        NotAuthentic: anything else; the cause is in its ``reason``.
    """
    try:
        opened = open_compact(_bounded(text), keys)
    except EvidenceError as error:
        raise NotAuthentic(error.message) from error
    key = keys.find(opened.header["kid"])
    if key is None:
        raise NotAuthentic("the key is not registered")
    return _read(opened, key, typ, issuer, now)


def read_possession(text: str, issuer: str, now: datetime) -> Word:
    """Prove that a word was said by the key that it carries, for us, not long ago; its thumbprint names the key.

    Raises:
        NotAuthentic: anything else; the cause is in its ``reason``.
    """
    try:
        opened = open_by(_bounded(text), key_carried)
    except EvidenceError as error:
        raise NotAuthentic(error.message) from error
    return _read(opened, key_carried(opened.header), POSSESSION, issuer, now)


def plain_code(code: str) -> str:
    """A one-time code without what people add or mistake.

    >>> plain_code("k7q2-oOiL 9")
    'K7Q200119'
    """
    return code.upper().translate(str.maketrans("OIL", "011", "- \t\n"))


def code_hash(code: str) -> str:
    """How a word names a one-time code without telling it."""
    return b64url(hashlib.sha256(plain_code(code).encode()).digest())


def _claims(issuer: str, claims: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {**claims, "aud": issuer, "iat": seconds(now), "jti": secrets.token_urlsafe(16)}


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise NotAuthentic("the word is longer than any needs to be")
    return text


def _read(opened: Opened, key: PublicKey, typ: str, issuer: str, now: datetime) -> Word:
    claims = claims_of(opened)
    if opened.header.get("typ") != typ or claims.get("aud") != issuer:
        raise NotAuthentic(f"the word is not a {typ} for this gateway")
    said_at = claim_instant(claims, "iat")
    if not now - LIFE < said_at <= now + MOST_AHEAD:
        raise NotAuthentic("the word is older than five minutes, or from the future")
    return Word(key, claims, claim_text(claims, "jti"), said_at + LIFE)
