"""Errors as problem documents (RFC 9457); the only place that knows which HTTP status an error has.

Nothing of the caller's input, and nothing about anybody else, is ever repeated in a problem.
"""

from __future__ import annotations

import logging
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import (
    AccessError,
    BusyError,
    ConfigurationError,
    DigestMismatch,
    EvidenceError,
    GatewayError,
    HeadersTooLarge,
    InvalidRequest,
    KeyReused,
    LogSuspended,
    NotAcceptable,
    NotAuthentic,
    NotConserved,
    NotFound,
    PeerError,
    SenderError,
    TooLarge,
    TooManyRequests,
    TooSlow,
    Unstamped,
    Withdrawn,
)
from gateway.schemas.place import Place
from gateway.security.dpop import ALGORITHMS

LOGGER = logging.getLogger("hayame.api")
MEDIA_TYPE = "application/problem+json"
BASE = "https://hayame.dev/problems/"
CHALLENGE = f'DPoP algs="{" ".join(ALGORITHMS)}"'

STATUS: tuple[tuple[type[GatewayError], int, str], ...] = (
    (NotAuthentic, 401, "Not authenticated"),
    (AccessError, 403, "Not allowed"),
    (Withdrawn, 410, "Withdrawn"),
    (NotFound, 404, "Not found"),
    (NotAcceptable, 406, "Not acceptable"),
    (TooLarge, 413, "Too large"),
    (HeadersTooLarge, 431, "Headers too large"),
    (TooSlow, 408, "Too slow"),
    (DigestMismatch, 400, "Digest mismatch"),
    (InvalidRequest, 400, "Invalid request"),
    (KeyReused, 422, "Idempotency-Key reused"),
    (SenderError, 422, "Submission refused"),
    (LogSuspended, 503, "Suspended"),
    (Unstamped, 503, "Suspended"),
    (BusyError, 429, "Too many requests"),
    (PeerError, 503, "Unavailable"),
    (NotConserved, 500, "Not taken"),
    (EvidenceError, 500, "Internal error"),
    (ConfigurationError, 500, "Internal error"),
)
"""The first class that fits decides."""

HEADERS = {
    401: {"WWW-Authenticate": f"Bearer, {CHALLENGE}"},
    429: {"Retry-After": "1"},
    503: {"Retry-After": "60"},
}
"""What a status says besides; seconds."""


def problem(status: int, title: str, code: str, members: dict[str, Any]) -> Response:
    """A problem document."""
    body = {"type": BASE + code, "title": title, "status": status, "code": code} | members
    return Response(orjson.dumps(body), status, HEADERS.get(status, {}), MEDIA_TYPE)


def of_error(error: GatewayError) -> Response:
    """The problem document of an error of ours."""
    status, title = next((status, title) for kind, status, title in STATUS if isinstance(error, kind))
    if status == 500:
        LOGGER.error("a fault of ours", exc_info=error)
    if isinstance(error, EvidenceError | ConfigurationError):
        return problem(500, title, "gateway.error", {})
    members: dict[str, Any] = {"detail": error.message, "detail_ja": error.ja}
    if isinstance(error.place, Place):
        members["place"] = error.place.model_dump(exclude_none=True)
    if isinstance(error, TooManyRequests):
        members["violated-policies"] = [error.policy]
    answer = problem(status, title, error.code, members)
    if isinstance(error, NotAuthentic) and error.flaw is not None:
        flawed = f'DPoP error="{error.flaw}", {CHALLENGE.removeprefix("DPoP ")}'
        either = f'Bearer error="{error.flaw}", ' if error.flaw == "invalid_token" else ""
        answer.headers["WWW-Authenticate"] = either + flawed
    if isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = str(int(error.wait_s) + 1)
        answer.raw_headers.extend(error.told)
    return answer


async def on_gateway_error(_: Request, error: Exception) -> Response:
    """Handler for errors of our own tree."""
    if not isinstance(error, GatewayError):
        raise error
    return of_error(error)


async def on_http_exception(_: Request, error: Exception) -> Response:
    """Handler for what the framework refuses by itself (unknown address, wrong method)."""
    status, fields = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    title = {404: "Not found", 405: "Method not allowed", 413: "Too large"}.get(status, "Refused")
    answer = problem(status, title, f"http.{status}", {})
    answer.headers.update(fields or {})  # which methods are allowed
    return answer


async def on_invalid(_: Request, error: Exception) -> Response:
    """Handler for parameters that are not of their form: says which, never what was sent."""
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    where = [{"pointer": "/" + "/".join(map(str, e["loc"])), "message": e["msg"]} for e in errors[:50]]
    members = {"detail_ja": InvalidRequest.message_ja, "errors": where}
    return problem(400, "Invalid request", InvalidRequest.code, members)


async def on_bug(_: Request, error: Exception) -> Response:
    """Handler for everything else: logged with its places, answered as an opaque 500."""
    LOGGER.error("unexpected error", exc_info=error)
    return problem(500, "Internal error", "gateway.error", {})
