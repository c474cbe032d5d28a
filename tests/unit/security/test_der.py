from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import EvidenceError
from gateway.security.der import INTEGER, OCTETS, SEQUENCE, as_integer, integer, oid, read, write


@given(st.integers(min_value=-(2**80), max_value=2**80))
def test_an_integer_is_read_as_it_was_written(number: int) -> None:
    assert as_integer(read(integer(number))) == number


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_was_written_is_read_whole(parts: list[bytes]) -> None:
    written = write(SEQUENCE, *(write(OCTETS, part) for part in parts))
    assert [one.content for one in read(written).expect(SEQUENCE).inner()] == parts
    assert read(written).raw == written


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_a_length_has_one_spelling(size: int) -> None:
    written = write(OCTETS, bytes(size))
    assert read(written).content == bytes(size)
    count = len(written) - size - 2
    longer = bytes([OCTETS, 0x80 | (count + 1)]) + (size).to_bytes(count + 1, "big") + bytes(size)
    with pytest.raises(EvidenceError):
        read(longer)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x04",
        b"\x04\x05abc",
        b"\x30\x80\x00\x00",
        b"\x1f\x01\x00",
        b"\x04\x85\x01\x00\x00\x00\x00",
        b"\x04\x00\x04\x00",
    ],
    ids=["nothing", "no length", "cut", "indefinite", "long tag", "huge", "two"],
)
def test_what_is_not_one_value_is_refused(raw: bytes) -> None:
    with pytest.raises(EvidenceError):
        read(raw)


@pytest.mark.parametrize("raw", [b"\x02\x02\x00\x01", b"\x02\x02\xff\xff", b"\x02\x00", b"\x04\x01\x01"])
def test_an_integer_spelled_otherwise_is_refused(raw: bytes) -> None:
    with pytest.raises(EvidenceError):
        as_integer(read(raw))


def test_it_writes_what_the_standard_shows() -> None:
    assert oid("1.2.840.113549").hex() == "06062a864886f70d"
    assert (integer(128).hex(), read(integer(128)).tag) == ("02020080", INTEGER)
