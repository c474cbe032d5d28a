"""Authenticate: who is asking, by a token that is theirs, with whose signature, over exactly these bytes; may they?

One message for every failure; the cause goes to the audit log.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from gateway.errors import EvidenceError, NotAuthentic, NotEntitled
from gateway.ports import Clock
from gateway.registers.participants import Participant, Participants
from gateway.schemas.access import Address, load_access
from gateway.schemas.identifiers import SignatureProfile
from gateway.security.dpop import Proof, Target, read_proof
from gateway.security.http_signatures import Explained, SignedRequest, explain_request
from gateway.security.keys import KeyRing
from gateway.security.profiles import Signed, proven
from gateway.security.signing import kid_of
from gateway.security.tokens import AccessToken, Binding, read_access_token
from gateway.store import submissions
from gateway.store.engine import Database, Tenant

TOKENS_REMEMBERED = 10_000
TIDY_EVERY = timedelta(seconds=1)
TOKEN, PROOF = "invalid_token", "invalid_dpop_proof"  # what is at fault, as RFC 9449 names it


@dataclass(frozen=True, slots=True)
class Caller:
    """A participant with the scopes of its token; ``by_certificate`` where the token is bound to its connection's."""

    participant: Participant
    scopes: frozenset[str]
    by_certificate: bool = False

    @property
    def tenant(self) -> Tenant:
        """On whose behalf what it asks for is looked up: no more than token and register allow."""
        reads = self.participant.recipients("read") if self.may("read") else frozenset()
        watches = frozenset().union(*(self.participant.recipients(one) for one in self.scopes))
        return Tenant(self.participant.id if self.may("submit") else "", reads, watches)

    def enter(self, address: Address, recipient: str | None = None) -> None:
        """Refuse unless one of the actions that open an address is allowed, at a corporation where one is named.

        Raises:
            NotEntitled: none of them is.
        """
        if address.by and not any(self.may(action, recipient) for action in address.by):
            raise NotEntitled

    def require(self, action: str, recipient: str | None = None) -> None:
        """Refuse unless both token and register allow an action, at a corporation where one is named.

        Raises:
            NotEntitled: one of them does not.
        """
        if not self.may(action, recipient):
            raise NotEntitled

    def restricted(self, recipient: str) -> frozenset[str]:
        """Record kinds whose lines are not for it, though it may read the corporation's feed."""
        return frozenset(
            kind
            for kind, shown in load_access().kinds.items()
            if self.participant.enrolled.kind not in shown.roles and not self.may(shown.by, recipient)
        )

    def may(self, action: str, recipient: str | None = None) -> bool:
        """Whether both token and register allow an action, at a corporation where one is named."""
        if action not in self.scopes:
            return False
        entitled = self.participant.recipients(action)
        return (
            recipient in entitled if recipient is not None else bool(entitled) or action in self.participant.actions()
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows to say who sends it.

    Attributes:
        method: as sent.
        uri: its absolute address without query, from the configured base address.
        authorization: the header of that name.
        proof: the DPoP header.
        certificate: SHA-256 of the certificate with which the client connected, base64url.
    """

    method: str
    uri: str
    authorization: str = ""
    proof: str | None = None
    certificate: str | None = None


class Issuer(Protocol):
    """Who issues the access tokens that are accepted here."""

    @property
    def name(self) -> str:
        """Its issuer identifier."""
        ...

    def keys(self, kid: str) -> KeyRing:
        """Its keys, one of that name among them if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms one is let in.

    Attributes:
        audience: our own external address, as tokens for us carry it.
        max_age_s: seconds for which a request signature is good.
        unbound_tokens: whether a token is good that is bound to neither key nor certificate.
    """

    audience: str
    max_age_s: int
    unbound_tokens: bool


class Proofs:
    """Lets each proof be used once, in whichever process, and forgets those that are over."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._tidied_at = clock.now()

    def use(self, proof: Proof) -> Proof:
        """Use a proof that holds.

        Raises:
            NotAuthentic: it was used before.
        """
        now = self._clock.now()
        with self._database.brief.connect() as connection:
            if now - self._tidied_at > TIDY_EVERY:
                self._tidied_at = now
                submissions.forget_assertions(connection, now)
            if not submissions.claim_assertion(connection, f"dpop:{proof.jkt}", proof.jti, proof.expires_at):
                raise NotAuthentic("the proof was used before", PROOF)
        return proof


class Door:
    """Recognises callers by access token, by proof of who holds it, and by request signature.

    Args:
        participants: the register.
        issuer: whose access tokens are accepted.
        database: where proofs are remembered that were used.
        clock: where time comes from.
        terms: on which terms one is let in.
    """

    def __init__(
        self, participants: Participants, issuer: Issuer, database: Database, clock: Clock, terms: Terms
    ) -> None:
        self._participants, self._issuer, self._clock, self._terms = participants, issuer, clock, terms
        self._proofs = Proofs(database, clock)
        self._seen: OrderedDict[bytes, AccessToken] = OrderedDict()

    def caller(self, shown: Shown) -> Caller:
        """Who the rightful holder of a token is.

        Raises:
            NotAuthentic: there is no token, or not a good one, or it is not theirs, or its participant is gone.
        """
        scheme, _, token = shown.authorization.partition(" ")
        scheme, token = scheme.lower(), token.strip()
        if scheme not in ("bearer", "dpop") or not token:
            raise NotAuthentic
        access = self._read(token)
        if (scheme == "dpop") != (access.binding.jkt is not None):
            raise NotAuthentic("a token is sent as DPoP if and only if it is bound to a key", TOKEN)
        if access.binding:
            self._check_holder(access.binding, shown, token)
        elif not self._terms.unbound_tokens:
            raise NotAuthentic("the token is bound to nobody", TOKEN)
        participant = self._participants.find(access.client_id)
        if participant is None:
            raise NotAuthentic
        return Caller(participant, access.scopes, access.binding.x5t is not None)

    def proven(self, caller: Caller, request: SignedRequest, body: Callable[[], BinaryIO]) -> Signed:
        """With which key and when, by its own clock, the caller signed this request in the way it is registered with.

        Raises:
            NotAuthentic: it did not; or the token is not bound to a certificate, and there is nothing else.
            DigestMismatch: the body is not the one that was signed.
            TooLarge: the body is larger than may be signed in this way.
        """
        who = caller.participant.signatory
        if who.profile is SignatureProfile.MTLS_ONLY and not caller.by_certificate:
            raise NotAuthentic("mtls_only, and the token is not bound to a certificate", TOKEN)
        return proven(who, request, body, self._clock.now(), self._terms.max_age_s)

    def explain(self, caller: Caller, request: SignedRequest) -> Explained:
        """How the signature of the caller's own request looks from here, for the caller to read."""
        return explain_request(request, caller.participant.keys, self._clock.now(), self._terms.max_age_s)

    def binding(self, shown: Shown) -> Binding:
        """To whom a token is to be bound that a request asks for.

        Raises:
            NotAuthentic: there is a proof, and it does not hold; or there is nothing to bind to, which there has to be.
        """
        jkt = None if shown.proof is None else self._proofs.use(self._proof(shown, None)).jkt
        binding = Binding(jkt, shown.certificate)
        if not binding and not self._terms.unbound_tokens:
            raise NotAuthentic("tokens are bound here: send a DPoP proof", PROOF)
        return binding

    def _check_holder(self, binding: Binding, shown: Shown, token: str) -> None:
        if binding.x5t is not None and binding.x5t != shown.certificate:
            raise NotAuthentic("the token is bound to another certificate", TOKEN)
        if binding.jkt is not None:
            proof = self._proof(shown, token)
            if proof.jkt != binding.jkt:
                raise NotAuthentic("the token is bound to another key", TOKEN)
            self._proofs.use(proof)

    def _proof(self, shown: Shown, token: str | None) -> Proof:
        return read_proof(shown.proof or "", Target(shown.method, shown.uri, token), self._clock.now())

    def _read(self, token: str) -> AccessToken:
        now, name = self._clock.now(), hashlib.sha256(token.encode()).digest()
        access = self._seen.get(name)
        if access is None:
            access = self._proven(token, now)
            self._seen[name] = access
            if len(self._seen) > TOKENS_REMEMBERED:
                self._seen.popitem(last=False)
        if access.expires_at <= now:
            del self._seen[name]
            raise NotAuthentic
        return access

    def _proven(self, token: str, now: datetime) -> AccessToken:
        try:
            keys = self._issuer.keys(kid_of(token))
        except EvidenceError as error:
            raise NotAuthentic(error.message) from error
        return read_access_token(token, keys, self._issuer.name, now, self._terms.audience)
