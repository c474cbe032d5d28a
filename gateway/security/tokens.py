"""Tokens: who a client is (``private_key_jwt``, RFC 7523 under FAPI 2.0) and what it was granted (RFC 9068).

Issuing and reading are the same claims from two sides. Whether an assertion was used before is for the caller to say,
by its ``jti``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from gateway.errors import EvidenceError, NotAuthentic
from gateway.security.canonical import canonical, strict_b64url
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing import Opened, open_compact, sign_compact

ACCESS_TOKEN_LIFE = timedelta(seconds=300)
LONGEST_ACCESS_TOKEN = timedelta(hours=1)  # of another issuer's: so long a key that was withdrawn may still matter
ASSERTION_LIFE = timedelta(seconds=60)
LONGEST_ASSERTION = timedelta(seconds=300)
MOST_AHEAD = timedelta(seconds=10)  # FAPI 2.0 Security Profile, section 5.3.2.1: clocks may differ that much

_AT_JWT = "at+jwt"
_ASSERTION_TYPES = frozenset({"", "jwt", "client-authentication+jwt"})
_LONGEST_TEXT = 256
_LATEST = 253_402_300_799  # the last second of the year 9999


@dataclass(frozen=True, slots=True)
class Assertion:
    """A client that has proven itself; ``jti`` may be used once until ``expires_at``."""

    client_id: str
    jti: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Binding:
    """Who alone may use a token (RFC 7800): the holder of a key, of a certificate, of both; without either, anybody.

    Attributes:
        jkt: thumbprint of the key by which each request is to be proven (RFC 9449, section 6.1).
        x5t: SHA-256 of the certificate with which the client is to connect (RFC 8705, section 3.1).
    """

    jkt: str | None = None
    x5t: str | None = None

    def __bool__(self) -> bool:
        return self != UNBOUND

    def claims(self) -> dict[str, dict[str, str]]:
        """The claim that says so; none for a token that anybody may use."""
        members = {name: value for name, value in (("jkt", self.jkt), ("x5t#S256", self.x5t)) if value is not None}
        return {"cnf": members} if members else {}


UNBOUND = Binding()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a client was granted, until when, and who alone may use it."""

    client_id: str
    scopes: frozenset[str]
    expires_at: datetime
    binding: Binding = UNBOUND


def make_client_assertion(key: SigningKey, client_id: str, issuer: str, now: datetime) -> str:
    """The assertion by which a client asks for a token; good for one use within a minute."""
    claims = {
        "aud": issuer,
        "exp": seconds(now + ASSERTION_LIFE),
        "iat": seconds(now),
        "iss": client_id,
        "jti": secrets.token_urlsafe(16),
        "sub": client_id,
    }
    return sign_compact(key, canonical(claims), "client-authentication+jwt")


def read_client_assertion(jwt: str, keys_of: Callable[[str], KeyRing], issuer: str, now: datetime) -> Assertion:
    """Prove which client an assertion comes from.

    Args:
        jwt: the ``client_assertion``.
        keys_of: the keys registered for a client id; of an unknown client, none.
        issuer: our issuer identifier, which must be the audience, as one string.
        now: aware instant.

    Raises:
        NotAuthentic: anything else; the cause is in its ``reason``.
    """
    client_id = claim_text(_unverified(jwt), "iss")
    claims = _open(jwt, keys_of(client_id), _ASSERTION_TYPES)
    if claims.get("sub") != client_id or claims.get("aud") != issuer:
        raise NotAuthentic("sub is not iss, or aud is not our issuer identifier as one string")
    expires_at = claim_instant(claims, "exp")
    if not now < expires_at <= now + LONGEST_ASSERTION:
        raise NotAuthentic("the assertion has expired, or expires more than five minutes ahead")
    if any(claim_instant(claims, name) > now + MOST_AHEAD for name in ("iat", "nbf") if name in claims):
        raise NotAuthentic("the assertion was made in the future")
    return Assertion(client_id, claim_text(claims, "jti"), expires_at)


def issue_access_token(key: SigningKey, issuer: str, client_id: str, scopes: Collection[str], now: datetime) -> str:
    """An access token for our own resources, good for five minutes, that anybody may use who has it."""
    return write_access_token(key, issuer, AccessToken(client_id, frozenset(scopes), now + ACCESS_TOKEN_LIFE))


def write_access_token(key: SigningKey, issuer: str, token: AccessToken) -> str:
    """An access token for our own resources; issuer and audience are the same."""
    claims = {
        "aud": issuer,
        "client_id": token.client_id,
        "exp": seconds(token.expires_at),
        "iat": seconds(token.expires_at - ACCESS_TOKEN_LIFE),
        "iss": issuer,
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(sorted(token.scopes)),
        "sub": token.client_id,
    }
    return sign_compact(key, canonical(claims | token.binding.claims()), _AT_JWT)


def read_access_token(
    token: str, keys: KeyRing, issuer: str, now: datetime, audience: str | None = None
) -> AccessToken:
    """Prove what an access token grants. The answer holds until ``expires_at`` and may be kept until then.

    Args:
        token: as it was sent.
        keys: the issuer's.
        issuer: who has to have issued it.
        now: aware instant.
        audience: for whom it has to be, as one string: our issuer identifier, where we are not the issuer.

    Raises:
        NotAuthentic: the token is not for us, not by the issuer, no access token, has expired or lives too long; the
            cause is in its ``reason``.
    """
    claims = _open(token, keys, frozenset({_AT_JWT}))
    if claims.get("iss") != issuer or claims.get("aud") != (audience or issuer):
        raise NotAuthentic("iss is not the issuer, or aud not our issuer identifier")
    expires_at = claim_instant(claims, "exp")
    if not now < expires_at <= now + LONGEST_ACCESS_TOKEN:
        raise NotAuthentic("the token has expired, or lives longer than an hour")
    scopes = frozenset(str(claims.get("scope", "")).split())
    return AccessToken(claim_text(claims, "client_id"), scopes, expires_at, _binding(claims))


def _binding(claims: dict[str, Any]) -> Binding:
    """To whom a token is bound; a way of binding that is not understood here is one that cannot be checked."""
    if "cnf" not in claims:
        return UNBOUND
    bound = claims["cnf"]
    if not isinstance(bound, dict) or not bound or not bound.keys() <= {"jkt", "x5t#S256"}:
        raise NotAuthentic("the token is bound in a way that is not understood")
    jkt, x5t = (claim_text(bound, name) if name in bound else None for name in ("jkt", "x5t#S256"))
    return Binding(jkt, x5t)


def _open(jwt: str, keys: KeyRing, types: Collection[str]) -> dict[str, Any]:
    try:
        opened = open_compact(jwt, keys)
    except EvidenceError as error:
        raise NotAuthentic(error.message) from error
    typ = opened.header.get("typ", "")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise NotAuthentic("typ is not that of the token expected here")
    return claims_of(opened)


def claims_of(opened: Opened) -> dict[str, Any]:
    """The claims of a JWT whose signature holds.

    Raises:
        NotAuthentic: its payload is not a JSON object.
    """
    return _object(opened.payload)


def _unverified(jwt: str) -> dict[str, Any]:
    """The claims of a JWT nobody vouches for yet, to see whose keys to try."""
    _, _, rest = jwt.partition(".")
    try:
        return _object(strict_b64url(rest.partition(".")[0]))
    except EvidenceError as error:
        raise NotAuthentic("not a JWT") from error


def _object(raw: bytes) -> dict[str, Any]:
    try:
        claims = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotAuthentic("the claims are not JSON") from error
    if not isinstance(claims, dict):
        raise NotAuthentic("the claims are not an object")
    return claims


def claim_text(claims: dict[str, Any], name: str, longest: int = _LONGEST_TEXT) -> str:
    """A claim that is a text.

    Raises:
        NotAuthentic: it is missing, no text, empty or too long.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise NotAuthentic(f"{name} is missing or not a text of reasonable length")
    return value


def claim_instant(claims: dict[str, Any], name: str) -> datetime:
    """A claim that is an instant.

    Raises:
        NotAuthentic: it is missing, or not a number of whole seconds.
    """
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= _LATEST:  # True is an int, too
        raise NotAuthentic(f"{name} is missing or not a number of whole seconds")
    return datetime.fromtimestamp(value, UTC)


def seconds(instant: datetime) -> int:
    """An instant as tokens have it (NumericDate, RFC 7519): whole seconds."""
    return int(instant.timestamp())
