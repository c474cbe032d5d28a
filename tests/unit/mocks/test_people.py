"""The synthetic world: the same every time, nobody's numbers, books that balance, papers in which nothing is found."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from gateway.client import FollowedLine
from gateway.pipeline import Line, merged, prepare
from gateway.plugins import load_adapters
from gateway.rules.pack import check_history, standard_pack
from gateway.schemas.identifiers import Reference, corporate_number_holds
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Draft, Prepared, Request, Submission
from mocks.ledgers import (
    CHART,
    DEBT,
    RESULT,
    SHEET,
    YEAR,
    Account,
    Balances,
    books,
    filed_statements,
    trial_balance_csv,
)
from mocks.people import SCENARIOS, Firm, Portfolio, half_year_before, portfolio
from mocks.reports import workbook
from mocks.signals import File
from mocks.tapes import write_tape
from mocks.vendor import exports

AS_OF, SIGNED_ON = date(2026, 3, 31), date(2026, 4, 20)
LINE = Line(load_adapters(), standard_pack())


@pytest.fixture(scope="module")
def world() -> Portfolio:
    return portfolio(1, "9991", "13", 2_000, AS_OF)


def papers(kept: Portfolio, firm: Firm) -> Iterator[tuple[str, bytes]]:
    """Everything anybody sends about a firm besides the tape, by file name."""
    yield "report.xlsx", workbook(books(firm, AS_OF), ("13", "9991"), AS_OF, SIGNED_ON)
    if firm in kept.booked:
        yield from exports(kept, firm)


def read(filename: str, document: bytes) -> Prepared:
    """What the pure part of the line makes of a document."""
    request = Request(recipients=("13",), filename=filename)
    origin, now = Origin(sender="vendor", institution="9991"), datetime(2026, 4, 20, tzinfo=UTC)
    submission = Submission("id", origin, request, None, b"", None, now, "", len(document))
    return merged(prepare(LINE, submission, io.BytesIO(document)))


def balance(balances: Balances, accounts: tuple[Account, ...]) -> int:
    return sum(account.sign * balances[account] for account in accounts)


def test_one_seed_gives_the_same_bytes_every_time_and_another_seed_others() -> None:
    def digest(seed: int) -> str:
        kept = portfolio(seed, "9991", "13", 2_000, AS_OF)
        everything = [document for firm in kept.followed for _, document in papers(kept, firm)]
        return hashlib.sha256(b"".join([write_tape("guarantee_csv", kept.rows, 1), *everything])).hexdigest()

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_no_number_is_anybodys(world: Portfolio) -> None:
    numbers = [firm.corporate_number for firm in world.firms if firm.corporate_number]
    assert len(set(numbers)) == len(numbers) > 500
    assert [number for number in numbers if not corporate_number_holds(number)] == []
    assert {number[1:5] for number in numbers} == {"9999"}
    assert {row["bank_code"] for row in world.rows} == {"9991"}


def test_every_firm_is_named_by_a_reference_and_no_two_by_the_same(world: Portfolio) -> None:
    references = {Reference.model_validate(firm.reference) for firm in world.firms}
    assert len(references) == len(world.firms)
    assert len({firm.kana for firm in world.firms}) == len(world.firms)


def test_the_tape_has_every_guarantee_once_in_order(world: Portfolio) -> None:
    assert [row["guarantee_no"] for row in world.rows] == [f"13-{number:07d}" for number in range(1, 2_001)]


def test_books_balance_every_month_and_open_with_what_was_before(world: Portfolio) -> None:
    for firm in world.followed:
        months = books(firm, AS_OF).months
        for month in months:
            assert sum(month.debit.values()) == sum(month.credit.values())
            assert balance({one: month.closing(one) for one in CHART}, CHART) == 0
            assert min(month.closing(one) for one in SHEET[:-1]) >= 0
        for before, after in pairwise(months):
            new_year = after is months[YEAR]
            carried = [one for one in SHEET[:-1] if not new_year or one.name != "未払法人税等"]
            assert [before.closing(one) for one in carried] == [after.opening[one] for one in carried]
            assert new_year == (sum(after.opening[one] for one in RESULT) == 0)


def test_what_the_books_owe_is_what_the_loans_say(world: Portfolio) -> None:
    owed = [(books(firm, AS_OF).months[-1].closing(DEBT), firm.balance_yen) for firm in world.followed]
    assert [one for one in owed if one[0] != one[1]] == []


def test_filed_statements_are_the_closed_year(world: Portfolio) -> None:
    kept = books(world.followed[0], AS_OF)
    sheet, result = (document.decode("cp932") for document in filed_statements(kept).values())
    after = kept.months[YEAR].opening
    assert kept.term == (date(2024, 4, 1), date(2025, 3, 31))
    assert [f"{one.name},{after[one]},1," in sheet for one in SHEET] == [True] * len(SHEET)
    assert f"売上高合計,{kept.filed[CHART[len(SHEET)]]},1,3,10D100030" in result


def test_the_rules_find_nothing_in_any_paper_of_this_world(world: Portfolio) -> None:
    pack = standard_pack()
    found, drafts = [], 0
    for firm in world.followed:
        earlier: dict[str, Draft] = {}
        for filename, document in papers(world, firm):
            prepared = read(filename, document)
            drafts += len(prepared.drafts)
            found += [(firm.name, filename, one.code) for one in prepared.findings]
            for draft in prepared.drafts:
                before = earlier.get(draft.kind + draft.series)
                earlier[draft.kind + draft.series] = draft
                if draft.observed and before:
                    found += [(filename, one.code) for one in check_history(pack, draft.observed, before.record)]
    assert found == []
    assert drafts == 10 + 6 * YEAR + 5 * 2


def test_a_trial_balance_lists_every_account_and_says_its_month(world: Portfolio) -> None:
    rows = trial_balance_csv(books(world.followed[0], AS_OF).months[-1]).decode("utf-8-sig").splitlines()
    assert len(rows) == 1 + len(CHART)
    assert {row.split(",")[0] for row in rows[1:]} == {"2026-03"}


def test_a_half_year_has_ended_before_any_day() -> None:
    assert half_year_before(date(2026, 3, 31)) == date(2025, 9, 30)
    assert half_year_before(date(2026, 4, 1)) == date(2026, 3, 31)


@pytest.mark.parametrize("seed", range(1, 5))
def test_the_signals_list_the_firms_in_trouble_and_no_other(seed: int) -> None:
    kept = portfolio(seed, "9991", "13", 1_500, AS_OF)
    assert {firm.trouble.scenario for firm in kept.followed if firm.trouble} == set(SCENARIOS)
    files = {firm.kana: File(firm.kana) for firm in kept.followed}
    for firm in kept.followed:
        for filename, document in papers(kept, firm):
            for draft in read(filename, document).drafts:
                files[firm.kana].add(followed(draft))
    listed = {name for name, file in files.items() if list(file.reasons())}
    assert listed == kept.in_trouble(*SCENARIOS)


def followed(draft: Draft) -> FollowedLine:
    """A draft as a targeting tool would read it."""
    line = {
        "kind": draft.kind,
        "record": draft.record,
        "valid": {"from": draft.valid_from.isoformat(), "to": draft.valid_on.isoformat()},
        "key": {"series": draft.series},
        "supersedes": None,
    }
    return FollowedLine(0, "submission", 0, line, None)
