"""Refusals before a submission began, noted in the audit trail: apart from every log that a recipient reads."""

from __future__ import annotations

from starlette.requests import Request

from gateway.api.callers import CLIENT
from gateway.api.parts import Parts
from gateway.errors import AccessError, BusyError, DigestMismatch, NoSuchCode, NotAuthentic, TooLarge
from gateway.schemas.trail import Deed, about

LONGEST = 500  # characters of a path, or of a cause
NOTED = (AccessError, BusyError, DigestMismatch, NoSuchCode, TooLarge)


def note_refusal(parts: Parts, request: Request, error: Exception) -> None:
    """Note an error if it is a refusal at the door: of whom, its code, its cause, the path; never any content."""
    if not isinstance(error, NOTED):
        return
    reason = error.reason if isinstance(error, NotAuthentic) else error.message
    who = request.scope["state"].get(CLIENT, "")
    told = about(path=request.url.path[:LONGEST], reason=reason[:LONGEST])
    parts.committer.note_refusal(Deed(parts.clock.now(), who, error.code, told))
