"""A token that is bound to a key is of no use to anybody else, in whichever process it is tried."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from world import BANK, TOOL, World, running, trial_balance

from gateway.client import Client, Refusal
from gateway.security.dpop import Target, make_proof
from gateway.security.keys import SigningKey
from gateway.security.tokens import issue_access_token, make_client_assertion

FEED, TOKEN = "/v1/recipients/13/feed", "/oauth2/token"
PROCESSES, TRIES = 2, 16


def ask(world: World, name: str, *proofs: str) -> httpx2.Response:
    """Ask for a token, with whatever proofs."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": make_client_assertion(world.keys[name], name, world.base_url, datetime.now(UTC)),
    }
    headers = [("dpop", proof) for proof in proofs]
    return httpx2.post(world.base_url + TOKEN, data=form, headers=headers, trust_env=False)


def read(world: World, authorization: str, *proofs: str) -> httpx2.Response:
    headers = [("authorization", authorization), *(("dpop", proof) for proof in proofs)]
    return httpx2.get(world.base_url + FEED, headers=headers, trust_env=False)


def proof(world: World, key: SigningKey, token: str | None, path: str = FEED, method: str = "GET") -> str:
    return make_proof(key, Target(method, world.base_url + path, token), datetime.now(UTC))


@pytest.fixture(scope="module")
def lax(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway whose operator allows tokens that are bound to nobody."""
    with running(tmp_path_factory.mktemp("lax"), None, HAYAME_UNBOUND_TOKENS="true") as world:
        yield world


@pytest.fixture
def key() -> SigningKey:
    """A key of a connection's own; it need not be the one that the client is registered with."""
    return SigningKey.generate()


@pytest.fixture
def token(world: World, key: SigningKey) -> str:
    answer = ask(world, TOOL, proof(world, key, None, TOKEN, "POST"))
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    return str(answer.json()["access_token"])


def refused(answer: httpx2.Response, flaw: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, "access.not_authentic")
    assert answer.json()["detail"] == "The request could not be authenticated."
    either = 'Bearer error="invalid_token", ' if flaw == "invalid_token" else ""
    assert answer.headers["www-authenticate"] == f'{either}DPoP error="{flaw}", algs="Ed25519 ES256 PS256"'


def test_a_bound_token_reads_with_a_proof_by_its_key(world: World, key: SigningKey, token: str) -> None:
    assert read(world, f"DPoP {token}", proof(world, key, token)).status_code == 200
    assert read(world, f"dpop {token}", proof(world, key, token, FEED + "?after=0")).status_code == 200


def test_a_bound_token_is_not_good_as_a_bearer_token(world: World, key: SigningKey, token: str) -> None:
    refused(read(world, f"Bearer {token}"), "invalid_token")
    refused(read(world, f"Bearer {token}", proof(world, key, token)), "invalid_token")


def test_a_bearer_token_is_not_good_as_a_bound_one_where_it_is_allowed(lax: World, key: SigningKey) -> None:
    bearer = lax.client(TOOL).token(bound=False)
    assert read(lax, f"Bearer {bearer}").status_code == 200
    refused(read(lax, f"DPoP {bearer}", proof(lax, key, bearer)), "invalid_token")


def test_a_stolen_token_is_of_no_use_with_another_key(world: World, token: str) -> None:
    thief = SigningKey.generate()
    refused(read(world, f"DPoP {token}", proof(world, thief, token)), "invalid_token")


def test_a_proof_for_anything_else_is_refused(world: World, key: SigningKey, token: str) -> None:
    good = proof(world, key, token)
    for proofs in (
        (),
        (good, good),
        (proof(world, key, None),),
        (proof(world, key, "another"),),
        (proof(world, key, token, FEED, "POST"),),
        (proof(world, key, token, "/v1/recipients/13/log/checkpoint"),),
        (make_proof(key, Target("GET", "http://gateway.internal" + FEED, token), datetime.now(UTC)),),
        (make_proof(key, Target("GET", world.base_url + FEED, token), datetime.now(UTC) - timedelta(seconds=61)),),
        (make_proof(key, Target("GET", world.base_url + FEED, token), datetime.now(UTC) + timedelta(seconds=20)),),
    ):
        refused(read(world, f"DPoP {token}", *proofs), "invalid_dpop_proof")
    assert read(world, f"DPoP {token}", good).status_code == 200, "what was refused used nothing up"


def test_the_address_in_a_proof_is_the_published_one_whatever_host_arrived(
    world: World, key: SigningKey, token: str
) -> None:
    at = {"host": "gateway.internal", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    for uri, status in ((world.base_url, 200), ("http://gateway.internal", 401), ("https://evil.example", 401)):
        made = make_proof(key, Target("GET", uri + FEED, token), datetime.now(UTC))
        headers = {"authorization": f"DPoP {token}", "dpop": made, **at}
        assert httpx2.get(world.base_url + FEED, headers=headers, trust_env=False).status_code == status


def test_a_proof_is_good_once(world: World, key: SigningKey, token: str) -> None:
    made = proof(world, key, token)
    assert read(world, f"DPoP {token}", made).status_code == 200
    refused(read(world, f"DPoP {token}", made), "invalid_dpop_proof")


def test_a_token_is_not_issued_for_a_proof_that_does_not_hold(world: World, key: SigningKey) -> None:
    used = proof(world, key, None, TOKEN, "POST")
    assert ask(world, TOOL, used).status_code == 200
    for proofs in ((used,), (proof(world, key, None),), ("x",), (proof(world, key, None, TOKEN, "POST"),) * 2):
        answer = ask(world, TOOL, *proofs)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_dpop_proof"})


def test_the_metadata_say_how_to_prove_a_key(world: World) -> None:
    told = httpx2.get(f"{world.base_url}/.well-known/oauth-authorization-server", trust_env=False).json()
    assert told["dpop_signing_alg_values_supported"] == ["Ed25519", "ES256", "PS256"]


def test_our_client_submits_and_reads_with_bound_tokens_or_where_it_may_without(lax: World) -> None:
    sent = {}
    for bound in (True, False):
        with Client(lax.base_url, BANK, lax.keys[BANK], bound=bound) as bank:
            outcome = bank.submit(trial_balance(30 + bound, 4), recipient="13")
            assert outcome.status == 201
            assert bank.findings(outcome.submission) == []
            sent[bound] = bank.get("/v1/held").request.headers
    assert sent[True]["authorization"].startswith("DPoP ")
    assert sent[False]["authorization"].startswith("Bearer ")
    assert "dpop" not in sent[False]


def test_of_many_who_replay_a_proof_at_several_processes_one_is_let_in(database_url: str, tmp_path: Path) -> None:
    with running(tmp_path, database_url, HAYAME_PROCESSES=str(PROCESSES)) as world:
        key = SigningKey.generate()
        token = ask(world, TOOL, proof(world, key, None, TOKEN, "POST")).json()["access_token"]
        with ThreadPoolExecutor(TRIES) as pool:
            for _ in range(4):
                made = proof(world, key, token)
                answers = list(pool.map(lambda _, made=made: read(world, f"DPoP {token}", made), range(TRIES)))
                assert sorted(answer.status_code for answer in answers) == [200] + [401] * (TRIES - 1)


def test_a_token_is_not_issued_without_a_proof(world: World) -> None:
    answer = ask(world, TOOL)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_dpop_proof"})
    with pytest.raises(Refusal):
        world.client(TOOL).token(bound=False)


def test_a_token_that_is_bound_to_nobody_is_not_accepted(world: World) -> None:
    made = issue_access_token(world.gateway.key, world.base_url, TOOL, ["read"], datetime.now(UTC))
    refused(read(world, f"Bearer {made}"), "invalid_token")
