"""Something is withdrawn while other work that had already looked at it is on its way: nothing tells it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from inside import Inside, Meanwhile, loan_rows
from world import CORPORATION

from gateway.errors import BusyError, Withdrawn
from gateway.pipeline import Outcome
from gateway.registers.firms import register_guarantees
from gateway.runtime.withdraw import Asked
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme
from gateway.store import jobs, submissions, withdrawals
from gateway.store.engine import Database, Session

DAY, SECRET_YEN = "2026-04-30", 7_654_321


@pytest.fixture
def inside(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    gateway = Inside(tmp_path, database_url)
    gateway.register(range(1, 10))
    yield gateway
    gateway.close()


def withdraw(inside: Inside, outcome: Outcome, *lines: int) -> None:
    inside.gateway.withdrawer.withdraw(Asked(outcome.submission, "misdirected", lines=lines or None))


def load(inside: Inside, act: Callable[[], object]) -> Meanwhile:
    """Do the next job; something happens when its document was read and staged, and is not published yet."""
    adapter = Meanwhile(inside.gateway.line.adapters["native_json"], act)
    inside.worker(adapter).work_once()
    return adapter


def last(inside: Inside) -> dict[str, Any]:
    """The last line that may be shown and is a record."""
    shown = [line for _, line in shown_lines(inside) if line["kind"] == "repayment_status"]
    return shown[-1]


def shown_lines(inside: Inside) -> list[tuple[int, dict[str, Any]]]:
    with inside.gateway.database.read() as session:
        page = inside.gateway.blocks.page(session, "13", 0, 1_000)
    return [(row[0], orjson.loads(row[3])) for row in page.rows if row[0] not in page.withheld]


class Interrupted(Database):
    """A database before whose next write something else is written."""

    act: Callable[[], object] | None = None

    def try_begin(self) -> Session | None:
        act, self.act = self.act, None
        if act is not None:
            act()
        return super().try_begin()


def test_a_small_document_that_had_looked_at_it_looks_again(inside: Inside) -> None:
    first = inside.at_once(loan_rows({(1, DAY): SECRET_YEN}))
    database = Interrupted(str(inside.gateway.settings.url))
    database.act = lambda: withdraw(inside, first)
    at_first, inside.gateway = inside.gateway, replace(inside.gateway, database=database)
    inside.at_once(loan_rows({(1, DAY): 1_000_000}))
    database.close()
    inside.gateway = at_first
    assert last(inside)["record"]["balance_yen"] == 1_000_000
    assert last(inside)["supersedes"] is None
    assert str(SECRET_YEN) not in str(shown_lines(inside))


def test_a_large_document_that_had_looked_at_it_is_read_again(inside: Inside) -> None:
    first = inside.at_once(loan_rows({(1, DAY): SECRET_YEN}))
    inside.in_background(loan_rows({(1, DAY): 1_000_000}))
    assert load(inside, lambda: withdraw(inside, first)).readings == 2
    assert last(inside)["record"]["balance_yen"] == 1_000_000
    assert last(inside)["supersedes"] is None
    assert str(SECRET_YEN) not in str(shown_lines(inside))


def test_a_release_of_what_is_withdrawn_publishes_nothing(inside: Inside) -> None:
    held = inside.at_once(loan_rows({(50, DAY): SECRET_YEN}))
    firm = Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value="C50")
    entry = GuaranteeEntry(guarantee_no="13-0000050", institution="9991", firm=firm, name="第50商店")
    register_guarantees(inside.gateway.registrar, "13", [entry], (CORPORATION, inside.gateway.clock.now()))
    assert load(inside, lambda: withdraw(inside, held)).readings == 1
    while inside.worker().work_once():
        pass
    assert [line["kind"] for _, line in shown_lines(inside)] == ["withdrawal"]
    assert str(SECRET_YEN) not in str(shown_lines(inside))
    with inside.gateway.database.read() as session:
        assert submissions.held_ordinals(session, held.submission) == []


def test_what_is_still_being_worked_off_cannot_be_withdrawn_yet(inside: Inside) -> None:
    outcome = inside.in_background(loan_rows({(1, DAY): SECRET_YEN}))
    with pytest.raises(BusyError):
        withdraw(inside, outcome)
    inside.worker().work_once()
    withdraw(inside, outcome, 0)
    gateway = inside.gateway
    with gateway.database.read() as session, pytest.raises(Withdrawn):
        submissions.open_raw(session, gateway.blocks.cipher, gateway.raw_folder, outcome.submission)


def test_what_was_given_up_is_withdrawn_although_nothing_was_published(inside: Inside) -> None:
    outcome = inside.in_background(loan_rows({(1, DAY): SECRET_YEN}))
    gateway = inside.gateway
    with gateway.database.write() as session:
        job = jobs.claim(gateway.database, session, gateway.clock.now())
        assert job is not None
        jobs.finish(session, job, gateway.clock.now(), "it failed")
    withdraw(inside, outcome)
    withdraw(inside, outcome)
    with gateway.database.write() as session:
        assert [(one.recipient, one.whole) for one in withdrawals.find(session, outcome.submission)] == [("", True)]
        assert jobs.put_back(session, job.id, gateway.clock.now())
    while inside.worker().work_once():
        pass
    assert inside.statements() == []
    with gateway.database.read() as session:
        assert submissions.why_destroyed(session, outcome.submission) == "withdrawn"


def test_lines_of_one_series_that_are_compared_within_one_document_lose_what_was_found(inside: Inside) -> None:
    rows = {(1, "2026-03-31"): SECRET_YEN, (1, DAY): 9_000_000}
    outcome = inside.at_once(loan_rows(rows, is_revolving=False))
    found = _findings(inside, outcome)
    withdraw(inside, outcome, 0)
    assert str(SECRET_YEN) in str(found)
    assert str(SECRET_YEN) not in str(_findings(inside, outcome))


def _findings(inside: Inside, outcome: Outcome) -> list[dict[str, Any]]:
    with inside.gateway.database.read() as session:
        return list(submissions.load_findings(session, inside.gateway.blocks.cipher, outcome.submission))
