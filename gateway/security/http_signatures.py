"""Request signatures: RFC 9421 with RFC 9530, pinned to the component set of FAPI 2.0 HTTP Signatures.

Covered must be ``@method``, ``@target-uri`` and, where the request has them, ``authorization``, ``content-digest``,
``content-type``, ``dpop`` and ``idempotency-key``; other fields may be. ``created``, ``keyid`` and
``tag="fapi-2-request"`` are required. The algorithm is that of the registered key; an ``alg`` can only agree.
Fields are read as RFC 8941 would serialise them and in no other spelling; what is not understood is refused.
Whether a request was seen before is for the caller to say: by its Idempotency-Key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from gateway.errors import DigestMismatch, EvidenceError, NotAuthentic, SignatureMismatch
from gateway.security.canonical import b64, strict_b64
from gateway.security.keys import KeyRing, PublicKey, SigningKey

TAG = "fapi-2-request"
LABEL = "hayame"
ALWAYS = ("@method", "@target-uri")
WHEN_PRESENT = ("authorization", "content-digest", "content-type", "dpop", "idempotency-key")
MOST_AHEAD_S = 10  # FAPI 2.0 Security Profile, section 5.3.2.1: clocks may differ that much

_KEY = r"[a-z*][a-z0-9_.*-]*"
_STRING = r'"[ !#-\[\]-~]*"'
_VALUE = rf"(?:{_STRING}|-?\d{{1,15}}(?:\.\d{{1,3}})?|\?[01]|:[A-Za-z0-9+/=]*:|[A-Za-z*][\w:/!#$%&'*+.^`|~-]*)"
_PARAMS = rf"(?:;{_KEY}(?:={_VALUE})?)*"
_COMPONENT = rf"{_STRING}{_PARAMS}"

_INPUT_MEMBER = re.compile(rf"({_KEY})=(\(((?:{_COMPONENT}(?: {_COMPONENT})*)?)\)({_PARAMS}))", re.ASCII)
_BYTES_MEMBER = re.compile(rf"({_KEY})=:([A-Za-z0-9+/=]*):")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_PARAM = re.compile(rf";({_KEY})(?:=({_VALUE}))?", re.ASCII)
_PLAIN = re.compile(r'"(@?[a-z0-9!#$%&\'*+.^_`|~-]+)"')
_BLANK = " \t"
_PRINTABLE = re.compile(r"[\t\n -~]*")
_INSTANTS = frozenset({"created", "expires"})
_REQUIRED_PARAMS = frozenset({"created", "keyid", "tag"})
_KNOWN_PARAMS = frozenset({"alg", "created", "expires", "keyid", "nonce", "tag"})


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as far as its signature is concerned.

    Attributes:
        method: as sent.
        target_uri: the absolute address with its query, put together from the configured base address and never
            from what a proxy passed on.
        headers: field values by lower-case name; several fields of one name joined with ``", "``.
        body_sha256: digest of the content as it arrived; None when there is none.
    """

    method: str
    target_uri: str
    headers: Mapping[str, str]
    body_sha256: bytes | None = None


class Verified(NamedTuple):
    """Who signed, and when they say they did; ``label`` names the signature among several."""

    keyid: str
    created_at: datetime
    label: str


class _Claim(NamedTuple):
    """One signature of the profile, as the request states it."""

    label: str
    components: tuple[str, ...]
    params: dict[str, str | int]
    stated: str
    signature: bytes


def verify_request(request: SignedRequest, keys: KeyRing, now: datetime, max_age_s: int = 300) -> Verified:
    """Prove that a request was signed by one of the keys, as it arrived, not long ago.

    Raises:
        NotAuthentic: anything else; the same message for every cause, which is in its ``reason``.
        DigestMismatch: the signature holds, but the content is not the one whose digest was signed.
    """
    try:
        claim = _claim(request.headers)
        _check_coverage(request, claim.components)
        created = _check_times(claim.params, now.timestamp(), max_age_s)
        key = _key(claim.params, keys)
        key.verify_http(claim.signature, signature_base(_values(request, claim.components), claim.stated))
    except (EvidenceError, ValueError) as error:
        reason = "the signature does not match" if isinstance(error, SignatureMismatch) else str(error)
        raise NotAuthentic(reason) from error
    if "content-digest" in request.headers:
        check_digest(request)
    return Verified(key.kid, datetime.fromtimestamp(created, UTC), claim.label)


class Explained(NamedTuple):
    """How a signature looks from here: the bytes that were to be signed, where they can be told, and what is wrong."""

    base: bytes | None
    problem: str | None


def explain_request(request: SignedRequest, keys: KeyRing, now: datetime, max_age_s: int = 300) -> Explained:
    """Check a request as ``verify_request`` does, and say what it found, to who asks about its own request."""
    try:
        claim = _claim(request.headers)
        base = signature_base(_values(request, claim.components), claim.stated)
    except (EvidenceError, ValueError) as error:
        return Explained(None, str(error))
    try:
        verify_request(request, keys, now, max_age_s)
    except NotAuthentic as error:
        return Explained(base, error.reason)
    except DigestMismatch as error:
        return Explained(base, error.message)
    return Explained(base, None)


def sign_request(key: SigningKey, request: SignedRequest, now: datetime) -> dict[str, str]:
    """The header fields that sign a request: ``signature-input``, ``signature`` and, with content, ``content-digest``.

    Whatever else is to be covered must already stand in the request's headers.

    Raises:
        ValueError: a header value cannot be signed (a line break, a control character, not ASCII).
    """
    digest = {} if request.body_sha256 is None else {"content-digest": _digest_field(request.body_sha256)}
    whole = SignedRequest(request.method, request.target_uri, {**request.headers, **digest}, request.body_sha256)
    components = [*ALWAYS, *(name for name in WHEN_PRESENT if name in whole.headers)]
    listed = " ".join(f'"{name}"' for name in components)
    stated = f'({listed});created={int(now.timestamp())};keyid="{key.kid}";tag="{TAG}"'
    signature = key.sign_http(signature_base(_values(whole, components), stated))
    return {**digest, "signature-input": f"{LABEL}={stated}", "signature": f"{LABEL}=:{b64(signature)}:"}


def signature_base(values: Iterable[tuple[str, str]], stated: str) -> bytes:
    """The bytes that are signed (RFC 9421, section 2.5).

    Args:
        values: component identifiers as serialised (quotes and parameters included), each with its value.
        stated: the value of ``@signature-params``, as stated in Signature-Input.

    Raises:
        ValueError: a value holds a line break, another control character, or is not ASCII.
    """
    lines = [f"{name}: {value.strip(_BLANK)}" for name, value in values]
    lines.append(f'"@signature-params": {stated}')
    base = "\n".join(lines)
    if base.count("\n") != len(lines) - 1 or not _PRINTABLE.fullmatch(base):
        raise ValueError("a covered value holds a control character or is not ASCII")
    return base.encode()


def content_digest(body: bytes) -> str:
    """The value of Content-Digest for a body (RFC 9530).

    >>> content_digest(b'{"hello": "world"}')
    'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'
    """
    return _digest_field(sha256(body).digest())


def parse_content_digest(field: str) -> bytes:
    """The SHA-256 digest in a Content-Digest; other algorithms beside it are not looked at.

    Raises:
        DigestMismatch: there is none, or the field is malformed.
    """
    try:
        return strict_b64(_members(field, _BYTES_MEMBER)["sha-256"][2])
    except (EvidenceError, ValueError, KeyError) as error:
        raise DigestMismatch(
            "Content-Digest holds no readable sha-256", ja="Content-Digest に sha-256 の値がありません。"
        ) from error


def signature_of(headers: Mapping[str, str]) -> tuple[str, bytes]:
    """Label and bytes of the one signature of the profile that a request carries; nothing is verified.

    Raises:
        ValueError: there is not exactly one.
    """
    claim = _claim(headers)
    return claim.label, claim.signature


def _claim(headers: Mapping[str, str]) -> _Claim:
    """The one signature of the profile among those the request carries."""
    inputs = _members(headers.get("signature-input", ""), _INPUT_MEMBER)
    signatures = _members(headers.get("signature", ""), _BYTES_MEMBER)
    tagged = [member for member in inputs.values() if f';tag="{TAG}"' in member[4]]
    if len(tagged) != 1 or inputs.keys() != signatures.keys():
        raise ValueError(f'there must be one signature with tag="{TAG}"')
    label, stated, listed, params = tagged[0].groups()
    return _Claim(label, _components(listed), _params(params), stated, strict_b64(signatures[label][2]))


def _members(field: str, form: re.Pattern[str]) -> dict[str, re.Match[str]]:
    """The members of a dictionary field (RFC 8941, section 3.2), all of which must be of one form."""
    found: dict[str, re.Match[str]] = {}
    at = 0
    while member := form.match(field, at):
        if member[1] in found:
            raise ValueError(f"{member[1]} stands twice in one field")
        found[member[1]] = member
        if member.end() == len(field):
            return found
        comma = _COMMA.match(field, member.end())
        if comma is None:
            break
        at = comma.end()
    raise ValueError("a signature field is missing or not of the expected form")


def _params(text: str) -> dict[str, str | int]:
    """The parameters of a signature, by name: instants as integers, everything else as strings."""
    found: dict[str, str | int] = {}
    for name, value in _PARAM.findall(text):
        if name in found or name not in _KNOWN_PARAMS:
            raise ValueError(f"the signature parameter {name} is unknown, or stands there twice")
        if name in _INSTANTS and value.isdigit():
            found[name] = int(value)
        elif name not in _INSTANTS and value.startswith('"'):
            found[name] = value[1:-1]
        else:
            raise ValueError(f"the signature parameter {name} is of the wrong type")
    if not found.keys() >= _REQUIRED_PARAMS:
        raise ValueError("created, keyid or tag is missing")
    return found


@lru_cache(256)
def _components(listed: str) -> tuple[str, ...]:
    """The components in a list, by name; a sender covers the same ones again and again."""
    return tuple(_plain(part) for part in listed.split(" ")) if listed else ()


def _plain(component: str) -> str:
    match = _PLAIN.fullmatch(component)
    if match is None:
        raise ValueError("a covered component has parameters or is not a field name")
    return match[1]


def _check_coverage(request: SignedRequest, components: Sequence[str]) -> None:
    covered = set(components)
    if len(covered) != len(components):
        raise ValueError("a component is covered twice")
    needed = {*ALWAYS, *(name for name in WHEN_PRESENT if name in request.headers)}
    if request.body_sha256 is not None:
        needed.add("content-digest")
    if not needed <= covered:
        raise ValueError(f"not covered: {', '.join(sorted(needed - covered))}")


def _check_times(params: dict[str, str | int], now: float, max_age_s: int) -> int:
    created, expires = int(params["created"]), int(params.get("expires", now))
    if not now - max_age_s <= created <= now + MOST_AHEAD_S:
        raise ValueError(f"created {now - created:.0f} seconds ago")
    if expires < int(now):
        raise ValueError("expired")
    return created


def _key(params: dict[str, str | int], keys: KeyRing) -> PublicKey:
    key = keys.find(str(params["keyid"]))
    if key is None:
        raise ValueError("the key is not registered")
    if params.get("alg", key.algorithm.http) != key.algorithm.http:
        raise ValueError("alg is not that of the registered key")
    return key


def _values(request: SignedRequest, components: Iterable[str]) -> list[tuple[str, str]]:
    derived = {"@method": request.method, "@target-uri": request.target_uri}
    try:
        return [(f'"{name}"', derived[name] if name[0] == "@" else request.headers[name]) for name in components]
    except KeyError as error:
        raise ValueError(f"covered, but not there or not understood: {error.args[0]}") from error


def check_digest(request: SignedRequest) -> None:
    """That the content is the one whose digest was sent along.

    Raises:
        DigestMismatch: it is not, or there is no digest.
    """
    field = request.headers.get("content-digest", "")
    arrived = request.body_sha256 or sha256().digest()
    if parse_content_digest(field) != arrived:
        raise DigestMismatch


def _digest_field(digest: bytes) -> str:
    return f"sha-256=:{b64(digest)}:"
