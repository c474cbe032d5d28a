from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unreadable
from gateway.formats.json_text import DEEPEST, pointer_to, strict_json
from gateway.schemas.place import Place

SUITE = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples" / "05_malicious"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_what_json_wrote_is_read_back(value: Any, indent: int | None, marked: bool) -> None:
    raw = json.dumps(value, ensure_ascii=False, indent=indent).encode(errors="replace")
    assert strict_json((b"\xef\xbb\xbf" if marked else b"") + raw) == json.loads(raw)


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_unreadable(raw: bytes) -> None:
    try:
        strict_json(raw)
    except Unreadable as error:
        place = error.place
    else:
        place = Place()
    assert isinstance(place, Place)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"a": 1,\n "b": }', Place(line=2, column=7)),
        ('{"名前": "\n'.encode(), Place(line=1, column=9)),
        (b'{"a":\n "\xff"}', Place(line=2, column=3)),
        ('{"残高": "高'.encode() + b'\x81"}', Place(line=1, column=10)),
        (b'{"a": 1, "a": 2}', Place(line=1)),
        (b'{"a": 1,\n "a": 2}', Place()),
        (b'{"a": NaN}', Place(line=1)),
        (b"[" * 100_000, Place(line=1)),
        (b"1" * 5_000, Place(line=1)),
        (b"", Place(line=1, column=1)),
    ],
)
def test_what_is_not_json_is_unreadable_and_says_where(raw: bytes, place: Place) -> None:
    with pytest.raises(Unreadable) as refused:
        strict_json(raw)
    assert refused.value.place == place


@pytest.mark.parametrize(("opening", "closing", "levels"), [(b"[", b"]", 1), (b'{"a":[', b"]}", 2)])
def test_nesting_is_read_to_a_depth_that_nothing_else_decides(opening: bytes, closing: bytes, levels: int) -> None:
    read = []
    for depth in (2, DEEPEST, DEEPEST + 2, 900, 980, 990, 5_000):
        with suppress(Unreadable):
            strict_json(opening * (depth // levels) + b"0" + closing * (depth // levels))
            read.append(depth)
    assert read == [2, DEEPEST]


def test_many_lists_beside_each_other_are_not_deep() -> None:
    assert strict_json(b"[" + b"[]," * 500 + b"[]]") == [[]] * 501


def test_places_count_from_the_line_the_text_starts_on() -> None:
    with pytest.raises(Unreadable) as refused:
        strict_json(b'{"a": }', line=41)
    assert refused.value.place == Place(line=41, column=7)


def test_doubled_members_are_named_without_showing_a_my_number() -> None:
    with pytest.raises(Unreadable, match=r"member '\*{12}' is there twice"):
        strict_json(b'{"123456789018": 1, "123456789018": 2}')


def test_a_pointer_escapes_what_a_pointer_is_made_of() -> None:
    assert pointer_to("a/b", "m~n", 0) == "/a~1b/m~0n/0"


def test_the_public_json_suite_is_read_as_the_standard_demands() -> None:
    folders = list(SUITE.rglob("test_parsing"))
    if not folders:
        pytest.skip("the shared samples are not here")
    verdicts: dict[str, bool] = {}
    for source in sorted(folders[0].glob("*.json")):
        try:
            strict_json(source.read_bytes())
            verdicts[source.name] = True
        except Unreadable:
            verdicts[source.name] = False
    assert [name for name, read in verdicts.items() if name.startswith("n_") and read] == []
    unread = [name for name, read in verdicts.items() if name.startswith("y_") and not read]
    assert [name for name in unread if "duplicated_key" not in name] == []
