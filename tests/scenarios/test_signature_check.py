"""A sender that signs for the first time is told what is wrong, and learns nothing of others."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from world import BANK, OTHER_BANK, World, shown

from gateway.security.http_signatures import SignedRequest, sign_request, signature_base
from gateway.security.keys import SigningKey

PATH = "/v1/signature-check?recipient=13"
BODY = "早め".encode()


def signed(world: World, key: SigningKey, at: datetime | None = None) -> tuple[dict[str, str], bytes]:
    """The header fields of a request, and the bytes that were signed."""
    headers = {
        **shown(world, BANK, PATH),
        "content-type": "text/plain",
        "idempotency-key": "k",
    }
    request = SignedRequest("POST", world.base_url + PATH, headers, hashlib.sha256(BODY).digest())
    headers |= sign_request(key, request, at or datetime.now(UTC))
    stated = headers["signature-input"].partition("=")[2]
    values = {"@method": "POST", "@target-uri": world.base_url + PATH, **headers}
    names = [part.strip('"') for part in stated[1 : stated.index(")")].split(" ")]
    return headers, signature_base([(f'"{name}"', values[name]) for name in names], stated)


def ask(world: World, headers: dict[str, str], base: bytes | None = None, body: bytes = BODY) -> Any:
    sent = headers | ({"signature-base": base64.b64encode(base).decode()} if base is not None else {})
    answer = httpx2.request("POST", world.base_url + PATH, content=body, headers=sent, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_signature_that_holds_is_told_so_with_the_bytes_it_covers(world: World) -> None:
    headers, base = signed(world, world.keys[BANK])
    assert ask(world, headers, base) == {
        "holds": True,
        "problem": None,
        "signature_base": base.decode(),
        "content_digest": headers["content-digest"],
        "first_difference": None,
    }


def test_the_first_byte_that_differs_is_named(world: World) -> None:
    headers, base = signed(world, world.keys[BANK])
    told = ask(world, headers, base.replace(b'"content-type": text/plain', b'"content-type": text/html'))
    at = base.index(b"text/plain") + len("text/")
    lines = base[:at].count(b"\n") + 1
    assert told["first_difference"] == {"byte": at, "line": lines, "ours": "plain", "yours": "html"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"signature": "hayame=:AAAA:"}, "does not match"),
        ({"content-type": "text/html"}, "does not match"),
        ({"signature-input": "nonsense"}, "not of the expected form"),
        ({"x-other": "1"}, None),
    ],
)
def test_what_is_wrong_is_said(world: World, change: dict[str, str], problem: str | None) -> None:
    headers, _ = signed(world, world.keys[BANK])
    told = ask(world, headers | change)
    assert (told["holds"], problem is None or problem in told["problem"]) == (problem is None, True)


def test_another_body_a_late_signature_and_anothers_key_do_not_hold(world: World) -> None:
    own, other = world.keys[BANK], world.keys[OTHER_BANK]
    late = datetime.now(UTC) - timedelta(hours=1)
    told = [
        ask(world, signed(world, own)[0], body=b"other")["problem"],
        ask(world, signed(world, own, late)[0])["problem"],
        ask(world, signed(world, other)[0])["problem"],
    ]
    assert "igest" in told[0]
    assert "seconds ago" in told[1]
    assert told[2] == "the key is not registered"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer forged"}])
def test_a_stranger_is_told_nothing(world: World, headers: dict[str, str]) -> None:
    answer = httpx2.request("POST", world.base_url + PATH, content=BODY, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "access.not_authentic")


def test_what_is_too_long_or_no_base64_is_refused(world: World) -> None:
    for base, body, status in (("!", BODY, 400), ("A" * 20_000, BODY, 400), ("", b"x" * (5 << 20), 413)):
        sent = signed(world, world.keys[BANK])[0] | ({"signature-base": base} if base else {})
        answer = httpx2.request("POST", world.base_url + PATH, content=body, headers=sent, trust_env=False)
        assert answer.status_code == status
