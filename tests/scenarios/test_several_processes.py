"""One gateway answering with several processes: one feed, one set of receipts, and nobody left behind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from world import BANK, World, running, trial_balance

CLIENTS, MONTHS = 24, 3
STOP_WITHIN_S = 30


def family(world: World) -> list[psutil.Process]:
    assert world.process is not None
    return psutil.Process(world.process.pid).children()


def hand_over(world: World, firm: int) -> list[str]:
    """A firm's months, one after the other, over one connection."""
    with world.client(BANK) as client:
        return [client.submit(trial_balance(firm, month), recipient="13").receipts[0] for month in range(1, MONTHS + 1)]


def test_what_several_processes_accept_is_one_gapless_feed_in_each_of_their_answers(
    database_url: str, tmp_path: Path
) -> None:
    with running(tmp_path, database_url, HAYAME_PROCESSES="3") as world:
        world.register(range(CLIENTS))
        with ThreadPoolExecutor(CLIENTS) as pool:
            receipts = [one for some in pool.map(lambda firm: hand_over(world, firm), range(CLIENTS)) for one in some]
        readers = [world.following() for _ in range(6)]
        feeds = [reader.fetch() for reader in readers]
        assert len(set(receipts)) == CLIENTS * MONTHS
        assert [line.position for line in feeds[0]] == list(range(CLIENTS * MONTHS))
        assert all(feed == feeds[0] for feed in feeds)


def test_when_the_first_of_them_is_killed_the_others_stop_by_themselves(database_url: str, tmp_path: Path) -> None:
    with running(tmp_path, database_url, HAYAME_PROCESSES="2") as world:
        others = family(world)
        assert len(others) == 2, "another server, and the worker"
        world.kill()
        assert psutil.wait_procs(others, timeout=STOP_WITHIN_S)[1] == []
        world.start()
        assert world.client(BANK).submit(trial_balance(1, 1), recipient="13").status == 201


def test_one_that_dies_is_started_again(database_url: str, tmp_path: Path) -> None:
    with running(tmp_path, database_url, HAYAME_PROCESSES="2") as world:
        for one in family(world):
            one.kill()
            one.wait(STOP_WITHIN_S)
        deadline = time.monotonic() + STOP_WITHIN_S
        while len(family(world)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(family(world)) == 2
        assert world.client(BANK).submit(trial_balance(1, 1), recipient="13").status == 201
