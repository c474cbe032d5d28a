"""The law of a quota: whatever the times at which somebody asks, no more gets in than the quota and what time gives."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.edge import Connections
from gateway.api.rates import WINDOW_S, Rate, Rates, network_of
from gateway.errors import TooManyRequests
from gateway.security.certificates import Proxies

QUOTAS = st.integers(1, 200)
GAPS = st.lists(st.floats(0, 20, allow_nan=False), max_size=300)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 1_000.0  # seconds

    def __call__(self) -> int:
        return round(self.at * 1e9)


def let_in(rate: Rate, key: str = "bank") -> bool:
    try:
        rate.take(key)
    except TooManyRequests:
        return False
    return True


@given(QUOTAS, GAPS)
def test_in_any_window_no_more_get_in_than_the_quota_and_what_the_time_is_worth(quota: int, gaps: list[float]) -> None:
    clock, taken = Clock(), []
    rate = Rate("client", quota, now=clock)
    for gap in gaps:
        clock.at += gap
        if let_in(rate):
            taken.append(clock.at)
    for first, since in enumerate(taken):
        for count, until in enumerate(taken[first:], start=1):
            assert count <= quota + (until - since) * quota / WINDOW_S + 1e-6


@given(QUOTAS, GAPS)
def test_who_kept_quiet_for_a_window_has_its_whole_quota(quota: int, gaps: list[float]) -> None:
    clock = Clock()
    rate = Rate("client", quota, now=clock)
    for gap in gaps:
        clock.at += gap
        let_in(rate)
    clock.at += WINDOW_S + 1e-3
    assert all(let_in(rate) for _ in range(quota))


@given(QUOTAS, GAPS)
def test_who_waits_as_long_as_it_is_told_is_let_in(quota: int, gaps: list[float]) -> None:
    clock = Clock()
    rate = Rate("client", quota, now=clock)
    for gap in gaps:
        clock.at += gap / 20
        try:
            rate.take("bank")
        except TooManyRequests as refused:
            assert 0 < refused.wait_s <= WINDOW_S  # noqa: PT017 - it may be raised, or not
            clock.at += refused.wait_s + 1e-6
            assert let_in(rate)


@given(st.integers(2, 50), st.integers(1, 49))
def test_one_key_takes_nothing_from_another(quota: int, taken: int) -> None:
    rate = Rate("client", quota, now=Clock())
    for _ in range(taken):
        let_in(rate, "loud")
    assert all(let_in(rate, "quiet") for _ in range(quota))
    assert not let_in(rate, "quiet")


@given(QUOTAS, st.integers(0, 30))
def test_the_fields_say_what_is_left(quota: int, asked: int) -> None:
    rate = Rate("client", quota, now=Clock())
    for number in range(min(asked, quota)):
        (_, policy), (_, left) = rate.take("bank")
        found = re.fullmatch(rb'"client";r=(\d+);t=(\d+)', left)
        assert policy == b'"client";q=%d;w=60' % quota
        assert found is not None
        assert int(found[1]) == quota - number - 1
        assert 1 <= int(found[2]) <= WINDOW_S


def test_a_flood_of_addresses_fills_no_memory_and_who_asks_on_is_not_forgotten() -> None:
    rate = Rate("tokens", 100, most=1_000, now=Clock())
    got_in = 0
    for number in range(20_000):
        let_in(rate, f"10.0.{number >> 8}.{number & 255}")
        if number % 100 == 0:
            got_in += let_in(rate, "192.0.2.1")
    assert got_in == 100
    assert len(rate._newer) + len(rate._older) <= 1_000


def test_none_is_no_limit() -> None:
    rates, state = Rates({"client": 0, "tokens": 0}), {}  # type: tuple[Rates, dict[str, object]]
    for _ in range(1_000):
        rates.of_client(state, "bank")
        rates.of_address(state, "192.0.2.1")
    assert state == {}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_an_address_counts_as_the_least_its_owner_has(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "10.0.0.1"]), max_size=60), st.integers(1, 5))
def test_connections_are_counted_by_address_and_forgotten_when_they_are_gone(addresses: list[str], most: int) -> None:
    peers = Connections(most, Proxies("10.0.0.0/8"))
    told = []
    for number, address in enumerate(addresses):
        told.append(peers.opened(address))
        assert peers.are_too_many(told[-1]) == (
            not address.startswith("10.") and addresses[: number + 1].count(address) > most
        )
    for one in told:
        peers.closed(one)
    assert peers._open == {}
