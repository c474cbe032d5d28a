"""Client certificates: with which one a client connects (RFC 8705), seen by ourselves or told by a proxy (RFC 9440).

Who it is, its key says, registered with us; the certificate is what a token is bound to, and needs no entry of ours.
"""

from __future__ import annotations

import ssl
from collections.abc import Container
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path

from cryptography import x509

from gateway.errors import ConfigurationError, EvidenceError, NotAuthentic
from gateway.security.canonical import b64url, strict_b64

LONGEST = 16_384  # characters of the header field


def thumbprint(der: bytes) -> str:
    """The ``x5t#S256`` of a certificate (RFC 8705, section 3.1): SHA-256 over its DER, base64url."""
    return b64url(sha256(der).digest())


def told_by_proxy(field: str) -> str:
    """The thumbprint of the certificate in a ``Client-Cert`` field (RFC 9440, section 2.2).

    Raises:
        NotAuthentic: it is not exactly one byte sequence (RFC 9651), in its only spelling and without parameters, or
            what it holds is not a certificate.
    """
    value = field.strip(" \t")
    if not (2 < len(value) <= LONGEST and value[0] == value[-1] == ":"):
        raise NotAuthentic("Client-Cert is not a byte sequence")
    try:
        der = strict_b64(value[1:-1])
        x509.load_der_x509_certificate(der)
    except (EvidenceError, ValueError) as error:
        raise NotAuthentic("Client-Cert does not hold a certificate") from error
    return thumbprint(der)


class Proxies(Container[object]):
    """From which addresses a ``Client-Cert`` field is believed.

    Args:
        listed: addresses and networks, separated by commas.

    Raises:
        ConfigurationError: one of them is neither.
    """

    def __init__(self, listed: str = "") -> None:
        try:
            self._networks = [ip_network(one.strip()) for one in listed.split(",") if one.strip()]
        except ValueError as error:
            raise ConfigurationError(
                f"HAYAME_CERTIFICATE_PROXIES: {error}", ja=f"HAYAME_CERTIFICATE_PROXIES: {error}"
            ) from None

    def __contains__(self, address: object) -> bool:
        if not (self._networks and isinstance(address, str)):
            return False
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        plain = peer.ipv4_mapped or peer if isinstance(peer, IPv6Address) else peer
        return any(plain in network for network in self._networks)

    def __bool__(self) -> bool:
        return bool(self._networks)


def server_context(certificate: Path, key: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """How we speak TLS: as whom, and from whom client certificates come, which none has to present.

    Args:
        certificate: our own with its chain (PEM).
        key: its key (PEM, unencrypted); None where it is in the same file.
        client_ca: authorities, or self-signed certificates of clients (PEM); None: no certificate is asked for.

    Raises:
        ConfigurationError: one of the files is not there, or not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except OSError as error:  # what OpenSSL refuses is one, too
        raise _unusable("HAYAME_TLS_CERTIFICATE, HAYAME_TLS_KEY, HAYAME_CLIENT_CA", error) from error
    return context


def client_context(ca: Path | None = None, certificate: Path | None = None) -> ssl.SSLContext:
    """How a client speaks TLS: whom it trusts (PEM; None: whom everybody trusts), and as whom it connects.

    Args:
        ca: who certifies the gateway.
        certificate: the client's own, with its key in the same file (PEM, unencrypted).

    Raises:
        ConfigurationError: one of the files is not there, or not what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, password=lambda: b"")
    except OSError as error:
        raise _unusable("--ca, --certificate", error) from error
    return context


def _unusable(names: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{names}: a file cannot be used: {error.strerror or error}", ja=f"{names}: 証明書または鍵を読み込めません。"
    )
