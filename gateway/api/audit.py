"""The audit log: refusals before a submission began. Bounded, and apart from every log that a recipient reads."""

from __future__ import annotations

from starlette.requests import Request

from gateway.api.parts import Parts
from gateway.errors import AccessError, BusyError, DigestMismatch, NotAuthentic, TooLarge

NOTED = (AccessError, BusyError, DigestMismatch, TooLarge)


def note_refusal(parts: Parts, request: Request, error: Exception) -> None:
    """Note an error if it is a refusal at the door: its code, its cause, the path; never any content."""
    if not isinstance(error, NOTED):
        return
    reason = error.reason if isinstance(error, NotAuthentic) else error.message
    parts.committer.note_refusal(error.code, reason, request.url.path)
