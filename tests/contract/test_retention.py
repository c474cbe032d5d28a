"""What has been kept as long as it may be is withdrawn by itself, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from inside import Inside, loan_rows
from world import BANK, corporate_number, trial_balance

from gateway.errors import ConfigurationError
from gateway.registers.firms import say_who
from gateway.runtime.expire import Expiry
from gateway.schemas.consent import Basis
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.records import KINDS
from gateway.schemas.retention import load_record_period, load_retention, years_before
from gateway.store import feed, withdrawals

DAY = timedelta(days=1)


class LaterClock:
    """A clock that is so many years ahead, less some days."""

    def __init__(self, years: int, days: int = 0) -> None:
        now = datetime.now(UTC)
        self.at = now.replace(year=now.year + years) - days * DAY

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def inside(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    gateway = Inside(tmp_path, database_url)
    gateway.register(range(1, 10))
    reference = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(1))
    say_who(gateway.gateway.registrar, reference, None, "第1商店", (BANK, gateway.gateway.clock.now()))
    yield gateway
    gateway.close()


def expire(inside: Inside, clock: LaterClock, named: str | None = "packaged") -> int:
    gateway, retention = inside.gateway, load_retention(named) if named else None
    return Expiry(gateway.database, gateway.withdrawer, clock, retention).expire()


def reasons(inside: Inside) -> dict[int, str]:
    with inside.gateway.database.read() as session:
        hidden = feed.find_withheld(session, "13", 0, 100)
    return {position: reason for position, (_, reason) in hidden.items()}


def test_a_disclosure_is_on_record_for_three_years_or_one_where_a_contract_stands_for_it() -> None:
    period, at = load_record_period("disclosure"), datetime(2026, 3, 31, 15, tzinfo=UTC)
    assert [str(period.until(at, basis)) for basis in (Basis.CONSENT, Basis.LAW, None, Basis.CONTRACT)] == [
        "2029-04-01",
        "2029-04-01",
        "2029-04-01",
        "2027-04-01",
    ]
    assert load_record_period("consent").years == 3


def test_each_kind_is_withdrawn_when_its_own_years_are_over_and_not_a_day_before(inside: Inside) -> None:
    inside.at_once(loan_rows({(1, "2026-04-30"): 5}))
    inside.at_once(trial_balance(1, 4))
    assert expire(inside, LaterClock(50), named=None) == 0
    assert expire(inside, LaterClock(7, days=1)) == 0
    assert expire(inside, LaterClock(7)) == 1
    assert reasons(inside) == {0: "retention"}
    assert expire(inside, LaterClock(10)) == 1
    assert reasons(inside) == {0: "retention", 1: "retention"}
    assert expire(inside, LaterClock(50)) == 0


def test_what_holds_no_line_is_kept_as_long_as_the_longest(inside: Inside) -> None:
    held = inside.at_once(loan_rows({(99, "2026-04-30"): 5}))
    assert (expire(inside, LaterClock(9)), expire(inside, LaterClock(10))) == (0, 1)
    with inside.gateway.database.read() as session:
        assert [one.whole for one in withdrawals.find(session, held.submission)] == [True]


def test_the_packaged_periods_name_every_kind_and_their_source() -> None:
    periods = load_retention("packaged").periods
    assert {one.kind for one in periods} == set(KINDS)
    assert all(one.source for one in periods)


@pytest.mark.parametrize(
    "text",
    ["periods: []", "periods: [{kind: trial_balance, years: 0, source: x}]", "kinds: 3", "periods: [", "[]"],
)
def test_a_file_that_does_not_name_the_years_of_every_kind_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "retention.yaml").write_text(text)
    with pytest.raises(ConfigurationError):
        load_retention(str(tmp_path / "retention.yaml"))


def test_years_are_counted_by_the_calendar_of_japan() -> None:
    assert str(years_before(7, datetime(2033, 4, 30, 15, tzinfo=UTC))) == "2026-05-01"
    assert str(years_before(7, datetime(2033, 4, 30, 14, 59, tzinfo=UTC))) == "2026-04-30"
    assert str(years_before(1, datetime(2028, 2, 29, tzinfo=UTC))) == "2027-02-28"
