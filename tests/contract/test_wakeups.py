"""Who waits for news of a log, over a real database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from inside import Inside
from world import BANK, corporate_number, trial_balance

from gateway.registers.firms import say_who
from gateway.runtime.wakeups import Wakeups
from gateway.schemas.identifiers import Reference, Scheme
from gateway.store.engine import Watch

SOON_S, LATE_S = 0.2, 20.0


@pytest.fixture
def others(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    """A gateway that shares nothing with the wake-ups but its database."""
    inside = Inside(tmp_path / "data", database_url)
    reference = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(1))
    say_who(inside.gateway.registrar, reference, None, "第1商店", (BANK, inside.gateway.clock.now()))
    yield inside
    inside.close()


def waited(others: Inside, act: Callable[[Wakeups], Awaitable[object]]) -> float:
    """Seconds that something takes beside wake-ups that watch the database."""

    async def run() -> float:
        watch = Watch(others.gateway.database)
        wakeups = Wakeups(watch, others.gateway.database)
        watching, begun = asyncio.create_task(wakeups.run()), time.monotonic()
        await act(wakeups)
        seconds = time.monotonic() - begun
        watching.cancel()
        watch.close()
        return seconds

    return asyncio.run(run())


def test_who_waits_is_woken_by_what_its_own_log_gets_and_not_by_anothers(others: Inside) -> None:
    async def act(wakeups: Wakeups) -> None:
        waiting = asyncio.create_task(wakeups.wait("13", 5, LATE_S))
        await asyncio.sleep(0)
        wakeups.wake({"27": 100})
        wakeups.wake({"13": 5})  # as far as is known already to who waits
        assert await asyncio.wait([waiting], timeout=SOON_S) == (set(), {waiting})
        wakeups.wake({"13": 6})
        assert await waiting

    assert waited(others, act) < LATE_S


def test_what_came_before_somebody_began_to_wait_for_it_is_not_waited_for(others: Inside) -> None:
    async def act(wakeups: Wakeups) -> None:
        wakeups.wake({"13": 6})
        assert await wakeups.wait("13", 5, LATE_S)

    assert waited(others, act) < LATE_S


def test_an_older_look_does_not_hide_what_is_known_already(others: Inside) -> None:
    async def act(wakeups: Wakeups) -> None:
        wakeups.wake({"13": 6})
        wakeups.wake({"13": 4})
        assert wakeups.end_of("13") == 6

    waited(others, act)


def test_a_commit_by_another_process_wakes_whoever_waits_for_that_log(others: Inside) -> None:
    async def act(wakeups: Wakeups) -> None:
        waiting = asyncio.create_task(wakeups.wait("13", 0, LATE_S))
        of_another = asyncio.create_task(wakeups.wait("27", 0, LATE_S))
        await asyncio.to_thread(others.at_once, trial_balance(1, 4))
        await waiting
        assert wakeups.end_of("13") == 1
        assert not of_another.done()
        of_another.cancel()

    assert waited(others, act) < LATE_S


def test_who_waits_is_let_go_when_the_server_stops(others: Inside) -> None:
    async def act(wakeups: Wakeups) -> None:
        waiting = asyncio.create_task(wakeups.wait("13", 0, LATE_S))
        await asyncio.sleep(0)
        wakeups.end()
        assert not await waiting
        assert not await wakeups.wait("13", 0, LATE_S)

    assert waited(others, act) < LATE_S
