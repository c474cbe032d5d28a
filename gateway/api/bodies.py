"""How much of a body is read before anybody knows whose it is, and how much of one at all.

Documents have a limit of their own (``HAYAME_MAX_BYTES``) and never are in memory whole. Every other body is, before
the framework parses it; so it is read here, and who sends more than a form needs has to show first who it is.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Message, Receive

from gateway.api.callers import caller_of
from gateway.errors import TooLarge

MOST_OF_ANYBODY = 64 << 10
MOST = 4 << 20


async def read_whole(request: Request) -> Receive:
    """Read a request's body to its end; whoever asks for it afterwards has it in one piece.

    Raises:
        NotAuthentic, TooManyRequests: it is longer than 64 KiB, and of nobody we know or who asks too often.
        TooLarge: it is longer than 4 MiB.
        ClientDisconnect: it has no end.
    """
    declared = request.headers.get("content-length", "0")
    _require_allowed(request, int(declared) if declared.isdigit() else 0)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        _require_allowed(request, len(body))
    whole = iter([bytes(body)])

    async def receive() -> Message:
        for one in whole:
            return {"type": "http.request", "body": one, "more_body": False}
        return await request.receive()

    return receive


def _require_allowed(request: Request, size: int) -> None:
    if size > MOST:
        raise TooLarge
    if size > MOST_OF_ANYBODY:
        caller_of(request)
