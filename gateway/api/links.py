"""Say which firm a number names, so that what waits for it is released; and register guarantees."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import caller_of
from gateway.api.describe import Recipient
from gateway.api.parts import parts_of
from gateway.errors import InvalidRequest
from gateway.registers.firms import GuaranteeEntry, register_guarantees, say_who
from gateway.schemas.identifiers import Reference

router = APIRouter(prefix="/v1/recipients/{recipient}", tags=["registers"])


class LinkRequest(BaseModel):
    """Two numbers that name one firm: one that is known already, or a new firm by name. Never a guarantee."""

    model_config = ConfigDict(extra="forbid")

    reference: Reference
    same_as: Reference | None = None
    name: Annotated[str | None, Field(max_length=200)] = None


@router.post("/links", **describe.LINK)
def link(request: Request, recipient: Recipient, asked: LinkRequest) -> Response:
    """Link a number to a firm; answers with our party id and how many held records this lets go."""
    parts, caller = parts_of(request), caller_of(request)
    caller.require("link", recipient)
    if (asked.same_as is None) == (asked.name is None):
        raise InvalidRequest("give either same_as or name", ja="same_as か name のどちらかを指定してください。")
    party, released = say_who(
        parts.database, asked.reference, asked.same_as, asked.name, (caller.participant.id, parts.clock.now())
    )
    return Response(orjson.dumps({"party": party, "released": released}), 201, media_type="application/json")


@router.post("/guarantees", **describe.GUARANTEES)
def guarantees(request: Request, recipient: Recipient, entries: list[GuaranteeEntry]) -> Response:
    """Take over guarantees from the corporation's register; what waited for them is released."""
    parts, caller = parts_of(request), caller_of(request)
    caller.require("link", recipient)
    released = register_guarantees(parts.database, recipient, entries, (caller.participant.id, parts.clock.now()))
    body = {"registered": len(entries), "released": released}
    return Response(orjson.dumps(body), 201, media_type="application/json")
