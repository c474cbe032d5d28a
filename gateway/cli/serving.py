"""Commands that run: the server, the worker, the demo."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from gateway.errors import ConfigurationError
from gateway.settings import Settings

if TYPE_CHECKING:
    pass
from gateway.cli.apps import app, gateway_here


@app.command()
def serve(
    host: str = "",
    port: int = 0,
    until_eof: Annotated[bool, typer.Option(help="As one of several: stop when standard input closes.")] = False,
) -> None:
    """Serve HTTP in HAYAME_PROCESSES processes (and, unless HAYAME_WORKER=false, work off large submissions in one)."""
    import uvicorn

    from gateway.api.edge import Connections, EdgeServer, edge
    from gateway.runtime.collector import calm_collector
    from gateway.runtime.logs import log_without_content
    from gateway.security.certificates import Proxies
    from gateway.wiring import application, build

    settings = Settings.from_environment()
    tls = _tls(settings)
    address = urlsplit(settings.base_url)
    host, port = host or address.hostname or "127.0.0.1", port or address.port or 8040
    served = application(build(settings), ["--host", host, "--port", str(port)])
    calm_collector()
    log_without_content()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is an open file
    server = EdgeServer(
        uvicorn.Config(
            served,
            http=edge(
                settings.header_timeout_s,
                settings.body_idle_s,
                Connections(settings.connections_per_address, Proxies(settings.certificate_proxies)),
            ),
            ws="none",
            loop="gateway.api.edge:EdgeLoop",
            ssl_context_factory=tls,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=20,
        )
    )
    if until_eof:
        _at_eof(lambda: setattr(server, "should_exit", True))
    server.run(sockets=[_listening(host, port, shared=until_eof or settings.processes > 1)])
    if not server.started:
        raise typer.Exit(3)


def _tls(settings: Settings) -> Callable[..., SSLContext] | None:
    from gateway.security.certificates import server_context

    if settings.tls_certificate is None:
        return None
    context = server_context(settings.tls_certificate, settings.tls_key, settings.client_ca)
    return lambda *_: context


def _listening(host: str, port: int, *, shared: bool) -> socket.socket:
    """An address to listen at; with ``shared`` the kernel spreads connections over all processes that listen there."""
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        one.bind((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen at {host} port {port}: {error.strerror}",
            ja=f"{host} のポート {port} で待ち受けできません: {error.strerror}",
        ) from error
    return one


@app.command()
def work(until_eof: Annotated[bool, typer.Option(help="Stop when standard input closes.")] = False) -> None:
    """Work off large submissions, releases and regular work until stopped."""
    from gateway.runtime.collector import calm_collector
    from gateway.runtime.logs import log_without_content
    from gateway.runtime.scheduler import schedule
    from gateway.wiring import stamping, worker

    stop = threading.Event()
    if until_eof:
        _at_eof(stop.set)
    log_without_content()
    with gateway_here() as gateway:
        calm_collector()
        scheduler = schedule(gateway.database, gateway.clock)
        try:
            with gateway.kept.keeping(), stamping(gateway), gateway.shelf.looking():
                worker(gateway).run(stop)
        except KeyboardInterrupt:
            stop.set()
        finally:
            scheduler.shutdown(wait=False)


def _at_eof(stop: Callable[[], None]) -> None:
    """Stop when standard input closes, which it does however our parent dies."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stop()

    threading.Thread(target=wait, daemon=True).start()


@app.command()
def demo(input: Annotated[Path | None, typer.Option(help="A folder of your own files.")] = None) -> None:
    """See the whole line work: banks, a vendor, corporations and a targeting tool, each a program of its own."""
    arguments = ["--input", str(input)] if input else []
    command = [sys.executable, "-m", "mocks.demo", *arguments]
    raise typer.Exit(subprocess.call(command))  # noqa: S603 - our own program, no shell
