"""Pairing codes: made by corporations and banks, shown to the firm and used by its accounting software."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import admitted
from gateway.api.parts import Parts
from gateway.registers import pairing
from gateway.registers.participants import Participant
from gateway.schemas.identifiers import instant_text
from gateway.schemas.pairing import Agreement, Offer
from gateway.security.pairing_codes import LONGEST

router = APIRouter(prefix="/v1/pairings", tags=["pairings"])

Code = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class CodeShown(BaseModel):
    """A code, as the firm typed it in."""

    model_config = ConfigDict(extra="forbid")

    code: Code


class Redemption(BaseModel):
    """A code, and who agreed for the firm to what it offers, in which of your tenants."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    agreement: Agreement


@router.post("", **describe.OFFER_PAIRING)
def offer_pairing(request: Request, asked: Offer) -> Response:
    """Make a pairing code for a firm, which it enters in its accounting software; it is told here and nowhere else."""
    parts, caller = admitted(request)
    for corporation in asked.terms.corporations:
        caller.require("pair", corporation)
    made = pairing.offer(parts.registrar, caller.participant, asked)
    return _told(201, {"code": made.code, "offer": made.offer, "expires_at": instant_text(made.expires_at)})


@router.post("/previews", **describe.PREVIEW_PAIRING)
def preview_pairing(request: Request, asked: CodeShown) -> Response:
    """What a code offers: the text to show, whole, and what it says. Nothing is used up by looking."""
    parts, _ = _trying(request)
    shown = pairing.preview(parts.database, asked.code, parts.clock.now())
    covers = shown.covers
    body = {
        "text_version": covers.text_version,
        "text": shown.text,
        "text_sha256": shown.text_sha256,
        "recipients": [{"recipient": one, "name": name} for one, name in shown.names.items()],
        "data_classes": covers.data_classes,
        "purposes": covers.purposes,
        "valid_days": covers.valid_days,
        "expires_at": instant_text(shown.expires_at),
    }
    return _told(200, body)


@router.post("/redemptions", **describe.REDEEM_PAIRING)
def redeem_pairing(request: Request, asked: Redemption) -> Response:
    """Use a code, once the firm agreed: what you submit of that tenant goes where it agreed to, from now on.

    The same code for the same tenant again is answered alike while that consent holds.
    """
    parts, vendor = _trying(request)
    done = pairing.redeem(parts.registrar, vendor, asked.code, asked.agreement, parts.clock.now())
    agreed = done.consent.consent
    body = {
        "tenant": done.tenant,
        "consent": done.consent.id,
        "recipients": agreed.recipients,
        "data_classes": sorted(agreed.data_classes),
        "valid_from": agreed.valid_from,
        "valid_to": agreed.valid_to,
    }
    return _told(201, body)


def _trying(request: Request) -> tuple[Parts, Participant]:
    """Who tries a code, while it does not so too often."""
    parts, caller = admitted(request)
    parts.rates.of_codes(request.scope["state"], caller.participant.id)
    return parts, caller.participant


def _told(status: int, body: dict[str, Any]) -> Response:
    """A code is nobody else's, and what it offers is no cache's."""
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")
