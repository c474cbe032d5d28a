"""Header fields that every answer has: what a browser may do with it, and what is left of a quota."""

from __future__ import annotations

from starlette.types import Message, Scope, Send

from gateway.api.rates import STATE, Fields

ANSWER: Fields = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""An answer is data: nothing is run, loaded, embedded or told to others."""

HSTS = (b"strict-transport-security", b"max-age=63072000")


def fielded(scope: Scope, send: Send, fields: Fields) -> Send:
    """Send an answer with fields, and with those that its request's quota left in its state."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *fields, *scope["state"].get(STATE, ())]
        await send(message)

    return sending
