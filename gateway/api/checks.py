"""``POST /v1/signature-check``: why a signature does not hold, said to the sender who is still trying."""

from __future__ import annotations

import hashlib

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe
from gateway.api.callers import caller_of, joined, target_of
from gateway.api.parts import parts_of
from gateway.errors import EvidenceError, InvalidRequest
from gateway.security.canonical import strict_b64
from gateway.security.http_signatures import SignedRequest, content_digest

router = APIRouter(prefix="/v1", tags=["tokens"])

MOST_BASE = 16 << 10
BASE_FIELD = "signature-base"  # of the caller's request; nobody signs it


@router.post("/signature-check", **describe.SIGNATURE_CHECK)
async def signature_check(request: Request) -> Response:
    """Say how a signed request looks from here; nothing is taken, nothing is kept.

    Sign a request to this address as one that submits. If you send along the bytes that you signed, in Base64, as the
    header field ``Signature-Base``, the answer names the first byte in which they differ from ours.
    """
    parts, headers = parts_of(request), joined(request.scope["headers"])
    caller = caller_of(request, headers)
    theirs = _theirs(headers.pop(BASE_FIELD, None))
    body = await request.body()
    signed = SignedRequest(request.method, target_of(request, parts), headers, hashlib.sha256(body).digest())
    ours, problem = parts.door.explain(caller, signed)
    answer = {
        "holds": problem is None,
        "problem": problem,
        "signature_base": ours and ours.decode(),
        "content_digest": content_digest(body),
        "first_difference": None if ours is None or theirs is None else first_difference(ours, theirs),
    }
    return Response(orjson.dumps(answer), 200, {"Cache-Control": "no-store"}, "application/json")


def first_difference(ours: bytes, theirs: bytes) -> dict[str, object] | None:
    """Where two signature bases part: byte from 0, line from 1, and what either has from there to its line's end.

    >>> first_difference(b'"@method": POST', b'"@method": post')
    {'byte': 11, 'line': 1, 'ours': 'POST', 'yours': 'post'}
    """
    if ours == theirs:
        return None
    shorter = min(len(ours), len(theirs))
    byte = next((at for at in range(shorter) if ours[at] != theirs[at]), shorter)
    rest = [base[byte:].partition(b"\n")[0].decode(errors="replace") for base in (ours, theirs)]
    return {"byte": byte, "line": ours[:byte].count(b"\n") + 1, "ours": rest[0], "yours": rest[1]}


def _theirs(field: str | None) -> bytes | None:
    if field is None:
        return None
    try:
        if len(field) > MOST_BASE:
            raise EvidenceError("too long")
        return strict_b64(field.strip().strip(":"))
    except EvidenceError:
        raise InvalidRequest(
            "Signature-Base is the Base64 of the bytes you signed",
            ja="Signature-Base には署名対象のバイト列を Base64 で指定してください。",
        ) from None
