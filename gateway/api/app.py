"""The application: all addresses, all error handlers, what starts and stops with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from gateway import __version__
from gateway.api import (
    checks,
    consents,
    coverage,
    describe,
    feed,
    links,
    outcomes,
    page,
    pairings,
    participants,
    problems,
    submissions,
    tokens,
    witnesses,
)
from gateway.api.audit import note_refusal
from gateway.api.bodies import read_whole
from gateway.api.fields import ANSWER, HSTS, fielded
from gateway.api.parts import Parts, parts_of
from gateway.errors import GatewayError
from gateway.store import log

DOOR = "/v1/submissions"
Lifespan = Callable[[], AbstractAsyncContextManager[None]]


def create_app(parts: Parts, lifespan: Lifespan) -> FastAPI:
    """The application around its parts; ``lifespan`` surrounds its running."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with lifespan():
            yield

    app = Application(version=__version__, lifespan=running, docs_url=None, redoc_url=None, **describe.HEAD)
    app.state.parts = parts
    app.add_api_route(DOOR, submissions.submit, methods=["POST"], tags=["submissions"], **describe.SUBMIT)
    for room in (outcomes, feed, witnesses, links, coverage, consents, pairings, participants, tokens, checks):
        app.include_router(room.router)
    app.add_api_route("/healthz", healthy, methods=["GET"], tags=["operations"], **describe.HEALTHY)
    app.add_api_route("/readyz", ready, methods=["GET"], tags=["operations"], **describe.READY)
    app.add_api_route(page.PATH, documentation, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(GatewayError, on_gateway_error)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(Exception, problems.on_bug)
    return app


class Application(describe.DescribedApp):
    """The framework's application, with a short way in for what comes by the thousand.

    A submission meets none of the framework's layers, which cost as much as checking its signature; the framework
    documents its address, and answers there what is not a POST.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            scope.setdefault("state", {})  # not every server hands one over
            fields = page.FIELDS if scope["path"] == page.PATH else ANSWER
            send = fielded(scope, send, (*fields, HSTS) if self.state.parts.tls else fields)
        if scope["type"] != "http" or scope["method"] != "POST":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        request = Request(scope, receive)
        try:
            if scope["path"] != DOOR:
                await super().__call__(scope, await read_whole(request), send)
                return
            response = await submissions.submit(request)
        except ClientDisconnect:
            return
        except GatewayError as error:
            response = await on_gateway_error(request, error)
        except Exception as error:  # noqa: BLE001 - answered and logged as every bug is
            response = await problems.on_bug(request, error)
        await response(scope, receive, send)


def healthy() -> Response:
    """Whether the process answers at all."""
    return PlainTextResponse("ok\n")


def ready(request: Request) -> Response:
    """Whether the database answers; and since when the oldest entry waits for a time stamp; which lists are read."""
    parts = parts_of(request)
    with parts.database.read() as session:
        log.find_heads(session, ["00"])
    return PlainTextResponse(f"ready\n{parts.stamps.told()}\n{parts.lists_told()}")


def documentation(request: Request) -> Response:
    """The description of all addresses, to be read."""
    return HTMLResponse(page.page(request.app.openapi()))


async def on_gateway_error(request: Request, error: Exception) -> Response:
    """Answer an error of ours; a refusal at the door is noted in the audit trail, which no recipient reads."""
    note_refusal(parts_of(request), request, error)
    return await problems.on_gateway_error(request, error)
