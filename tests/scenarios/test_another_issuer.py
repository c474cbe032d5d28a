"""A gateway whose tokens come from somebody else's identity provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from issuer import NAME, Issuer
from world import BANK, TOOL, World, running, shown, trial_balance

from gateway.client import Client, Following, Refusal
from gateway.security.keys import KeyRing


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[World]:
    settings = {"HAYAME_ISSUER": NAME, "HAYAME_ISSUER_JWKS": issuer.jwks_uri, "HAYAME_WORKER": "false"}
    with running(tmp_path_factory.mktemp("issued"), None, **settings) as world:
        yield world


def client(world: World, issuer: Issuer, name: str) -> Client:
    def issued(bound: bool) -> tuple[str, datetime]:
        cnf = {"jkt": world.keys[name].kid} if bound else None
        return issuer.token(name, world.base_url, cnf=cnf), datetime.now(UTC) + timedelta(minutes=5)

    return Client(world.base_url, name, world.keys[name], issued=issued)


def test_documents_are_taken_and_read_with_the_issuers_tokens(world: World, issuer: Issuer) -> None:
    with client(world, issuer, BANK) as bank, client(world, issuer, TOOL) as tool:
        outcome = bank.submit(trial_balance(1, 4), recipient="13")
        assert outcome.verdict == "accepted"
        reader = Following(tool, "13", KeyRing([world.gateway.key.public]), world.settings.log_name)
        assert [line.submission for line in reader.fetch()] == [outcome.submission]
        with pytest.raises(Refusal) as refused:
            tool.submit(trial_balance(2, 4), recipient="13")
    assert refused.value.status == 403, "the scope of a token gives nobody more than the register does"


def test_tokens_for_others_unbound_expired_and_our_own_are_refused(world: World, issuer: Issuer) -> None:
    path, long_ago = "/v1/held", datetime.now(UTC) - timedelta(hours=1)
    cnf = {"jkt": world.keys[BANK].kid}
    good = issuer.token(BANK, world.base_url, cnf=cnf)
    others = [
        issuer.token(BANK, "https://other.example", cnf=cnf),
        issuer.token(BANK, world.base_url),
        issuer.token(BANK, world.base_url, long_ago, cnf=cnf),
        issuer.token(BANK, world.base_url, cnf=cnf, iss=world.base_url),
    ]
    for token, status in ((good, 200), *((one, 401) for one in others)):
        answer = httpx2.get(world.base_url + path, headers=shown(world, BANK, path, token, "GET"), trust_env=False)
        assert answer.status_code == status


def test_the_gateway_itself_issues_none_and_says_who_does(world: World) -> None:
    with pytest.raises(Refusal) as refused:
        world.client(BANK).token()
    assert refused.value.status == 404
    told = httpx2.get(f"{world.base_url}/.well-known/oauth-authorization-server", trust_env=False).json()
    assert told["issuer"] == NAME
    assert "token_endpoint" not in told
