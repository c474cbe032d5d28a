"""A token that is bound to a certificate is of no use over a connection without it, whoever ends TLS."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest
from certificates import Authority, der_of
from commands import hayame
from world import BANK, TOOL, World, running, trial_balance

from gateway.client import Client
from gateway.security.canonical import strict_b64url
from gateway.security.certificates import thumbprint
from gateway.security.dpop import Target, make_proof
from gateway.security.keys import SigningKey
from gateway.security.tokens import make_client_assertion

FEED, TOKEN = "/v1/recipients/13/feed", "/oauth2/token"
HERE, PROXY = "127.0.0.1", "127.0.0.2"
FLAW = 'Bearer error="invalid_token", DPoP error="invalid_token", algs="Ed25519 ES256 PS256"'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def mine(authority: Authority) -> Path:
    return authority.certify("bank")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[World]:
    """Two processes that end TLS themselves, and let in who shows more than a token; a proxy may stand before them."""
    settings = {
        "HAYAME_TLS_CERTIFICATE": str(authority.certify("server")),
        "HAYAME_CLIENT_CA": str(authority.file),
        "HAYAME_CERTIFICATE_PROXIES": PROXY,
        "HAYAME_PROCESSES": "2",
        "HAYAME_WORKER": "false",
    }
    with running(tmp_path_factory.mktemp("tls"), None, authority.trusted(), **settings) as world:
        yield world


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway behind a proxy that ends TLS; tokens that are bound to nobody show what the header alone does."""
    settings = {"HAYAME_CERTIFICATE_PROXIES": f"10.9.9.9, {PROXY}", "HAYAME_UNBOUND_TOKENS": "true"}
    with running(tmp_path_factory.mktemp("behind"), None, **settings) as world:
        yield world


def http(tls: ssl.SSLContext | None = None, at: str = HERE) -> httpx2.Client:
    """A connection from one of our addresses."""
    return httpx2.Client(transport=httpx2.HTTPTransport(verify=tls or False, local_address=at), trust_env=False)


def ask(world: World, connection: httpx2.Client, **headers: str) -> httpx2.Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": make_client_assertion(world.keys[TOOL], TOOL, world.base_url, datetime.now(UTC)),
    }
    return connection.post(world.base_url + TOKEN, data=form, headers=headers)


def asked(world: World, connection: httpx2.Client, **headers: str) -> str:
    answer = ask(world, connection, **headers)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    return str(answer.json()["access_token"])


def read(world: World, connection: httpx2.Client, token: str, **headers: str) -> int:
    answer = connection.get(world.base_url + FEED, headers={"authorization": f"Bearer {token}", **headers})
    if answer.status_code == 401:
        assert answer.json()["detail"] == "The request could not be authenticated."
    return answer.status_code


def binding(token: str) -> object:
    return orjson.loads(strict_b64url(token.split(".")[1])).get("cnf")


def field(file: Path) -> str:
    return f":{base64.b64encode(der_of(file)).decode()}:"


def test_a_token_asked_for_with_a_certificate_is_bound_to_it_and_good_with_it(
    world: World, authority: Authority, mine: Path
) -> None:
    with http(authority.trusted(mine)) as first, http(authority.trusted(mine)) as second:
        token = asked(world, first)
        assert binding(token) == {"x5t#S256": thumbprint(der_of(mine))}
        assert [read(world, one, token) for one in (first, first, second, first)] == [200] * 4


def test_it_is_of_no_use_without_that_certificate(world: World, authority: Authority, mine: Path) -> None:
    with http(authority.trusted(mine)) as connection:
        token = asked(world, connection)
    for other in (None, authority.certify("thief")):
        with http(authority.trusted(other)) as connection:
            assert read(world, connection, token) == 401
            assert read(world, connection, token, **{"client-cert": field(mine)}) == 401
            answer = connection.get(world.base_url + FEED, headers={"authorization": f"Bearer {token}"})
            assert answer.headers["www-authenticate"] == FLAW


def test_a_certificate_that_is_over_or_anothers_ends_the_connection(
    world: World, authority: Authority, tmp_path: Path
) -> None:
    over, foreign = authority.certify("over", days=-1), Authority(tmp_path, "another").certify("foreign")
    for certificate in (over, foreign):
        with http(authority.trusted(certificate)) as connection, pytest.raises(httpx2.TransportError):
            connection.get(f"{world.base_url}/healthz")


def test_a_certificate_stays_with_a_session_that_is_resumed(world: World, authority: Authority, mine: Path) -> None:
    context = authority.trusted(mine)
    with http(authority.trusted(mine)) as connection:
        token = asked(world, connection)
    session, resumed = None, []
    for _ in range(12):  # a session is known to one process only, and either may answer
        at = urlsplit(world.base_url)
        plain = socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=20)
        with context.wrap_socket(plain, server_hostname=at.hostname, session=session) as tls:
            tls.sendall(f"GET {FEED} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n\r\n".encode())
            assert tls.recv(65_536).startswith(b"HTTP/1.1 200 ")
            session = tls.session
            resumed.append(tls.session_reused)
    assert True in resumed


def test_without_certificate_or_proof_there_is_no_token(world: World, authority: Authority) -> None:
    with http(authority.trusted()) as connection:
        answer = ask(world, connection)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_dpop_proof"})


def test_the_certificate_of_a_proxy_is_nobodys(world: World, authority: Authority, mine: Path) -> None:
    with http(authority.trusted(authority.certify("proxy")), PROXY) as connection:
        assert ask(world, connection).status_code == 400
        token = asked(world, connection, **{"client-cert": field(mine)})
        assert binding(token) == {"x5t#S256": thumbprint(der_of(mine))}
        assert read(world, connection, token, **{"client-cert": field(mine)}) == 200
        assert read(world, connection, token) == 401
    with http(authority.trusted(mine)) as connection:
        assert read(world, connection, token) == 200


def test_our_client_uses_a_certificate_a_key_or_both(world: World, authority: Authority, mine: Path) -> None:
    with_one, without = authority.trusted(mine), authority.trusted()
    for firm, (tls, bound, names) in enumerate(
        ((with_one, True, {"jkt", "x5t#S256"}), (with_one, False, {"x5t#S256"}), (without, True, {"jkt"}))
    ):
        with Client(world.base_url, BANK, world.keys[BANK], bound=bound, tls=tls) as bank:
            assert bank.submit(trial_balance(firm, 4), recipient="13").status == 201
            bound_to = binding(bank.token(bound=bound))
            assert isinstance(bound_to, dict)
            assert bound_to.keys() == names


def test_commands_take_a_certificate_and_who_certifies_the_gateway(
    world: World, authority: Authority, mine: Path, tmp_path: Path
) -> None:
    (tmp_path / "balance.json").write_bytes(trial_balance(9, 4))
    world.keys[BANK].save(tmp_path / "key.pem")
    command = ["submit", str(tmp_path / "balance.json"), "--recipient", "13"]
    command += ["--url", world.base_url, "--as", BANK, "--key", str(tmp_path / "key.pem")]
    trusting = [*command, "--ca", str(authority.file)]
    for arguments, status in ((trusting, 0), ([*trusting, "--certificate", str(mine)], 0), (command, 1)):
        assert hayame(*arguments).returncode == status


def test_a_token_bound_to_both_needs_both(world: World, authority: Authority, mine: Path) -> None:
    key, target = SigningKey.generate(), Target("POST", world.base_url + TOKEN)
    with http(authority.trusted(mine)) as connection:
        answer = ask(world, connection, dpop=make_proof(key, target, datetime.now(UTC))).json()
        token = str(answer["access_token"])

        def shown(connection: httpx2.Client, by: SigningKey) -> int:
            proof = make_proof(by, Target("GET", world.base_url + FEED, token), datetime.now(UTC))
            headers = {"authorization": f"DPoP {token}", "dpop": proof}
            return connection.get(world.base_url + FEED, headers=headers).status_code

        assert (shown(connection, key), shown(connection, SigningKey.generate())) == (200, 401)
        assert read(world, connection, token) == 401
        with http(authority.trusted()) as bare:
            assert shown(bare, key) == 401


def test_the_metadata_say_whether_certificates_bind(world: World, authority: Authority, behind: World) -> None:
    for one, tls in ((world, authority.trusted()), (behind, None)):
        with http(tls) as connection:
            told = connection.get(f"{one.base_url}/.well-known/oauth-authorization-server").json()
            assert told["tls_client_certificate_bound_access_tokens"] is True


def test_what_a_proxy_tells_is_believed_and_what_others_tell_is_not(
    behind: World, authority: Authority, mine: Path
) -> None:
    told = {"client-cert": field(mine)}
    with http(at=PROXY) as proxy, http() as stranger:
        token = asked(behind, proxy, **told)
        assert binding(token) == {"x5t#S256": thumbprint(der_of(mine))}
        assert read(behind, proxy, token, **told) == 200
        assert read(behind, proxy, token) == 401
        assert read(behind, proxy, token, **{"client-cert": field(authority.certify("other"))}) == 401
        assert read(behind, stranger, token, **told) == 401
        assert read(behind, stranger, token, **told, **{"x-forwarded-for": PROXY}) == 401
        assert read(behind, stranger, token) == 401
        assert binding(asked(behind, stranger, **told)) is None


def test_what_a_proxy_tells_has_to_be_one_certificate(behind: World, mine: Path) -> None:
    with http(at=PROXY) as proxy, http() as stranger:
        token = asked(behind, proxy)
        for told in ("token", ":bm90IG9uZQ==:", field(mine)[1:-1], f"{field(mine)}, {field(mine)}"):
            assert read(behind, proxy, token, **{"client-cert": told}) == 401
            answer = ask(behind, proxy, **{"client-cert": told})
            assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
            assert read(behind, stranger, token, **{"client-cert": told}) == 200, "nobody listens to it"
        two = [("authorization", f"Bearer {token}"), ("client-cert", field(mine)), ("client-cert", field(mine))]
        assert proxy.get(behind.base_url + FEED, headers=two).status_code == 401
