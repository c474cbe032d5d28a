"""Who calls: what a request shows at the door, read from its headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from starlette.requests import Request

from gateway.api.edge import CERTIFICATE
from gateway.api.parts import Parts, parts_of
from gateway.errors import NotAuthentic
from gateway.schemas.access import load_address
from gateway.security.certificates import told_by_proxy
from gateway.steps.authenticate import Caller, Shown

CLIENT = "client"  # in a request's state: the id of who it is, once that is known
_CALLER = "caller"  # and all that is known of it: what a request shows is good once


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
    """What a request shows; ``headers`` where they were joined already.

    Raises:
        NotAuthentic: a proxy's word on the client's certificate cannot be understood.
    """
    headers = joined(request.scope["headers"]) if headers is None else headers
    parts = parts_of(request)
    return Shown(
        method=request.method,
        uri=parts.base_url + request.scope["raw_path"].decode("latin-1"),
        authorization=headers.get("authorization", ""),
        proof=headers.get("dpop"),
        certificate=_certificate(request, headers, parts),
    )


def _certificate(request: Request, headers: Mapping[str, str], parts: Parts) -> str | None:
    """The thumbprint of the client's certificate: as a proxy tells, whose own is not looked at, or of the connection.

    From anybody else ``Client-Cert`` is a header like any other, and means nothing.
    """
    peer = request.scope["client"]
    if parts.proxies and peer is not None and peer[0] in parts.proxies:
        told = headers.get("client-cert")
        return None if told is None else told_by_proxy(told)
    certificate: str | None = request.scope["state"].get(CERTIFICATE)
    return certificate


def caller_of(request: Request, headers: Mapping[str, str] | None = None) -> Caller:
    """Who calls; ``headers`` where they were joined already.

    Raises:
        NotAuthentic: nobody we know, or not shown as the token demands.
        TooManyRequests: it asks too often.
    """
    parts, state = parts_of(request), request.scope["state"]
    known: Caller | None = state.get(_CALLER)
    if known is not None:
        return known
    with refusals_counted(request):
        caller = parts.door.caller(shown_by(request, headers))
    state[CLIENT] = caller.participant.id
    parts.rates.of_client(state, caller.participant.id)
    state[_CALLER] = caller
    return caller


@contextmanager
def refusals_counted(request: Request) -> Iterator[None]:
    """Count a refusal within a block against where the request comes from.

    Raises:
        TooManyRequests: in its place, once there have been too many from there.
    """
    try:
        yield
    except NotAuthentic:
        parts_of(request).rates.of_refused(request.scope["state"], address_of(request))
        raise


def address_of(request: Request) -> str:
    """Where a request comes from: the peer, or whom a trusted proxy names last (``X-Forwarded-For``)."""
    peer, proxies = request.scope["client"], parts_of(request).proxies
    address = str(peer[0]) if peer is not None else ""
    if proxies and address in proxies:
        return request.headers.get("x-forwarded-for", address).rpartition(",")[2].strip()
    return address


def admitted(request: Request, recipient: str | None = None) -> tuple[Parts, Caller]:
    """Who calls, where the table of roles and actions lets them in at the address that the request came to.

    Raises:
        NotAuthentic: nobody we know, or not shown as the token demands.
        NotEntitled: nothing that opens this address is allowed, at the corporation where one is named.
    """
    caller = caller_of(request)
    caller.enter(load_address(request.scope["route"].name), recipient)
    return parts_of(request), caller
