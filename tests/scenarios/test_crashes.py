"""``kill -9`` at any moment, under load: what was acknowledged is there exactly once, and nothing else is."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
from auditor import checked_receipts, is_loading, leftovers, let_leases_run_out
from senders import Handover, Sender, insist
from world import BANK, OTHER_BANK, VENDOR, World, running, trial_balance

from gateway.client.following import FollowedLine
from mocks import tapes

LOANS = 2_500
WORKERS_STOP_WITHIN_S = 60


def books(sender: str, firms: range) -> Iterator[Handover]:
    """Trial balances of some firms, again and again: no two alike, later ones correcting earlier ones."""
    for number in count():
        firm, month = firms[number % len(firms)], number // len(firms) % 3 + 1
        yield Handover(f"{sender}/{number}", trial_balance(firm, month, closing=1_000 + number))


def tapes_month_by_month() -> Iterator[Handover]:
    """Repayment tapes that are large enough to be loaded in the background."""
    for number in count(1):
        rows = tapes.loan_book(1, LOANS, date(2026 + (number + 2) // 12, (number + 2) % 12 + 1, 27))
        yield Handover(f"tape/{number}", tapes.write_tape("guarantee_csv", rows, number), {"filename": "償還.csv"})


class Reader:
    """Follows the feed through every crash."""

    def __init__(self, world: World) -> None:
        self.lines: list[FollowedLine] = []
        self._following, self._stopping = world.following(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)
        insist(self._fetch)

    def _run(self) -> None:
        while not self._stopping.wait(0.3):
            insist(self._fetch)

    def _fetch(self) -> None:
        self.lines += self._following.fetch()


def workers_of(world: World) -> list[psutil.Process]:
    assert world.process is not None
    return psutil.Process(world.process.pid).children()


def crash(world: World, draw: random.Random) -> list[psutil.Process]:
    """Kill the server and start it again; in some rounds its worker as well, in some the worker alone.

    Returns:
        The workers of before: those not killed have to stop by themselves.
    """
    if draw.random() < 0.3:
        deadline = time.monotonic() + 3
        while not is_loading(world) and time.monotonic() < deadline:
            time.sleep(0.01)
    time.sleep(draw.uniform(0.05, 1.5))
    workers, whom = workers_of(world), draw.choice(["the server", "both", "the worker"])
    if whom != "the server":
        for worker in workers:
            worker.kill()
    if whom != "the worker":
        world.kill()
        world.start()
    let_leases_run_out(world)
    return workers


@pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_kill_9_at_any_moment_loses_nothing_and_does_nothing_twice(
    database_url: str, tmp_path: Path, rounds: int
) -> None:
    with running(tmp_path, database_url, HAYAME_LARGE_RECORDS="1000") as world:
        world.register(range(LOANS + 1))
        reader = Reader(world)
        senders = [
            Sender(world.client(BANK), tapes_month_by_month()),
            Sender(world.client(BANK), books(BANK, range(10))),
            Sender(world.client(OTHER_BANK), books(OTHER_BANK, range(10, 20))),
            Sender(world.client(VENDOR), books(VENDOR, range(10))),
        ]
        draw = random.Random(rounds)
        before = [worker for _ in range(rounds) for worker in crash(world, draw)]
        assert psutil.wait_procs(before, timeout=WORKERS_STOP_WITHIN_S)[1] == []
        for sender in senders:
            sender.stop()
        reader.stop()
        check(world, [handover for sender in senders for handover in sender.done], reader.lines)


def check(world: World, handed_over: list[Handover], followed: list[FollowedLine]) -> None:
    """Everything that is promised about crashes."""
    receipts = checked_receipts(world)
    assert sorted(receipt for one in handed_over for receipt in one.receipts) == sorted(receipts)
    assert {len(one.submissions) for one in handed_over} == {1}
    assert retried(world, handed_over) == [one.receipts for one in handed_over]
    lines = world.following().fetch()
    assert [line.position for line in lines] == list(range(len(lines)))
    assert {(line.submission, line.index) for line in lines} == promised(handed_over)
    assert followed == lines
    assert leftovers(world) == {}


def retried(world: World, handed_over: list[Handover]) -> list[list[str]]:
    """The receipts that come back when everything is sent once more."""
    clients = {name: world.client(name) for name in (BANK, OTHER_BANK, VENDOR)}
    return [one.submit(clients.get(one.key.split("/")[0], clients[BANK])).receipts for one in handed_over]


def promised(handed_over: list[Handover]) -> set[tuple[Any, Any]]:
    """(submission, index) of every line that the receipts speak of: each document is one, each tape one per loan."""
    return {
        (one.promised[0].submission, index)
        for one in handed_over
        for index in range(LOANS if one.key.startswith("tape") else 1)
    }
