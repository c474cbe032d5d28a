"""A body that is no document: little is read of a stranger's, some of who is known, and none of it blocks others."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import psutil
import pytest
from world import BANK, CORPORATION, World, firm, guarantee, running, shown

AT = "/v1/recipients/13/guarantees"
MOST_BYTES, LONGEST_S = 300 << 20, 5.0
MOST_OF_ANYBODY, MOST = 64 << 10, 4 << 20
LISTS = {
    "objects of objects": b'[{"a":{}},' + b'{"a":{}},' * 460_000 + b"0]",
    "empty objects": b"[{}," + b"{}," * 1_390_000 + b"0]",
    "depth": b"[" * 4_000_000,
    "one long text": b'["' + b"x" * 4_000_000 + b'"]',
    "strings": b"[" + b'"",' * 1_390_000 + b"0]",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("bodies"), None) as world:
        yield world


def sent(world: World, path: str, body: bytes, of: str | None = None, media_type: str = "application/json") -> int:
    headers = {"content-type": media_type} | (shown(world, of, path) if of else {})
    with httpx2.Client(trust_env=False, timeout=60) as client:
        return client.post(world.base_url + path, content=body, headers=headers).status_code


def memory(world: World) -> int:
    assert world.process is not None
    return int(psutil.Process(world.process.pid).memory_info().rss)


@pytest.mark.parametrize("body", LISTS.values(), ids=LISTS)
def test_of_a_stranger_no_large_body_is_read_and_of_who_is_known_none_costs_much(world: World, body: bytes) -> None:
    assert MOST_OF_ANYBODY < len(body) <= MOST + 100
    idle = memory(world)
    for of, status in ((None, (401,)), (BANK, (400, 403)), (CORPORATION, (400,))):
        started = time.monotonic()
        assert sent(world, AT, body, of) in status
        assert time.monotonic() - started < LONGEST_S
    assert memory(world) - idle < MOST_BYTES


def test_forms_and_bodies_without_a_length_are_bounded_alike(world: World) -> None:
    parts = (
        b'--b\r\ncontent-disposition: form-data; name="x"; filename="y"\r\n\r\n' + b"x" * (1 << 20) + b"\r\n--b--\r\n"
    )
    assert sent(world, "/oauth2/token", parts, media_type="multipart/form-data; boundary=b") == 401
    assert sent(world, "/oauth2/token", b"a=" * 100_000, media_type="application/x-www-form-urlencoded") == 401
    assert sent(world, AT, b"[" + b" " * MOST, CORPORATION) == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(80):
            yield b" " * 65_536

    with httpx2.Client(trust_env=False, timeout=60) as client:
        assert client.post(f"{world.base_url}/oauth2/token", content=pieces()).status_code == 401


def test_as_many_guarantees_as_fit_are_registered_at_once_and_one_too_many_is_said_so(world: World) -> None:
    entries = [
        {
            "guarantee_no": guarantee(number),
            "institution": "9991",
            "firm": firm(number).model_dump(mode="json"),
            "name": f"第{number}商店",
        }
        for number in range(10_001)
    ]
    answer = world.client(CORPORATION).post(AT, entries[:10_000])
    assert answer.json()["registered"] == 10_000
    with httpx2.Client(trust_env=False, timeout=60) as client:
        headers = shown(world, CORPORATION, AT)
        answer = client.post(world.base_url + AT, json=entries, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/body")
