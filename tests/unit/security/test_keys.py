from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from joserfc.jwk import JWKRegistry

from gateway.errors import ConfigurationError, SignatureMismatch
from gateway.security.canonical import b64url
from gateway.security.keys import ED25519, ES256, PS256, KeyRing, PublicKey, SigningKey

P256 = SigningKey(ec.generate_private_key(ec.SECP256R1()))
RSA = SigningKey(rsa.generate_private_key(65_537, 2_048))
KINDS = [SigningKey.generate(), P256, RSA]


def pem_of(native: Any) -> bytes:
    return bytes(
        native.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def test_each_kind_of_key_has_its_own_algorithm() -> None:
    assert [key.algorithm for key in KINDS] == [ED25519, ES256, PS256]


@pytest.mark.parametrize("key", KINDS, ids=["Ed25519", "P-256", "RSA"])
class TestAnyKind:
    def test_a_key_verifies_what_it_signed_and_nothing_else(self, key: SigningKey) -> None:
        signature = key.sign(b"text")
        key.public.verify(signature, b"text")
        for other_signature, other_text in [(signature, b"Text"), (signature[:-1], b"text"), (b"", b"text")]:
            with pytest.raises(SignatureMismatch):
                key.public.verify(other_signature, other_text)

    def test_the_http_way_is_verified_the_http_way(self, key: SigningKey) -> None:
        key.public.verify_http(key.sign_http(b"base"), b"base")
        with pytest.raises(SignatureMismatch):
            key.public.verify_http(key.sign_http(b"base"), b"bass")

    def test_a_jwk_gives_back_the_same_key(self, key: SigningKey) -> None:
        assert PublicKey.from_jwk(orjson.loads(orjson.dumps(key.public.jwk()))) == key.public

    def test_a_jwk_without_name_is_named_by_its_thumbprint(self, key: SigningKey) -> None:
        bare = {name: value for name, value in key.public.jwk().items() if name not in ("kid", "alg", "use")}
        assert PublicKey.from_jwk(bare) == key.public
        assert key.kid == JWKRegistry.import_key(bare).thumbprint()  # type: ignore[arg-type]  # a plain dict will do

    def test_pem_gives_back_the_same_key(self, key: SigningKey) -> None:
        assert PublicKey.from_pem(key.public.pem()) == key.public
        assert SigningKey.from_pem(key.pem()).public == key.public

    def test_private_material_is_refused_where_a_public_key_is_expected(self, key: SigningKey) -> None:
        private = JWKRegistry.import_key(key.pem(), key.public.members["kty"]).as_dict(private=True)
        with pytest.raises(ConfigurationError, match="private key was given"):
            PublicKey.from_jwk(private)
        with pytest.raises(ConfigurationError, match="private key was given"):
            KeyRing.parse(orjson.dumps({"keys": [private]}))
        with pytest.raises(ConfigurationError, match="private key was given"):
            KeyRing.parse(key.pem())


@pytest.mark.parametrize("length", [0, 1, 63, 65])
def test_an_ed25519_signature_of_another_length_borrows_no_byte_of_the_text(length: int) -> None:
    key = KINDS[0]
    whole = key.sign(b"text") + b"text"
    with pytest.raises(SignatureMismatch):
        key.public.verify(whole[:length], whole[length:])


def test_a_point_of_small_order_verifies_nothing_though_the_equation_holds() -> None:
    identity = b"\x01" + bytes(31)
    anything = PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64url(identity)})
    with pytest.raises(SignatureMismatch):
        anything.verify(identity + bytes(32), b"any text")


def test_both_libraries_sign_alike() -> None:
    key = SigningKey.generate()
    native = serialization.load_pem_private_key(key.pem(), password=None)
    assert isinstance(native, ed25519.Ed25519PrivateKey)
    assert key.sign(b"text") == native.sign(b"text")


def test_rsa_signs_requests_with_sha_512_and_receipts_with_sha_256() -> None:
    with pytest.raises(SignatureMismatch):
        RSA.public.verify(RSA.sign_http(b"base"), b"base")


def test_a_key_keeps_the_name_its_owner_gave_it(key: SigningKey) -> None:
    named = PublicKey.from_jwk({**key.public.jwk(), "kid": "bank-2026-1"})
    assert (named.kid, named.jwk()["kid"]) == ("bank-2026-1", "bank-2026-1")


@pytest.mark.parametrize("kid", ["", "a b", 'a"b', "a\\b", "鍵", "x" * 129, 7, ["x"]])
def test_a_name_that_would_not_fit_a_header_is_refused(key: SigningKey, kid: object) -> None:
    with pytest.raises(ConfigurationError):
        PublicKey.from_jwk({**key.public.jwk(), "kid": kid})


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": 5},
        {"kty": "OKP", "crv": "Ed25519", "x": "not base64url!"},
        {"kty": "OKP", "crv": "Ed448", "x": b64url(bytes(57))},
        {"kty": "OKP", "crv": "X25519", "x": b64url(bytes(32))},
        {"kty": "EC", "crv": "P-256", "x": b64url(b"\1" * 32), "y": b64url(b"\1" * 32)},
        {"kty": "EC", "crv": "P-384", "x": b64url(bytes(48)), "y": b64url(bytes(48))},
        {"kty": "EC", "crv": "secp256k1", "x": b64url(bytes(32)), "y": b64url(bytes(32))},
        {"kty": "RSA", "n": b64url(b"\xff" * 128), "e": "AQAB"},
        {"kty": "RSA", "n": b64url(b"\xff" * 1_024), "e": "AQAB"},
        {"kty": "RSA", "n": RSA.public.members["n"], "e": "AQ"},
    ],
)
def test_what_is_not_an_acceptable_key_is_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        PublicKey.from_jwk(jwk)


@pytest.mark.parametrize("purpose", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES256"}, {"alg": "none"}])
def test_a_key_meant_for_something_else_is_refused(key: SigningKey, purpose: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        PublicKey.from_jwk({**key.public.jwk(), **purpose})


def test_the_older_name_of_ed25519_is_understood(key: SigningKey) -> None:
    assert PublicKey.from_jwk({**key.public.jwk(), "alg": "EdDSA"}) == key.public


@pytest.mark.parametrize(
    "native",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ed448.Ed448PrivateKey.generate(),
        rsa.generate_private_key(65_537, 1_024),
        dsa.generate_private_key(1_024),
    ],
    ids=["P-384", "Ed448", "RSA-1024", "DSA"],
)
def test_other_kinds_of_key_are_refused(native: Any) -> None:
    with pytest.raises(ConfigurationError):
        SigningKey.from_pem(pem_of(native))
    public = native.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(ConfigurationError):
        PublicKey.from_pem(public)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_text_without_a_key_is_refused(pem: bytes) -> None:
    with pytest.raises(ConfigurationError):
        PublicKey.from_pem(pem)
    with pytest.raises(ConfigurationError):
        SigningKey.from_pem(pem)


def test_a_key_file_is_private_to_its_owner_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    first = SigningKey.generate()
    first.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError):
        SigningKey.generate().save(path)
    assert SigningKey.load(path).kid == first.kid


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.pem"):
        SigningKey.load(tmp_path / "missing.pem")


def test_a_ring_finds_its_keys_by_name(key: SigningKey) -> None:
    ring = KeyRing([key.public, P256.public, key.public])
    assert (len(ring), ring.find(P256.kid), ring.find("unknown")) == (2, P256.public, None)


def test_two_keys_of_one_name_are_refused(key: SigningKey) -> None:
    namesake = PublicKey.from_jwk({**P256.public.jwk(), "kid": key.kid})
    with pytest.raises(ConfigurationError):
        KeyRing([key.public, namesake])


def test_a_key_file_is_a_set_a_key_or_pem(key: SigningKey) -> None:
    ring = KeyRing([key.public, RSA.public])
    assert list(KeyRing.parse(orjson.dumps(ring.jwks()))) == [key.public, RSA.public]
    assert list(KeyRing.parse(orjson.dumps(key.public.jwk()))) == [key.public]
    assert list(KeyRing.parse(b"\n" + key.public.pem())) == [key.public]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b'{"keys":1}', b'{"keys":[1]}', b"\xff"])
def test_anything_else_is_not_a_key_file(raw: bytes) -> None:
    with pytest.raises(ConfigurationError):
        KeyRing.parse(raw)
