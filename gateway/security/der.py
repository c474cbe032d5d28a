"""DER as far as time stamps and container signatures need it: one-byte tags, definite lengths, nothing left over.

Source:
    ITU-T X.690, sections 8 and 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.asn1 import decode_der, encode_der
from cryptography.x509 import ObjectIdentifier

from gateway.errors import EvidenceError

INTEGER, OCTETS, OID, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x30, 0x31
_LONG_TAG, _LONG_LENGTH, _LENGTH_BYTES = 0x1F, 0x80, 4


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its tag, the bytes inside, and all of its bytes."""

    tag: int
    content: bytes
    raw: bytes

    def inner(self) -> list[Value]:
        """The values it is made of.

        Raises:
            EvidenceError: its content is not a row of values.
        """
        return list(_values(self.content))

    def expect(self, tag: int) -> Value:
        """Itself.

        Raises:
            EvidenceError: it has another tag.
        """
        if self.tag != tag:
            raise _malformed()
        return self


def read(raw: bytes) -> Value:
    """The one value that the bytes are.

    Raises:
        EvidenceError: they are not exactly one value in DER.
    """
    found = list(_values(raw))
    if len(found) != 1:
        raise _malformed()
    return found[0]


def write(tag: int, *parts: bytes) -> bytes:
    """A value of its parts.

    >>> write(SEQUENCE, integer(5)).hex()
    '3003020105'
    """
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_LENGTH | len(length)]) + length + content


def integer(number: int) -> bytes:
    """An INTEGER."""
    return encode_der(number)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    return encode_der(ObjectIdentifier(dotted))


def as_integer(value: Value) -> int:
    """The number an INTEGER is.

    Raises:
        EvidenceError: it is none, or not spelled the shortest way.
    """
    number = int.from_bytes(value.expect(INTEGER).content, "big", signed=True)
    if integer(number) != value.raw:
        raise _malformed()
    return number


def as_oid(value: Value) -> str:
    """The dotted text of an OBJECT IDENTIFIER.

    Raises:
        EvidenceError: it is none.
    """
    try:
        return decode_der(ObjectIdentifier, value.expect(OID).raw).dotted_string
    except ValueError as error:
        raise _malformed() from error


def _values(raw: bytes) -> Iterator[Value]:
    at = 0
    while at < len(raw):
        start, size = _header(raw, at)
        yield Value(raw[at], raw[start : start + size], raw[at : start + size])
        at = start + size


def _header(raw: bytes, at: int) -> tuple[int, int]:
    """Where the content of the value at a place begins, and its size."""
    if len(raw) < at + 2 or raw[at] & _LONG_TAG == _LONG_TAG:
        raise _malformed()
    size, start = raw[at + 1], at + 2
    if size >= _LONG_LENGTH:
        count = size - _LONG_LENGTH
        size, start = int.from_bytes(raw[start : start + count], "big"), start + count
        if not 0 < count <= _LENGTH_BYTES or size < _LONG_LENGTH or size.bit_length() <= 8 * (count - 1):
            raise _malformed()
    if start + size > len(raw):
        raise _malformed()
    return start, size


def _malformed() -> EvidenceError:
    return EvidenceError("not DER of the expected form", ja="想定した形式の DER ではありません。")
