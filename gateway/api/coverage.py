"""Coverage: senders declare what their reports hold; readers see how to read what is not there."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import admitted
from gateway.api.describe import Recipient
from gateway.registers.coverage import Covered, Declaration, covered, declare
from gateway.schemas.identifiers import instant_text

router = APIRouter(prefix="/v1/recipients/{recipient}", tags=["registers"])


@router.post("/coverage", **describe.DECLARE)
def declare_coverage(request: Request, recipient: Recipient, asked: Declaration) -> Response:
    """Declare what your own institution's reports of a kind hold, from a day on; an earlier declaration is replaced."""
    parts, caller = admitted(request, recipient)
    now = parts.clock.now()
    whose = caller.participant.institution(None, now), recipient
    declare(parts.registrar, whose, asked, caller.participant.id)
    return Response(orjson.dumps(asked.model_dump(mode="json")), 201, media_type="application/json")


@router.get("/coverage", **describe.COVERAGE)
def coverage(request: Request, recipient: Recipient) -> Response:
    """How to read what is missing, by institution and record kind: without a declaration it means nothing at all."""
    parts, _ = admitted(request, recipient)
    found = [_shown(one) for one in covered(parts.database, recipient, parts.clock.now())]
    return Response(orjson.dumps(found), media_type="application/json")


def _shown(one: Covered) -> dict[str, Any]:
    declared = one.declared
    return {
        "institution": one.institution,
        "kind": one.kind,
        "absence": one.absence.value,
        "form": declared.form if declared else None,
        "since": declared.since if declared else None,
        "baseline_on": declared.baseline_on if declared else None,
        "first_ever": "known" if one.is_in_force and declared and declared.baseline_on else "unknown",
        "declared_at": instant_text(declared.declared_at) if declared else None,
    }
