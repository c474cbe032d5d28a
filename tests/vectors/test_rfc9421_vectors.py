"""RFC 9421, appendix B: all twelve cases. B.2.1 to B.2.5 as published in github.com/remitly-oss/httpsig-go (MIT).

They cover what our profile leaves out (other components, other algorithms, no tag), so the signatures are proven
with the library that is our oracle, and our signature base is shown to be the published one, byte for byte.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import http_message_signatures as library
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import algorithms
from sample_files import samples

from gateway.errors import NotAuthentic, SignatureMismatch
from gateway.security.http_signatures import SignedRequest, signature_base, verify_request
from gateway.security.keys import KeyRing, PublicKey, SigningKey

CASES = {
    "b21_request": algorithms.RSA_PSS_SHA512,
    "b22_request": algorithms.RSA_PSS_SHA512,
    "b23_request": algorithms.RSA_PSS_SHA512,
    "b24_response": algorithms.ECDSA_P256_SHA256,
    "b25_request": algorithms.HMAC_SHA256,
}
CREATED = 1_618_884_473
B26 = (
    '("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"',
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
)
B3 = (
    '("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"',
    "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==",
)
B4 = (
    '("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"',
    "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==",
)
ED25519_SEED = "n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU="  # B.1.4, published so that B.2.6 can be made again
CLIENT_CERT = (
    ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0"
    "ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUg"
    "mnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgB"
    "Rm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGU"
    "uY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4h"
    "BVZ1yhk=:"
)
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
        assert sig_input.params["created"] == CREATED


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
            verify_request(SignedRequest("POST", sent.url, headers), keys, datetime.fromtimestamp(CREATED, UTC))


def test_the_ecdsa_and_rsa_pss_signatures_hold_by_our_own_keys() -> None:
    for name in ("b21_request", "b22_request", "b23_request", "b24_response"):
        sent = message(name)
        base = samples(*FOLDER, f"{name}_sigbase.txt").read_text("ascii").rstrip("\n")
        keyid = re.findall(r'keyid="([^"]+)"', base)[0]
        signature = base64.b64decode(sent.headers["Signature"].partition("=")[2].strip(":"))
        PublicKey.from_pem(pem(keyid)).verify_http(signature, base.encode())


class Request:
    """A request as the library takes it, with one signature; ``headers`` in the order in which they came."""

    def __init__(self, start: str, headers: dict[str, str], label: str, signed: tuple[str, str]) -> None:
        self.method, self.url = start.split(" ")
        self.headers = headers | {"Signature-Input": f"{label}={signed[0]}", "Signature": f"{label}=:{signed[1]}:"}


def base_of(request: Request, stated: str) -> bytes:
    """Our own signature base of a request."""
    parts = urlsplit(request.url)
    derived = {
        "@method": request.method,
        "@path": parts.path,
        "@query": f"?{parts.query}",
        "@authority": parts.netloc,
    }
    fields = {name.lower(): value for name, value in request.headers.items()}
    names = re.findall(r'"(@?[a-z-]+)"', stated.partition(")")[0])
    return signature_base([(f'"{name}"', derived.get(name) or fields[name]) for name in names], stated)


def holds(request: Request, signed: tuple[str, str], key: str) -> bool:
    """Whether a signature holds: over our signature base by our own key, and by the library, which agree."""
    try:
        PublicKey.from_pem(pem(key)).verify_http(base64.b64decode(signed[1]), base_of(request, signed[0]))
        ours = True
    except SignatureMismatch:
        ours = False
    algorithm = algorithms.ED25519 if key == "test-key-ed25519" else algorithms.ECDSA_P256_SHA256
    try:
        Verifier(signature_algorithm=algorithm, key_resolver=Resolver()).verify(request, max_age=None)
        theirs = True
    except library.InvalidSignature:
        theirs = False
    assert ours == theirs
    return ours


def test_b26_holds_and_is_what_our_key_signs() -> None:
    headers = {
        "Host": "example.com",
        "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "Content-Type": "application/json",
        "Content-Length": "18",
    }
    request = Request("POST https://example.com/foo?param=Value&Pet=dog", headers, "sig-b26", B26)
    assert holds(request, B26, "test-key-ed25519")
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(base64.b64decode(ED25519_SEED)))
    assert base64.b64encode(key.sign_http(base_of(request, B26[0]))).decode() == B26[1]


def test_b3_a_certificate_that_a_proxy_passes_on_is_covered() -> None:
    headers = {
        "Host": "service.internal.example",
        "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "Content-Type": "application/json",
        "Content-Length": "18",
        "Client-Cert": CLIENT_CERT,
    }
    start = "POST https://service.internal.example/foo?param=Value&Pet=dog"
    assert holds(Request(start, headers, "ttrp", B3), B3, "test-key-ecc-p256")
    forged = headers | {"Client-Cert": CLIENT_CERT.replace("MIIB", "MIIC")}
    assert not holds(Request(start, forged, "ttrp", B3), B3, "test-key-ecc-p256")


B4_START = "GET https://example.org/demo?name1=Value1&Name2=value2"
B4_HEADERS = {
    "Host": "example.org",
    "Date": "Fri, 15 Jul 2022 14:24:55 GMT",
    "Accept": "application/json, */*",
}


@pytest.mark.parametrize(
    ("start", "changed", "expected"),
    [
        pytest.param(B4_START, {}, True, id="as signed"),
        pytest.param(f"{B4_START}&param=added", {"Accept-Language": "en-US,en;q=0.5"}, True, id="what is not covered"),
        pytest.param(B4_START, {"Referer": "https://developer.example.org/demo"}, True, id="fields joined, one more"),
        pytest.param(
            B4_START.replace("GET", "POST").replace(".org", ".com"),
            {"Host": "example.com"},
            False,
            id="method and host",
        ),
        pytest.param(B4_START, {"Accept": "*/*, application/json"}, False, id="order of values"),
    ],
)
def test_b4_a_signature_survives_what_may_be_transformed_and_nothing_else(
    start: str, changed: dict[str, str], expected: bool
) -> None:
    assert holds(Request(start, B4_HEADERS | changed, "transform", B4), B4, "test-key-ed25519") is expected
