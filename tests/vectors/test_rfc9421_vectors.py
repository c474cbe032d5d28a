"""RFC 9421, appendix B, as published in github.com/remitly-oss/httpsig-go (MIT).

Its cases cover what our profile leaves out (other components, other algorithms, no tag), so the signatures are proven
with the library that is our oracle, and our signature base is shown to be the published one, byte for byte.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any

import http_message_signatures as library
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import algorithms
from sample_files import samples

from gateway.errors import NotAuthentic
from gateway.security.http_signatures import SignedRequest, signature_base, verify_request
from gateway.security.keys import KeyRing, PublicKey

CASES = {
    "b21_request": algorithms.RSA_PSS_SHA512,
    "b22_request": algorithms.RSA_PSS_SHA512,
    "b23_request": algorithms.RSA_PSS_SHA512,
    "b24_response": algorithms.ECDSA_P256_SHA256,
    "b25_request": algorithms.HMAC_SHA256,
}
FOLDER = ("04_crypto_protocol", "rfc9421-httpsig-go")


class Message:
    """A message of the test data as the library takes it; ``status_code`` makes it a response."""

    def __init__(self, text: str) -> None:
        head, _, self.body = text.replace("\r\n", "\n").rstrip("\n").partition("\n\n")
        first, *lines = head.split("\n")
        self.headers = dict(line.split(": ", 1) for line in lines)
        if first.startswith("HTTP/"):
            self.status_code, self.request = int(first.split(" ")[1]), None
        else:
            self.method, target, _ = first.split(" ")
            self.url = f"https://{self.headers['Host']}{target}"


def message(name: str) -> Message:
    return Message(samples(*FOLDER, f"{name}_signed.txt").read_text("utf-8"))


class Resolver(library.HTTPSignatureKeyResolver):
    """The keys of the test data, by name."""

    def resolve_public_key(self, key_id: str) -> Any:
        if key_id == "test-shared-secret":
            return base64.b64decode(samples(*FOLDER, key_id).read_text("ascii"))
        return load_pem_public_key(pem(key_id))


def pem(name: str) -> bytes:
    """A public key; the lines of one file were joined by spaces."""
    words = samples(*FOLDER, f"{name}.pub").read_text("ascii").split("-----")
    body = "\n".join(words[2].split())
    return f"-----{words[1]}-----\n{body}\n-----{words[3]}-----\n".encode()


class Verifier(library.HTTPMessageVerifier):
    """The library, without its clock: the vectors are of 2021."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        assert sig_input.params["created"] == 1_618_884_473


@pytest.mark.parametrize("name", CASES)
def test_the_library_verifies_the_published_signature_over_our_signature_base(name: str) -> None:
    verifier = Verifier(signature_algorithm=CASES[name], key_resolver=Resolver())
    published = samples(*FOLDER, f"{name}_sigbase.txt").read_text("ascii").rstrip("\n")
    tag = "header-example" if "tag=" in published else None
    (result,) = verifier.verify(message(name), max_age=None, expect_tag=tag)
    *values, (_, stated) = result.covered_components.items()
    assert signature_base(values, stated) == published.encode()


def test_a_signature_outside_the_profile_is_refused_even_with_the_right_key() -> None:
    keys = KeyRing(
        PublicKey.from_jwk({**PublicKey.from_pem(pem(name)).jwk(), "kid": name})
        for name in ("test-key-rsa-pss", "test-key-ecc-p256", "test-key-ed25519")
    )
    for name in ("b21_request", "b22_request", "b23_request", "b25_request"):
        sent = message(name)
        headers = {field.lower(): value for field, value in sent.headers.items()}
        with pytest.raises(NotAuthentic):
            verify_request(SignedRequest("POST", sent.url, headers), keys, datetime.fromtimestamp(1_618_884_473, UTC))


def test_the_ecdsa_and_rsa_pss_signatures_hold_by_our_own_keys() -> None:
    for name in ("b21_request", "b22_request", "b23_request", "b24_response"):
        sent = message(name)
        base = samples(*FOLDER, f"{name}_sigbase.txt").read_text("ascii").rstrip("\n")
        keyid = re.findall(r'keyid="([^"]+)"', base)[0]
        signature = base64.b64decode(sent.headers["Signature"].partition("=")[2].strip(":"))
        PublicKey.from_pem(pem(keyid)).verify_http(signature, base.encode())
