"""What is closed opens in its own place only, as it was, and only while its owners' keys are there."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import CIPHER, KMS, Shelf

from gateway.errors import Erased, EvidenceError, GatewayError
from gateway.ports import Spot
from gateway.runtime.clock import SystemClock
from gateway.security.at_rest import CHUNK, TAG, AtRest
from gateway.security.owner_keys import OwnerKeys
from gateway.store.compression import compress

NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
SPOTS = st.builds(Spot, NAMES, NAMES, NAMES, NAMES, st.integers(0, 2**40))
OWNERS = st.lists(st.sampled_from(["", "13", "14100", "29"]), min_size=1, max_size=3, unique=True)
SPOT = Spot("line_block", "payload", "submission", "13", 1_024)


@given(SPOTS, OWNERS, st.binary(max_size=300))
def test_what_is_closed_opens_as_it_was(spot: Spot, owners: list[str], plain: bytes) -> None:
    closed = CIPHER.close(spot, owners, plain)
    assert CIPHER.open(spot, closed) == plain
    assert CIPHER.close(spot, owners, plain) != closed


@given(SPOTS, SPOTS)
def test_it_does_not_open_in_any_other_place(spot: Spot, other: Spot) -> None:
    closed = CIPHER.close(spot, ["13"], b"plain")
    if other == spot:
        assert CIPHER.open(other, closed) == b"plain"
    else:
        with pytest.raises(EvidenceError):
            CIPHER.open(other, closed)


@pytest.mark.parametrize(
    "moved", [{"table": "raw"}, {"column": "x"}, {"submission": "s2"}, {"recipient": "29"}, {"number": 0}]
)
def test_a_block_copied_to_another_row_does_not_open(moved: dict[str, object]) -> None:
    closed = CIPHER.close(SPOT, ["13"], b"plain")
    with pytest.raises(EvidenceError):
        CIPHER.open(SPOT._replace(**moved), closed)


@given(st.data())
def test_no_bit_of_it_can_be_altered_and_nothing_left_out(data: st.DataObject) -> None:
    closed = bytearray(CIPHER.close(SPOT, ["13"], b"plain text"))
    bit = data.draw(st.integers(0, 8 * len(closed) - 1))
    altered = bytearray(closed)
    altered[bit // 8] ^= 1 << bit % 8
    shorter = bytes(closed[: data.draw(st.integers(0, len(closed) - 1))])
    for broken in (bytes(altered), shorter, bytes(closed) + b"\0"):
        with pytest.raises(EvidenceError):
            CIPHER.open(SPOT, broken)


def test_what_was_stored_before_there_was_encryption_is_read_as_it_is() -> None:
    assert CIPHER.open(SPOT, compress(b"line")) == compress(b"line")
    old = CIPHER.reader(SPOT, io.BytesIO("保証番号".encode("cp932")))
    assert old.read() == "保証番号".encode("cp932")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def opener(shelf: Shelf) -> AtRest:
    """As another process would open: nothing in memory yet."""
    return AtRest(OwnerKeys(KMS, shelf, SystemClock()))


def test_it_opens_only_as_long_as_every_owners_key_is_there(shelf: Shelf) -> None:
    closed = {owners: opener(shelf).close(SPOT, owners, b"x") for owners in (("13",), ("29",), ("13", "29"))}
    for id, key in shelf.keys.items():
        if key.recipient == "29":
            shelf.keys[id] = replace(key, wrapped=None, retired=True)
    assert opener(shelf).open(SPOT, closed["13",]) == b"x"
    for owners in (("29",), ("13", "29")):
        with pytest.raises(Erased):
            opener(shelf).open(SPOT, closed[owners])


def test_a_key_that_was_retired_closes_nothing_more_but_still_opens(shelf: Shelf) -> None:
    earlier = opener(shelf).close(SPOT, ["13"], b"x")
    for id, key in shelf.keys.items():
        shelf.keys[id] = replace(key, retired=True)
    later = opener(shelf).close(SPOT, ["13"], b"x")
    assert earlier[2:10] != later[2:10]
    assert [opener(shelf).open(SPOT, one) for one in (earlier, later)] == [b"x", b"x"]


SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7]


def written(plain: bytes, step: int) -> bytes:
    file = io.BytesIO()
    writer = CIPHER.writer(SPOT, ["13", "29"], file)
    for start in range(0, len(plain), step):
        writer.write(plain[start : start + step])
    writer.finish()
    return file.getvalue()


@pytest.mark.parametrize(("size", "step"), [*product(SIZES, (1_000, CHUNK, 10 * CHUNK))])
def test_a_closed_file_reads_as_it_was_from_anywhere(size: int, step: int) -> None:
    plain = (b"0123456789abcde" * (size // 15 + 1))[:size]
    source = CIPHER.reader(SPOT, io.BytesIO(written(plain, step)))
    assert source.read() == plain
    for start in (0, 1, size // 2, CHUNK - 1, CHUNK, size, size + 5):
        source.seek(start)
        assert source.read(CHUNK + 3) == plain[start : start + CHUNK + 3]
    source.seek(0)
    assert list(source) == list(io.BytesIO(plain))


def test_a_closed_file_cannot_be_cut_turned_round_or_put_in_anothers_place() -> None:
    whole = written(bytes(3 * CHUNK), CHUNK)
    piece = CHUNK + TAG
    start = len(whole) - 3 * piece
    turned = whole[:start] + whole[start + piece : start + 2 * piece] + whole[start : start + piece] + whole[-piece:]
    flipped = whole[:-1] + bytes((whole[-1] ^ 1,))
    for broken in (whole[:-1], whole[:-piece], whole[: start + 5], turned, flipped, whole + b"x"):
        with pytest.raises(GatewayError):
            CIPHER.reader(SPOT, io.BytesIO(broken)).read()
    with pytest.raises(GatewayError):
        CIPHER.reader(SPOT._replace(submission="s2"), io.BytesIO(whole)).read()
