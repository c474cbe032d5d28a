from __future__ import annotations

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import JWKRegistry

from gateway.errors import SignatureMismatch
from gateway.security.canonical import b64url, strict_b64url
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing import (
    ACKNOWLEDGEMENT,
    open_compact,
    open_detached,
    open_receipt,
    sign_compact,
    sign_receipt,
)

PAYLOAD = '{"count":1,"recipient":"13","who":"信用保証協会"}'.encode()
KINDS = [
    SigningKey.generate(),
    SigningKey(ec.generate_private_key(ec.SECP256R1())),
    SigningKey(rsa.generate_private_key(65_537, 2_048)),
]
FIXED = KINDS[0]


def assembled(header: bytes, key: SigningKey, payload: bytes = PAYLOAD) -> str:
    """A correctly signed JWS with any header."""
    signed = f"{b64url(header)}.{b64url(payload)}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"


def header_of(key: SigningKey, **changes: object) -> bytes:
    return orjson.dumps({"alg": "Ed25519", "kid": key.kid, "typ": "hayame-receipt+jws", **changes})


def test_opening_a_receipt_gives_exactly_the_bytes_that_were_signed(key: SigningKey, keys: KeyRing) -> None:
    assert open_receipt(sign_receipt(key, PAYLOAD), keys) == PAYLOAD


def test_a_receipt_is_spelled_the_same_every_time(key: SigningKey) -> None:
    assert sign_receipt(key, PAYLOAD) == sign_receipt(key, PAYLOAD) == assembled(header_of(key), key)


@pytest.mark.parametrize("key", KINDS, ids=["Ed25519", "ES256", "PS256"])
def test_joserfc_reads_our_signatures_and_we_read_its(key: SigningKey) -> None:
    name, theirs = key.algorithm.jose, JWKRegistry.import_key(key.public.jwk())  # type: ignore[arg-type]  # a plain dict
    read = jws.deserialize_compact(sign_compact(key, PAYLOAD, "JWT"), theirs, algorithms=[name])
    assert read.payload == PAYLOAD
    written = jws.serialize_compact({"alg": name, "kid": key.kid}, PAYLOAD, key.jose, algorithms=[name])
    assert open_compact(written, KeyRing([key.public])).payload == PAYLOAD


def detached(header: bytes, key: SigningKey, signed: bytes) -> str:
    return f"{b64url(header)}..{b64url(key.sign(b64url(header).encode() + b'.' + signed))}"


@pytest.mark.parametrize("key", KINDS, ids=lambda key: key.algorithm.jose)
def test_joserfc_reads_a_detached_signature_and_we_read_its(key: SigningKey) -> None:
    plain, algorithms = {"b64": False, "crit": ["b64"]}, [key.algorithm.jose]
    header = {"alg": key.algorithm.jose, "kid": key.kid, **plain}
    theirs = jws.detach_content(jws.serialize_compact(header, PAYLOAD, key.jose, algorithms=algorithms))
    assert open_detached(theirs, PAYLOAD, KeyRing([key.public])).payload == PAYLOAD
    ours = detached(header_of(key, alg=key.algorithm.jose, **plain), key, PAYLOAD)
    assert jws.deserialize_compact(ours, key.jose, algorithms=algorithms, payload=PAYLOAD).payload == PAYLOAD


def test_a_detached_signature_is_over_exactly_these_bytes_in_one_of_two_encodings() -> None:
    keys, encoded = KeyRing([FIXED.public]), b64url(PAYLOAD).encode()
    plain = header_of(FIXED, b64=False, crit=["b64"])
    assert open_detached(detached(plain, FIXED, PAYLOAD), PAYLOAD, keys).payload == PAYLOAD
    assert open_detached(detached(header_of(FIXED), FIXED, encoded), PAYLOAD, keys).payload == PAYLOAD
    refused = [
        (detached(plain, FIXED, PAYLOAD), PAYLOAD + b" "),
        (detached(plain, FIXED, encoded), PAYLOAD),
        (detached(header_of(FIXED), FIXED, PAYLOAD), PAYLOAD),
        (detached(header_of(FIXED, b64=False), FIXED, PAYLOAD), PAYLOAD),
        (detached(header_of(FIXED, b64=True), FIXED, encoded), PAYLOAD),
        (detached(header_of(FIXED, b64=0, crit=["b64"]), FIXED, PAYLOAD), PAYLOAD),
        (detached(header_of(FIXED, b64=False, crit=["b64", "exp"]), FIXED, PAYLOAD), PAYLOAD),
        (detached(header_of(FIXED, b64=False, crit=["b64"], alg="ES256"), FIXED, PAYLOAD), PAYLOAD),
        (assembled(header_of(FIXED), FIXED), PAYLOAD),
        ("", PAYLOAD),
    ]
    for text, payload in refused:
        with pytest.raises(SignatureMismatch):
            open_detached(text, payload, keys)


def test_a_receipt_is_not_an_acknowledgement(key: SigningKey, keys: KeyRing) -> None:
    acknowledgement = sign_receipt(key, PAYLOAD, ACKNOWLEDGEMENT)
    assert open_receipt(acknowledgement, keys, ACKNOWLEDGEMENT) == PAYLOAD
    with pytest.raises(SignatureMismatch, match="header"):
        open_receipt(acknowledgement, keys)


def test_a_receipt_by_an_unknown_key_is_refused(stranger: SigningKey, keys: KeyRing) -> None:
    with pytest.raises(SignatureMismatch, match="not among"):
        open_receipt(sign_receipt(stranger, PAYLOAD), keys)


def test_a_receipt_that_claims_another_key_is_refused(key: SigningKey, stranger: SigningKey, keys: KeyRing) -> None:
    with pytest.raises(SignatureMismatch):
        open_receipt(assembled(header_of(key), stranger), keys)


@pytest.mark.parametrize(
    "changes",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": 1},
        {"b64": False},
        {"b64": False, "crit": ["b64"]},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "EdDSA "},
        {"alg": None},
        {"alg": 1},
        {"alg": ["Ed25519"]},
        {"kid": None},
        {"kid": 5},
        {"kid": {}},
        {"typ": "JWT"},
        {"typ": None},
        {"jku": "https://attacker.example/keys"},
        {"jwk": {}},
    ],
)
def test_a_receipt_with_any_other_header_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SignatureMismatch):
        open_receipt(assembled(header_of(FIXED, **changes), FIXED), KeyRing([FIXED.public]))


@pytest.mark.parametrize("header", [b'"alg"', b'["alg"]', b"7", b"null", b"", b"\xff", b"{", b"[" * 3_000])
def test_a_header_that_is_not_an_object_is_refused(header: bytes) -> None:
    with pytest.raises(SignatureMismatch):
        open_compact(assembled(header, FIXED), KeyRing([FIXED.public]))


def test_a_header_spelled_differently_is_refused() -> None:
    spaced = orjson.dumps(orjson.loads(header_of(FIXED)), option=orjson.OPT_INDENT_2)
    turned = orjson.dumps(dict(reversed(orjson.loads(header_of(FIXED)).items())))
    doubled = header_of(FIXED)[:-1] + b',"typ":"hayame-receipt+jws"}'
    older = header_of(FIXED, alg="EdDSA")
    keys = KeyRing([FIXED.public])
    for header in (spaced, turned, doubled):
        with pytest.raises(SignatureMismatch):
            open_receipt(assembled(header, FIXED), keys)
    assert open_compact(assembled(older, FIXED), keys).payload == PAYLOAD


@pytest.mark.parametrize("text", ["", ".", "..", "...", "a.b", "a.b.c.d", "日.本.語", "e30.e30.e30", "!.!.!"])
def test_text_that_is_not_a_compact_jws_is_refused(text: str) -> None:
    with pytest.raises(SignatureMismatch):
        open_compact(text, KeyRing([FIXED.public]))


def test_a_signature_in_another_spelling_is_refused(key: SigningKey, keys: KeyRing) -> None:
    receipt = sign_receipt(key, PAYLOAD)
    signature = receipt.rpartition(".")[2]
    twin = signature[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[signature[-1]]
    assert len(strict_b64url(signature)) == 64
    for spelling in (twin, signature + "=="):
        with pytest.raises(SignatureMismatch):
            open_receipt(receipt.removesuffix(signature) + spelling, keys)


@given(st.data())
def test_no_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    receipt = sign_receipt(FIXED, PAYLOAD)
    at = data.draw(st.integers(0, len(receipt) - 1))
    other = data.draw(st.characters(max_codepoint=127).filter(lambda character: character != receipt[at]))
    with pytest.raises(SignatureMismatch):
        open_receipt(receipt[:at] + other + receipt[at + 1 :], KeyRing([FIXED.public]))
