"""Whatever is done to a chain afterwards is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.schemas.trail import BEGINNING, Chain, Deed, Entry, about, flaws, follows, is_head

NOON = datetime(2026, 4, 1, 3, tzinfo=UTC)


def chained(chain: Chain, count: int) -> list[Entry]:
    entries: list[Entry] = []
    digest = BEGINNING
    for number in range(count):
        deed = Deed(NOON + timedelta(seconds=number), "os:hanako", "jobs.retry.done", about(job=number))
        digest = follows(digest, Entry(chain, number, deed, b""))
        entries.append(Entry(chain, number, deed, digest))
    return entries


WHOLE = chained("operator", 6)


def altered(**changes: object) -> Callable[[list[Entry]], list[Entry]]:
    return lambda was: [*was[:2], replace(was[2], deed=replace(was[2].deed, **changes)), *was[3:]]  # type: ignore[arg-type]  # what each test changes


TAMPERED: dict[str, Callable[[list[Entry]], list[Entry]]] = {
    "another time": altered(at=NOON - timedelta(days=1)),
    "another operator": altered(who="os:taro"),
    "another command": altered(what="jobs.retry.failed"),
    "other words": altered(about=about(job=99)),
    "removed in the middle": lambda was: [*was[:2], *was[3:]],
    "removed at the beginning": lambda was: was[1:],
    "removed, and those after it renumbered": lambda was: [
        *was[:2],
        *(replace(one, number=one.number - 1) for one in was[3:]),
    ],
    "two exchanged": lambda was: [*was[:2], replace(was[3], number=2), replace(was[2], number=3), *was[4:]],
    "one from another chain": lambda was: [*was[:2], chained("door", 3)[2], *was[3:]],
    "made anew from the middle, without what came after": lambda was: [*was[:2], replace(was[2], digest=bytes(32))],
}


def test_a_chain_as_it_was_written_is_whole() -> None:
    assert flaws("operator", WHOLE) == []
    assert flaws("operator", []) == []
    assert flaws("operator", WHOLE, [one.head for one in WHOLE]) == []


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_altered_is_told(how: str) -> None:
    assert flaws("operator", TAMPERED[how](WHOLE)) != []


@given(st.integers(1, 5))
def test_an_end_that_was_cut_off_is_told_by_a_head_that_was_kept_outside(left: int) -> None:
    cut = WHOLE[:left]
    assert flaws("operator", cut) == [], "by itself a shorter chain is whole"
    assert flaws("operator", cut, [WHOLE[-1].head]) == ["operator: entry 5 was kept outside and is not there"]
    assert flaws("operator", cut, [WHOLE[0].head]) == []


def test_a_chain_written_anew_as_a_whole_is_told_by_a_head_that_was_kept_outside() -> None:
    digest, forged = BEGINNING, []
    for one in WHOLE:
        deed = replace(one.deed, who="os:nobody")
        digest = follows(digest, replace(one, deed=deed))
        forged.append(replace(one, deed=deed, digest=digest))
    assert flaws("operator", forged) == []
    assert flaws("operator", forged, [WHOLE[3].head]) == ["operator: entry 3 is not the one that was kept outside"]


def test_refusals_may_begin_later_once_there_are_as_many_as_are_kept_and_not_before() -> None:
    refusals = chained("door", 20)
    assert flaws("door", refusals[5:], kept=15) == []
    assert flaws("door", refusals[6:], kept=15) != []
    assert flaws("door", refusals[5:], [refusals[2].head], kept=15) == [], "what made room cannot be held against it"
    assert flaws("door", [*refusals[5:8], *refusals[9:]], kept=14) != []


@pytest.mark.parametrize(
    "text", ["", "operator:1", "operator:x:" + "0" * 64, "other:1:" + "0" * 64, "door:1:" + "0" * 63]
)
def test_a_head_has_one_form(text: str) -> None:
    assert not is_head(text)
    assert is_head(WHOLE[0].head)
