"""Answers to submissions are signed where the sender asks for it, and bound to what was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from http_message_signatures import HTTPMessageVerifier, algorithms
from http_message_signatures.resolvers import MappingKeyResolver
from world import BANK, World, running, shown, trial_balance

from gateway.client import Client
from gateway.errors import SignatureMismatch
from gateway.security.http_answers import ASK, ASKED, Answer, verify_answer
from gateway.security.http_signatures import SignedRequest, sign_request
from gateway.security.keys import KeyRing, SigningKey

PATH = "/v1/submissions?recipient=13"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("answers"), None) as world:
        yield world


def sent(world: World, body: bytes, **more: str) -> tuple[SignedRequest, httpx2.Response]:
    headers = {**shown(world, BANK, PATH), "idempotency-key": f'"{hashlib.sha256(body).hexdigest()}"', **more}
    request = SignedRequest("POST", world.base_url + PATH, headers, hashlib.sha256(body).digest())
    headers |= sign_request(world.keys[BANK], request, datetime.now(UTC))
    answer = httpx2.post(world.base_url + PATH, content=body, headers=headers, trust_env=False)
    return SignedRequest("POST", world.base_url + PATH, headers), answer


def test_an_answer_is_signed_when_asked_for_and_not_otherwise(world: World) -> None:
    keys = KeyRing([world.gateway.key.public])
    for body, status in ((trial_balance(1, 4), 201), (b'{"kind":"trial_balance"}', 422)):
        request, answer = sent(world, body, **{ASK: ASKED})
        assert answer.status_code == status
        assert verify_answer(Answer(status, answer.content, request), answer.headers, keys) == world.gateway.key.kid
    _, plain = sent(world, trial_balance(2, 4))
    assert (plain.status_code, "signature" in plain.headers) == (201, False)


def test_it_holds_for_nothing_else(world: World) -> None:
    keys = KeyRing([world.gateway.key.public])
    request, answer = sent(world, trial_balance(3, 4), **{ASK: ASKED})
    other, _ = sent(world, trial_balance(4, 4))
    body, headers = answer.content, dict(answer.headers)
    for given, with_headers, by in (
        (Answer(422, body, request), headers, keys),
        (Answer(201, body + b" ", request), headers, keys),
        (Answer(201, body, other), headers, keys),
        (Answer(201, body, request), headers, KeyRing([SigningKey.generate().public])),
        (Answer(201, body, request), headers | {"signature": "hayame=:AAAA:"}, keys),
        (Answer(201, body, request), {}, keys),
    ):
        with pytest.raises(SignatureMismatch):
            verify_answer(given, with_headers, by)


def test_another_library_verifies_it_as_the_standard_has_it(world: World) -> None:
    _, answer = sent(world, trial_balance(5, 4), **{ASK: ASKED})
    public = world.gateway.key.public
    keys = MappingKeyResolver(public_keys={public.kid: public.pem()}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)
    age = timedelta(minutes=5)
    [verified] = verifier.verify(answer, body=answer.content, max_age=age, expect_tag="fapi-2-response")
    assert verified.covered_components['"@status"'] == "201"


def test_our_client_demands_it_when_told_by_whom(world: World) -> None:
    for key, holds in ((world.gateway.key, True), (SigningKey.generate(), False)):
        with Client(world.base_url, BANK, world.keys[BANK], answers_by=KeyRing([key.public])) as bank:
            if holds:
                assert bank.submit(trial_balance(6, 4), recipient="13").status == 201
                assert bank.submit(b'{"kind":"trial_balance"}', recipient="13").verdict == "refused"
            else:
                with pytest.raises(SignatureMismatch):
                    bank.submit(trial_balance(7, 4), recipient="13")
