"""Project Wycheproof (github.com/C2SP/wycheproof, Apache-2.0): edge cases of our signatures and of JSON Web Keys.

Whichever of its sets lie there are run: of signatures by any algorithm, and of JWS.

Its ECDSA signatures are DER; ours are fixed-width. Those whose DER cannot be turned into two numbers of 32 bytes have
no fixed-width form, and are left out: they test a decoder that we do not have.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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


def holds(verify: Callable[[bytes, bytes], None], signature: bytes, message: bytes) -> bool:
    try:
        verify(signature, message)
    except SignatureMismatch:
        return False
    return True


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    return holds(key.verify, signature, message)


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


PSS = "RsassaPssVerify"
OURS = {  # a set's type, hash and, for PSS, salt, and whether that is how we verify: as JOSE has it, as RFC 9421 has it
    ("EddsaVerify", None, None, None): (True, True),
    ("EcdsaVerify", "SHA-256", None, None): (True, True),
    ("EcdsaP1363Verify", "SHA-256", None, None): (True, True),
    (PSS, "SHA-256", "SHA-256", 32): (True, False),
    (PSS, "SHA-512", "SHA-512", 64): (False, True),
}


def expected(group: dict[str, Any], case: dict[str, Any]) -> tuple[bool, bool] | None:
    """Whether a signature holds for us, in either way; None where the set does not say."""
    algorithm = tuple(group.get(name) for name in ("type", "sha", "mgfSha", "sLen"))
    jose, http = OURS.get(algorithm, (False, False))
    if case["result"] == "acceptable" or (case["result"] == "invalid" and algorithm not in OURS):
        return None  # what is wrong with another salt may be right with ours
    valid = case["result"] == "valid"
    return valid and jose, valid and http


def test_whatever_set_of_signatures_there_is_what_is_valid_and_of_our_algorithms_holds_and_nothing_else() -> None:
    wrong, tried = [], 0
    for path in sorted(samples("04_crypto_protocol", "wycheproof").glob("*_test.json")):
        for group in json.loads(path.read_bytes())["testGroups"]:
            try:
                key = PublicKey.from_pem(group.get("publicKeyPem", "").encode())
            except ConfigurationError:
                continue  # no signatures, or by a kind of key that nobody can register
            for case in group["tests"]:
                signature: bytes | None = bytes.fromhex(case["sig"])
                if group["type"] == "EcdsaVerify":
                    signature = fixed_width(bytes.fromhex(case["sig"]))
                hold = expected(group, case)
                if signature is None or hold is None:
                    continue
                message, tried = bytes.fromhex(case["msg"]), tried + 1
                if (verifies(key, signature, message), holds(key.verify_http, signature, message)) != hold:
                    wrong.append((path.name, case["tcId"]))
    assert wrong == []
    assert tried >= 400


def test_no_jws_of_any_set_opens_that_is_not_valid() -> None:
    opened = []
    for path in sorted(samples("04_crypto_protocol", "wycheproof").glob("json_web_*_test.json")):
        for group in json.loads(path.read_bytes())["testGroups"]:
            given = group.get("public", {})
            for case in group["tests"]:
                if not isinstance(case.get("jws"), str):
                    continue
                try:
                    ring = KeyRing(PublicKey.from_jwk(jwk) for jwk in given.get("keys", [given]))
                    open_compact(case["jws"], ring)
                except (ConfigurationError, SignatureMismatch):
                    continue
                if case["result"] != "valid":
                    opened.append((path.name, case["tcId"]))
    assert opened == []


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
