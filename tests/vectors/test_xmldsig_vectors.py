"""XML signatures of the W3C's interoperability meetings and of other implementations; see the samples' own licences.

Which of them hold is written out; all others are refused, for what our list of safe things leaves out: SHA-1, HMAC,
DSA, RSA of 1,024 bits, SHA-224, XPath, references from outside or to parts, several signatures, DOCTYPE, XAdES by
SHA-1. Eight by ``aleksey`` are signed by another key than the one in their certificate.
"""

from __future__ import annotations

import base64
import re
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.utils import CryptographyDeprecationWarning
from sample_files import samples
from xml_signing import certified, party

from gateway.errors import SignatureMismatch
from gateway.security.xml_signatures import open_signed

CURVES = {
    b"urn:oid:1.2.840.10045.3.1.7": ec.SECP256R1(),
    b"urn:oid:1.3.132.0.34": ec.SECP384R1(),
    b"urn:oid:1.3.132.0.35": ec.SECP521R1(),
}
HOLD = {
    "Signature-X-HU_POL-3.xml",
    "Signature-X-UK_ASC-2.xml",
    "dss-signed.xml",
    "signature-enveloping-derencoded-ec.xml",
    "signature-enveloping-p256_sha384.xml",
    "signature-enveloping-p384_sha256.xml",
    "signature-enveloping-p384_sha512.xml",
    "signature-enveloping-p521_sha256.xml",
    "signature-enveloping-p521_sha384.xml",
    "signature-enveloping-p521_sha512.xml",
    "windows_store_signature.xml",
    "wsfederation_metadata.xml",
    "xades-extended-epes.xml",
    "xades-extended-short-a.xml",
    "xades-extended-t.xml",
}
SOMEBODY = party()


def documents() -> list[Path]:
    folder = samples("04_crypto_protocol")
    return sorted([*folder.glob("xmldsig-interop/**/*.xml"), *folder.glob("xades/*.xml")])


def decoded(document: bytes, tag: bytes) -> list[bytes]:
    found = re.findall(rb"<(?:\w+:)?" + tag + rb"(?: [^>]*)?>([^<]*)<", document)
    return [base64.b64decode(text) for text in found]


def certificates(path: Path, document: bytes) -> list[x509.Certificate]:
    """Those in the document or beside it; a plain key gets a certificate for the occasion."""
    ders = [*decoded(document, b"X509Certificate"), *(one.read_bytes() for one in path.parent.glob("**/*.crt"))]
    found = [x509.load_der_x509_certificate(der) for der in ders]
    beside = (x509.load_pem_x509_certificates(one.read_bytes()) for one in path.parent.glob("*.pem"))
    keys: list[object] = [serialization.load_der_public_key(der) for der in decoded(document, b"DEREncodedKeyValue")]
    for point, name in zip(
        decoded(document, b"PublicKey"), re.findall(rb'NamedCurve URI="([^"]*)"', document), strict=True
    ):
        keys.append(ec.EllipticCurvePublicKey.from_encoded_point(CURVES[name], point))
    for modulus, exponent in zip(decoded(document, b"Modulus"), decoded(document, b"Exponent"), strict=True):
        numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
        keys.append(numbers.public_key())
    made = [certified(key, SOMEBODY.key) for key in keys]
    return [*found, *(one for some in beside for one in some), *made]


def holds(document: bytes, registered: list[x509.Certificate], at: datetime) -> bool:
    try:
        open_signed(document, registered, at)
    except SignatureMismatch:
        return False
    return True


@pytest.fixture(scope="module")
def held() -> dict[str, tuple[bytes, list[x509.Certificate], datetime]]:
    """Which documents hold, with whose certificates, in the middle of their validity."""
    found = {}
    for path in documents():
        document = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # a serial number of 2009 is negative
            registered = certificates(path, document)
            when = [
                one.not_valid_before_utc + (one.not_valid_after_utc - one.not_valid_before_utc) / 2
                for one in registered
            ]
            for at in dict.fromkeys([*when, datetime.now(UTC)]):
                if holds(document, registered, at):
                    found[path.name] = (document, registered, at)
                    break
    return found


def test_those_that_are_signed_as_a_whole_and_safely_hold_and_no_others(
    held: dict[str, tuple[bytes, list[x509.Certificate], datetime]],
) -> None:
    assert set(held) == HOLD


def test_none_of_them_holds_once_what_it_signs_or_says_is_changed(
    held: dict[str, tuple[bytes, list[x509.Certificate], datetime]],
) -> None:
    for document, registered, at in held.values():
        for old, new in ((rb"(SignatureValue[^>]*>\s*\w{3})\w", rb"\1_"), (rb"(DigestValue[^>]*>\s*\w{3})\w", rb"\1_")):
            assert not holds(re.sub(old, new, document, count=1), registered, at)
        assert not holds(b"<r>" + re.sub(rb"^<\?xml[^>]*>", b"", document) + b"</r>", registered, at)
        assert not holds(document, [SOMEBODY.certificate], at)
