"""The edge: what a connection may do to us before there is a request, and after there is an answer.

The HTTP server itself waits for a slow client as long as it likes and takes headers of any size. Here a connection that
does not get on is cut, and so is one whose headers outgrow their limit; who is in the middle of a body only has to send
something of it now and then, and who is answered to take something of the answer. What the application reads slowly is
not held against the client.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.api.fields import ANSWER
from gateway.api.problems import of_error
from gateway.api.rates import network_of
from gateway.errors import GatewayError, HeadersTooLarge, TooManyRequests, TooSlow
from gateway.security.certificates import Proxies, thumbprint

MOST_HEADER_BYTES = 32 << 10
CERTIFICATE = "client_certificate"  # in a request's state: the thumbprint of the certificate of its connection
HANDSHAKE_S = 10.0  # within which a TLS handshake is over; until then nobody can be told why a connection is cut
LOOKS = 4  # how often a deadline is looked at while it runs

_HEAD, _BODY = "head", "body"


class Connections:
    """How many connections each address has, of so many that it may have; a trusted proxy may have any number.

    Remembered are only addresses that have one. 0 is no limit.
    """

    def __init__(self, most: int = 0, proxies: Proxies | None = None) -> None:
        self._most, self._proxies = most, proxies or Proxies("")
        self._open: dict[str, int] = {}

    def opened(self, address: str) -> str | None:
        """One more; what to say when it is closed, or None where nobody counts."""
        if not self._most or address in self._proxies:
            return None
        network = network_of(address)
        self._open[network] = self._open.get(network, 0) + 1
        return network

    def are_too_many(self, network: str | None) -> bool:
        """Whether a network has more than it may."""
        return network is not None and self._open[network] > self._most

    def closed(self, network: str | None) -> None:
        """One less."""
        if network is not None:
            self._open[network] -= 1
            if not self._open[network]:
                del self._open[network]


class EdgeServer(uvicorn.Server):
    """A server that answers those who wait for news before it stops, instead of waiting for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: nobody waits any longer, what is under way is finished."""
        self.config.loaded_app.state.parts.news.end()
        await super().shutdown(sockets)


class EdgeLoop(uvloop.Loop):
    """The event loop of a server: it gives up on a TLS handshake after ten seconds, not after a minute."""

    async def create_server(self, *given: Any, **options: Any) -> asyncio.Server:
        """Listen."""
        bounds = {"ssl_handshake_timeout": HANDSHAKE_S} if options.get("ssl") else {}
        listen: Any = super().create_server
        server: asyncio.Server = await listen(*given, **options, **bounds)
        return server


class Sending:
    """Whether what was written is taken, and our end of a connection answered by theirs."""

    def __init__(self, transport: asyncio.Transport, now: float) -> None:
        self._transport, self._unsent, self._since = transport, 0, now

    def goes_on(self, now: float) -> None:
        """Something was taken."""
        self._since = now

    def stuck_s(self, now: float) -> float:
        """For how many seconds nothing was taken of what there is to take, as far as somebody looked."""
        unsent, waits = self._transport.get_write_buffer_size(), self._transport.is_closing()
        if unsent < self._unsent or not (unsent or waits):
            self._since = now
        self._unsent = unsent
        return now - self._since


class EdgeProtocol(HttpToolsProtocol):
    """One connection, with deadlines, a limit to its headers, and the certificate of who connected.

    Attributes:
        head_seconds: from a request's first byte (of a new connection: from its beginning) to the end of its headers.
        idle_seconds: longest pause within a body, and within an answer that is not taken.
        peers: who has how many connections.
    """

    head_seconds, idle_seconds, peers = 10.0, 15.0, Connections()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._awaits: str | None = _HEAD
        self._since, self._head_bytes = self.loop.time(), 0
        self._sending = Sending(transport, self._since)
        self._certificate = _certificate_of(transport)
        self._network = self.peers.opened(_address_of(transport))
        if self.peers.are_too_many(self._network):
            self._cut(TooManyRequests("connections", 1))
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._looks.cancel()
        self.peers.closed(self._network)
        self._network = None
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Some of an answer was taken, and the rest may follow."""
        self._sending.goes_on(self.loop.time())
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take what arrived, unless it is more header than anybody needs."""
        awaited, self._got_body = self._awaits, False
        super().data_received(data)
        if self._awaits is not awaited or self._got_body or awaited is None:
            self._since, self._head_bytes = self.loop.time(), 0
        else:  # nothing but header, or what may come beside a body: extensions of chunks, trailers
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEADER_BYTES:
                self._cut(HeadersTooLarge())

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self._certificate is not None:
            self.scope["state"][CERTIFICATE] = self._certificate
        self._awaits, self._since, self._head_bytes = _HEAD, self.loop.time(), 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field; a trailer is nobody's, for nobody signed it and nobody asked for it."""
        if self._awaits is _HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request on, if its headers are of a reasonable size."""
        self._awaits = _BODY
        if sum([len(name) + len(value) for name, value in self.headers]) + len(self.url) > MOST_HEADER_BYTES:
            self._cut(HeadersTooLarge())
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Part of a body; of a request that was cut, nothing is taken any more."""
        self._got_body = True
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole: now it is for us to get on."""
        self._awaits = None
        if self.cycle is not None:
            super().on_message_complete()

    def _look_later(self) -> None:
        self._looks = self.loop.call_later(min(self.head_seconds, self.idle_seconds) / LOOKS, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if self._sending.stuck_s(now) > self.idle_seconds:
            self.transport.abort()
            return
        if self._awaits is _BODY and self.flow.read_paused:
            self._since = now
        waited = now - self._since
        if self._awaits is _HEAD and waited > self.head_seconds:
            self._cut(TooSlow())
        elif self._awaits is _BODY and waited > self.idle_seconds:
            self.transport.close()  # the application is reading; it finds the client gone
        self._look_later()

    def _cut(self, error: GatewayError) -> None:
        """Say why, and hang up."""
        if not self.transport.is_closing():
            self.transport.write(_last_words(error))
            self.transport.close()


def _address_of(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _certificate_of(transport: asyncio.Transport) -> str | None:
    tls = transport.get_extra_info("ssl_object")
    der = tls.getpeercert(True) if tls is not None else None
    return None if der is None else thumbprint(der)


def _last_words(error: GatewayError) -> bytes:
    answer = of_error(error)
    fields = b"".join(b"%s: %s\r\n" % field for field in (*answer.raw_headers, *ANSWER))
    return STATUS_LINE[answer.status_code] + fields + b"connection: close\r\n\r\n" + bytes(answer.body)


def edge(head_seconds: float, idle_seconds: float, peers: Connections) -> type[EdgeProtocol]:
    """The protocol with an operator's limits."""
    limits: dict[str, Any] = {"head_seconds": head_seconds, "idle_seconds": idle_seconds, "peers": peers}
    return type("Edge", (EdgeProtocol,), limits)
