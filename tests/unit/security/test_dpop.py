from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import JWKRegistry, OctKey

from gateway.errors import NotAuthentic
from gateway.security.canonical import b64url
from gateway.security.dpop import Proof, Target, make_proof, read_proof, token_hash
from gateway.security.keys import SigningKey
from gateway.security.signing import sign_under

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
SECOND = int(NOW.timestamp())
FEED = Target("GET", "https://hayame.example/v1/recipients/13/feed", "a.b.c")
ECDSA = SigningKey(ec.generate_private_key(ec.SECP256R1()))
RSA = SigningKey(rsa.generate_private_key(65_537, 2_048))
KEYS = {"Ed25519": SigningKey.generate(), "ES256": ECDSA, "PS256": RSA}
CLAIMS = {"ath": token_hash("a.b.c"), "htm": "GET", "htu": FEED.uri, "iat": SECOND, "jti": "once"}


def proof(key: SigningKey = ECDSA, header: dict[str, Any] | None = None, **changes: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    stated = {"alg": key.algorithm.jose, "jwk": dict(key.public.members), "typ": "dpop+jwt", **(header or {})}
    return sign_under(key, {name: value for name, value in stated.items() if value is not None}, orjson.dumps(claims))


def refused(text: str, target: Target = FEED, now: datetime = NOW) -> str:
    with pytest.raises(NotAuthentic) as caught:
        read_proof(text, target, now)
    assert caught.value.message == "The request could not be authenticated."
    assert caught.value.flaw == "invalid_dpop_proof"
    return caught.value.reason


@pytest.mark.parametrize("name", KEYS)
def test_a_proof_by_each_kind_of_key_is_read(name: str) -> None:
    made = [read_proof(make_proof(KEYS[name], FEED, NOW), FEED, NOW) for _ in range(20)]
    assert {one.jkt for one in made} == {KEYS[name].kid}
    assert len({one.jti for one in made}) == 20


@pytest.mark.parametrize("name", KEYS)
def test_a_proof_by_another_library_is_read(name: str) -> None:
    key = KEYS[name]
    theirs = JWKRegistry.import_key(key.pem(), key.public.members["kty"])
    header = {"typ": "dpop+jwt", "alg": name, "jwk": theirs.as_dict(private=False)}
    registry = jws.JWSRegistry(algorithms=[name], strict_check_header=False)
    made = jws.serialize_compact(header, orjson.dumps(CLAIMS), theirs, registry=registry)
    assert read_proof(made, FEED, NOW) == Proof(key.kid, "once", NOW + timedelta(seconds=60))


def test_the_name_a_key_goes_by_is_not_its_thumbprint() -> None:
    named = {**ECDSA.public.members, "kid": RSA.kid}
    assert read_proof(proof(header={"jwk": named}), FEED, NOW).jkt == ECDSA.kid


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"typ": None},
        {"typ": 1},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"alg": None},
        {"jwk": None},
        {"jwk": ECDSA.kid},
        {"jwk": []},
        {"jwk": dict(RSA.public.members)},
        {"jwk": dict(KEYS["Ed25519"].public.members)},
        {"jwk": {**ECDSA.public.members, "d": "AAAA"}},
        {"jwk": {**RSA.public.members, "p": "AAAA"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {"kty": "oct"}},
        {"jwk": {**ECDSA.public.members, "use": "enc"}},
        {"jwk": {**ECDSA.public.members, "y": ECDSA.public.members["x"]}},
        {"crit": ["b64"]},
        {"b64": False},
    ],
    ids=lambda one: "-".join(one),
)
def test_a_proof_with_another_header_is_refused(header: dict[str, Any]) -> None:
    refused(proof(header=header))


def test_a_proof_signed_by_a_shared_secret_is_refused() -> None:
    secret = OctKey.import_key(b"s" * 32)
    for jwk in (secret.as_dict(), dict(ECDSA.public.members)):
        header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": jwk}
        registry = jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)
        refused(jws.serialize_compact(header, orjson.dumps(CLAIMS), secret, registry=registry))


def test_a_proof_without_a_signature_is_refused() -> None:
    for alg in ("none", "ES256"):
        header = {"typ": "dpop+jwt", "alg": alg, "jwk": dict(ECDSA.public.members)}
        refused(f"{b64url(orjson.dumps(header))}.{b64url(orjson.dumps(CLAIMS))}.")


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "POST"},
        {"htm": "get"},
        {"htm": None},
        {"htu": None},
        {"htu": 1},
        {"htu": "http://hayame.example/v1/recipients/13/feed"},
        {"htu": "https://hayame.example:8443/v1/recipients/13/feed"},
        {"htu": "https://hayame.example:80/v1/recipients/13/feed"},
        {"htu": "https://hayame.example/v1/recipients/%2531%2533/feed"},
        {"htu": "https://other.example/v1/recipients/13/feed"},
        {"htu": "https://hayame.example@other.example/v1/recipients/13/feed"},
        {"htu": "https://hayame.example/v1/recipients/14100/feed"},
        {"htu": "https://hayame.example/v1/recipients/13/feed/"},
        {"htu": "https://hayame.example/v1/recipients/13/FEED"},
        {"htu": "https://[hayame.example/v1"},
        {"htu": "/v1/recipients/13/feed"},
        {"ath": None},
        {"ath": token_hash("a.b.d")},
        {"ath": "a.b.c"},
        {"iat": None},
        {"iat": str(SECOND)},
        {"iat": SECOND - 60},
        {"iat": SECOND + 11},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 257},
        {"jti": 7},
    ],
    ids=lambda one: "-".join(one),
)
def test_a_proof_of_something_else_is_refused(changes: dict[str, Any]) -> None:
    refused(proof(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"htu": FEED.uri + "?after=7&limit=2"},
        {"htu": FEED.uri + "#top"},
        {"htu": "HTTPS://Hayame.Example/v1/recipients/13/feed"},
        {"htu": "https://hayame.example:443/v1/recipients/13/feed"},
        {"htu": "https://hayame.example/v1/recipients/%31%33/feed"},
        {"iat": SECOND - 59},
        {"iat": SECOND + 10},
        {"nonce": "not asked for"},
    ],
    ids=lambda one: "-".join(one),
)
def test_query_spelling_of_the_address_and_clocks_that_differ_a_little_do_not_matter(changes: dict[str, Any]) -> None:
    assert read_proof(proof(**changes), FEED, NOW).jti == "once"


def test_a_proof_for_a_token_asked_for_needs_no_hash() -> None:
    target = Target("POST", "https://hayame.example/oauth2/token")
    assert read_proof(make_proof(RSA, target, NOW), target, NOW).jkt == RSA.kid


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "..", f"{proof()}, {proof()}", proof() + "=", "é.é.é", proof(note="n" * 8_192)],
    ids=len,
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    refused(text)


@given(at=st.integers(0, len(proof(KEYS["Ed25519"])) - 1), by=st.integers(1, 63))
def test_no_other_spelling_of_a_proof_holds(at: int, by: int) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = proof(KEYS["Ed25519"])
    if good[at] != ".":
        refused(good[:at] + letters[(letters.index(good[at]) + by) % 64] + good[at + 1 :])


@given(offset=st.integers(-400, 400))
def test_a_proof_holds_less_than_a_minute_and_its_memory_outlives_it(offset: int) -> None:
    text, now = proof(), NOW + timedelta(seconds=offset)
    if -10 <= offset < 60:
        assert read_proof(text, FEED, now).expires_at > now
    else:
        refused(text, now=now)
