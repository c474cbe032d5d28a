"""Project Wycheproof (github.com/C2SP/wycheproof, Apache-2.0): edge cases of Ed25519, ECDSA P-256 and JSON Web Keys.

Its ECDSA signatures are DER; ours are fixed-width. Those whose DER cannot be turned into two numbers of 32 bytes have
no fixed-width form, and are left out: they test a decoder that we do not have.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sample_files import samples

from gateway.errors import ConfigurationError, SignatureMismatch
from gateway.security.keys import KeyRing, PublicKey
from gateway.security.signing import open_compact


def groups(name: str) -> list[dict[str, Any]]:
    document = json.loads(samples("04_crypto_protocol", "wycheproof", name).read_bytes())
    found: list[dict[str, Any]] = document["testGroups"]
    return found


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except SignatureMismatch:
        return False
    return True


def fixed_width(der: bytes) -> bytes | None:
    try:
        return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))
    except (ValueError, OverflowError):
        return None


def test_ed25519() -> None:
    wrong, tried = [], 0
    for group in groups("ed25519_test.json"):
        keys = [PublicKey.from_pem(group["publicKeyPem"].encode()), PublicKey.from_jwk(group["publicKeyJwk"])]
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            tried += 1
            if [verifies(key, signature, message) for key in keys] != [case["result"] == "valid"] * 2:
                wrong.append(case["tcId"])
    assert (wrong, tried) == ([], 151)


def test_ecdsa_p256() -> None:
    wrong, tried = [], 0
    for group in groups("ecdsa_secp256r1_sha256_test.json"):
        key = PublicKey.from_pem(group["publicKeyPem"].encode())
        for case in group["tests"]:
            signature = fixed_width(bytes.fromhex(case["sig"]))
            if signature is None:
                continue
            tried += 1
            if verifies(key, signature, bytes.fromhex(case["msg"])) != (case["result"] == "valid"):
                wrong.append(case["tcId"])
    assert (wrong, tried) == ([], 249)


def test_no_ambiguous_or_weak_json_web_key_opens_anything() -> None:
    opened = []
    for group in groups("json_web_key_test.json"):
        for case in group["tests"]:
            try:
                keys = KeyRing(PublicKey.from_jwk(jwk) for jwk in group.get("public", group["private"])["keys"])
                open_compact(str(case["jws"]), keys)
                opened.append(case["tcId"])
            except (ConfigurationError, SignatureMismatch):
                continue
    # Those that are valid in themselves use HMAC or RS256, which no key of ours does.
    assert opened == []
