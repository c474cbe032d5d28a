"""Who is refused at the door learns nothing and leaves no trace in any log a recipient reads."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from world import BANK, OTHER_BANK, TOOL, VENDOR, World, shown, trial_balance

from gateway.client import Refusal
from gateway.security.dpop import Target, make_proof
from gateway.security.http_signatures import SignedRequest, sign_request
from gateway.security.keys import SigningKey
from gateway.security.tokens import (
    ACCESS_TOKEN_LIFE,
    AccessToken,
    Binding,
    make_client_assertion,
    write_access_token,
)
from gateway.store import log, trail

PATH = "/v1/submissions?recipient=13"


class Sending:
    """A signed request by hand, so that every part of it can be wrong."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.body = trial_balance(20, 4)
        self.method, self.path = "POST", PATH
        self.token = world.client(BANK).token()
        self.key, self.signed_at = world.keys[BANK], datetime.now(UTC)
        self.idempotency_key = str(uuid.uuid4())
        self.after_signing: Callable[[dict[str, str]], None] = lambda headers: None
        self.signed_body: bytes | None = None
        self.signed_path: str | None = None

    def send(self) -> httpx2.Response:
        url = self.world.base_url
        headers = {
            **shown(self.world, BANK, self.path, self.token, self.method),
            "content-type": "application/json",
            "idempotency-key": f'"{self.idempotency_key}"',
        }
        digest = hashlib.sha256(self.signed_body or self.body).digest()
        signed = SignedRequest(self.method, url + (self.signed_path or self.path), headers, digest)
        headers |= sign_request(self.key, signed, self.signed_at)
        self.after_signing(headers)
        return httpx2.request(self.method, url + self.path, content=self.body, headers=headers, trust_env=False)


def bound_token(world: World, issuer: SigningKey, scope: str, at: datetime) -> str:
    """A token of the bank, bound to its key, by whichever issuer."""
    binding = Binding(world.keys[BANK].kid)
    return write_access_token(
        issuer, world.base_url, AccessToken(BANK, frozenset({scope}), at + ACCESS_TOKEN_LIFE, binding)
    )


def wrong_key(sending: Sending) -> None:
    sending.key = SigningKey.generate()


def another_participants_key(sending: Sending) -> None:
    sending.key = sending.world.keys[OTHER_BANK]


def forged_token(sending: Sending) -> None:
    sending.token = bound_token(sending.world, SigningKey.generate(), "submit", datetime.now(UTC))


def expired_token(sending: Sending) -> None:
    then = datetime.now(UTC) - timedelta(seconds=301)
    sending.token = bound_token(sending.world, sending.world.gateway.key, "submit", then)


def late_signature(sending: Sending) -> None:
    sending.signed_at -= timedelta(seconds=301)


def early_signature(sending: Sending) -> None:
    sending.signed_at += timedelta(seconds=60)


def no_signature(sending: Sending) -> None:
    sending.after_signing = lambda headers: headers.pop("signature")


def key_not_signed(sending: Sending) -> None:
    def change(headers: dict[str, str]) -> None:
        headers["idempotency-key"] = '"another"'

    sending.after_signing = change


def signed_for_another_address(sending: Sending) -> None:
    sending.signed_path = "/v1/submissions?recipient=14100"


@pytest.mark.parametrize(
    "wrong",
    [
        wrong_key,
        another_participants_key,
        forged_token,
        expired_token,
        late_signature,
        early_signature,
        no_signature,
        key_not_signed,
        signed_for_another_address,
    ],
)
def test_what_is_not_authentic_is_refused_in_the_same_words(world: World, wrong: Callable[[Sending], None]) -> None:
    sending = Sending(world)
    wrong(sending)
    before = _leaves(world)
    answer = sending.send()
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.json() == {
        "type": "https://hayame.dev/problems/access.not_authentic",
        "title": "Not authenticated",
        "status": 401,
        "code": "access.not_authentic",
        "detail": "The request could not be authenticated.",
        "detail_ja": "リクエストを認証できません。",
    }
    assert _leaves(world) == before


def test_another_body_than_was_signed_is_refused(world: World) -> None:
    sending = Sending(world)
    sending.signed_body = trial_balance(21, 4)
    before = _leaves(world)
    answer = sending.send()
    assert (answer.status_code, answer.json()["code"]) == (400, "submission.digest_mismatch")
    assert _leaves(world) == before


def test_a_replay_of_an_old_request_is_refused_even_if_it_once_was_good(world: World) -> None:
    sending = Sending(world)
    first = sending.send()
    sending.signed_at -= timedelta(seconds=400)
    assert (first.status_code, sending.send().status_code) == (201, 401)


def test_another_recipient_than_allowed_is_refused_without_saying_anything_about_it(world: World) -> None:
    sending = Sending(world)
    sending.path = "/v1/submissions?recipient=14100"
    before = _leaves(world, "14100")
    answer = sending.send()
    assert (answer.status_code, answer.json()["detail"]) == (403, "You are not entitled to this.")
    assert _leaves(world, "14100") == before


def test_a_refusal_is_noted_in_the_audit_log_with_its_cause(world: World) -> None:
    sending = Sending(world)
    wrong_key(sending)
    sending.send()
    time.sleep(0.5)  # notes are written when nothing else is going on
    with world.gateway.database.read() as session:
        (entry,) = trail.newest(session, 1)
    assert (entry.chain, entry.deed.who, entry.deed.what) == ("door", BANK, "access.not_authentic")
    assert json.loads(entry.deed.about) == {"path": "/v1/submissions", "reason": "the key is not registered"}


def test_nobody_reads_what_is_not_theirs(world: World) -> None:
    outcome = world.client(BANK).submit(trial_balance(22, 4), recipient="13")
    strangers = [world.client(OTHER_BANK), world.client(VENDOR)]
    for path in ("", "/findings", "/returned", "/raw", "/evidence"):
        for stranger in strangers:
            with pytest.raises(Refusal) as refused:
                stranger.get(f"/v1/submissions/{outcome.submission}{path}")
            assert refused.value.status == 404
    for path in ("feed", "log/checkpoint", "log/receipts", "lead-times"):
        with pytest.raises(Refusal) as refused:
            strangers[0].get(f"/v1/recipients/13/{path}")
        assert refused.value.status == 403


def test_a_recipient_sees_statement_and_evidence_but_neither_raw_bytes_nor_findings(world: World) -> None:
    outcome = world.client(BANK).submit(trial_balance(23, 4), recipient="13")
    tool = world.client(TOOL)
    assert tool.evidence(outcome.submission)
    for path in ("raw", "findings", "returned"):
        with pytest.raises(Refusal) as refused:
            tool.get(f"/v1/submissions/{outcome.submission}/{path}")
        assert refused.value.status in (403, 404)


def test_a_client_assertion_is_good_once(world: World) -> None:
    assertion = make_client_assertion(world.keys[BANK], BANK, world.base_url, datetime.now(UTC))
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    at = f"{world.base_url}/oauth2/token"
    answers = []
    for _ in range(2):
        proof = make_proof(world.keys[BANK], Target("POST", at), datetime.now(UTC))
        answers.append(httpx2.post(at, data=form, headers={"dpop": proof}, trust_env=False))
    assert [answer.status_code for answer in answers] == [200, 401]


def test_a_token_for_less_than_submitting_does_not_submit(world: World) -> None:
    sending = Sending(world)
    sending.token = bound_token(world, world.gateway.key, "read", datetime.now(UTC))
    assert sending.send().status_code == 403


def test_unknown_addresses_and_bad_parameters_get_problem_documents_that_repeat_nothing(world: World) -> None:
    tool = world.client(TOOL)
    for path, status in (("/v1/nothing", 404), ("/v1/recipients/13/feed?after=secret-value", 400)):
        with pytest.raises(Refusal) as refused:
            tool.get(path)
        assert refused.value.status == status
        assert "secret-value" not in str(refused.value.problem)


def _leaves(world: World, recipient: str = "13") -> int:
    with world.gateway.database.read() as session:
        return log.find_heads(session, [recipient])[recipient].next_leaf
