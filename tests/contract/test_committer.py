"""The committer by itself, over a real database and with a clock that can be set."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
from sqlalchemy import delete
from sqlmodel import col
from world import BANK, corporate_number, trial_balance

from gateway.errors import BusyError
from gateway.pipeline import merged, prepare
from gateway.registers.firms import say_who
from gateway.runtime.committer import ROUNDS, Committer, Tools
from gateway.runtime.wakeups import Wakeups
from gateway.schemas.findings import Verdict
from gateway.schemas.identifiers import Reference, Scheme, new_id
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Request, Submission
from gateway.settings import Settings
from gateway.steps.receive import receive
from gateway.store import registers, submissions
from gateway.store.engine import Database, Session, Watch
from gateway.store.register_tables import Link
from gateway.wiring import Gateway, build

DAYS = 7


class SetClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.at = datetime(2026, 5, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that knows one firm."""
    gateway = build(Settings(data_dir=tmp_path / "data", database_url=database_url))
    reference = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(1))
    say_who(gateway.registrar, reference, None, "第1商店", (BANK, gateway.clock.now()))
    yield gateway
    gateway.database.close()


class Restless(Database):
    """A database whose register knows a firm only while somebody writes: whoever holds its record is sent round."""

    def __init__(self, url: str, firm: int) -> None:
        super().__init__(url)
        self.number = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(firm))

    def try_begin(self) -> Session | None:
        """A write transaction that knows the firm, until it is committed."""
        session = super().try_begin()
        if session is not None:
            registers.link(session, self.number, registers.add_party(session, "第2商店"), BANK, SetClock().now())
            session.flush()
        return session

    def commit(self, session: Session) -> None:
        """Forget the firm again."""
        session.execute(delete(Link).where(col(Link.value) == self.number.value))
        super().commit(session)


class Counting(Database):
    """A database that counts its write transactions."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.begun = 0

    def try_begin(self) -> Session | None:
        """A write transaction, counted."""
        session = super().try_begin()
        self.begun += session is not None
        return session


class Overtaken(Database):
    """A database over which something else happens between the snapshot and the lock of the first that writes."""

    def __init__(self, url: str, act: Callable[[], object]) -> None:
        super().__init__(url)
        self.waiting = [act]

    def try_begin(self) -> Session | None:
        """A write transaction, once what was to happen before has happened."""
        while self.waiting:
            meanwhile = Thread(target=self.waiting.pop())
            meanwhile.start()
            meanwhile.join()
        return super().try_begin()


def submit(gateway: Gateway, clock: SetClock, *documents: tuple[str, bytes], over: Database | None = None) -> list[Any]:
    """Commit documents, each under its key, one after the other; ``over`` another database than the gateway's own.

    What is pushed back is told by its error.
    """

    async def run() -> list[Any]:
        watch, database = Watch(gateway.database), over or gateway.database
        tools = Tools(database, gateway.blocks, gateway.line.pack, gateway.sealer, clock, Wakeups(watch, database))
        committer = Committer(tools, 64, DAYS)
        running = asyncio.create_task(committer.run())
        outcomes: list[Any] = []
        for key, raw in documents:
            received = receive(raw)
            origin = Origin(sender=BANK, institution="9991")
            submission = Submission(
                id=new_id(),
                origin=origin,
                request=Request(recipients=("13",)),
                key=key,
                fingerprint=received.sha256,
                sent_at=clock.now(),
                received_at=clock.now(),
                raw_sha256=received.sha256.hex(),
                raw_bytes=received.size,
            )
            with received.open() as source:
                prepared = merged(prepare(gateway.line, submission, source))
            try:
                outcomes.append(await committer.commit(submission, prepared, received, ("13",)))
            except BusyError as busy:
                outcomes.append(busy)
        running.cancel()
        watch.close()
        return outcomes

    return asyncio.run(run())


def test_within_its_days_a_key_gives_the_stored_outcome(gateway: Gateway) -> None:
    clock = SetClock()
    first, again = submit(gateway, clock, ("k", trial_balance(1, 4)), ("k", trial_balance(1, 4)))
    assert (again.replayed, again.submission) == (True, first.submission)


def test_what_is_noted_of_a_document_waits_for_the_next_one_instead_of_taking_a_transaction_of_its_own(
    gateway: Gateway, database_url: str
) -> None:
    counting = Counting(database_url)
    several = [(f"k{firm}", trial_balance(firm, 4)) for firm in range(1, 9)]
    submit(gateway, SetClock(), *several, over=counting)
    counting.close()
    assert counting.begun in range(8, 12)  # a slow machine may leave a note waiting for too long, not each


def test_after_the_keys_days_an_equal_digest_is_unchanged_even_if_something_newer_stands(gateway: Gateway) -> None:
    clock = SetClock()
    submit(gateway, clock, ("k", trial_balance(1, 4)), ("l", trial_balance(1, 4, closing=230)))
    clock.at += timedelta(days=DAYS + 1)
    with gateway.database.write() as session:
        submissions.forget_keys(session, clock.now() - timedelta(days=DAYS))
    late = submit(gateway, clock, ("k", trial_balance(1, 4)))[0]
    statement = late.sealed[0].statement
    assert (late.replayed, statement.verdict, statement.count) == (False, Verdict.UNCHANGED, 0)
    assert statement.counts.model_dump() == {"accepted": 0, "unchanged": 1, "held": 0, "refused": 0}


def test_within_the_days_the_same_bytes_under_another_key_are_a_new_act(gateway: Gateway) -> None:
    clock = SetClock()
    outcomes = submit(
        gateway, clock, ("k", trial_balance(1, 4)), ("l", trial_balance(1, 4, closing=230)), ("m", trial_balance(1, 4))
    )
    assert [one.sealed[0].statement.count for one in outcomes] == [1, 1, 1]


def test_sealed_at_never_runs_backwards_even_if_the_clock_does(gateway: Gateway) -> None:
    clock = SetClock()
    first = submit(gateway, clock, ("k", trial_balance(1, 4)))[0]
    clock.at -= timedelta(hours=1)
    second = submit(gateway, clock, ("l", trial_balance(1, 5)))[0]
    assert second.sealed[0].sealed_at >= first.sealed[0].sealed_at


def test_a_submission_whose_ground_never_holds_is_pushed_back_and_does_not_stop_the_others(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    restless, clock = Restless(str(gateway.settings.database_url), firm=2), SetClock()
    try:
        busy, taken = submit(gateway, clock, ("k", trial_balance(2, 4)), ("l", trial_balance(1, 4)), over=restless)
    finally:
        restless.close()
    again = submit(gateway, clock, ("k", trial_balance(2, 4)))[0]
    assert isinstance(busy, BusyError)
    assert ("keeps changing" in busy.message, "変わり続けている" in busy.ja) == (True, True)
    assert taken.sealed[0].statement.counts.accepted == 1
    assert (again.replayed, again.sealed[0].statement.counts.held) == (False, 1)
    assert [(one.levelno, one.args[1]) for one in caplog.records if one.name == "hayame.commit"] == [
        (logging.ERROR, ROUNDS)
    ]


def test_of_two_corrections_computed_from_the_same_ground_the_later_supersedes_the_earlier(gateway: Gateway) -> None:
    clock = SetClock()
    submit(gateway, clock, ("k", trial_balance(1, 4)))
    overtaking: list[Any] = []

    def correct(closing: int, reason: str) -> bytes:
        return trial_balance(1, 4, closing=closing, correction="replace", correction_reason=reason)

    def overtake() -> None:
        overtaking.extend(submit(gateway, clock, ("l", correct(230, "first"))))

    overtaken = Overtaken(str(gateway.settings.database_url), overtake)
    try:
        [second] = submit(gateway, clock, ("m", correct(330, "second")), over=overtaken)
    finally:
        overtaken.close()
    statements = [one.sealed[0].statement for one in (*overtaking, second)]
    assert [(one.known_position, one.first_position, one.count) for one in statements] == [(1, 1, 1), (2, 2, 1)]
    with gateway.database.read() as session:
        lines = [orjson.loads(body) for _, _, _, body in gateway.blocks.page(session, "13", 1, 10).rows]
    told = [(one["supersedes"]["position"], one["supersedes"]["reason"], closings(one)) for one in lines]
    assert told == [(0, "first", (130, 230)), (1, "second", (230, 330))]


def closings(line: dict[str, Any]) -> tuple[int, int]:
    """What a line says the account closed with before, and what it says now."""
    [now] = line["record"]["lines"]
    [before] = [one for one in line["supersedes"]["before"] if re.fullmatch("/lines/.+/closing_yen", one["at"])]
    return before["value"], now["closing_yen"]
