"""What witnesses hand in and ask for: cosignatures of a log's checkpoints."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import admitted
from gateway.api.describe import Recipient
from gateway.cosigning import take_cosignature
from gateway.store.cosignatures import newest_cosigned

router = APIRouter(prefix="/v1/recipients/{recipient}/log", tags=["recipients"])

LONGEST_NOTE = 65_536
AS_JSON = orjson.OPT_UTC_Z


class CosignedNote(BaseModel):
    """A checkpoint as it was served, with the witness's own line added."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=LONGEST_NOTE)]


@router.post("/cosignatures", **describe.COSIGN)
def cosign(request: Request, recipient: Recipient, handed_in: CosignedNote) -> Response:
    """Keep a witness's cosignature of a checkpoint; handed in again, it is answered alike."""
    parts, caller = admitted(request, recipient)
    given = parts.signing.logs.ring, parts.clock.now()
    kept = take_cosignature(parts.database, recipient, handed_in.note, caller.participant, given)
    return Response(orjson.dumps(kept, option=AS_JSON), 201, media_type="application/json")


@router.get("/cosignatures", **describe.COSIGNATURES)
def cosignatures(
    request: Request,
    recipient: Recipient,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Most cosignatures in one answer")] = 100,
) -> Response:
    """Which witness cosigned which checkpoint and when, the largest checkpoint first."""
    parts, caller = admitted(request, recipient)
    with parts.database.read(caller.tenant) as session:
        found = newest_cosigned(session, recipient, limit)
    return Response(orjson.dumps(found, option=AS_JSON), media_type="application/json")
