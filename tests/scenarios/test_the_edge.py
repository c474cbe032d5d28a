"""A connection that takes without giving is cut, and costs nobody else anything."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil
import pytest
from world import BANK, TOOL, World, running, shown, trial_balance

HEAD_S, IDLE_S = 1.0, 1.5
REQUEST = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n"
WHOLE = REQUEST + b"\r\n"
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {"HAYAME_HEADER_TIMEOUT_S": str(HEAD_S), "HAYAME_BODY_IDLE_S": str(IDLE_S)}
    with running(tmp_path_factory.mktemp("edge"), None, **limits) as world:
        yield world


def connect(world: World) -> socket.socket:
    at = urlsplit(world.base_url)
    connection = socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def rest(connection: socket.socket) -> bytes:
    """Everything that comes until the other side hangs up."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


def answered(connection: socket.socket) -> bytes:
    """One short answer on a connection that stays open."""
    found = b""
    while b"ok\n" not in found:
        part = connection.recv(65_536)
        assert part, found
        found += part
    return found


def code(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)["code"]


def fields(world: World, path: str) -> str:
    """The lines of a request's head that say who sends it."""
    return "".join(f"{name}: {value}\r\n" for name, value in shown(world, BANK, path).items())


def memory(world: World) -> int:
    assert world.process is not None
    return psutil.Process(world.process.pid).memory_info().rss


@pytest.mark.parametrize("begun", [b"", b"GET", REQUEST, REQUEST + b"x-a: b"])
def test_a_request_that_does_not_begin_or_does_not_end_is_cut(world: World, begun: bytes) -> None:
    with connect(world) as connection:
        connection.sendall(begun)
        started = time.monotonic()
        assert code(rest(connection)) == (408, "request.too_slow")
        assert time.monotonic() - started < 4 * HEAD_S


def test_headers_that_drip_do_not_win_time(world: World) -> None:
    with connect(world) as connection:
        started, dripped = time.monotonic(), 0
        connection.sendall(REQUEST)
        try:
            while time.monotonic() - started < 4 * HEAD_S:
                connection.sendall(b"x-%d: 1\r\n" % dripped)
                dripped += 1
                time.sleep(HEAD_S / 10)
        except OSError:
            pass
        assert time.monotonic() - started < 3 * HEAD_S


@pytest.mark.parametrize("field", [b"x-large: " + b"a" * MEGABYTE, b"x-small: a\r\n" * 1_000], ids=["one", "many"])
def test_fifty_megabytes_of_headers_are_cut_off_early(world: World, field: bytes) -> None:
    before = memory(world)
    with connect(world) as connection:
        connection.sendall(REQUEST)
        sent = 0
        try:
            while sent < 50 * MEGABYTE:
                connection.sendall(field)
                sent += len(field)
        except OSError:
            pass
    assert sent < 20 * MEGABYTE  # what the buffers of both sides hold
    assert memory(world) - before < 20 * MEGABYTE


def test_headers_that_are_complete_and_too_large_are_told_so(world: World) -> None:
    with connect(world) as connection:
        connection.sendall(REQUEST + b"x-large: " + b"a" * 40_000 + b"\r\n\r\n")
        assert code(rest(connection)) == (431, "request.headers_too_large")


def test_a_body_that_stops_is_cut_and_nothing_is_kept(world: World) -> None:
    assert not any(world.gateway.raw_folder.iterdir())
    head = f"POST /v1/submissions?recipient=13 HTTP/1.1\r\nhost: g\r\n{fields(world, '/v1/submissions')}"
    with connect(world) as connection:
        connection.sendall(head.encode() + b"content-length: 10000000\r\n\r\n" + b"x" * MEGABYTE)
        assert rest(connection) == b""
    deadline = time.monotonic() + 10  # who reads it hears of the end a moment after the client
    while any(world.gateway.raw_folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(world.gateway.raw_folder.iterdir())


def test_a_body_that_is_slow_but_steady_is_taken(world: World) -> None:
    head = (
        f"POST /v1/signature-check HTTP/1.1\r\nhost: g\r\n{fields(world, '/v1/signature-check')}connection: close\r\n"
    )
    with connect(world) as connection:
        connection.sendall(head.encode() + b"content-length: 8\r\n\r\n")
        for _ in range(8):
            time.sleep(IDLE_S / 3)
            connection.sendall(b"x")
        assert rest(connection).startswith(b"HTTP/1.1 200")


def test_a_connection_may_rest_between_requests_and_send_two_at_once(world: World) -> None:
    with connect(world) as connection:
        connection.sendall(WHOLE)
        assert answered(connection).startswith(b"HTTP/1.1 200")
        time.sleep(2 * HEAD_S)
        connection.sendall(WHOLE + WHOLE[:10])
        assert answered(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(WHOLE[10:])
        assert answered(connection).startswith(b"HTTP/1.1 200")


def test_a_thousand_half_open_connections_leave_the_others_served(world: World) -> None:
    with ExitStack() as stack:
        half = [stack.enter_context(connect(world)) for _ in range(1_000)]
        for connection in half:
            connection.sendall(b"POST /v1/submissions HTTP/1.1\r\nx")
        started = time.monotonic()
        assert world.client(BANK).submit(trial_balance(3, 4), recipient="13").verdict == "accepted"
        assert time.monotonic() - started < 5
        assert {code(rest(connection))[0] for connection in half} == {408}


def test_who_waits_for_news_is_answered_when_the_server_stops(world: World) -> None:
    tool = world.client(TOOL)
    tool.token()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(tool.get, "/v1/recipients/13/feed", {"after": 10**6, "wait": 59})
        time.sleep(0.5)
        world.halt()
        answer = waiting.result(timeout=30)
    world.start()
    assert (answer.status_code, answer.content) == (200, b"")
