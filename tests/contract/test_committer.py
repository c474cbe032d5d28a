"""The committer by itself, over a real database and with a clock that can be set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import BANK, corporate_number, trial_balance

from gateway.pipeline import Outcome, merged, prepare
from gateway.registers.firms import say_who
from gateway.runtime.committer import Committer, Tools
from gateway.runtime.wakeups import Wakeups
from gateway.schemas.findings import Verdict
from gateway.schemas.identifiers import Reference, Scheme, new_id
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Request, Submission
from gateway.settings import Settings
from gateway.steps.receive import receive
from gateway.store import submissions
from gateway.store.engine import Watch
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
    say_who(gateway.database, reference, None, "第1商店", (BANK, gateway.clock.now()))
    yield gateway
    gateway.database.close()


def submit(gateway: Gateway, clock: SetClock, *documents: tuple[str, bytes]) -> list[Outcome]:
    """Commit documents, each under its key, one after the other."""

    async def run() -> list[Outcome]:
        watch = Watch(gateway.database)
        tools = Tools(gateway.database, gateway.blocks, gateway.line.pack, gateway.sealer, clock, Wakeups(watch))
        committer = Committer(tools, 64, DAYS)
        running = asyncio.create_task(committer.run())
        outcomes = []
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
            outcomes.append(await committer.commit(submission, prepared, received, ("13",)))
        running.cancel()
        watch.close()
        return outcomes

    return asyncio.run(run())


def test_within_its_days_a_key_gives_the_stored_outcome(gateway: Gateway) -> None:
    clock = SetClock()
    first, again = submit(gateway, clock, ("k", trial_balance(1, 4)), ("k", trial_balance(1, 4)))
    assert (again.replayed, again.submission) == (True, first.submission)


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
