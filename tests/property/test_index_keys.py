"""What an index hides is found by its owner's key and by no other; what stands beside it opens in its own row only."""

from __future__ import annotations

import hmac
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import BLOCKS, CIPHER, KMS, SHELF, Shelf, line

from gateway.errors import Erased, EvidenceError
from gateway.ports import Spot
from gateway.runtime.clock import SystemClock
from gateway.security.at_rest import AtRest
from gateway.security.index_keys import BLIND, IndexKey
from gateway.security.owner_keys import INDEX, OwnerKeys
from gateway.store.line_index import bound, version

KEY = bytes(range(32))
ENTRY = ("repayment_status", b"n" * BLIND, date(2026, 4, 30), "s1", 7)


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=5))
def test_a_blind_is_an_hmac_cut_to_sixteen_bytes(values: list[str]) -> None:
    key = hmac.digest(KEY, b"hayame index blind", "sha256")
    expected = [hmac.digest(key, value.encode(), "sha256")[:16] for value in values]
    assert IndexKey(b"12345678", KEY).blind(values) == expected


def test_the_same_value_has_another_blind_at_every_owner_and_the_same_in_every_process() -> None:
    CIPHER.make_ready(["13", "29"])
    another = AtRest(OwnerKeys(KMS, SHELF, SystemClock()))
    assert CIPHER.index("13").blind(["9991/13-1"]) != CIPHER.index("29").blind(["9991/13-1"])
    assert another.index("13").blind(["9991/13-1"]) == CIPHER.index("13").blind(["9991/13-1"])


def test_who_only_looks_something_up_makes_no_key() -> None:
    shelf = Shelf()
    cipher = AtRest(OwnerKeys(KMS, shelf, SystemClock()))
    assert (cipher.find_index("13"), shelf.keys) == (None, {})
    cipher.make_ready(["13"])
    found = AtRest(OwnerKeys(KMS, shelf, SystemClock())).find_index("13")
    assert found is not None
    assert found.blind(["a"]) == cipher.index("13").blind(["a"])


class NextYear(SystemClock):
    """A year and a day later."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=366)


def test_the_key_of_an_index_stays_when_the_year_ends() -> None:
    shelf = Shelf()
    now, later = (AtRest(OwnerKeys(KMS, shelf, clock)) for clock in (SystemClock(), NextYear()))
    for cipher in (now, later):
        cipher.make_ready(["13"])
    assert len({one.year for one in shelf.keys.values()} - {INDEX}) == 2
    assert now.index("13").blind(["a"]) == later.index("13").blind(["a"])


@pytest.mark.parametrize("place", range(len(ENTRY)))
def test_an_entry_copied_to_another_row_does_not_open(place: int) -> None:
    key, row = CIPHER.index("13"), BLOCKS.index.rows("s1", "13", [line("a")], 7)[0]
    here = tuple(row[name] for name in ("kind", "series", "valid_on", "submission", "number"))
    moved: list[object] = [*here]
    moved[place] = ("x", b"x" * BLIND, date(2026, 5, 31), "s2", 8)[place]
    assert version(key, "13", here, row["closed"], 0).digest == line("a").digest
    with pytest.raises(EvidenceError):
        version(key, "13", tuple(moved), row["closed"], 0)
    with pytest.raises(EvidenceError):
        version(key, "14100", here, row["closed"], 0)


@given(st.data())
def test_no_bit_of_an_entry_can_be_altered(data: st.DataObject) -> None:
    key = IndexKey(b"12345678", KEY)
    closed = bytearray(key.close([(b"row", b"digest and amount")])[0])
    bit = data.draw(st.integers(0, 8 * len(closed) - 1))
    closed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Erased if bit < 64 else EvidenceError):
        key.open(b"row", bytes(closed))


@given(
    st.lists(
        st.builds(
            lambda number, days: (number, ENTRY[2] + timedelta(days)), st.integers(0, 2**40), st.integers(0, 900)
        ),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_no_two_rows_are_bound_alike(rows: list[tuple[int, date]]) -> None:
    first, second = (bound("13", (*ENTRY[:2], day, "s1", number)) for number, day in rows)
    held = {Spot("held_record", "closed", "s1", "13", number).bound() for number, _ in rows}
    assert first != second
    assert held.isdisjoint({first, second})


def test_what_one_data_key_closes_opens_each_in_its_place_and_never_twice_under_one_number() -> None:
    key = CIPHER.data_key(("13",))
    spots = [Spot("raw", "body", "s1"), Spot("submission", "said", "s1"), Spot("line_block", "payload", "s1", "13", 0)]
    closed = [key.close(spot, b"the same") for spot in spots]
    assert [CIPHER.open(spot, one) for spot, one in zip(spots, closed, strict=True)] == [b"the same"] * 3
    assert len({one[: -len(b"the same") - 16] for one in closed}) == 3
    for spot, one in zip(spots, closed[1:] + closed[:1], strict=True):
        with pytest.raises(EvidenceError):
            CIPHER.open(spot, one)
