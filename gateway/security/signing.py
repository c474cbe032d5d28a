"""Receipts: canonical bytes signed as a compact JWS (RFC 7515), and what exactly a valid one signs.

Both ways are done here and not by a general library. What is opened comes from strangers, and a receipt has one
spelling only, so that no two texts are the same receipt; and every submission has one signed, at the cost of the
signature itself. Tests hold both against joserfc.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from gateway.errors import EvidenceError, SignatureMismatch
from gateway.security.canonical import b64url, canonical, strict_b64url
from gateway.security.keys import KeyRing, PublicKey, SigningKey

RECEIPT = "hayame-receipt+jws"
ACKNOWLEDGEMENT = "hayame-acknowledgement+jws"


class Opened(NamedTuple):
    """What a compact JWS says, once its signature has been verified.

    Attributes:
        header: its protected header.
        protected: the header's own bytes.
        payload: exactly the bytes that were signed.
    """

    header: dict[str, Any]
    protected: bytes
    payload: bytes


def sign_compact(key: SigningKey, payload: bytes, typ: str) -> str:
    """A compact JWS over the payload, naming the key and saying what it is."""
    return _signed(key, _protected(key.algorithm.jose, key.kid, typ), payload)


def sign_under(key: SigningKey, header: dict[str, Any], payload: bytes) -> str:
    """A compact JWS over the payload, with a header of the caller's own."""
    return _signed(key, b64url(canonical(header)), payload)


def _signed(key: SigningKey, protected: str, payload: bytes) -> str:
    signed = f"{protected}.{b64url(payload)}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"


@lru_cache(maxsize=64)
def _protected(alg: str, kid: str, typ: str) -> str:
    return b64url(canonical({"alg": alg, "kid": kid, "typ": typ}))


def open_compact(text: str, keys: KeyRing) -> Opened:
    """Verify a compact JWS by the named key, with that key's algorithm; looking at ``typ`` is the caller's part.

    Raises:
        SignatureMismatch: the signature does not hold, the key is not among ``keys``, the header asks for another
            algorithm or for an extension (none is understood), or the text is not a compact JWS at all.
    """

    def named(header: dict[str, Any]) -> PublicKey | None:
        kid = header.get("kid")
        return keys.find(kid) if isinstance(kid, str) else None

    return open_by(text, named)


def open_by(text: str, choose: Callable[[dict[str, Any]], PublicKey | None]) -> Opened:
    """Verify a compact JWS by the key that is chosen for its header; otherwise as ``open_compact``.

    Raises:
        SignatureMismatch: as there.
    """
    segments = _segments(text)
    protected, payload, signature = (_decoded(segment) for segment in segments)
    header = _header(protected)
    if "b64" in header or "crit" in header:
        raise _not_understood()
    _check(header, choose(header), signature, f"{segments[0]}.{segments[1]}".encode())
    return Opened(header, protected, payload)


def open_detached(text: str, payload: bytes, keys: KeyRing) -> Opened:
    """Verify a JWS without its payload, which came by itself (RFC 7515, appendix F), also unencoded (RFC 7797).

    Raises:
        SignatureMismatch: as ``open_compact``; the one extension that is understood is ``b64``, in a list of its own.
    """
    segments = _segments(text)
    if segments[1]:
        raise SignatureMismatch("the JWS is not detached", ja="JWS に本文が含まれています。")
    protected, signature = _decoded(segments[0]), _decoded(segments[2])
    header = _header(protected)
    plain = header.get("b64") is False and header.get("crit") == ["b64"]
    if not plain and ("b64" in header or "crit" in header):
        raise _not_understood()
    kid = header.get("kid")
    key = keys.find(kid) if isinstance(kid, str) else None
    _check(header, key, signature, f"{segments[0]}.".encode() + (payload if plain else b64url(payload).encode()))
    return Opened(header, protected, payload)


def _segments(text: str) -> list[str]:
    segments = text.split(".")
    if len(segments) != 3:
        raise SignatureMismatch("not a compact JWS", ja="JWS の形式ではありません。")
    return segments


def _check(header: dict[str, Any], key: PublicKey | None, signature: bytes, signed: bytes) -> None:
    alg = header.get("alg")
    if key is None:
        raise SignatureMismatch(
            "it is signed by a key that is not among the given ones", ja="署名した鍵が鍵ファイルにありません。"
        )
    if not (isinstance(alg, str) and alg in key.algorithm.accepted):
        raise SignatureMismatch("its algorithm is not that of the key", ja="署名方式が鍵と合いません。")
    key.verify(signature, signed)


def sign_receipt(key: SigningKey, payload: bytes, typ: str = RECEIPT) -> str:
    """Sign the canonical bytes of a statement, or of an acknowledgement."""
    return sign_compact(key, payload, typ)


def open_receipt(text: str, keys: KeyRing, typ: str = RECEIPT) -> bytes:
    """The payload of a receipt: exactly the bytes whose signature was verified.

    Raises:
        SignatureMismatch: the signature does not hold, or the receipt is not spelled as the gateway spells it.
    """
    opened = open_compact(text, keys)
    expected = {"alg": opened.header["alg"], "kid": opened.header["kid"], "typ": typ}
    if opened.protected != canonical(expected):
        raise SignatureMismatch(f"its header is not that of a {typ}", ja=f"{typ} のヘッダーではありません。")
    return opened.payload


def kid_of(receipt: str) -> str:
    """The name of the key that a receipt says it is signed by; nothing is verified.

    Raises:
        SignatureMismatch: it is not a compact JWS that names one.
    """
    kid = _header(_decoded(receipt.partition(".")[0])).get("kid")
    if not isinstance(kid, str):
        raise SignatureMismatch("the header names no key", ja="JWS ヘッダーに鍵の名前がありません。")
    return kid


def _decoded(segment: str) -> bytes:
    try:
        return strict_b64url(segment)
    except EvidenceError as error:
        raise SignatureMismatch(
            "a part of the JWS is not canonical base64url", ja="JWS の符号化が正しくありません。"
        ) from error


def _header(protected: bytes) -> dict[str, Any]:
    try:
        header = orjson.loads(protected)
    except orjson.JSONDecodeError:
        header = None
    if not isinstance(header, dict):
        raise _not_understood()
    return header


def _not_understood() -> SignatureMismatch:
    return SignatureMismatch("the header is not one that is understood here", ja="JWS ヘッダーを解釈できません。")
