"""Time stamps by a third party (RFC 3161): that a checkpoint was there at an instant somebody else vouches for.

Tokens are read and verified here and nowhere else, never while a request waits: by the scheduler's side of the
gateway before they are stored, and by whoever verifies evidence offline. What ``rfc3161-client`` verifies is chain,
signature, nonce and imprint; that the signer is the certificate which the signature itself names, and may do nothing
but stamp, is looked at by ourselves, since certificates lie unsigned in a token and anybody can put more in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from gateway.errors import ConfigurationError, EvidenceError, PeerError, SignatureMismatch
from gateway.security.cms import SHA256, in_order, read_signed
from gateway.security.der import SEQUENCE, as_integer, integer, read, write

MOST_BYTES = 64 * 1024
CLOCKS_APART = timedelta(minutes=5)

TST_INFO = "1.2.840.113549.1.9.16.1.4"
_GRANTED = write(SEQUENCE, integer(0))


@dataclass(frozen=True, slots=True)
class Authorities:
    """The certificates one trusts for time stamps: roots, and what leads from them to an authority."""

    roots: tuple[x509.Certificate, ...]
    others: tuple[x509.Certificate, ...] = ()

    @classmethod
    def load(cls, file: Path) -> Authorities:
        """Read them from a PEM file.

        Raises:
            ConfigurationError: it is none, or holds no root (a certificate that is its own issuer).
        """
        try:
            found = x509.load_pem_x509_certificates(file.read_bytes())
        except (OSError, ValueError):
            found = []
        roots = tuple(one for one in found if one.issuer == one.subject)
        if not roots:
            raise ConfigurationError(
                f"{file} holds no root certificate (PEM) of a time-stamping authority",
                ja=f"{file} にタイムスタンプ局のルート証明書(PEM)がありません。",
            )
        return cls(roots, tuple(one for one in found if one not in roots))


@dataclass(frozen=True, slots=True)
class Query:
    """What an authority is asked: the bytes to send, what they are about, and their nonce."""

    raw: bytes
    message: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """A token (DER of a CMS message) that was verified, and the instant it names."""

    token: bytes
    at: datetime


def ask(message: bytes) -> Query:
    """Ask for a stamp over the SHA-256 of a message, with a fresh nonce and the signer's certificate."""
    made = TimestampRequestBuilder(message, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    return Query(made.as_bytes(), message, made.nonce or 0)


def open_reply(reply: bytes, query: Query, trusted: Authorities, now: datetime) -> Stamp:
    """The stamp in an authority's reply, once everything about it is verified.

    Raises:
        PeerError: the authority gave none.
        SignatureMismatch: it is not by a trusted authority, or about something else, or an answer to another query.
        EvidenceError: it is not a reply.
    """
    status, *tokens = read(reply).expect(SEQUENCE).inner()
    code = status.expect(SEQUENCE).inner()
    if not code or as_integer(code[0]) or len(tokens) != 1:
        raise PeerError(
            "the time-stamping authority gave no stamp", ja="タイムスタンプ局がタイムスタンプを発行しませんでした。"
        )
    token = in_order(tokens[0].raw)
    at = check_token(token, query.message, trusted, query.nonce)
    if abs(at - now) > CLOCKS_APART:
        raise SignatureMismatch(
            "the stamp's time is more than five minutes from ours", ja="タイムスタンプの時刻が5分以上ずれています。"
        )
    return Stamp(token, at)


def check_token(token: bytes, message: bytes, trusted: Authorities, nonce: int | None = None) -> datetime:
    """The instant at which a trusted authority saw a message; its certificate need be valid only then.

    Raises:
        SignatureMismatch: the token is not by a trusted authority, or about something else.
        EvidenceError: it is not a token.
    """
    if len(token) > MOST_BYTES:
        raise EvidenceError("the time stamp is too large", ja="タイムスタンプが大きすぎます。")
    signed = read_signed(token)
    if signed.content_type != TST_INFO or signed.content is None:
        raise EvidenceError("not a time stamp", ja="タイムスタンプではありません。")
    signed.check_content(signed.content)
    _check_purpose(signed.signer())
    verifier = VerifierBuilder(intermediates=list(trusted.others), roots=list(trusted.roots), nonce=nonce).build()
    try:
        response = decode_timestamp_response(write(SEQUENCE, _GRANTED, token))
        verifier.verify(response, hashlib.sha256(message).digest())
        return _checked_instant(response)
    except VerificationError as error:
        raise SignatureMismatch(
            f"the time stamp does not hold: {error}", ja="タイムスタンプを検証できません。"
        ) from error
    except EvidenceError:
        raise
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a parser gives up on hostile bytes with a panic
        raise EvidenceError("not a time stamp", ja="タイムスタンプではありません。") from error


def _reason(told: str) -> str:
    """What the library says, without its places in its own code."""
    of_chain = re.search(r"Verify error: ([\w -]+)", told)
    return of_chain[1] if of_chain else "its signature" if "ErrorStack" in told else told


def _checked_instant(response: TimeStampResponse) -> datetime:
    told = response.tst_info
    if told.message_imprint.hash_algorithm.dotted_string != SHA256:
        raise SignatureMismatch("the time stamp is over another digest", ja="タイムスタンプのハッシュが異なります。")
    return told.gen_time


def _check_purpose(signer: x509.Certificate) -> None:
    """That a certificate is for stamping and nothing else, and says so in a way nobody may overlook (section 2.3)."""
    try:
        purposes = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        fit = purposes.critical and _only(purposes.value) == ExtendedKeyUsageOID.TIME_STAMPING
    except (x509.ExtensionNotFound, ValueError):
        fit = False
    if not fit:
        raise SignatureMismatch(
            "the signer's certificate is not one for time stamps", ja="署名者の証明書がタイムスタンプ用ではありません。"
        )


def _only(purposes: Iterable[x509.ObjectIdentifier]) -> x509.ObjectIdentifier | None:
    first, *others = purposes
    return None if others else first
