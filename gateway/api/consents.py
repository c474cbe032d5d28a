"""Consents: recorded, seen by those they concern, withdrawn."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import admitted
from gateway.api.negotiation import JSON
from gateway.registers.consenting import Asking, Given, concerning, end, record, shown
from gateway.schemas.identifiers import instant_text
from gateway.steps.authenticate import Caller

router = APIRouter(prefix="/v1/consents", tags=["consents"])


def _asking(caller: Caller) -> Asking:
    """Who asks, and for which corporations, as far as token and register allow."""
    submits, links, reads = (
        caller.participant.recipients(action) if caller.may(action) else frozenset()
        for action in ("submit", "link", "read")
    )
    return Asking(caller.participant, submits, links, reads)


@router.post("", **describe.GIVE_CONSENT)
def give_consent(request: Request, given: Given) -> Response:
    """Record that a firm consented; what waited for it is released. Answered alike, whether or not the firm is known.

    Who may hand data over only under consents records them for itself alone.
    """
    parts, caller = admitted(request)
    return Response(orjson.dumps(shown(record(parts.registrar, _asking(caller), given))), 201, media_type=JSON)


@router.get("", **describe.CONSENTS)
def consents(
    request: Request,
    expiring: Annotated[
        int | None, Query(ge=0, le=3_660, description="Only those that hold, and end within so many days")
    ] = None,
) -> Response:
    """Consents you recorded, and those that name you, or a corporation of yours, as recipient; the oldest first."""
    parts, caller = admitted(request)
    found = concerning(parts.database, _asking(caller), parts.clock.now(), expiring)
    return Response(orjson.dumps(found), media_type=JSON)


@router.post("/{consent}/withdrawal", **describe.WITHDRAW_CONSENT)
def withdraw_consent(
    request: Request, consent: Annotated[str, Path(max_length=64, description="The consent's id")]
) -> Response:
    """Withdraw a consent: from now on nothing is disclosed under it, and the feeds concerned say so.

    What was disclosed stays recorded; its bytes stay, too, and are served as stubs. A consent given anew begins anew.
    """
    parts, caller = admitted(request)
    ended = end(parts.registrar, _asking(caller), consent)
    at = instant_text(ended.withdrawn_at) if ended.withdrawn_at else None
    return Response(orjson.dumps({"id": ended.id, "withdrawn_at": at}), media_type=JSON)
