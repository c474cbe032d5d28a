"""A time-stamping authority that can be made to misbehave, built by hand, and how its tokens are put together."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.asn1 import GeneralizedTime, encode_der
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.security.cms import write_signed
from gateway.security.der import OCTETS, SEQUENCE, integer, oid, read, write
from gateway.security.timestamps import TST_INFO

POLICY = "1.3.6.1.4.1.55555.1"
Pair = tuple[x509.Certificate, EllipticCurvePrivateKey]
DAY = timedelta(days=1)


def root(name: str = "Mihon Time Root") -> Pair:
    """A root certificate and its key."""
    return _certificate(name, None, [x509.BasicConstraints(ca=True, path_length=None)])


def between(issuer: Pair) -> Pair:
    """A certificate between a root and those that stamp."""
    return _certificate("Mihon Time Office", issuer, [x509.BasicConstraints(ca=True, path_length=0)])


def stamper(
    issuer: Pair,
    *,
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
    ends: timedelta = 3650 * DAY,
    serial: int | None = None,
) -> Pair:
    """A certificate for stamping, or one that is not or no longer fit for it."""
    extensions: list[x509.ExtensionType] = [x509.BasicConstraints(ca=False, path_length=None)]
    if purposes:
        extensions.append(x509.ExtendedKeyUsage(purposes))
    return _certificate("Mihon Time Stamp", issuer, extensions, ends=ends, serial=serial)


def _certificate(
    name: str,
    issuer: Pair | None,
    extensions: list[x509.ExtensionType],
    ends: timedelta = 3650 * DAY,
    serial: int | None = None,
) -> Pair:
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer[0].subject if issuer else own)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + ends)
    )
    for extension in extensions:
        made = made.add_extension(extension, critical=True)
    return made.sign(issuer[1] if issuer else key, SHA256()), key


@dataclass
class Authority:
    """What stamps: a root, the certificate it stamps with, others it sends along, and how it misbehaves."""

    root: Pair
    own: Pair
    others: tuple[x509.Certificate, ...] = ()
    fault: str = ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def fresh(cls) -> Authority:
        """A well-behaved one."""
        made = root()
        return cls(made, stamper(made))

    def trusted_pem(self) -> bytes:
        """What who trusts it keeps."""
        return self.root[0].public_bytes(Encoding.PEM)

    def reply(self, query: bytes) -> bytes:
        """Answer a query."""
        if self.fault == "unavailable":
            return b""
        if self.fault == "huge":
            return b"\x30" * 2_000_000
        if self.fault == "rejects":
            return write(SEQUENCE, write(SEQUENCE, integer(2)))
        _, imprint, *more = read(query).expect(SEQUENCE).inner()
        nonce = next((one.raw for one in more if one.tag == 2), b"")
        algorithm, digest = imprint.inner()
        hashed = hashlib.sha256(b"other").digest() if self.fault == "imprint" else digest.content
        now = self.now().replace(microsecond=0) + (DAY if self.fault == "clock" else timedelta())
        info = write(
            SEQUENCE,
            integer(1),
            oid(POLICY),
            write(SEQUENCE, algorithm.raw, write(OCTETS, hashed)),
            integer(secrets.randbits(63)),
            encode_der(GeneralizedTime(now)),
            integer(7) if self.fault == "nonce" else nonce,
        )
        token = write_signed(TST_INFO, info, self.own, others=self.others)
        if self.fault == "signature":
            token = token[:-1] + bytes([token[-1] ^ 1])
        reply = write(SEQUENCE, write(SEQUENCE, integer(0)), token)
        return reply[: len(reply) // 2] if self.fault == "truncated" else reply
