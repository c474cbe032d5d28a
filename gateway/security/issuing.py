"""Certificates for tools that know no key but in a certificate: the gateway's key as an issuer, and what it issues.

The gateway signs with Ed25519, which CMS tools do not take. So each container is signed with a key made for it alone,
whose certificate the gateway's key issues, and which is then forgotten. Trust stays where it was, in the published
key; nothing new has to be kept secret, rotated or revoked.

Source:
    RFC 5280; 99991231235959Z is its "no end" (section 4.1.2.5), since what was signed is to be verified for good.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.errors import SignatureMismatch
from gateway.security.canonical import strict_b64url
from gateway.security.keys import ED25519, KeyRing, SigningKey, certify

BEGINNING, NO_END = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_SERIAL_BYTES = 16


def issuer_certificate(key: SigningKey, name: str) -> x509.Certificate:
    """The gateway's key as the certificate of an issuer: always the same for the same key and name (a log's)."""
    own = _named(name)
    serial = int.from_bytes(b"\1" + strict_b64url(key.kid)[:_SERIAL_BYTES], "big")
    made = _builder(own, own, key.public.native, serial).not_valid_before(BEGINNING)
    usage = _usage(signs_certificates=True)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return certify(key, made.add_extension(usage, critical=True))


def issuer_pem(key: SigningKey, name: str) -> str:
    """The same as PEM, which openssl reads."""
    return issuer_certificate(key, name).public_bytes(Encoding.PEM).decode()


def one_time(key: SigningKey, name: str, now: datetime) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    """A fresh key (P-256) for one signature, and its certificate by the gateway's key."""
    fresh = generate_private_key(SECP256R1())
    made = _builder(_named(f"{name} evidence"), _named(name), fresh.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(minutes=5))
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return certify(key, made.add_extension(_usage(signs_certificates=False), critical=True)), fresh


def check_issued(certificate: x509.Certificate, keys: KeyRing) -> None:
    """That a certificate is for signatures and by one of the gateway's keys.

    Raises:
        SignatureMismatch: it is not.
    """
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    for key in keys:
        if key.algorithm is ED25519 and key.announced is None and usage.digital_signature and not usage.key_cert_sign:
            try:
                key.verify(certificate.signature, certificate.tbs_certificate_bytes)
            except SignatureMismatch:
                continue
            return
    raise SignatureMismatch(
        "the certificate was not issued by a key of the key file", ja="証明書が鍵ファイルの鍵で発行されていません。"
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _builder(subject: x509.Name, issuer: x509.Name, public: object, serial: int) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).serial_number(serial)
    return made.public_key(public).not_valid_after(NO_END)  # type: ignore[arg-type]  # a key of one of our kinds


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
