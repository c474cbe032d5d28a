"""A participant's own keys, from its side: made here, registered by a code or by the old key's word, revoked."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2

from gateway.client.client import Client, checked
from gateway.errors import PeerError
from gateway.security.keys import SigningKey
from gateway.security.words import INVITATION, REVOCATION, ROTATION, code_hash, say, show_possession

TRIES = 3


def enrol(base_url: str, code: str, key: SigningKey, tls: ssl.SSLContext | None = None) -> Mapping[str, Any]:
    """Register a key by a one-time code; the key itself never leaves. Who it now belongs to, and until when.

    Raises:
        Refusal: the code is none, over or used; or the key cannot be registered.
        PeerError: the gateway cannot be reached; try again with the same code and key.
    """
    issuer = base_url.rstrip("/")
    with httpx2.Client(base_url=issuer, timeout=60, trust_env=False, verify=tls or True) as http:
        for attempt in range(TRIES):
            proof = show_possession(key, issuer, {"code": code_hash(code)}, datetime.now(UTC))
            try:
                answer = http.post("/v1/participants/enrolments", json={"code": code, "proof": proof})
            except httpx2.TransportError as error:
                if attempt + 1 == TRIES:
                    raise PeerError(f"the gateway cannot be reached: {error}") from error
            else:
                registered: Mapping[str, Any] = checked(answer).json()
                return registered
    raise PeerError


def invite(client: Client, recipient: str, invited: Mapping[str, Any]) -> str:
    """A one-time code for who is to report to a corporation, on its own word; ``invited`` as in ``registers.codes``."""
    word = say(client.key, INVITATION, client.base_url, {"invites": invited}, datetime.now(UTC))
    return str(client.post(f"/v1/recipients/{recipient}/invitations", {"word": word}).json()["code"])


def rotate(client: Client, new: SigningKey, overlap_hours: int) -> Mapping[str, Any]:
    """Replace the client's key by a new one: both are good for the overlap, then the old one ends."""
    now = datetime.now(UTC)
    claims = {"new_key": new.kid, "overlap_hours": overlap_hours}
    words = {
        "word": say(client.key, ROTATION, client.base_url, claims, now),
        "proof": show_possession(new, client.base_url, {"for": client.client_id}, now),
    }
    registered: Mapping[str, Any] = client.post(f"/v1/participants/{client.client_id}/keys", words).json()
    return registered


def revoke(client: Client, kid: str) -> Mapping[str, Any]:
    """End a key of the client's at once; its own, or another."""
    word = say(client.key, REVOCATION, client.base_url, {"revokes": kid}, datetime.now(UTC))
    ended: Mapping[str, Any] = client.post(f"/v1/participants/{client.client_id}/revocations", {"word": word}).json()
    return ended
