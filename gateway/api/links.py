"""Say which firm a number names, so that what waits for it is released; and register guarantees."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import orjson
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, FailFast, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import admitted
from gateway.api.describe import Recipient
from gateway.errors import InvalidRequest
from gateway.registers.firms import (
    end_link,
    lineage_of,
    register_guarantees,
    require_known,
    say_became,
    say_who,
)
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Named, Reference

router = APIRouter(prefix="/v1/recipients/{recipient}", tags=["registers"])


class LinkRequest(BaseModel):
    """Two numbers that name one firm: one that is known already, or a new firm by name. Never a guarantee."""

    model_config = ConfigDict(extra="forbid")

    reference: Reference
    same_as: Reference | None = None
    name: Named | None = None


@router.post("/links", **describe.LINK)
def link(request: Request, recipient: Recipient, asked: LinkRequest) -> Response:
    """Link a number to a firm; answers with our party id and how many records held here this lets go."""
    parts, caller = admitted(request, recipient)
    if (asked.same_as is None) == (asked.name is None):
        raise InvalidRequest("give either same_as or name", ja="same_as か name のどちらかを指定してください。")
    if asked.same_as is not None:
        require_known(parts.database, recipient, [asked.same_as], parts.clock.now())
    party, released = say_who(
        parts.registrar, asked.reference, asked.same_as, asked.name, (caller.participant.id, parts.clock.now())
    )
    return Response(orjson.dumps({"party": party, "released": released[recipient]}), 201, media_type="application/json")


class UnlinkRequest(BaseModel):
    """A number that names a firm by your own word, and shall no longer."""

    model_config = ConfigDict(extra="forbid")

    reference: Reference


@router.post("/links/end", **describe.UNLINK)
def unlink(request: Request, recipient: Recipient, asked: UnlinkRequest) -> Response:
    """End a link you made; both firms keep their history, and the number can be linked anew."""
    parts, caller = admitted(request, recipient)
    party = end_link(parts.registrar, asked.reference, (caller.participant.id, parts.clock.now()))
    return Response(orjson.dumps({"party": party}), media_type="application/json")


class SuccessionRequest(BaseModel):
    """One firm that became another: a sole proprietor's number, the corporation's, and since when."""

    model_config = ConfigDict(extra="forbid")

    predecessor: Reference
    successor: Reference
    since: date


@router.post("/successions", **describe.SUCCEED)
def succeed(request: Request, recipient: Recipient, asked: SuccessionRequest) -> Response:
    """Say that one firm became another (法人成り); each keeps its own history, and readers can follow from one on."""
    parts, caller = admitted(request, recipient)
    by = caller.participant.id, parts.clock.now()
    require_known(parts.database, recipient, [asked.predecessor, asked.successor], by[1])
    party, successor = say_became(parts.registrar, (asked.predecessor, asked.successor), asked.since, by)
    return Response(orjson.dumps({"party": party, "successor": successor}), 201, media_type="application/json")


@router.get("/subjects/{subject}/lineage", **describe.LINEAGE)
def lineage(
    request: Request, recipient: Recipient, subject: Annotated[str, Path(description="Our id of the firm")]
) -> Response:
    """What a firm was before and what became of it by this corporation's own word, the oldest first."""
    parts, _ = admitted(request, recipient)
    found = lineage_of(parts.database, recipient, subject)
    shown = [{"party": party, "successor": successor, "since": since} for party, successor, since in found]
    return Response(orjson.dumps(shown), media_type="application/json")


Entries = Annotated[list[GuaranteeEntry], Field(max_length=10_000), FailFast()]
"""As many as go into one request; the first that is wrong is named, and nothing behind it is looked at."""


@router.post("/guarantees", **describe.GUARANTEES)
def guarantees(request: Request, recipient: Recipient, entries: Entries) -> Response:
    """Take over guarantees from the corporation's register, each as it is there now; what waited for them is released.

    An entry takes the place of an earlier one of the same number: what it leaves out is not known any more. At most
    10,000 go into one request; a file of any length is imported by `hayame guarantees import`.
    """
    parts, caller = admitted(request, recipient)
    released = register_guarantees(parts.registrar, recipient, entries, (caller.participant.id, parts.clock.now()))
    body = {"registered": len(entries), "released": released}
    return Response(orjson.dumps(body), 201, media_type="application/json")
