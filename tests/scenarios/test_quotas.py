"""Who asks too often is told so, and when to go on; nobody else notices."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from commands import command
from world import BANK, OTHER_BANK, TOOL, World, running, trial_balance

from gateway.client import Refusal

PER_MINUTE, TOKENS, CONNECTIONS, REFUSED = 12, 8, 20, 6


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {
        "HAYAME_RATE_CLIENT_PER_MINUTE": str(PER_MINUTE),
        "HAYAME_RATE_TOKENS_PER_MINUTE": str(TOKENS),
        "HAYAME_CONNECTIONS_PER_ADDRESS": str(CONNECTIONS),
        "HAYAME_RATE_REFUSED_PER_MINUTE": str(REFUSED),
        "HAYAME_CERTIFICATE_PROXIES": "127.0.0.2",
    }
    with running(tmp_path_factory.mktemp("quotas"), None, **limits) as world:
        yield world


def test_a_client_that_asks_too_often_is_told_when_to_go_on_and_others_are_served(world: World) -> None:
    bank, other = world.client(BANK), world.client(OTHER_BANK)
    for number in range(PER_MINUTE):
        assert bank.submit(trial_balance(number, 4), recipient="13", dry_run="true").status == 200
    with pytest.raises(Refusal) as refused:
        bank.get("/v1/held")
    problem = refused.value.problem
    assert (problem["status"], problem["code"]) == (429, "request.too_many")
    assert problem["violated-policies"] == ["client"]
    assert "Retry-After" in problem["detail_ja"]
    with pytest.raises(Refusal):
        bank.submit(trial_balance(1, 4), recipient="13")
    answer = other.get("/v1/held")
    assert answer.headers["RateLimit-Policy"] == f'"client";q={PER_MINUTE};w=60'
    assert answer.headers["RateLimit"] == f'"client";r={PER_MINUTE - 1};t=5'


def refused(world: World, path: str, body: dict[str, str] | None = None, **headers: str) -> int:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(world.base_url + path, data, {"content-type": "application/json"} | headers)) as answer:
            return int(answer.status)
    except HTTPError as refused:
        with refused:
            return refused.code


def test_who_is_not_let_in_is_told_to_wait_after_some_tries_and_who_is_let_in_is_served(world: World) -> None:
    reader = world.client(TOOL)
    tries = [refused(world, "/v1/held", authorization=f"Bearer forged.{number}") for number in range(REFUSED)]
    code = {"code": "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-AAAA", "proof": "none"}
    assert tries == [401] * REFUSED
    assert refused(world, "/v1/participants/enrolments", code) == 429
    assert refused(world, "/v1/held", authorization="Bearer forged") == 429
    assert reader.get("/v1/recipients/13/coverage").status_code == 200


def asked_for_token(world: World, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urlopen(Request(f"{world.base_url}/oauth2/token", b"", headers)) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except HTTPError as refused:
        return refused.code, dict(refused.headers), refused.read()


def test_an_address_that_asks_for_tokens_too_often_is_refused_before_anything_is_proven(world: World) -> None:
    world.client(TOOL).get("/v1/held")  # its token was fetched before
    answers = [asked_for_token(world) for _ in range(TOKENS + 1)]
    status, headers, body = answers[-1]
    assert {status for status, *_ in answers} == {400, 429}
    assert (status, json.loads(body)["violated-policies"]) == (429, ["tokens"])
    assert 1 <= int(headers["retry-after"]) <= 60 // TOKENS + 1
    assert headers["ratelimit"].startswith('"tokens";r=0;')
    world.client(OTHER_BANK)
    assert asked_for_token(world, **{"X-Forwarded-For": "192.0.2.9"})[0] == 429, "from anybody the field means nothing"


def test_an_address_has_so_many_connections_and_gives_them_back(world: World) -> None:
    at = urlsplit(world.base_url)
    with ExitStack() as held:
        mine = [
            held.enter_context(socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=10))
            for _ in range(CONNECTIONS + 1)
        ]
        answer = mine[-1].recv(65_536)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"request.too_many" in answer
        proxy = held.enter_context(
            socket.create_connection((str(at.hostname), int(at.port or 0)), 10, source_address=("127.0.0.2", 0))
        )
        proxy.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert proxy.recv(65_536).startswith(b"HTTP/1.1 200")
    while True:
        with socket.create_connection((str(at.hostname), int(at.port or 0)), 10) as again:
            again.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            if again.recv(65_536).startswith(b"HTTP/1.1 200"):
                break


def test_refusals_for_their_number_are_audited(world: World) -> None:
    assert "request.too_many" in command(world, "audit")
