"""Canonical bytes are JCS (RFC 8785), for everything within the profile; an independent implementation is the judge."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import EvidenceError
from gateway.security.canonical import LARGEST, canonical, check_profile, strict_load

NAMES = st.text(st.characters(max_codepoint=127), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)


@given(VALUES)
def test_canonical_is_jcs(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_canonical_bytes_round_trip_strictly(value: Any) -> None:
    check_profile(value)
    assert strict_load(canonical(value)) == value


@given(VALUES, st.data())
def test_a_changed_byte_never_passes_for_the_same_value(value: Any, data: st.DataObject) -> None:
    raw = bytearray(canonical(value))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        changed = strict_load(bytes(raw))
    except EvidenceError:
        return
    assert canonical(changed) == bytes(raw) != canonical(value)


@given(st.binary(max_size=60))
def test_strict_load_of_anything_gives_a_value_or_refuses(raw: bytes) -> None:
    with suppress(EvidenceError):
        assert canonical(strict_load(raw)) == raw
