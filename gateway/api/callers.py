"""Who calls: what a request shows at the door, read from its headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.requests import Request

from gateway.api.parts import Parts, parts_of
from gateway.steps.authenticate import Caller, Shown


def joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header fields by lower-case name; several of one name joined, as their signature has them."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def target_of(request: Request, parts: Parts) -> str:
    """The address as its signature has it: our own outer address, with path and query as they came."""
    query = request.scope["query_string"].decode("latin-1")
    return f"{parts.base_url}{request.scope['path']}" + (f"?{query}" if query else "")


def shown_by(request: Request, headers: Mapping[str, str] | None = None) -> Shown:
    """What a request shows; ``headers`` where they were joined already."""
    headers = joined(request.scope["headers"]) if headers is None else headers
    return Shown(
        method=request.method,
        uri=parts_of(request).base_url + request.scope["raw_path"].decode("latin-1"),
        authorization=headers.get("authorization", ""),
        proof=headers.get("dpop"),
    )


def caller_of(request: Request, headers: Mapping[str, str] | None = None) -> Caller:
    """Who calls; ``headers`` where they were joined already.

    Raises:
        NotAuthentic: nobody we know, or not shown as the token demands.
    """
    return parts_of(request).door.caller(shown_by(request, headers))
