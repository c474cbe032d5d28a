"""Parties that sign XML, and the documents they sign: by signxml, which is not the code that decides what holds."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner
from signxml.xades.xades import XAdESSigner

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE, INCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2006/12/xml-c14n11"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Party:
    """Somebody with a key and a certificate for it."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def certified(public: Any, by: Key, days: tuple[int, int] = (-1, 1)) -> x509.Certificate:
    """A certificate for a public key that is valid from so many days from now to so many."""
    now, name = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "party")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .sign(by, hashes.SHA256())
    )


def party(key: Key | None = None, days: tuple[int, int] = (-1, 1)) -> Party:
    """Somebody new, with a key on P-256 unless another is given."""
    made = key or ec.generate_private_key(ec.SECP256R1())
    return Party(made, certified(made.public_key(), made, days))


def method_of(key: Key, name: str = "") -> SignatureMethod:
    """How a key signs."""
    usual = "ECDSA_SHA256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RSA_SHA256"
    return SignatureMethod[name or usual]


def sign(document: bytes, by: Party, *, enveloping: bool = False, xades: bool = False, **more: Any) -> bytes:
    """A document signed as a whole; ``signature_algorithm`` and ``digest_algorithm`` by name, else as usual."""
    options = {
        "method": SignatureConstructionMethod.enveloping if enveloping else SignatureConstructionMethod.enveloped,
        "signature_algorithm": method_of(by.key, more.pop("signature_algorithm", "")),
        "c14n_algorithm": more.pop("c14n_algorithm", INCLUSIVE if xades else EXCLUSIVE),
        **({"digest_algorithm": more.pop("digest_algorithm")} if "digest_algorithm" in more else {}),
    }
    signer = XAdESSigner(**options) if xades else XMLSigner(**options)
    signed = signer.sign(etree.fromstring(document), key=by.key, cert=[by.certificate], **more)
    return etree.tostring(signed)


def submission_xml(document: bytes, url: str, name: str, at: datetime | str) -> bytes:
    """The body of a submission, not yet signed."""
    told = at if isinstance(at, str) else at.isoformat()
    members = {"Url": url, "IdempotencyKey": name, "SignedAt": told, "Document": base64.b64encode(document).decode()}
    inside = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in members.items())
    return f'<Submission xmlns="urn:hayame:submission:1">{inside}</Submission>'.encode()
