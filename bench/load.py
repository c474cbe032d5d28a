"""The load generator: prebuilt requests over raw keep-alive connections, on one event loop.

Closed loop: so many connections, each sends its next request when the last is answered; for throughput. Open loop:
requests fall due by a Poisson process whether or not earlier ones are answered, and latency counts from the instant
a request was due, so that a server that stalls cannot hide it; for latency.
"""

from __future__ import annotations

import asyncio
import gc
import random
import re
import ssl
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import uvloop

from bench.servers import HOST

T = TypeVar("T")

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ROW = re.compile(rb'\{"position":(\d+),"submission":"([^"]+)"')
_SUBMISSION = re.compile(rb'"submission":"([^"]+)"')
LONG_POLL_S = 10


class Answer(NamedTuple):
    """What came of one request: when it was due and when it was answered (monotonic seconds), status and body."""

    due: float
    done: float
    status: int
    body: bytes

    @property
    def submission(self) -> str | None:
        """The submission's id, where the body names one."""
        found = _SUBMISSION.search(self.body)
        return found[1].decode() if found else None


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time; answers must say their length."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext | None = None) -> Connection:
        """Connect."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, HOST, port, ssl=tls)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = transport

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; its status and body.

        Raises:
            ConnectionError: the server hung up.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        length = _LENGTH.search(self._received, 0, end)
        start = end + 4
        if length is None or len(self._received) < start + int(length[1]):
            return
        status, body = int(self._received[9:12]), bytes(self._received[start:])
        self._received.clear()
        self._answer.set_result((status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits in vain."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server hung up"))

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def run(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Run on a fresh event loop, with the garbage collector out of the way.

    Raises:
        TimeoutError: it took longer than allowed.
    """

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await work

    with _no_collection():
        return uvloop.run(bounded())


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def closed_loop(
    port: int, requests: Sequence[bytes], connections: int, tls: ssl.SSLContext | None = None
) -> list[Answer]:
    """Send every request once, each connection its next when the last is answered; answers as they came."""
    left = iter(requests)
    answers: list[Answer] = []

    async def send_on(connection: Connection) -> None:
        for request in left:
            sent = time.monotonic()
            status, body = await connection.exchange(request)
            answers.append(Answer(sent, time.monotonic(), status, body))

    opened = [await Connection.open(port, tls) for _ in range(connections)]
    await asyncio.gather(*map(send_on, opened))
    for connection in opened:
        connection.close()
    return answers


async def open_loop(port: int, requests: Sequence[bytes], rate: float, connections: int = 64) -> list[Answer]:
    """Send requests as they fall due, ``rate`` a second on average; answers in the order in which they were due.

    More requests at once than there are connections wait, and their latency says so.
    """
    draw = random.Random(len(requests))
    idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    opened = [await Connection.open(port) for _ in range(connections)]
    for connection in opened:
        idle.put_nowait(connection)

    async def send(request: bytes, due: float) -> Answer:
        connection = await idle.get()
        status, body = await connection.exchange(request)
        idle.put_nowait(connection)
        return Answer(due, time.monotonic(), status, body)

    sending = []
    due = time.monotonic()
    for request in requests:
        due += draw.expovariate(rate)
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(early)
        sending.append(asyncio.create_task(send(request, due)))
    answers = await asyncio.gather(*sending)
    for connection in opened:
        connection.close()
    return answers


async def follow(port: int, feed: tuple[str, int], token: str, count: int) -> dict[str, float]:
    """Long-poll a feed until so many lines were seen: by submission, when its line was in the reader's hands.

    Args:
        port: where the server listens.
        feed: the feed's path and the first position wanted.
        token: the reader's.
        count: how many lines to wait for.
    """
    path, after = feed
    seen: dict[str, float] = {}
    connection = await Connection.open(port)
    while len(seen) < count:
        target = f"{path}?after={after}&wait={LONG_POLL_S}"
        head = f"GET {target} HTTP/1.1\r\nhost: {HOST}:{port}\r\nauthorization: Bearer {token}\r\n\r\n"
        status, body = await connection.exchange(head.encode())
        now = time.monotonic()
        if status != 200:
            raise RuntimeError(f"the feed answered {status}")
        for position, submission in _ROW.findall(body):
            seen[submission.decode()] = now
            after = int(position) + 1
    connection.close()
    return seen
