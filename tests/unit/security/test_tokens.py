from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import JWKRegistry

from gateway.errors import NotAuthentic
from gateway.security.canonical import b64url
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing import RECEIPT, sign_compact
from gateway.security.tokens import (
    UNBOUND,
    AccessToken,
    Assertion,
    Binding,
    issue_access_token,
    make_client_assertion,
    read_access_token,
    read_client_assertion,
    write_access_token,
)

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
SECOND = int(NOW.timestamp())
ISSUER = "https://hayame.example"
OURS, BANK = SigningKey.generate(), SigningKey(ec.generate_private_key(ec.SECP256R1()))
REGISTERED = {"bank-1": KeyRing([BANK.public])}
CLAIMS = {"aud": ISSUER, "exp": SECOND + 60, "iat": SECOND, "iss": "bank-1", "jti": "once", "sub": "bank-1"}
GRANT = {**CLAIMS, "client_id": "bank-1", "iss": ISSUER, "scope": "submit read"}


def keys_of(client_id: str) -> KeyRing:
    return REGISTERED.get(client_id, KeyRing())


def assertion(typ: str = "JWT", key: SigningKey = BANK, **changes: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return sign_compact(key, orjson.dumps(claims), typ)


def grant(typ: str = "at+jwt", key: SigningKey = OURS, **changes: object) -> str:
    claims = {name: value for name, value in {**GRANT, **changes}.items() if value is not None}
    return sign_compact(key, orjson.dumps(claims), typ)


def refused_assertion(text: str) -> str:
    with pytest.raises(NotAuthentic) as caught:
        read_client_assertion(text, keys_of, ISSUER, NOW)
    assert caught.value.message == "The request could not be authenticated."
    return caught.value.reason


def refused_token(text: str) -> str:
    with pytest.raises(NotAuthentic) as caught:
        read_access_token(text, KeyRing([OURS.public]), ISSUER, NOW)
    return caught.value.reason


def test_a_client_proves_itself() -> None:
    made = make_client_assertion(BANK, "bank-1", ISSUER, NOW)
    read = read_client_assertion(made, keys_of, ISSUER, NOW)
    assert (read.client_id, read.expires_at) == ("bank-1", NOW + timedelta(seconds=60))


def test_no_two_assertions_have_one_jti() -> None:
    made = [make_client_assertion(BANK, "bank-1", ISSUER, NOW) for _ in range(50)]
    assert len({read_client_assertion(each, keys_of, ISSUER, NOW).jti for each in made}) == 50


def test_an_assertion_by_another_library_is_read() -> None:
    theirs = JWKRegistry.import_key(BANK.pem(), "EC")
    made = jwt.encode({"alg": "ES256", "kid": BANK.kid, "typ": "JWT"}, dict(CLAIMS), theirs, algorithms=["ES256"])
    expected = Assertion("bank-1", "once", NOW + timedelta(seconds=60))
    assert read_client_assertion(made, keys_of, ISSUER, NOW) == expected


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt", ""]
)
def test_the_types_a_client_may_give_its_assertion(typ: str) -> None:
    assert read_client_assertion(assertion(typ), keys_of, ISSUER, NOW).jti == "once"


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", RECEIPT, "JWS"])
def test_a_token_of_another_type_is_no_assertion(typ: str) -> None:
    assert refused_assertion(assertion(typ)) == "typ is not that of the token expected here"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [ISSUER]},
        {"aud": f"{ISSUER}/oauth2/token"},
        {"aud": f"{ISSUER}/"},
        {"aud": None},
        {"sub": "bank-2"},
        {"sub": None},
        {"iss": None},
        {"iss": ["bank-1"]},
        {"iss": "bank-2", "sub": "bank-2"},
        {"exp": None},
        {"exp": SECOND},
        {"exp": SECOND - 1},
        {"exp": SECOND + 301},
        {"exp": str(SECOND + 60)},
        {"exp": SECOND + 60.0},
        {"exp": True},
        {"exp": 10**18},
        {"exp": -1},
        {"iat": SECOND + 11},
        {"iat": "now"},
        {"nbf": SECOND + 11},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 257},
    ],
)
def test_an_assertion_with_wrong_claims_is_refused(changes: dict[str, Any]) -> None:
    assert refused_assertion(assertion(**changes)) != ""


@pytest.mark.parametrize(
    "changes", [{"iat": None}, {"iat": SECOND + 10}, {"nbf": SECOND + 10}, {"exp": SECOND + 300}, {"exp": SECOND + 1}]
)
def test_clocks_may_differ_a_little(changes: dict[str, Any]) -> None:
    assert read_client_assertion(assertion(**changes), keys_of, ISSUER, NOW).client_id == "bank-1"


def test_an_assertion_by_another_clients_key_is_refused() -> None:
    assert refused_assertion(assertion(key=OURS)) == "it is signed by a key that is not among the given ones"


def test_the_algorithm_comes_from_the_registered_key_not_from_the_header() -> None:
    header = orjson.dumps({"alg": "HS256", "kid": BANK.kid})
    forged = f"{b64url(header)}.{b64url(orjson.dumps(CLAIMS))}.{b64url(bytes(32))}"
    assert refused_assertion(forged) == "its algorithm is not that of the key"


@pytest.mark.parametrize("payload", [b"", b"[]", b'"x"', b"{", b"\xff", b"NaN"])
def test_claims_that_are_no_object_are_refused(payload: bytes) -> None:
    assert refused_assertion(sign_compact(BANK, payload, "JWT")) != ""
    assert refused_token(sign_compact(OURS, payload, "at+jwt")) != ""


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "e30.e30.e30", "..", "日本"])
def test_text_that_is_no_token_is_refused(text: str) -> None:
    assert refused_assertion(text) != ""
    assert refused_token(text) != ""


def test_an_access_token_says_who_may_do_what_until_when() -> None:
    token = issue_access_token(OURS, ISSUER, "bank-1", ["submit", "read"], NOW)
    expected = AccessToken("bank-1", frozenset({"submit", "read"}), NOW + timedelta(seconds=300))
    assert read_access_token(token, KeyRing([OURS.public]), ISSUER, NOW) == expected


def test_a_token_for_nothing_grants_nothing() -> None:
    token = issue_access_token(OURS, ISSUER, "bank-1", [], NOW)
    assert read_access_token(token, KeyRing([OURS.public]), ISSUER, NOW).scopes == frozenset()


def test_an_access_token_has_the_claims_of_rfc_9068() -> None:
    token = issue_access_token(OURS, ISSUER, "bank-1", ["submit"], NOW)
    read = jwt.decode(token, JWKRegistry.import_key(OURS.public.jwk()), algorithms=["Ed25519"])  # type: ignore[arg-type]  # a plain dict
    assert read.header == {"alg": "Ed25519", "kid": OURS.kid, "typ": "at+jwt"}
    assert sorted(read.claims) == ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"]


def test_an_access_token_ends_with_its_last_second() -> None:
    token = issue_access_token(OURS, ISSUER, "bank-1", ["submit"], NOW)
    keys = KeyRing([OURS.public])
    assert read_access_token(token, keys, ISSUER, NOW + timedelta(seconds=299)).client_id == "bank-1"
    with pytest.raises(NotAuthentic):
        read_access_token(token, keys, ISSUER, NOW + timedelta(seconds=300))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "https://other.example"},
        {"aud": [ISSUER]},
        {"exp": None},
        {"exp": SECOND},
        {"client_id": None},
        {"client_id": 5},
    ],
)
def test_a_token_with_wrong_claims_is_refused(changes: dict[str, Any]) -> None:
    assert refused_token(grant(**changes)) != ""


@pytest.mark.parametrize(
    "binding", [Binding("key"), Binding(x5t="certificate"), Binding("key", "certificate"), UNBOUND]
)
def test_a_token_says_who_alone_may_use_it(binding: Binding) -> None:
    token = AccessToken("bank-1", frozenset({"read"}), NOW + timedelta(seconds=300), binding)
    assert read_access_token(write_access_token(OURS, ISSUER, token), KeyRing([OURS.public]), ISSUER, NOW) == token
    assert bool(binding) == (binding != UNBOUND)


@pytest.mark.parametrize(
    "bound", [{}, [], "key", None, {"jkt": ""}, {"jkt": 1}, {"kid": "a"}, {"jkt": "a", "jwk": {}}, {"x5t#S256": None}]
)
def test_a_token_bound_in_a_way_that_is_not_understood_is_nobodys(bound: object) -> None:
    assert refused_token(sign_compact(OURS, orjson.dumps({**GRANT, "cnf": bound}), "at+jwt")) != ""


@pytest.mark.parametrize("typ", ["JWT", "", RECEIPT])
def test_what_is_no_access_token_is_not_taken_for_one(typ: str) -> None:
    assert refused_token(grant(typ)) == "typ is not that of the token expected here"


def test_a_clients_own_signature_is_no_access_token() -> None:
    assert refused_token(grant(key=BANK)) == "it is signed by a key that is not among the given ones"


@given(st.data())
def test_no_changed_character_of_a_token_goes_unnoticed(data: st.DataObject) -> None:
    token = issue_access_token(OURS, ISSUER, "bank-1", ["submit"], NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(max_codepoint=127).filter(lambda character: character != token[at]))
    with pytest.raises(NotAuthentic):
        read_access_token(token[:at] + other + token[at + 1 :], KeyRing([OURS.public]), ISSUER, NOW)
