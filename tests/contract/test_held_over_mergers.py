"""Banks merge while records are held, read, committed or released: what the merger makes placeable goes free, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from inside import Inside, Meanwhile, loan_rows
from world import BANK, CORPORATION, VENDOR

from gateway.pipeline import Outcome
from gateway.registers import orders
from gateway.registers.firms import register_guarantees, say_who
from gateway.registers.orders import Succeed
from gateway.registers.releases import MERGE, release_merged
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme, japanese_date
from gateway.schemas.submission import Request, Submission
from gateway.store import jobs, submissions
from gateway.store.engine import Database, Session

OLD, NEW, OTHER = "9801", "9802", "9803"
SENDERS = {OLD: BANK, NEW: VENDOR, OTHER: VENDOR}
DAY = "2026-04-30"


class Banks(Inside):
    """Each bank as it was let in at the door: what it has become since is not known there yet."""

    bank, succeeds, named = OLD, (), None

    def _submission(self, document: bytes, sender: str, flow: str | None = None, *to: str) -> Submission:
        made = super()._submission(document, sender, flow, *to)
        told: dict[str, Any] = {"institution": self.bank, "succeeds": self.succeeds or None}
        request = Request(recipients=made.request.recipients, adapter="native_json", subject=self.named)
        return replace(made, origin=made.origin.model_copy(update=told), request=request)

    def submit(self, bank: str, document: bytes, *succeeds: str, later: bool = False) -> Outcome:
        """A document of a bank, at once or in the background."""
        self.bank, self.succeeds = bank, succeeds
        return (self.in_background if later else self.at_once)(document, SENDERS[bank])

    def own(self, bank: str, *loans: int) -> int:
        """The corporation registers guarantees of a bank; how many records go free."""
        entries = [
            GuaranteeEntry(guarantee_no=number(loan), institution=bank, firm=firm(loan), name=f"第{loan}商店")
            for loan in loans
        ]
        return register_guarantees(self.gateway.registrar, "13", entries, (CORPORATION, self.gateway.clock.now()))

    def merge(self, since: date | None = None) -> None:
        """The old bank becomes the new one."""
        since = since or japanese_date(self.gateway.clock.now())
        orders.give(self.gateway.registrar, Succeed(institution=OLD, successor=NEW, since=since))

    def work(self) -> list[str]:
        """Do all jobs there are; their tasks."""
        done = []
        while tasks := [one.task for one in self.open_jobs()]:
            if not self.worker().work_once():
                break
            done.append(tasks[0])
        return done

    def open_jobs(self) -> list[jobs.Unfinished]:
        with self.gateway.database.read() as session:
            return jobs.unfinished(session)

    def held(self, outcome: Outcome) -> list[int]:
        with self.gateway.database.read() as session:
            return submissions.held_ordinals(session, outcome.submission)

    def balances(self) -> list[tuple[str, int]]:
        """For which institution each line of the feed speaks, and its balance."""
        return [(line["key"]["institution"], line["record"]["balance_yen"]) for _, line in self.lines()]


def number(loan: int) -> str:
    return f"13-{loan:07d}"


def firm(loan: int) -> Reference:
    return Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value=f"C{loan}")


def rows(bank: str, balance: int, *loans: int) -> bytes:
    return loan_rows({(loan, DAY): balance for loan in loans}, bank_code=bank)


@pytest.fixture
def banks(database_url: str, tmp_path: Path) -> Iterator[Banks]:
    gateway = Banks(tmp_path, database_url)
    yield gateway
    gateway.close()


def test_a_merger_releases_what_either_bank_held_and_says_which_statement_held_it(banks: Banks) -> None:
    banks.own(NEW, 1)
    banks.own(OLD, 2)
    of_old = banks.submit(OLD, rows(OLD, 1_000, 1, 9))
    of_new = banks.submit(NEW, rows(NEW, 2_000, 2))
    of_other = banks.submit(OTHER, rows(OTHER, 3_000, 1, 2))
    assert [banks.held(one) for one in (of_old, of_new, of_other)] == [[0, 1], [0], [0, 1]]
    before = banks.head()[0]
    banks.merge()
    assert banks.work() == [MERGE, "release", "release"]
    assert banks.balances() == [(NEW, 1_000), (NEW, 2_000)]
    said = banks.statements(before)
    assert [one.releases for one in said] == [of_old.submission, of_new.submission]
    assert [(one.origin.institution, one.origin.succeeds, one.origin.channel) for one in said] == [
        (NEW, (OLD,), "gateway")
    ] * 2
    assert [one.counts.accepted for one in said] == [1, 1]
    assert [banks.held(one) for one in (of_old, of_new, of_other)] == [[1], [], [0, 1]]


def test_a_merger_ahead_releases_nothing_before_its_day_begins_in_japan(banks: Banks) -> None:
    banks.own(NEW, 1)
    held = banks.submit(OLD, rows(OLD, 1_000, 1))
    since = japanese_date(banks.gateway.clock.now()) + timedelta(days=30)
    banks.merge(since)
    assert (banks.work(), banks.held(held)) == ([], [0])
    midnight = datetime(since.year, since.month, since.day, tzinfo=UTC) - timedelta(hours=9)
    now = banks.gateway.clock

    class Set:
        at = midnight - timedelta(seconds=1)

        def now(self) -> datetime:
            return self.at

    clock = Set()
    banks.gateway = replace(banks.gateway, clock=clock)  # type: ignore[arg-type]
    assert banks.work() == []
    clock.at = midnight
    assert banks.work() == [MERGE, "release"]
    banks.gateway = replace(banks.gateway, clock=now)
    assert banks.balances() == [(NEW, 1_000)]


class CutOff(Database):
    """A database whose process is gone after some writes."""

    writes = 0

    def begin(self) -> Session:
        """A write transaction, as long as the process lives."""
        if self.writes == 0:
            raise KeyboardInterrupt
        self.writes -= 1
        return super().begin()


def test_a_merger_cut_off_after_any_write_is_carried_to_its_end_and_says_everything_once(banks: Banks) -> None:
    banks.own(NEW, 1, 2)
    held = [banks.submit(OLD, rows(OLD, 1_000 * loan, loan)) for loan in (1, 2)]
    banks.merge()
    gateway, cut = banks.gateway, CutOff(str(banks.gateway.settings.url))
    clock, cuts = Fixed(gateway.clock.now()), 0
    banks.gateway = replace(gateway, database=cut, sealer=replace(gateway.sealer, database=cut))
    for writes in range(1, 30):
        cut.writes, clock.at = writes, clock.at + timedelta(minutes=5)  # the lease of who is gone is over
        try:
            while replace(banks.worker(), clock=clock).work_once():
                pass
            break
        except KeyboardInterrupt:
            cuts += 1
    banks.gateway = gateway
    cut.close()
    assert (cuts > 5, banks.open_jobs()) == (True, [])
    assert sorted(banks.balances()) == [(NEW, 1_000), (NEW, 2_000)]
    assert [banks.held(one) for one in held] == [[], []]


class Fixed:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_a_merger_dealt_with_twice_at_once_says_everything_once(banks: Banks) -> None:
    banks.own(NEW, *range(1, 5))
    for loan in range(1, 5):
        banks.submit(OLD, rows(OLD, loan, loan))
    banks.merge()
    gateway, begin = banks.gateway, threading.Barrier(2)

    def deal() -> None:
        begin.wait()
        release_merged(gateway.database, gateway.blocks.cipher, gateway.clock)
        worker = banks.worker()
        while worker.work_once():
            pass

    both = [threading.Thread(target=deal) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    banks.work()
    assert sorted(banks.balances()) == [(NEW, loan) for loan in range(1, 5)]
    assert banks.open_jobs() == []
    assert release_merged(gateway.database, gateway.blocks.cipher, gateway.clock) == 0


def test_what_came_before_a_merger_and_is_held_after_it_goes_free_all_the_same(banks: Banks) -> None:
    banks.own(NEW, 1, 2)
    banks.submit(OLD, rows(OLD, 2_000, 2), later=True)

    def meanwhile() -> None:
        banks.merge()
        assert release_merged(banks.gateway.database, banks.gateway.blocks.cipher, banks.gateway.clock) == 0

    adapter = Meanwhile(banks.gateway.line.adapters["native_json"], meanwhile)
    banks.worker(adapter).work_once()
    assert banks.balances() == []
    banks.work()
    assert banks.balances() == [(NEW, 2_000)]
    held = banks.submit(OLD, rows(OLD, 1_000, 1))
    assert (held.sealed[0].statement.counts.held, banks.work()) == (1, ["release"])
    assert banks.balances() == [(NEW, 2_000), (NEW, 1_000)]
    banks.submit(NEW, rows(NEW, 1_000, 7), OLD)
    assert banks.open_jobs() == [], "who says at once whom it succeeds need not be looked at again"


class Hesitant(Database):
    """A database in which, while one commit is just about to be made, something else happens, or waits for it."""

    meanwhile: threading.Thread | None = None

    def commit(self, session: Session) -> None:
        """Commit, after giving what happens meanwhile the time to."""
        if self.meanwhile is not None and not self.meanwhile.ident:
            self.meanwhile.start()
            self.meanwhile.join(0.5)
        super().commit(session)


@pytest.mark.parametrize("begun", [True, False], ids=["in_a_log_that_was_begun", "with_the_first_of_its_log"])
def test_a_merger_waits_for_who_was_about_to_commit_and_had_not_seen_it(banks: Banks, begun: bool) -> None:
    banks.own(NEW, 1)
    before = [(NEW, 2_000)] if begun else []
    for bank, balance in before:
        banks.submit(bank, rows(bank, balance, 1))
    gateway, database = banks.gateway, Hesitant(str(banks.gateway.settings.url))

    def merge() -> None:
        orders.give(gateway.registrar, Succeed(institution=OLD, successor=NEW, since=date(2026, 4, 1)))
        release_merged(gateway.database, gateway.blocks.cipher, gateway.clock)

    database.meanwhile = threading.Thread(target=merge)
    banks.gateway = replace(gateway, database=database)
    held = banks.submit(OLD, loan_rows({(1, "2026-05-31"): 1_000}, bank_code=OLD))
    database.meanwhile.join()
    database.close()
    banks.gateway = gateway
    assert held.sealed[0].statement.counts.held == 1
    assert "release" in [one.task for one in banks.open_jobs()]
    banks.work()
    assert banks.balances() == [*before, (NEW, 1_000)]


def test_a_guarantee_registered_after_a_merger_under_either_code_releases_what_waits_under_the_other(
    banks: Banks,
) -> None:
    before = banks.submit(OLD, rows(OLD, 1_000, 1))
    banks.merge()
    banks.work()
    after = banks.submit(NEW, rows(NEW, 2_000, 2), OLD)
    other = banks.submit(OTHER, rows(OTHER, 3_000, 1, 2))
    assert (banks.own(NEW, 1), banks.own(OLD, 2)) == (1, 1)
    assert banks.work() == ["release", "release"]
    assert banks.balances() == [(NEW, 1_000), (NEW, 2_000)]
    assert [banks.held(one) for one in (before, after, other)] == [[], [], [0, 1]]


def test_what_is_released_by_a_merger_still_names_its_firm_by_its_own_banks_customer_number(banks: Banks) -> None:
    by = CORPORATION, banks.gateway.clock.now()
    banks.own(NEW, 1, 2)
    for bank, loan in ((OLD, 1), (NEW, 2)):
        customer = Reference(scheme=Scheme.BANK_CUSTOMER, scope=bank, value="C-1")
        say_who(banks.gateway.registrar, customer, firm(loan), None, by)
    banks.named = Reference(scheme=Scheme.BANK_CUSTOMER, value="C-1")
    banks.submit(OLD, rows(OLD, 1_000, 1))
    banks.merge()
    banks.work()
    assert banks.balances() == [(NEW, 1_000)]


def test_what_is_released_by_a_merger_gives_way_to_what_the_other_bank_said_since(banks: Banks) -> None:
    banks.own(NEW, 1, 2)
    late = banks.submit(OLD, rows(OLD, 1_000, 1, 2))
    banks.submit(NEW, rows(NEW, 900, 1))
    before = banks.head()[0]
    banks.merge()
    banks.work()
    assert banks.balances() == [(NEW, 900), (NEW, 1_000)]
    [said] = banks.statements(before)
    assert (said.counts.accepted, said.counts.refused, banks.held(late)) == (1, 1, [])


def test_a_merger_of_two_banks_that_hold_nothing_releases_nothing(banks: Banks) -> None:
    banks.own(NEW, 1)
    banks.submit(OLD, orjson.dumps({"records": []}))
    waiting = banks.submit(OLD, rows(OLD, 1_000, 8))
    banks.merge()
    assert (banks.work(), banks.held(waiting)) == ([MERGE], [0])


def test_what_a_submission_holds_is_looked_at_in_parts_and_by_recipient(banks: Banks) -> None:
    banks.bank = OLD
    outcome = banks.at_once(rows(OLD, 1_000, *range(1, 6)), BANK, None, "13", "14100")
    with banks.gateway.database.read() as session:
        parts = list(submissions.waiting_in(session, banks.gateway.blocks.cipher, outcome.submission, 2))
        assert [one.id for one in submissions.holding(session, [OLD, NEW])] == [outcome.submission]
        assert submissions.holding(session, [NEW]) == []
    assert [[(one.recipient, one.ordinal) for one in part] for part in parts] == [
        [(recipient, ordinal) for ordinal in some] for recipient in ("13", "14100") for some in ((0, 1), (2, 3), (4,))
    ]
    assert {one.waits_for.scope for part in parts for one in part if one.waits_for} == {"13", "14100"}
