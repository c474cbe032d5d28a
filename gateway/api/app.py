"""The application: all addresses, all error handlers, what starts and stops with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway import __version__
from gateway.api import describe, feed, links, outcomes, problems, submissions, tokens
from gateway.api.audit import note_refusal
from gateway.api.parts import Parts, parts_of
from gateway.errors import GatewayError
from gateway.store import log

Lifespan = Callable[[], AbstractAsyncContextManager[None]]


def create_app(parts: Parts, lifespan: Lifespan) -> FastAPI:
    """The application around its parts; ``lifespan`` surrounds its running."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with lifespan():
            yield

    app = describe.DescribedApp(version=__version__, lifespan=running, **describe.HEAD)
    app.state.parts = parts
    # What answers is a bare route, a third cheaper than the framework's; the framework's own, behind it, documents it.
    app.router.routes.append(Route("/v1/submissions", submissions.submit, methods=["POST"]))
    app.add_api_route("/v1/submissions", submissions.submit, methods=["POST"], tags=["submissions"], **describe.SUBMIT)
    for router in (outcomes.router, feed.router, links.router, tokens.router):
        app.include_router(router)
    app.add_api_route("/healthz", healthy, methods=["GET"], tags=["operations"], **describe.HEALTHY)
    app.add_api_route("/readyz", ready, methods=["GET"], tags=["operations"], **describe.READY)
    app.add_exception_handler(GatewayError, on_gateway_error)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(Exception, problems.on_bug)
    return app


def healthy() -> Response:
    """Whether the process answers at all."""
    return PlainTextResponse("ok\n")


def ready(request: Request) -> Response:
    """Whether the database answers."""
    with parts_of(request).database.read() as session:
        log.find_heads(session, ["00"])
    return PlainTextResponse("ready\n")


async def on_gateway_error(request: Request, error: Exception) -> Response:
    """Answer an error of ours; a refusal at the door is noted in the audit log, which no recipient reads."""
    note_refusal(parts_of(request), request, error)
    return await problems.on_gateway_error(request, error)
