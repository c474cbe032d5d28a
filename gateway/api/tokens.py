"""Tokens and keys: the embedded token endpoint (client credentials with ``private_key_jwt``), metadata, key set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import orjson
from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import address_of, shown_by
from gateway.api.parts import Parts, parts_of
from gateway.errors import NotAuthentic, NotFound
from gateway.registers.participants import Participants
from gateway.schemas.access import load_access
from gateway.security.dpop import ALGORITHMS
from gateway.security.keys import KeyRing
from gateway.security.tokens import ACCESS_TOKEN_LIFE, AccessToken, read_client_assertion, write_access_token
from gateway.store import submissions

router = APIRouter(tags=["tokens"])

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - an address, not a secret


@router.post(TOKEN_PATH, **describe.TOKEN)
def token(
    request: Request,
    grant_type: Annotated[str, Form()] = "",
    client_assertion_type: Annotated[str, Form()] = "",
    client_assertion: Annotated[str, Form()] = "",
    scope: Annotated[str, Form()] = "",
) -> Response:
    """An access token for five minutes, for a client that proves its registered key (RFC 7523, FAPI 2.0).

    A proof in the header field ``DPoP`` (RFC 9449) binds the token to the proof's key: it then is used as
    ``Authorization: DPoP`` only, with a new proof each time. A client certificate of the connection binds it to
    connections with that certificate (RFC 8705), with or without a proof.
    """
    parts = parts_of(request)
    if parts.other_issuer is not None:
        raise NotFound
    parts.rates.of_address(request.scope["state"], address_of(request))
    if grant_type != "client_credentials" or client_assertion_type != ASSERTION_TYPE:
        return _oauth_error(400, "unsupported_grant_type")
    now = parts.clock.now()
    try:
        shown = shown_by(request)
        parts.participants.look_again()
        assertion = read_client_assertion(client_assertion, _keys_of(parts.participants), parts.base_url, now)
    except NotAuthentic:
        return _oauth_error(401, "invalid_client")
    with parts.database.write() as session:
        fresh = submissions.claim_assertion(session, assertion.client_id, assertion.jti, assertion.expires_at)
    participant = parts.participants.find(assertion.client_id)
    if not fresh or participant is None:
        return _oauth_error(401, "invalid_client")
    granted = participant.actions()
    scopes = frozenset(scope.split()) or granted
    if not granted.issuperset(scopes):
        return _oauth_error(400, "invalid_scope")
    try:
        binding = parts.door.binding(shown)
    except NotAuthentic:
        return _oauth_error(400, "invalid_dpop_proof")
    return _token(parts, AccessToken(participant.id, scopes, now + ACCESS_TOKEN_LIFE, binding))


def _token(parts: Parts, token: AccessToken) -> Response:
    answer = {
        "access_token": write_access_token(parts.signing.current, parts.base_url, token),
        "token_type": "DPoP" if token.binding.jkt else "Bearer",
        "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
        "scope": " ".join(sorted(token.scopes)),
    }
    return Response(orjson.dumps(answer), 200, {"Cache-Control": "no-store"}, "application/json")


def _keys_of(participants: Participants) -> Callable[[str], KeyRing]:
    def keys_of(client: str) -> KeyRing:
        participant = participants.find(client)
        return participant.keys if participant is not None else KeyRing()

    return keys_of


def _oauth_error(status: int, error: str) -> Response:
    return Response(orjson.dumps({"error": error}), status, {"Cache-Control": "no-store"}, "application/json")


@router.get("/.well-known/oauth-authorization-server", **describe.METADATA)
def metadata(request: Request) -> Response:
    """Where tokens come from and how (RFC 8414); of another issuer only its name, under which its own metadata are."""
    parts = parts_of(request)
    base = parts.base_url
    ours = {
        "issuer": base,
        "token_endpoint": base + TOKEN_PATH,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
    }
    body = (ours if parts.other_issuer is None else {"issuer": parts.other_issuer}) | {
        "dpop_signing_alg_values_supported": ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": parts.certificates,
        "scopes_supported": sorted(load_access().actions),
    }
    return Response(orjson.dumps(body), media_type="application/json")


@router.get("/.well-known/jwks.json", **describe.KEYS)
def jwks(request: Request) -> Response:
    """Our public keys, for ever: what signs checkpoints (the first), and what signs, signed or will sign receipts.

    A key that takes its turn is here a day before it does; ``announced`` is the first key's word for it.
    """
    return Response(orjson.dumps(parts_of(request).signing.published().jwks()), media_type="application/jwk-set+json")


@router.get("/.well-known/api-catalog", **describe.CATALOG)
def api_catalog(request: Request) -> Response:
    """Where the description of these addresses is (RFC 9727)."""
    base = parts_of(request).base_url
    linkset = {
        "linkset": [{"anchor": base, "service-desc": [{"href": f"{base}/openapi.json", "type": "application/json"}]}]
    }
    return Response(orjson.dumps(linkset), media_type="application/linkset+json")
