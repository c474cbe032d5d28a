"""What HTTP allows to be said ambiguously, slowly or without end: said to us, it harms nobody else; also within TLS."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
from certificates import Authority
from world import BANK, World, running, shown, trial_balance

HEAD_S, IDLE_S = 1.0, 1.5
GET = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n"
POST = b"POST /v1/signature-check HTTP/1.1\r\nhost: gateway\r\n"
LIMITS = {"HAYAME_HEADER_TIMEOUT_S": str(HEAD_S), "HAYAME_BODY_IDLE_S": str(IDLE_S)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    certificate = str(authority.certify("server"))
    folder = tmp_path_factory.mktemp("abused")
    with running(folder, None, authority.trusted(), HAYAME_TLS_CERTIFICATE=certificate, **LIMITS) as world:
        yield world


def plain(world: World) -> socket.socket:
    at = urlsplit(world.base_url)
    return socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=20)


def connect(world: World) -> ssl.SSLSocket:
    assert world.tls is not None
    return world.tls.wrap_socket(plain(world), server_hostname="127.0.0.1")


def said(world: World, *parts: bytes) -> bytes:
    """Everything that is answered until the other side hangs up."""
    found = b""
    with connect(world) as connection, suppress(OSError):
        for part in parts:
            connection.sendall(part)
        while part := connection.recv(65_536):
            found += part
    return found


def statuses(answers: bytes) -> list[int]:
    return [int(one[:3]) for one in answers.split(b"HTTP/1.1 ")[1:]]


def serves(world: World) -> bool:
    return world.client(BANK).submit(trial_balance(3, 4), recipient="13", dry_run="true").status == 200


SMUGGLED = b"GET /v1/held HTTP/1.1\r\nhost: gateway\r\n\r\n"
AMBIGUOUS = {
    "both lengths": POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked is not last": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + b"content-length: 0\r\ncontent-length: 44\r\n\r\n" + SMUGGLED,
    "a signed length": POST + b"content-length: +0\r\n\r\n" + SMUGGLED,
    "a length that is none": POST + b"content-length: 0x0\r\n\r\n" + SMUGGLED,
    "a length that is huge": POST + b"content-length: 99999999999999999999999\r\n\r\n" + SMUGGLED,
    "a space before the colon": POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of no size": POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n" + SMUGGLED,
    "a chunk of a huge size": POST + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + SMUGGLED,
    "a line that is folded": POST + b"x: 1\r\n transfer-encoding: chunked\r\ncontent-length: 0 \x00\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_of_an_ambiguous_request_nothing_is_taken_for_a_second_one(world: World, request_: bytes) -> None:
    answered = statuses(said(world, request_))
    assert len(answered) <= 1
    assert all(400 <= one < 500 for one in answered)


def test_requests_sent_all_at_once_are_answered_in_turn_and_no_more_than_were_sent(world: World) -> None:
    whole = GET + b"\r\n"
    assert statuses(said(world, whole * 200 + GET + b"connection: close\r\n\r\n")) == [200] * 201


def test_a_chunked_body_without_end_is_cut_when_nothing_comes_and_refused_when_too_much_does(world: World) -> None:
    head = b"POST /v1/signature-check HTTP/1.1\r\nhost: gateway\r\ntransfer-encoding: chunked\r\n\r\n"
    assert all(one in (401, 408) for one in statuses(said(world, head, b"5\r\nhello\r\n")))
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    sent = 0
    with connect(world) as connection, suppress(OSError):
        connection.sendall(head)
        while sent < 1_500:  # almost 100 MB
            connection.sendall(chunk)
            sent += 1
    assert serves(world)


@pytest.mark.parametrize(
    "field",
    [b"upgrade: websocket\r\nconnection: upgrade\r\n", b"upgrade: h2c\r\nconnection: upgrade, http2-settings\r\n"],
    ids=["websocket", "h2c"],
)
def test_nobody_is_let_into_another_protocol(world: World, field: bytes) -> None:
    with connect(world) as connection:
        connection.sendall(GET + field + b"\r\n")
        assert statuses(connection.recv(65_536)) in ([200], [400])


def test_who_expects_to_be_told_to_go_on_is_told_so_or_refused_and_then_cut(world: World) -> None:
    asked = POST + b"content-length: 1000000\r\nexpect: 100-continue\r\n\r\n"
    assert set(statuses(said(world, asked))) <= {100, 401, 408, 417}


def test_other_words_than_http_are_answered_like_nonsense(world: World) -> None:
    for words in (
        b"\x16\x03\x01" * 1_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0" * 10_000,
    ):
        assert all(one in (400, 408, 431, 505) for one in statuses(said(world, words)))
    assert serves(world)


def test_handshakes_that_stop_halfway_and_headers_that_drip_leave_the_others_served(world: World) -> None:
    hello = bytes.fromhex("16030100c8010000c40303")
    with ExitStack() as stack:
        half = [stack.enter_context(plain(world)) for _ in range(300)]
        for number, connection in enumerate(half):
            connection.sendall(hello[: number % len(hello)])
        slow = [stack.enter_context(connect(world)) for _ in range(30)]
        for connection in slow:
            connection.sendall(GET + b"x-slow: 1")
        assert serves(world)
        started = time.monotonic()
        for connection in slow:
            with suppress(OSError):
                assert statuses(connection.recv(65_536)) in ([408], [])
        for connection in half:
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b"", "a handshake that stopped is cut"
        assert time.monotonic() - started < 45, "and after a minute only if the event loop alone bounds it"
    assert serves(world)


CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"


@pytest.mark.parametrize(
    "beside",
    [b"0\r\nx-long: " + b"x" * 4_000_000, b"0\r\n" + b"x-many: 1\r\n" * 400_000, b"5;" + b"x" * 4_000_000],
    ids=["a trailer", "many trailers", "an extension"],
)
def test_what_comes_beside_a_body_is_limited_like_headers(world: World, beside: bytes) -> None:
    assert set(statuses(said(world, CHUNKED, beside))) <= {431, 408, 401}
    assert serves(world)


def test_what_drips_beside_a_body_does_not_keep_its_connection_open(world: World) -> None:
    with connect(world) as connection, suppress(OSError):
        connection.sendall(CHUNKED + b"0\r\nx-slow: ")
        started = time.monotonic()
        while time.monotonic() - started < 20:
            connection.sendall(b"x")
            time.sleep(0.1)
    assert time.monotonic() - started < 20


def test_a_trailer_is_not_taken_for_a_header(world: World) -> None:
    token = world.client(BANK).token()
    fields = b"".join(
        f"{name}: {value}\r\n".encode() for name, value in shown(world, BANK, "/v1/signature-check", token).items()
    )
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    assert statuses(said(world, head, b"0\r\n" + fields + b"\r\n")) == [401]
    assert statuses(said(world, head.replace(b"\r\n\r\n", b"\r\n" + fields + b"\r\n", 1), b"0\r\n\r\n")) == [200]


ASKED, TIMES = GET.replace(b"/healthz", b"/openapi.json") + b"\r\n", 40


def taken(connection: ssl.SSLSocket, pause_s: float = 0.0) -> int:
    """How many bytes of all answers arrive in the end, when there is a pause after each 256 KiB."""
    size = upto = 0
    with suppress(OSError):
        while part := connection.recv(65_536):
            size += len(part)
            if pause_s and size > upto:
                upto += 262_144
                time.sleep(pause_s)
    return size


def test_an_answer_that_nobody_takes_is_given_up_and_one_that_is_taken_slowly_is_not(world: World) -> None:
    last = ASKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    with ExitStack() as stack:
        idle, slow, quick = (stack.enter_context(connect(world)) for _ in range(3))
        for connection in (idle, slow, quick):
            connection.sendall(ASKED * TIMES + last)
        whole = taken(quick)
        assert statuses(said(world, last)) == [200]
        assert taken(slow, IDLE_S / 10) == whole
        assert taken(idle) < whole
    assert serves(world)
