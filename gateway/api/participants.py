"""Participants: a key by a code, a new key by the old one's word, a key revoked; and what is registered, with proof."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import admitted, refusals_counted
from gateway.api.describe import Recipient
from gateway.api.parts import Parts, parts_of
from gateway.errors import NotFound
from gateway.evidence import evidence_of_change
from gateway.registers import codes, inviting, own_keys
from gateway.registers.codes import Registered
from gateway.registers.history import SealedChange, history_of
from gateway.registers.participants import Participant
from gateway.schemas.identifiers import instant_text
from gateway.security.evidence import write_evidence
from gateway.security.words import LONGEST
from gateway.store.registers import Enrolled

router = APIRouter(prefix="/v1", tags=["participants"])

Me = Annotated[str, Path(description="Your own participant id")]
Word = Annotated[str, Field(max_length=LONGEST)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EnrolmentRequest(_Asked):
    """A one-time code, and the proof (JWS) that who has it holds the key it carries."""

    code: Annotated[str, Field(max_length=64)]
    proof: Word


class RotationRequest(_Asked):
    """The old key's word that a new one replaces it, and the new one's proof of possession (JWS both)."""

    word: Word
    proof: Word


class InvitationRequest(_Asked):
    """A corporation's word (JWS) whom to invite: what `hayame participants invite` takes, as its claim ``invites``."""

    word: Word


class RevocationRequest(_Asked):
    """A word (JWS) by one of your keys, that a key of yours is no longer good."""

    word: Word


@router.post("/participants/enrolments", **describe.ENROLMENT)
def enrol_by_code(request: Request, asked: EnrolmentRequest) -> Response:
    """Register a key by a one-time code. The same code with the same key again is answered alike."""
    parts = parts_of(request)
    with refusals_counted(request):
        done = codes.redeem(parts.registrar, asked.code, asked.proof, parts.base_url, parts.clock.now())
    return _registered(parts, done, 201)


@router.post("/recipients/{recipient}/invitations", **describe.INVITE)
def invite(request: Request, recipient: Recipient, asked: InvitationRequest) -> Response:
    """Make a one-time code, on your signed word, for who is to report to you alone, or has lost the key for it."""
    parts, caller = admitted(request, recipient)
    word = asked.word, parts.base_url
    code = inviting.invite(parts.registrar, caller.participant, recipient, word, parts.clock.now())
    return Response(orjson.dumps({"code": code}), 201, {"Cache-Control": "no-store"}, "application/json")


@router.get("/participants/{me}", **describe.PARTICIPANT)
def participant(
    request: Request,
    me: Me,
    before: Annotated[str | None, Query(description="Only changes before this statement")] = None,
) -> Response:
    """What is registered of you, and the statements that made it so: nothing changes without one."""
    parts, _ = _myself(request, me)
    enrolled, changes = history_of(parts.database, parts.blocks.cipher, me, before)
    body = _shown(parts, enrolled) | {"changes": [_change(one) for one in changes]}
    return Response(orjson.dumps(body), media_type="application/json")


@router.get("/participants/{me}/changes/{statement}", **describe.CHANGE_EVIDENCE)
def change_evidence(
    request: Request, me: Me, statement: Annotated[str, Path(description="As the change names it")]
) -> Response:
    """Everything an outsider needs to verify a change offline."""
    parts, _ = _myself(request, me)
    found = evidence_of_change(parts.database, parts.blocks, statement, me)
    found = found.model_copy(update={"keys": parts.signing.beyond_first(found.receipt)})
    return Response(write_evidence(found), media_type="application/json")


@router.post("/participants/{me}/keys", **describe.ROTATE)
def rotate_key(request: Request, me: Me, asked: RotationRequest) -> Response:
    """Register a new key, by the old one's word; both are good until the overlap is over."""
    parts, owner = _myself(request, me)
    words = asked.word, asked.proof
    return _registered(parts, own_keys.rotate(parts.registrar, owner, words, parts.base_url, parts.clock.now()), 201)


@router.post("/participants/{me}/revocations", **describe.REVOKE)
def revoke_key(request: Request, me: Me, asked: RevocationRequest) -> Response:
    """End a key at once. What it signed before, and the receipts for that, stay as they are."""
    parts, owner = _myself(request, me)
    return _registered(
        parts, own_keys.revoke(parts.registrar, owner, asked.word, parts.base_url, parts.clock.now()), 200
    )


def _myself(request: Request, me: str) -> tuple[Parts, Participant]:
    """The caller, who asks about itself; anybody else is not here."""
    parts, caller = admitted(request)
    if caller.participant.id != me:
        raise NotFound
    return parts, caller.participant


def _registered(parts: Parts, done: Registered, status: int) -> Response:
    parts.participants.look_again()
    until = instant_text(done.valid_until_at) if done.valid_until_at else None
    body = {"participant": done.participant, "kid": done.kid, "valid_until": until}
    return Response(orjson.dumps(body), status, media_type="application/json")


def _shown(parts: Parts, one: Enrolled) -> dict[str, Any]:
    now = parts.clock.now()
    return {
        "participant": one.id,
        "kind": one.kind,
        "name": one.name,
        "institution": one.institution,
        "may": sorted(f"{action}:{recipient}" for action, recipient in one.entitlements),
        "represents": [
            {"institution": institution, "since": since, "until": until}
            for institution, (since, until) in sorted(one.delegations.items())
        ],
        "keys": [
            {
                "kid": kid,
                "valid_from": instant_text(start),
                "valid_until": instant_text(end) if end else None,
                "valid_now": start <= now and (end is None or now < end),
            }
            for kid, (_, start, end) in sorted(one.keys.items(), key=lambda key: key[1][1])
        ],
    }


def _change(one: SealedChange) -> dict[str, Any]:
    return {
        "statement": one.statement,
        "leaf_index": one.leaf_index,
        "said": orjson.Fragment(one.said),
        "receipt": one.receipt,
    }
