"""Keys: whose signature it is. A key's algorithm is a property of the key, never of the message that names it.

A public key is Ed25519, P-256 or RSA (2,048 to 4,096 bits); each has one JOSE algorithm (Ed25519, ES256, PS256) and
one of RFC 9421 (ed25519, ecdsa-p256-sha256, rsa-pss-sha512). Unless its owner named it otherwise, a key is named by
its thumbprint (RFC 7638). Ed25519 is computed by libsodium, twice as fast (decision 38); the rest by OpenSSL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jwk as jose
from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_open
from nacl.exceptions import BadSignatureError

from gateway.errors import ConfigurationError, EvidenceError, SignatureMismatch
from gateway.security.canonical import b64url, canonical, strict_b64url

PublicNative = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateNative = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How a kind of key signs: its name in JOSE, names accepted for it there, and its name in RFC 9421."""

    jose: str
    accepted: frozenset[str]
    http: str


ED25519 = Algorithm("Ed25519", frozenset({"Ed25519", "EdDSA"}), "ed25519")  # EdDSA: its name before RFC 9864
ES256 = Algorithm("ES256", frozenset({"ES256"}), "ecdsa-p256-sha256")
PS256 = Algorithm("PS256", frozenset({"PS256"}), "rsa-pss-sha512")

_ECDSA = ec.ECDSA(hashes.SHA256())
_COORDINATE = 32  # bytes of r, of s, and of each coordinate of a P-256 point
_RSA_BITS = range(2_048, 4_097)
_KINDS = "keys are Ed25519, P-256, or RSA of 2,048 to 4,096 bits"
_SAID = ("announced", "succeeds", "signs_until")
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KID = re.compile(r"[!#-\[\]-~]{1,128}")  # what fits unescaped into a header field


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key and the name it goes by.

    Attributes:
        kid: its name.
        algorithm: how it signs.
        members: the members of its JWK that make it this key, in the order in which RFC 7638 hashes them.
        native: the key itself.
        announced: the word of a log's key that this one signs for it (``signing_keys``); it signs no checkpoints then.
        succeeds: the word of a log's key that this one is its successor (``log_keys``).
        signs_until: of a log's key that was ended: epoch and size of each log, up to which it counts.
    """

    kid: str
    algorithm: Algorithm
    members: Mapping[str, str]
    native: PublicNative
    announced: str | None = None
    succeeds: str | None = None
    signs_until: Mapping[str, Sequence[int]] | None = None

    @classmethod
    def of(cls, native: object, kid: str | None = None) -> PublicKey:
        """Wrap a key of the cryptography library.

        Raises:
            ConfigurationError: it is of a kind or size that is not accepted, or its name would not fit a header.
        """
        algorithm, members, accepted = _described(native)
        name = b64url(sha256(canonical(members)).digest()) if kid is None else kid
        if not (isinstance(name, str) and _KID.fullmatch(name)):
            raise ConfigurationError(
                "a key's name is up to 128 printable ASCII characters, no space, quote or backslash"
            )
        return cls(name, algorithm, members, accepted)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> PublicKey:
        """Read a public JWK (RFC 7517), for signatures; a ``kid`` names the key. Words in it are not verified here.

        Raises:
            ConfigurationError: it holds private material, is meant for something else, or is not a key.
        """
        if _SECRET_MEMBERS & jwk.keys():
            raise ConfigurationError("a private key was given where a public key is expected")
        if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
            raise ConfigurationError("the key is not meant for verifying signatures")
        try:
            key = cls.of(_from_members(jwk), jwk.get("kid"))
        except (ValueError, EvidenceError) as error:
            raise ConfigurationError("the JWK does not hold a valid key") from error
        if jwk.get("alg", key.algorithm.jose) not in key.algorithm.accepted:
            raise ConfigurationError(f"a key of this kind signs with {key.algorithm.jose}, not what the JWK says")
        return replace(key, **_said(jwk))

    @classmethod
    def from_pem(cls, pem: bytes) -> PublicKey:
        """Read a PEM public key (SubjectPublicKeyInfo); its thumbprint names it.

        Raises:
            ConfigurationError: it holds a private key, or no acceptable key.
        """
        if b"PRIVATE KEY" in pem:
            raise ConfigurationError("a private key was given where a public key is expected")
        try:
            return cls.of(serialization.load_pem_public_key(pem))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ConfigurationError("the PEM text does not hold a public key") from error

    def jwk(self) -> dict[str, Any]:
        """The key as a JWK, as published."""
        said = {name: getattr(self, name) for name in _SAID if getattr(self, name) is not None}
        return {**self.members, **said, "alg": self.algorithm.jose, "kid": self.kid, "use": "sig"}

    def bare(self) -> PublicKey:
        """The key alone, without what is said of it."""
        return replace(self, announced=None, succeeds=None, signs_until=None)

    def pem(self) -> bytes:
        """The key as PEM, which openssl reads."""
        return self.native.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, signed: bytes) -> None:
        """Verify a signature made the JOSE way.

        Raises:
            SignatureMismatch: it was not made by this key over these bytes.
        """
        _verify(self.native, signature, signed, hashes.SHA256())

    def verify_http(self, signature: bytes, signed: bytes) -> None:
        """Verify a signature made the way of RFC 9421, section 3.3, which differs for RSA (SHA-512).

        Raises:
            SignatureMismatch: it was not made by this key over these bytes.
        """
        _verify(self.native, signature, signed, hashes.SHA512())


class KeyRing:
    """Public keys by name: those one trusts for one purpose.

    Raises:
        ConfigurationError: two different keys go by one name.
    """

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        self._keys: dict[str, PublicKey] = {}
        for key in keys:
            if self._keys.setdefault(key.kid, key) != key:
                raise ConfigurationError("two different keys go by one name")

    @classmethod
    def parse(cls, raw: bytes) -> KeyRing:
        """Read a key file: a JWK Set, a single JWK, or a PEM public key.

        Raises:
            ConfigurationError: it is none of these, or holds private material.
        """
        if raw.lstrip().startswith(b"-----BEGIN"):
            return cls([PublicKey.from_pem(raw)])
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ConfigurationError("a key file is a JWK Set, a JWK, or a PEM public key") from error
        listed = document.get("keys", [document]) if isinstance(document, dict) else None
        if not (isinstance(listed, list) and all(isinstance(each, dict) for each in listed)):
            raise ConfigurationError("a key file is a JWK Set, a JWK, or a PEM public key")
        return cls(PublicKey.from_jwk(each) for each in listed)

    def find(self, kid: str) -> PublicKey | None:
        """The key of that name, if it is here."""
        return self._keys.get(kid)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """All keys as a JWK Set."""
        return {"keys": [key.jwk() for key in self]}

    def __iter__(self) -> Iterator[PublicKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)


class SigningKey:
    """A private key. The gateway's own are Ed25519; a participant's may be any kind that is accepted.

    Raises:
        ConfigurationError: the key is of a kind or size that is not accepted.
    """

    def __init__(self, native: PrivateNative) -> None:
        self._native = native
        self.public = PublicKey.of(native.public_key())
        self._seed_and_point = _seed_and_point(native)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new Ed25519 key."""
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Read an unencrypted PEM private key.

        Raises:
            ConfigurationError: it holds no acceptable private key.
        """
        try:
            native = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigurationError("the PEM text does not hold an unencrypted private key") from error
        if not isinstance(native, PrivateNative):
            raise ConfigurationError(_KINDS)
        return cls(native)

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read a private key file.

        Raises:
            ConfigurationError: there is none, or it holds no acceptable private key.
        """
        try:
            return cls.from_pem(path.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"the key file {path} cannot be read") from error

    def save(self, path: Path) -> None:
        """Write the key to a new file that only its owner can read; an existing file is never touched.

        Raises:
            ConfigurationError: the file exists or cannot be written.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.pem())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigurationError(f"the key file {path} exists or cannot be written") from error

    def pem(self) -> bytes:
        """The private key as unencrypted PEM (PKCS #8)."""
        return self._native.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return self.public.kid

    @property
    def algorithm(self) -> Algorithm:
        """How it signs."""
        return self.public.algorithm

    @cached_property
    def jose(self) -> jose.Key:
        """The key as joserfc takes it."""
        return jose.JWKRegistry.import_key(self.pem(), self.public.members["kty"])

    def sign(self, signed: bytes) -> bytes:
        """Sign the JOSE way."""
        return self._sign(signed, hashes.SHA256())

    def sign_http(self, signed: bytes) -> bytes:
        """Sign the way of RFC 9421, section 3.3, which differs for RSA (SHA-512)."""
        return self._sign(signed, hashes.SHA512())

    def _sign(self, signed: bytes, rsa_digest: hashes.HashAlgorithm) -> bytes:
        if isinstance(self._native, ed25519.Ed25519PrivateKey):
            return crypto_sign(signed, self._seed_and_point)[:crypto_sign_BYTES]
        if isinstance(self._native, ec.EllipticCurvePrivateKey):
            return _from_der(self._native.sign(signed, _ECDSA))
        return self._native.sign(signed, _pss(rsa_digest), rsa_digest)


def certify(key: SigningKey, certificate: x509.CertificateBuilder) -> x509.Certificate:
    """Sign a certificate.

    Raises:
        ConfigurationError: the key is not Ed25519, as the gateway's own is.
    """
    if not isinstance(key._native, ed25519.Ed25519PrivateKey):
        raise ConfigurationError("certificates are signed with Ed25519")
    return certificate.sign(key._native, None)


def load_or_make(path: Path) -> SigningKey:
    """The key in a file; where there is none, a new one. Of several processes that start at once, one makes it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f"{path.name}.{os.getpid()}")
        SigningKey.generate().save(mine)
        with suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return SigningKey.load(path)


def _seed_and_point(native: PrivateNative) -> bytes:
    """An Ed25519 key as libsodium takes it; nothing of another."""
    if not isinstance(native, ed25519.Ed25519PrivateKey):
        return b""
    return native.private_bytes_raw() + native.public_key().public_bytes_raw()


def _verify(native: PublicNative, signature: bytes, signed: bytes, rsa_digest: hashes.HashAlgorithm) -> None:
    try:
        if isinstance(native, ed25519.Ed25519PublicKey):
            if len(signature) != crypto_sign_BYTES:
                raise SignatureMismatch
            crypto_sign_open(signature + signed, native.public_bytes_raw())
        elif isinstance(native, ec.EllipticCurvePublicKey):
            native.verify(_to_der(signature), signed, _ECDSA)
        else:
            native.verify(signature, signed, _pss(rsa_digest), rsa_digest)
    except (InvalidSignature, BadSignatureError) as error:
        raise SignatureMismatch from error


def _described(native: object) -> tuple[Algorithm, dict[str, str], PublicNative]:
    if isinstance(native, ed25519.Ed25519PublicKey):
        return ED25519, {"crv": "Ed25519", "kty": "OKP", "x": b64url(native.public_bytes_raw())}, native
    if isinstance(native, ec.EllipticCurvePublicKey) and isinstance(native.curve, ec.SECP256R1):
        point = native.public_numbers()
        x, y = (b64url(part.to_bytes(_COORDINATE, "big")) for part in (point.x, point.y))
        return ES256, {"crv": "P-256", "kty": "EC", "x": x, "y": y}, native
    if isinstance(native, rsa.RSAPublicKey) and native.key_size in _RSA_BITS:
        numbers = native.public_numbers()
        return PS256, {"e": _uint(numbers.e), "kty": "RSA", "n": _uint(numbers.n)}, native
    raise ConfigurationError(_KINDS)


def _from_members(jwk: Mapping[str, Any]) -> PublicNative:
    match jwk:
        case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
            return ed25519.Ed25519PublicKey.from_public_bytes(strict_b64url(x))
        case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
            return ec.EllipticCurvePublicNumbers(_number(x), _number(y), ec.SECP256R1()).public_key()
        case {"kty": "RSA", "n": str(n), "e": str(e)}:
            return rsa.RSAPublicNumbers(_number(e), _number(n)).public_key()
    raise ConfigurationError(_KINDS)


def _said(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """What a JWK says of its key; a bound that cannot be understood must not let the key count further."""
    until = jwk.get("signs_until", {})
    places = until.values() if isinstance(until, dict) else [None]
    if not all(isinstance(place, list) and [type(one) for one in place] == [int, int] for place in places):
        raise ConfigurationError("signs_until says epoch and size of each log")
    kinds = {"announced": str, "succeeds": str, "signs_until": dict}
    return {name: jwk[name] for name, kind in kinds.items() if isinstance(jwk.get(name), kind)}


def _number(text: str) -> int:
    return int.from_bytes(strict_b64url(text), "big")


def _uint(number: int) -> str:
    return b64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _pss(digest: hashes.HashAlgorithm) -> padding.PSS:
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


def _to_der(signature: bytes) -> bytes:
    if len(signature) != 2 * _COORDINATE:
        raise InvalidSignature
    r, s = signature[:_COORDINATE], signature[_COORDINATE:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def _from_der(signature: bytes) -> bytes:
    return b"".join(part.to_bytes(_COORDINATE, "big") for part in decode_dss_signature(signature))
