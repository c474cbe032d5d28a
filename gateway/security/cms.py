"""Signed messages (CMS) with one signer, who names the certificate it signed with inside what it signed.

Other certificates may lie in the message: nobody signs that set, so anybody can put more in. The signer is the one
certificate of the named issuer and number whose hash is in the signed attributes, and no other counts.

Source:
    RFC 5652; the signed certificate hash is RFC 5035 (and, in tokens of older authorities, RFC 2634).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import EvidenceError, SignatureMismatch
from gateway.security.der import OCTETS, SEQUENCE, SET, Value, as_integer, as_oid, integer, oid, read, write

DATA, SIGNED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
CERTIFICATE_V1, CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
SHA256 = "2.16.840.1.101.3.4.2.1"
DIGESTS = {SHA256: "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
"""The digests that are taken, by object identifier."""

MOST_CERTIFICATES = 20
_EXPLICIT, _CERTIFICATES, _CRLS, _ATTRIBUTES = 0xA0, 0xA0, 0xA1, 0xA0


@dataclass(frozen=True, slots=True)
class Signed:
    """A message as it is written; nothing of it is proven yet.

    Attributes:
        content_type: what it is about.
        content: what was signed, or None where that is elsewhere.
        certificates: those that came along (DER), not looked at.
        issuer: DER of the issuer of the signer's certificate.
        serial: its number.
        digest: how content and attributes were hashed, as hashlib names it.
        attributes: the signed attributes' values.
        to_verify: the bytes the signature is over.
        signature: the signature.
    """

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    issuer: bytes
    serial: int
    digest: str
    attributes: Mapping[str, Value]
    to_verify: bytes
    signature: bytes

    def signer(self) -> x509.Certificate:
        """The certificate of the signer: named by it, and bound by the hash among the signed attributes.

        Raises:
            SignatureMismatch: it is not there, or another one lies in its place.
        """
        name = self.issuer, self.serial
        try:
            [found] = {one for one in self.certificates if _issuer_and_serial(one) == name}
            if not self._binds(found):
                raise ValueError("bound to another one")
            return x509.load_der_x509_certificate(found)
        except (ValueError, IndexError, x509.InvalidVersion) as error:
            raise SignatureMismatch(
                "the certificate of the signer is missing or another one", ja="署名者の証明書がないか、異なります。"
            ) from error

    def check_content(self, content: bytes) -> None:
        """That the signed attributes are about these bytes.

        Raises:
            SignatureMismatch: they are about others.
        """
        about = self.attributes.get(CONTENT_TYPE), self.attributes.get(MESSAGE_DIGEST)
        if about[0] is None or about[1] is None or as_oid(about[0]) != self.content_type:
            raise SignatureMismatch("the signature does not say what it is about", ja="署名の対象が示されていません。")
        if about[1].expect(OCTETS).content != hashlib.new(self.digest, content).digest():
            raise SignatureMismatch("the signature is over other bytes", ja="署名は別の内容に対するものです。")

    def _binds(self, der: bytes) -> bool:
        """Whether the first certificate hash among the signed attributes is that of a certificate."""
        newer, older = self.attributes.get(CERTIFICATE_V2), self.attributes.get(CERTIFICATE_V1)
        if newer is not None:
            algorithm, *_ = parts = _first_reference(newer)
            named = algorithm.tag == SEQUENCE
            kind = DIGESTS.get(as_oid(algorithm.inner()[0])) if named else "sha256"
            return kind is not None and parts[1 if named else 0].content == hashlib.new(kind, der).digest()
        # RFC 3161 itself knows only SHA-1 here; it stands beside a signature by the certificate's own key.
        return older is not None and _first_reference(older)[0].content == hashlib.sha1(der).digest()  # noqa: S324 - RFC 2634 has no other


def read_signed(raw: bytes) -> Signed:
    """Read a message with one signer.

    Raises:
        EvidenceError: it is not one, or weakly hashed.
    """
    try:
        return _signed(raw)
    except (ValueError, IndexError) as error:
        raise EvidenceError("not a signed message (CMS)", ja="署名付きメッセージ(CMS)ではありません。") from error


def _signed(raw: bytes) -> Signed:
    _, _, about, *rest = _body(raw)
    bags = {bag.tag: bag for bag in rest[:-1]}
    [one] = rest[-1].expect(SET).inner()
    _, name, digest, attributes, _, signature, *_ = one.inner()
    issuer, serial = name.expect(SEQUENCE).inner()
    certificates = bags[_CERTIFICATES].inner() if _CERTIFICATES in bags else []
    kind, *contents = about.inner()
    number = as_integer(serial)
    if number <= 0 or bags.keys() - {_CERTIFICATES, _CRLS} or len(certificates) > MOST_CERTIFICATES:
        raise ValueError("unexpected parts")
    return Signed(
        content_type=as_oid(kind),
        content=contents[0].inner()[0].expect(OCTETS).content if contents else None,
        certificates=tuple(each.expect(SEQUENCE).raw for each in certificates),
        issuer=issuer.raw,
        serial=number,
        digest=DIGESTS.get(as_oid(digest.inner()[0])) or _weak(),
        attributes=_attributes(attributes.expect(_ATTRIBUTES)),
        to_verify=write(SET, attributes.content),
        signature=signature.expect(OCTETS).content,
    )


def write_signed(
    content_type: str,
    content: bytes,
    signer: tuple[x509.Certificate, EllipticCurvePrivateKey],
    *,
    detached: bool = False,
    others: Sequence[x509.Certificate] = (),
) -> bytes:
    """Sign with ECDSA over SHA-256; the certificate comes along and its hash is signed too (RFC 5035).

    Args:
        content_type: what it is about.
        content: the bytes.
        signer: certificate and key.
        detached: leave the content out.
        others: further certificates that come along.
    """
    certificate, key = signer
    der = certificate.public_bytes(Encoding.DER)
    reference = write(SEQUENCE, write(SEQUENCE, write(SEQUENCE, write(OCTETS, hashlib.sha256(der).digest()))))
    attributes = sorted(
        write(SEQUENCE, oid(kind), write(SET, value))
        for kind, value in (
            (CONTENT_TYPE, oid(content_type)),
            (MESSAGE_DIGEST, write(OCTETS, hashlib.sha256(content).digest())),
            (CERTIFICATE_V2, reference),
        )
    )
    to_verify = write(SET, *attributes)
    return spelled(
        Signed(
            content_type=content_type,
            content=None if detached else content,
            certificates=(der, *(each.public_bytes(Encoding.DER) for each in others)),
            issuer=certificate.issuer.public_bytes(),
            serial=certificate.serial_number,
            digest="sha256",
            attributes={},
            to_verify=to_verify,
            signature=key.sign(to_verify, ECDSA(hashes.SHA256())),
        )
    )


def spelled(signed: Signed) -> bytes:
    """A message as ``write_signed`` writes it. Whoever else signed it may have spelled it otherwise."""
    digest, algorithm = write(SEQUENCE, oid(SHA256)), write(SEQUENCE, oid(ECDSA_SHA256))
    name = write(SEQUENCE, signed.issuer, integer(signed.serial))
    attributes = write(_ATTRIBUTES, read(signed.to_verify).content)
    one = write(SEQUENCE, integer(1), name, digest, attributes, algorithm, write(OCTETS, signed.signature))
    held = b"" if signed.content is None else write(_EXPLICIT, write(OCTETS, signed.content))
    return write(
        SEQUENCE,
        oid(SIGNED_DATA),
        write(
            _EXPLICIT,
            write(
                SEQUENCE,
                integer(1 if signed.content_type == DATA else 3),
                write(SET, digest),
                write(SEQUENCE, oid(signed.content_type), held),
                write(_CERTIFICATES, *sorted(signed.certificates)),
                write(SET, one),
            ),
        ),
    )


def in_order(raw: bytes) -> bytes:
    """A message with its certificates once each, in the order DER asks of a set; some authorities put their own first.

    The set of certificates is not signed, so that nothing else changes.

    Raises:
        EvidenceError: it is not a signed message.
    """
    parts = _body(raw)
    sorted_ = [
        write(part.tag, *sorted({each.raw for each in part.inner()})) if part.tag == _CERTIFICATES else part.raw
        for part in parts
    ]
    outer = read(raw).inner()
    return write(SEQUENCE, outer[0].raw, write(_EXPLICIT, write(SEQUENCE, *sorted_)))


def _body(raw: bytes) -> list[Value]:
    outer = read(raw).expect(SEQUENCE).inner()
    if len(outer) != 2 or as_oid(outer[0]) != SIGNED_DATA:
        raise EvidenceError("not a signed message (CMS)", ja="署名付きメッセージ(CMS)ではありません。")
    return read(outer[1].expect(_EXPLICIT).content).expect(SEQUENCE).inner()


def _issuer_and_serial(certificate: bytes) -> tuple[bytes, int]:
    parts = [one for one in read(certificate).inner()[0].inner() if one.tag != _EXPLICIT]
    return parts[2].raw, as_integer(parts[0])


def _attributes(held: Value) -> dict[str, Value]:
    """The signed attributes; each has one value and stands once."""
    found: dict[str, Value] = {}
    for one in held.inner():
        kind, values = one.expect(SEQUENCE).inner()
        [found[as_oid(kind)]] = values.expect(SET).inner()
    if len(found) != len(held.inner()):
        raise ValueError("an attribute stands twice")
    return found


def _first_reference(attribute: Value) -> list[Value]:
    """The parts of the first certificate reference: [algorithm,] hash[, issuer and number]."""
    return attribute.expect(SEQUENCE).inner()[0].expect(SEQUENCE).inner()[0].expect(SEQUENCE).inner()


def _weak() -> str:
    raise EvidenceError("the signature is weakly hashed", ja="弱いハッシュ関数による署名です。")
