"""A month that opens with exactly what stood before is not compared: nothing would be found."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.formats.accounts import BALANCES, normalised_lines
from gateway.rules.pack import check_history, standard_pack
from gateway.rules.standing import closing_of, follows_on, standings
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import TrialBalance

APRIL, MAY = (date(2024, 4, 1), date(2024, 4, 30)), (date(2024, 5, 1), date(2024, 5, 31))
NAMES = ("現金", "受取手形", "売掛金", "買掛金", "未払金", "資本金", "売上高", "仕入高", "雑費")
YEN = st.integers(-(10**9), 10**9)
FIRMS = st.dictionaries(st.sampled_from(NAMES), YEN, min_size=1)
"""What each account stands at."""


def books(period: tuple[date, date], standing: dict[str, int], **column: dict[str, int]) -> TrialBalance:
    """A trial balance that closes with ``standing``, or opens with it and closes with ``closing_yen``."""
    [closing] = column.values() or [standing]
    lines = [
        {"source_name": name, "opening_yen": standing[name], "closing_yen": closing.get(name, standing[name])}
        for name in standing
    ]
    return TrialBalance.model_validate({"period_from": period[0], "period_to": period[1], "lines": lines})


def as_published(record: TrialBalance) -> dict[str, Any]:
    content = record.model_dump(mode="json", exclude_none=True, exclude={"lines"})
    content["lines"], _ = normalised_lines(record)
    return content


def goes_on(before: TrialBalance, after: TrialBalance) -> bool:
    return follows_on(standings(after)[0], after.period_from, standings(before)[1], before.period_to)


@given(FIRMS, FIRMS, st.sets(st.sampled_from(NAMES)))
@example(dict.fromkeys(NAMES, 1_000), dict.fromkeys(NAMES, 1_000_000), set())
def test_where_a_month_goes_on_no_rule_over_history_finds_anything(
    stood: dict[str, int], moved: dict[str, int], new: set[str]
) -> None:
    before = books(APRIL, stood)
    after = books(MAY, {**dict.fromkeys(new - stood.keys(), 0), **stood}, closing_yen=moved)
    assert goes_on(before, after)
    assert check_history(standard_pack(), ObservedDocument(after, 0, "", {}), as_published(before)) == []


@given(FIRMS, st.data())
def test_a_month_does_not_go_on_where_one_account_differs(stood: dict[str, int], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(stood)))
    other = data.draw(YEN.filter(lambda amount: amount != stood[name]))
    assert not goes_on(books(APRIL, stood), books(MAY, {**stood, name: other}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (books(APRIL, {"現金": 1}), books((date(2024, 6, 1), date(2024, 6, 30)), {"現金": 1})),
        (books(APRIL, {"現金": 1}), books(APRIL, {"現金": 1})),
        (books(APRIL, {"現金": 1}), books(MAY, {"預金": 1})),
    ],
    ids=["a month lies between", "it is the same month", "the account has another name"],
)
def test_a_month_does_not_go_on(before: TrialBalance, after: TrialBalance) -> None:
    assert not goes_on(before, after)


def test_accounts_that_share_a_name_are_compared_one_by_one() -> None:
    twice = TrialBalance.model_validate(
        {
            "period_from": MAY[0],
            "period_to": MAY[1],
            "lines": [{"source_name": "現金", name: 1} for name in BALANCES[:2]],
        }
    )
    assert standings(twice) == (None, None)


@given(FIRMS)
def test_what_is_published_has_the_standing_of_what_was_read(stood: dict[str, int]) -> None:
    record = books(APRIL, stood)
    assert closing_of(as_published(record)["lines"]) == standings(record)[1]
