"""Authenticate: who is asking, with whose signature, over exactly these bytes; and may they?

One message for every failure; the cause goes to the audit log.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import NotAuthentic, NotEntitled
from gateway.ports import Clock
from gateway.registers.participants import Participant, Participants
from gateway.security.http_signatures import Explained, SignedRequest, explain_request, verify_request
from gateway.security.keys import KeyRing
from gateway.security.tokens import AccessToken, read_access_token

TOKENS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """A participant with the scopes of its token."""

    participant: Participant
    scopes: frozenset[str]

    def require(self, action: str, recipient: str | None = None) -> None:
        """Refuse unless both token and register allow an action, at a corporation where one is named.

        Raises:
            NotEntitled: one of them does not.
        """
        if not self.may(action, recipient):
            raise NotEntitled

    def may(self, action: str, recipient: str | None = None) -> bool:
        """Whether both token and register allow an action, at a corporation where one is named."""
        entitled = self.participant.recipients(action)
        return action in self.scopes and bool(entitled) and (recipient is None or recipient in entitled)


class Door:
    """Recognises callers by access token and request signature.

    Args:
        participants: the register.
        issuer: our own external address, as tokens carry it.
        own_keys: our public keys, with which access tokens were signed.
        clock: where time comes from.
        max_age_s: seconds for which a request signature is good.
    """

    def __init__(
        self, participants: Participants, issuer: str, own_keys: KeyRing, clock: Clock, max_age_s: int
    ) -> None:
        self._participants, self._issuer, self._own_keys, self._clock = participants, issuer, own_keys, clock
        self._max_age_s = max_age_s
        self._seen: OrderedDict[bytes, AccessToken] = OrderedDict()

    def caller(self, authorization: str | None) -> Caller:
        """Who the bearer of a token is.

        Raises:
            NotAuthentic: there is no token, or not a good one, or its participant is gone.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthentic
        access = self._read(token.strip())
        participant = self._participants.find(access.client_id)
        if participant is None:
            raise NotAuthentic
        return Caller(participant, access.scopes)

    def signer(self, caller: Caller, request: SignedRequest) -> datetime:
        """When the caller signed this request, by its own clock.

        Raises:
            NotAuthentic: the signature is missing, late, incomplete, or not by a key of this participant.
            DigestMismatch: the body is not the one that was signed.
        """
        verified = verify_request(request, caller.participant.keys, self._clock.now(), self._max_age_s)
        return verified.created_at

    def explain(self, caller: Caller, request: SignedRequest) -> Explained:
        """How the signature of the caller's own request looks from here, for the caller to read."""
        return explain_request(request, caller.participant.keys, self._clock.now(), self._max_age_s)

    def _read(self, token: str) -> AccessToken:
        now, name = self._clock.now(), hashlib.sha256(token.encode()).digest()
        access = self._seen.get(name)
        if access is None:
            access = read_access_token(token, self._own_keys, self._issuer, now)
            self._seen[name] = access
            if len(self._seen) > TOKENS_REMEMBERED:
                self._seen.popitem(last=False)
        if access.expires_at <= now:
            del self._seen[name]
            raise NotAuthentic
        return access
