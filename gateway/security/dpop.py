"""DPoP (RFC 9449): a proof, made anew for each request, that its sender holds the key to which a token is bound.

A proof is a JWT that carries its own public key, so it says nothing about who that is; the token does, by the key's
thumbprint (RFC 7638). Whether a proof was used before is for the caller to say, by key and ``jti``.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from gateway.errors import ConfigurationError, EvidenceError, NotAuthentic
from gateway.security.canonical import b64url, canonical
from gateway.security.keys import PublicKey, SigningKey
from gateway.security.signing import open_by, sign_under
from gateway.security.tokens import MOST_AHEAD, claim_instant, claim_text, claims_of, seconds

PROOF_LIFE = timedelta(seconds=60)
TYPE = "dpop+jwt"
ALGORITHMS = ("Ed25519", "ES256", "PS256")
LONGEST = 8_192  # characters of a proof; with the largest key that is accepted it has about 3,000
KEYS_REMEMBERED = 1_024
_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Target:
    """The request a proof is for.

    Attributes:
        method: as sent.
        uri: absolute address without query, from the configured base address and never from what a proxy passed on.
        token: the access token it goes with; None where one is asked for.
    """

    method: str
    uri: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: by which key (thumbprint); its ``jti`` may be used once until ``expires_at``."""

    jkt: str
    jti: str
    expires_at: datetime


def make_proof(key: SigningKey, target: Target, now: datetime) -> str:
    """The value of the DPoP header of one request; good for one use within a minute."""
    claims = {"htm": target.method, "htu": target.uri, "iat": seconds(now), "jti": secrets.token_urlsafe(16)}
    if target.token is not None:
        claims["ath"] = token_hash(target.token)
    header = {"alg": key.algorithm.jose, "jwk": dict(key.public.members), "typ": TYPE}
    return sign_under(key, header, canonical(claims))


def read_proof(jwt: str, target: Target, now: datetime) -> Proof:
    """Prove that a request was sent by who holds the key in its proof, not long ago.

    Raises:
        NotAuthentic: anything else; the cause is in its ``reason``.
    """
    try:
        if len(jwt) > LONGEST:
            raise NotAuthentic("the proof is longer than any needs to be")
        opened = open_by(jwt, key_carried)
        claims = claims_of(opened)
        if opened.header.get("typ") != TYPE:
            raise NotAuthentic("the typ of the proof is not dpop+jwt")
        _check_target(claims, target)
        made_at = claim_instant(claims, "iat")
        if not now - PROOF_LIFE < made_at <= now + MOST_AHEAD:
            raise NotAuthentic("the proof is older than a minute, or from the future")
        return Proof(key_carried(opened.header).kid, claim_text(claims, "jti"), made_at + PROOF_LIFE)
    except EvidenceError as error:
        raise NotAuthentic(error.message, flaw="invalid_dpop_proof") from error
    except NotAuthentic as error:
        raise NotAuthentic(error.reason, flaw="invalid_dpop_proof") from error


def token_hash(token: str) -> str:
    """The ``ath`` of a token.

    >>> token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")
    'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo'
    """
    return b64url(sha256(token.encode()).digest())


def key_carried(header: dict[str, Any]) -> PublicKey:
    """The key that a JWS carries in its header, named by its thumbprint.

    Raises:
        NotAuthentic: it carries none that is accepted.
    """
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        raise NotAuthentic("the proof carries no jwk")
    try:
        return _key(orjson.dumps(jwk, option=orjson.OPT_SORT_KEYS))
    except ConfigurationError as error:
        raise NotAuthentic(f"the jwk of the proof: {error.message}") from error


@lru_cache(KEYS_REMEMBERED)
def _key(jwk: bytes) -> PublicKey:
    """A key by its thumbprint, whatever its owner calls it; a client sends the same one each time."""
    return PublicKey.from_jwk({name: value for name, value in orjson.loads(jwk).items() if name != "kid"})


def _check_target(claims: dict[str, Any], target: Target) -> None:
    if claims.get("htm") != target.method:
        raise NotAuthentic("htm is not the method of the request")
    if _plain(claim_text(claims, "htu", longest=2_048)) != _plain(target.uri):
        raise NotAuthentic("htu is not the address of the request, as clients are to use it")
    if target.token is not None and claims.get("ath") != token_hash(target.token):
        raise NotAuthentic("ath is not the hash of the token")


def _plain(uri: str) -> tuple[str, str, str]:
    """Scheme, authority and path: what is compared of an address, however it is spelled (RFC 9449, section 4.3)."""
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise NotAuthentic("htu is not an address") from error
    return parts.scheme, parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, "//")), unquote(parts.path)
